// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// The review: a list of findings, the map, and the chosen finding with its sightings.
const store = new ReviewStore();
const map = new ReviewMap(element('map'));
const outlines = new ReviewOutlines(map, store);
const view = { chosen: 0, sighting: 0, isWhole: false, shown: 200, filter: 'all', class: '', order: 'number' };
const sightings = new Map();  // by number: {list, count}
const MOST_TRIES = 5;  // of an image
const STATES = ['confirmed', 'tentative', 'rejected', 'gone'];
const ORDERS = {
  number: (a, b) => a.n - b.n,
  doubtful: (a, b) => Math.abs(a.p - 0.5) - Math.abs(b.p - 0.5) || a.n - b.n,
  severe: (a, b) => grade(b.severity) - grade(a.severity) || a.n - b.n,
  newest: (a, b) => b.last_ms - a.last_ms || a.n - b.n,
};
const KEYS = {
  j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
  ArrowRight: () => page(1), ArrowLeft: () => page(-1),
  c: () => decide('confirm'), r: () => decide('reject'), l: askClass, m: askMerge, s: split,
  n: askNote, 1: () => decide('severity', 'low'), 2: () => decide('severity', 'medium'),
  3: () => decide('severity', 'high'), a: askAll, u: () => undo(), x: toggleWhole,
  f: () => map.fit(listed()), d: () => openDrawing(), w: askWho, '?': showHelp,
};
const HELP = [
  ['j ↓', 'key_next'], ['k ↑', 'key_previous'], ['← →', 'key_sightings'], ['x', 'key_whole'],
  ['c', 'confirm'], ['r', 'reject'], ['l', 'class'], ['m', 'merge'], ['s', 'split'],
  ['n', 'note'], ['1 2 3', 'key_severity'], ['a', 'all_like'], ['u', 'undo'], ['f', 'key_fit'],
  ['d', 'draw'],
  ['w', 'key_who'], ['?', 'help'],
];

function element(id) { return document.getElementById(id); }

// Makes an element; what comes from a file is only ever text.
function make(tag, { parts = [], ...properties } = {}) {
  const { dataset, ...own } = properties;
  const made = Object.assign(document.createElement(tag), own);
  Object.assign(made.dataset, dataset ?? {});
  made.append(...parts);
  return made;
}

function grade(severity) { return ['', 'low', 'medium', 'high'].indexOf(severity); }

function className(name) { return FACTS.classes[name] ?? name; }

function rows() { return [...store.findings.values()].map((row) => store.shown(row)); }

function listed() {
  return rows()
    .filter((row) => view.filter === 'all'
      || (view.filter === 'open' ? !row.decided : row.state === view.filter))
    .filter((row) => !view.class || row.class === view.class)
    .sort(ORDERS[view.order]);
}

function chosen() {
  const row = store.findings.get(view.chosen);
  return row && store.shown(row);
}

function choose(number, { isShown = true } = {}) {
  if (view.merging) {
    finishMerge(number);
    return;
  }
  if (number !== view.chosen) Object.assign(view, { chosen: number, sighting: 0 });
  if (isShown && document.body.dataset.view === 'list') setView('finding');
  render();
  map.reveal(chosen());
  document.querySelector('#rows .chosen')?.scrollIntoView({ block: 'nearest' });
}

function step(by) {
  const all = listed();
  if (!all.length) return;
  const at = all.findIndex((row) => row.n === view.chosen);
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  view.shown = Math.max(view.shown, all.indexOf(next) + 20);
  choose(next.n, { isShown: false });
}

function page(by) {
  const found = sightings.get(view.chosen)?.list.length ?? 0;
  if (!found) return;
  view.sighting = (view.sighting + by + found) % found;
  render();
}

function toggleWhole() {
  view.isWhole = !view.isWhole;
  render();
}

// ---- decisions

function decide(kind, value = '', chosenRows = [chosen()]) {
  const about = chosenRows.filter(Boolean);
  if (!about.length) return;
  if (!store.who) {
    askWho(() => decide(kind, value, about));
    return;
  }
  const after = followerOf(about);
  store.decide(about.map((row) => ({ uuid: row.uuid, kind, value })));
  // On to the next one: a review is hundreds of these.
  if (['confirm', 'reject'].includes(kind) && about.length === 1 && after) choose(after, { isShown: false });
}

// The next finding in the list that nobody has decided.
function followerOf(about) {
  const all = listed();
  const at = all.findIndex((row) => row.n === about[0].n);
  return all.slice(at + 1).find((row) => !row.decided)?.n;
}

function undo(serials = []) {
  if (!store.who) askWho(() => undo(serials));
  else store.undo(serials);
}

function split() {
  const row = chosen();
  const track = sightings.get(row?.n)?.list[view.sighting]?.track;
  if (!row) return;
  if (!track) notify(say('no_track'));
  else ask(say('split_question', { number: row.n }), [[say('split'), () => decide('split', track, [row])]]);
}

function askMerge() {
  const row = chosen();
  if (!row) return;
  view.merging = row.n;
  const field = make('input', { type: 'number', min: 1, className: 'touch', ariaLabel: say('number') });
  ask(say('merge_question', { number: row.n }), [[say('merge'), () => finishMerge(Number(field.value))]],
    { field, isModal: false });
}

function finishMerge(number) {
  const row = store.findings.get(view.merging);
  const whole = store.findings.get(number);
  view.merging = 0;
  closeDialog();
  if (!row || !whole || row.n === whole.n) {
    notify(say('merge_refused'));
    return;
  }
  decide('merge', whole.uuid, [row]);
  choose(whole.n, { isShown: false });
}

function askNote() {
  const row = chosen();
  if (!row) return;
  const field = make('textarea', { maxLength: 2000, rows: 4, ariaLabel: say('note') });
  ask(say('note_question', { number: row.n }), [
    [say('save'), () => field.value.trim() && decide('note', field.value.trim(), [row])],
  ], { field });
}

function askClass() {
  const row = chosen();
  if (row) pickClass(say('class_question', { number: row.n }), (name) => decide('rename', name, [row]));
}

function pickClass(question, use) {
  const known = [...new Set([...rows().map((row) => row.class), ...Object.keys(FACTS.classes)])]
    .filter((name) => name !== 'other').sort();
  const field = make('input', { maxLength: 80, className: 'touch', ariaLabel: say('class'), placeholder: say('another_class') });
  ask(question, [
    ...known.map((name, at) => [`${at < 9 ? `${at + 1} ` : ''}${className(name)}`, () => use(name)]),
    [say('save'), () => field.value.trim() && use(field.value.trim())],
  ], { field });
}

function askAll() {
  const row = chosen();
  if (!row) return;
  const alike = rows().filter((one) => one.class === row.class && !one.decided
    && one.state === row.state);
  if (!alike.some((one) => one.n === row.n)) alike.push(row);
  const question = say('all_question', {
    count: alike.length, class: className(row.class), state: say(`state_${row.state}`),
  });
  ask(question, [
    [say('confirm'), () => decide('confirm', '', alike)],
    [say('reject'), () => decide('reject', '', alike)],
    [say('class'), () => pickClass(question, (name) => decide('rename', name, alike))],
    ...['low', 'medium', 'high'].map(
      (one) => [say(`severity_${one}`), () => decide('severity', one, alike)]),
  ]);
}

function askWho(then = () => {}) {
  const field = make('input', {
    maxLength: 80, className: 'touch', ariaLabel: say('who'), value: store.who, autocomplete: 'name',
  });
  ask(say('who_question'), [[say('save'), () => {
    if (!field.value.trim()) return;
    store.setWho(field.value.trim());
    then();
  }]], { field });
}

function openDrawing() {
  setView('map');
  outlines.toggle();
}

// ---- dialogs

// Asks; the first button is for Enter, a digit for one of the others.
function ask(question, answers, { field, isModal = true } = {}) {
  const dialog = element('dialog');
  closeDialog();
  const buttons = answers.map(([label, use]) => make('button', {
    className: 'touch', textContent: label,
    onclick: () => {
      closeDialog();
      use();
    },
  }));
  dialog.replaceChildren(
    make('p', { textContent: question }), ...(field ? [field] : []),
    make('div', { className: 'answers', parts: [...buttons, make('button', {
      className: 'touch plain', textContent: say(answers.length ? 'cancel' : 'close'), onclick: closeDialog,
    })] }));
  dialog.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') closeDialog();
    const isTyping = field === document.activeElement;
    if (event.key === 'Enter' && isTyping && field.tagName === 'INPUT') {
      event.preventDefault();
      buttons.at(-1).click();
    } else if (/^[1-9]$/.test(event.key) && (!isTyping || !field.value) && answers.length > 1) {
      event.preventDefault();
      buttons[Number(event.key) - 1]?.click();
    }
  };
  dialog.onclose = () => { view.merging = 0; };
  if (isModal) dialog.showModal();
  else dialog.show();
  (field ?? dialog.querySelector('button')).focus();
}

function closeDialog() {
  const merging = view.merging;
  if (element('dialog').open) element('dialog').close();
  setTimeout(() => { if (view.merging === merging && !element('dialog').open) view.merging = 0; });
}

function showHelp() {
  const list = make('dl', { parts: HELP.flatMap(([key, meaning]) => [
    make('dt', { textContent: key }), make('dd', { textContent: say(meaning) }),
  ]) });
  ask(say('help'), []);
  element('dialog').querySelector('p').after(list);
}

function notify(sentence) {
  const note = make('p', { className: 'note', role: 'status', textContent: sentence });
  document.body.append(note);
  setTimeout(() => note.remove(), 6000);
}

// ---- what is shown

function setView(name) {
  document.body.dataset.view = name;
  for (const button of element('views').children) {
    button.setAttribute('aria-pressed', button.dataset.view === name);
  }
  if (name === 'map' && map.map) {
    map.map.invalidateSize();
    if (!map.isFitted) map.fit(rows());
  }
}

// A button that is replaced between press and release, as a flight brings news, is not clicked.
function render() {
  if (view.isPressed) return;
  renderHeader();
  renderFilters();
  renderRows();
  renderFinding();
  map.colours = store.colours;
  map.show(rows(), chosen(), store.isLive);
  const hasPlaces = rows().some((row) => row.at);
  element('no-map').hidden = hasPlaces || !store.revision;
}

function renderHeader() {
  const all = rows();
  const done = all.filter((row) => row.decided).length;
  element('progress').textContent = say('progress', { done, total: all.length });
  const isLive = store.isLive && Date.now() / 1000 - store.changedAt < 20 && !store.pending.length;
  const words = [];
  if (!store.isOnline) words.push(say('offline'));
  if (store.pending.length) words.push(say('waiting', { count: store.pending.length }));
  else if (isLive) words.push(say('live'));
  element('link').textContent = words.join(' · ');
  element('link').className = store.isOnline ? '' : 'bad';
  element('who').textContent = store.who || say('who');
  element('error').hidden = !store.trouble;
  element('error').textContent = store.trouble ?? '';
}

function fill(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) {
    select.dataset.options = key;
    select.replaceChildren(...options.map(([name, label]) => make('option', { value: name, textContent: label })));
  }
  select.value = value;
}

function renderFilters() {
  const all = rows();
  const count = (test) => all.filter(test).length;
  fill(element('filter'), [
    ['all', `${say('all')} ${all.length}`], ['open', `${say('open')} ${count((row) => !row.decided)}`],
    ...STATES.map((state) => [state, `${say(`state_${state}`)} ${count((row) => row.state === state)}`]),
  ], view.filter);
  const names = [...new Set(all.map((row) => row.class))].sort();
  if (view.class && !names.includes(view.class)) view.class = '';
  fill(element('class'), [['', say('all_classes')], ...names.map((name) => [name, className(name)])], view.class);
  fill(element('order'), Object.keys(ORDERS).map((key) => [key, say(`order_${key}`)]), view.order);
}

function renderRows() {
  const all = listed();
  const list = element('rows');
  const known = new Map([...list.children].map((item) => [Number(item.dataset.number), item]));
  const items = all.slice(0, view.shown).map((row) => {
    const look = JSON.stringify([row, row.n === view.chosen, store.colours[row.class]]);
    const old = known.get(row.n);
    return old?.look === look ? old : Object.assign(rowItem(row, old), { look });
  });
  if (items.length !== list.children.length || items.some((item, at) => list.children[at] !== item)) {
    list.replaceChildren(...items);
  }
  element('more').hidden = all.length <= view.shown;
  element('more').textContent = say('more', { shown: items.length, total: all.length });
}

function rowItem(row, old) {
  // During a flight a better image may come, or the first one at all.
  const image = `${row.uuid}.${row.shown}`;
  const isKnown = old?.dataset.image === image && !(store.isLive && old.querySelector('.no-image'));
  const thumbnail = isKnown ? old.querySelector('img, .no-image') : make('img', {
    loading: 'lazy', width: 96, height: 72, alt: '', src: `${store.base}/thumbnail/${row.n}?of=${image}`,
  });
  if (!isKnown) askedAgain(thumbnail, () => thumbnail.replaceWith(make('span', { className: 'no-image' })));
  // The state last: the pin shows it too where a narrow list cuts the line.
  const facts = [`${Math.round(row.p * 100)} %`, say('seen', { count: row.sightings }), say(`state_${row.state}`)];
  const item = make('li', {
    dataset: { number: row.n, image },
    className: `touch${row.n === view.chosen ? ' chosen' : ''}`,
    onclick: () => choose(row.n),
    parts: [thumbnail, pin(row), make('span', { className: 'about', parts: [
      make('strong', { textContent: className(row.class) }),
      make('small', { textContent: facts.join(' · ') }),
    ] }), make('span', { className: 'badges', parts: badges(row) })],
  });
  return item;
}

function pin(row) {
  const made = make('span', { className: `pin ${row.state}${row.decided ? ' decided' : ''}`, textContent: row.n });
  made.style.setProperty('--colour', store.colours[row.class] ?? '#888');
  return made;
}

function badges(row) {
  const found = [];
  if (row.severity) {
    found.push(make('span', { className: `badge ${row.severity}`, textContent: say(`severity_${row.severity}`) }));
  }
  if (row.disputed) found.push(make('span', { className: 'badge disputed', textContent: say('disputed') }));
  if (row.isWaiting) found.push(make('span', { className: 'badge', textContent: '…' }));
  return found;
}

function renderFinding() {
  const row = chosen();
  const panel = element('finding');
  if (!row) {
    panel.look = '';
    panel.replaceChildren(make('p', { className: 'hint', textContent: say(store.revision ? (store.findings.size ? 'choose' : 'none') : 'loading') }));
    return;
  }
  loadSightings(row);
  const found = sightings.get(row.n);
  const look = JSON.stringify([row, view.sighting, view.isWhole, found?.list.length, found?.list[view.sighting]?.fid, store.decisions.length, [...store.undone]]);
  if (panel.look === look) return;
  panel.look = look;
  panel.replaceChildren(
    make('h2', { parts: [pin(row), make('span', { textContent: className(row.class) }), ...badges(row)] }),
    imageOf(row, found), pager(found), actions(), factsOf(row, found), historyOf(row));
}

async function loadSightings(row) {
  const of = JSON.stringify([row.uuid, row.ids, row.sightings, row.shown]);
  const before = sightings.get(row.n);
  if (before?.of === of) return;
  sightings.set(row.n, { list: [], count: 0, ...before, of });
  try {
    const response = await fetch(`${store.base}/sightings/${row.n}`);
    if (!response.ok) throw new Error(await response.text());
    const { sightings: list, count } = await response.json();
    // The best first: most confident.
    sightings.set(row.n, { of, list, count });
    if (row.n === view.chosen && !before?.list.length) {
      const best = list.reduce((at, one, index) => (one.confidence > (list[at]?.confidence ?? 0) ? index : at), 0);
      view.sighting = best;
    }
    if (row.n === view.chosen) view.sighting = Math.max(0, Math.min(view.sighting, list.length - 1));
    if (row.n === view.chosen) render();
  } catch {
    sightings.delete(row.n);
  }
}

function imageOf(row, found) {
  const one = found?.list[view.sighting];
  const frame = make('figure', { className: view.isWhole ? 'whole' : '' });
  if (!one) {
    frame.append(make('span', { className: 'absent' }), make('figcaption', { textContent: '\u00a0' }));
    return frame;
  }
  const image = make('img', {
    src: `${store.base}/image/${one.fid}?kind=${view.isWhole ? 'context' : 'crop'}&of=${row.uuid}.${row.shown}`,
    alt: one.name, onclick: toggleWhole, title: `${say('key_whole')} (x)`,
  });
  askedAgain(image, async (response) => {
    if (response?.status === 410) {
      // The inspection was made again: its sightings have other numbers now.
      sightings.set(row.n, { ...sightings.get(row.n), of: '' });
      loadSightings(row);
      return;
    }
    const reason = response ? await response.text() : say('offline');
    image.replaceWith(make('p', { className: 'missing', textContent: reason }));
  });
  const when = new Date(one.time_ms);
  const time = one.time_ms > 1e11 ? when.toLocaleString() : `${(one.time_ms / 1000).toFixed(1)} s`;
  frame.append(image, make('figcaption', {
    textContent: `${one.name} · ${time} · ${className(one.class)} ${one.confidence.toFixed(2)}`,
  }));
  return frame;
}

// An image that the station cannot give now, for another program writes, is asked for again.
function askedAgain(image, refused) {
  let tries = 0;
  image.onerror = async () => {
    const response = await fetch(image.src).catch(() => null);
    if ((response?.ok || response?.status === 503) && tries < MOST_TRIES) {
      tries += 1;
      await sleep(1000 * (Number(response.headers.get('Retry-After')) || 1));
      image.src = `${image.src}`;
      return;
    }
    refused(response);
  };
}

function pager(found) {
  const total = found?.list.length ?? 0;
  const count = found?.count ?? 0;
  const more = count > total ? ` (${count})` : '';
  return make('div', { className: 'pager', parts: [
    make('button', { className: 'touch', textContent: '◀', title: `${say('previous')} (←)`, ariaLabel: say('previous'), onclick: () => page(-1) }),
    make('span', { textContent: total ? `${view.sighting + 1} / ${total}${more}` : '…' }),
    make('button', { className: 'touch', textContent: '▶', title: `${say('next')} (→)`, ariaLabel: say('next'), onclick: () => page(1) }),
    make('button', { className: 'touch', textContent: say(view.isWhole ? 'show_crop' : 'show_whole'), title: `${say('key_whole')} (x)`, onclick: toggleWhole }),
  ] });
}

function actions() {
  const button = (key, label, kind = '') => make('button', {
    className: `touch ${kind}`, textContent: say(label), title: `${say(label)} (${key})`, onclick: KEYS[key],
    dataset: { key },
  });
  return make('div', { className: 'actions', parts: [
    button('c', 'confirm', 'good'), button('r', 'reject', 'bad'),
    button('1', 'severity_low', 'low'), button('2', 'severity_medium', 'medium'), button('3', 'severity_high', 'high'),
    button('l', 'class'), button('n', 'note'), button('m', 'merge'), button('s', 'split'), button('a', 'all_like'),
  ] });
}

function factsOf(row, found) {
  const facts = [[say('state'), say(`state_${row.state}`) + (row.decided && row.by ? ` · ${row.by}` : '')]];
  facts.push([say('existence'), `${(row.p * 100).toFixed(1)} %`]);
  if (row.severity) facts.push([say('severity'), say(`severity_${row.severity}`) + (row.why ? ` · ${row.why}` : '')]);
  if (row.size) facts.push([say('size'), `${row.size[0]} × ${row.size[1]} m · ${row.size[2]} m²`]);
  if (row.at) facts.push([say('place'), `${row.at[0].toFixed(7)}, ${row.at[1].toFixed(7)} ± ${row.radius} m`]);
  else facts.push([say('place'), say('no_place')]);
  const one = found?.list[view.sighting];
  if (one) facts.push([say('flight'), one.flight]);
  if (one?.mm_per_px) facts.push([say('resolution'), `${one.mm_per_px} mm/px`]);
  if (row.outside) facts.push([say('area'), say('outside')]);
  if (row.note) facts.push([say('note'), row.note]);
  return make('dl', { parts: facts.flatMap(([name, value]) => [
    make('dt', { textContent: name }), make('dd', { textContent: value }),
  ]) });
}

function historyOf(row) {
  const items = store.history(row).reverse().map((one) => {
    const value = one.kind === 'merge' ? '' : one.kind === 'rename' ? className(one.value) : one.kind === 'severity' ? say(`severity_${one.value}`) : one.value;
    const isUndone = store.undone.has(one.id);
    const by = isUndone ? ` · ${say('undone_by', { who: store.undoer(one.id)?.who ?? '' })}` : '';
    const parts = [make('span', {
      className: isUndone ? 'undone' : '',
      textContent: `${say(`did_${one.kind}`)} ${value}`.trim(),
    }), make('small', { textContent: `${one.who} · ${new Date(one.at).toLocaleString()}${by}` })];
    if (!isUndone) parts.push(make('button', { className: 'touch plain', textContent: say('undo'), onclick: () => undo([one.id]) }));
    return make('li', { parts });
  });
  return make('section', { className: 'history', parts: items.length
    ? [make('h3', { textContent: say('history') }), make('ul', { parts: items })] : [] });
}

// ---- begin

element('name').textContent = FACTS.name;
element('back').title = say('back');
element('help').title = `${say('help')} (?)`;
element('help').onclick = showHelp;
element('undo').append('↶', make('span', { className: 'long', textContent: ` ${say('undo')}` }));
element('undo').ariaLabel = say('undo');
element('undo').title = `${say('undo_tip')} (u)`;
element('undo').onclick = () => undo();
element('who').title = `${say('key_who')} (w)`;
element('who').onclick = () => askWho();
element('no-map').textContent = say('no_map');
element('more').onclick = () => { view.shown += 200; render(); };
for (const id of ['filter', 'class', 'order']) {
  element(id).ariaLabel = say(id === 'class' ? 'class' : id);
  element(id).onchange = (event) => {
    view[id] = event.target.value;
    event.target.blur();
    render();
  };
}
element('views').append(...['list', 'map', 'finding'].map((name) => make('button', {
  className: 'touch', textContent: say(`view_${name}`), dataset: { view: name }, onclick: () => setView(name),
})));
setView('list');
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || element('dialog').matches('[open]:modal')) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName)) return;
  if (outlines.press(event)) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
document.addEventListener('pointerdown', () => { view.isPressed = true; });
for (const name of ['pointerup', 'pointercancel']) {
  document.addEventListener(name, () => setTimeout(() => {
    view.isPressed = false;
    render();
  }));
}
map.addEventListener('choose', (event) => choose(event.detail));
store.addEventListener('refused', (event) => notify(event.detail));
let isMapAsked = false;
store.addEventListener('change', () => {
  render();
  outlines.refresh();
  if (isMapAsked || !store.revision) return;
  isMapAsked = true;
  // Findings and their thumbnails come first on a slow link, the map after them.
  setTimeout(() => map.load(store.base).then(() => outlines.attach()).then(render).catch(() => { isMapAsked = false; }), 50);
});
setInterval(() => map.layers && !document.hidden && Date.now() / 1000 - store.changedAt < 20 && map.refreshLayers(), 10000);
setInterval(renderHeader, 5000);
render();
store.start();
