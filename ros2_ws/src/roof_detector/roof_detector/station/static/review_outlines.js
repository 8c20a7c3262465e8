// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// Zones and the area of an inspection: outlines on the map, drawn and changed corner by corner.
// A change is sent at once with the version that it is based on; the station refuses older ones.
const OUTLINE_LOOKS = {
  area: { color: '#ffffff', weight: 3, dashArray: '10 7', fill: false },
  zones: { color: '#ffd54f', weight: 3, fillOpacity: 0.1 },
};
const NEAR_PX = 6;  // a second click this near to the last corner is a double one

class ReviewOutlines {
  constructor(reviewMap, store) {
    this.reviewMap = reviewMap;
    this.store = store;
    this.known = { area: noOutlines(), zones: noOutlines() };
    this.mode = 'closed';  // or 'list', 'draw', 'chosen'
    this.corners = [];  // of what is drawn
    this.edited = null;  // the corners of the chosen outline
    this.turn = Promise.resolve();
  }

  // Adds the control and the panel once the map is there.
  attach() {
    this.map = this.reviewMap.map;
    this.element = this.map.getContainer();
    this.draft = L.layerGroup().addTo(this.map);
    this.panel = make('div', { className: 'drawing', hidden: true, ariaLabel: say('draw') });
    this.panel.role = 'region';
    const button = make('a', { href: '#', role: 'button', textContent: '✎', title: `${say('draw')} (d)`, ariaLabel: say('draw') });
    const control = L.control({ position: 'topleft' });
    control.onAdd = () => make('div', { className: 'leaflet-bar draw', parts: [button] });
    control.addTo(this.map);
    L.DomEvent.disableClickPropagation(button);
    button.addEventListener('click', (event) => {
      event.preventDefault();
      this.toggle();
    });
    L.DomEvent.disableClickPropagation(this.panel);
    // Leaflet does not know the panel of a button that its own click replaced.
    this.panel.addEventListener('click', (event) => event.stopPropagation());
    L.DomEvent.disableScrollPropagation(this.panel);
    this.element.append(this.panel, make('span', { className: 'crosshair' }));
    this.map.on('click', (event) => this.mark(event.latlng));
    this.map.on('mousemove', (event) => this.band?.setLatLngs([this.corners.at(-1), event.latlng]));
    window.addEventListener('beforeunload', (event) => this.corners.length && event.preventDefault());
    this.refresh();
  }

  // ---- what the station has

  async refresh() {
    const names = Object.keys(this.known);
    const isNew = names.some((name) => this.known[name].version !== this.store.outlines[name]);
    if (!this.map || !this.store.revision || !isNew || this.edited?.isMoving || this.isLoading) return;
    this.isLoading = true;
    await this.inTurn(() => this.load());
    this.isLoading = false;
  }

  // One request after the other, for each is based on what the one before left.
  inTurn(act) {
    this.turn = this.turn.then(act);
    return this.turn;
  }

  async load() {
    const found = await fetch(`${this.store.base}/outlines`)
      .then((response) => (response.ok ? response.json() : null)).catch(() => null);
    if (!found || this.edited?.isMoving) return;
    this.known = found;
    if (this.mode === 'chosen' && nameOf(this.one) !== this.chosen.name) this.setMode('list');
    else this.show();
  }

  // Saves all outlines of a kind; returns whether the station took them.
  save(kind, features) {
    const body = JSON.stringify({ who: this.store.who, based_on: this.known[kind].version, features });
    return this.inTurn(async () => {
      try {
        const response = await fetch(`${this.store.base}/outlines/${kind}`, {
          method: 'POST', headers: { 'Content-Type': 'application/json' }, body,
        });
        if (response.ok) {
          this.known[kind] = await response.json();
          return true;
        }
        if (response.status === 409) {
          await this.load();
          notify(say(this.mode === 'draw' ? 'outlines_changed_draft' : 'outlines_changed'));
        } else notify(await response.text());
      } catch {
        notify(say('outlines_offline'));
      }
      return false;
    });
  }

  get one() { return this.chosen && this.known[this.chosen.kind].features[this.chosen.at]; }

  // The features of the chosen one's kind with another one in its place, or without it.
  replaced(...others) {
    const features = [...this.known[this.chosen.kind].features];
    features.splice(this.chosen.at, 1, ...others);
    return features;
  }

  // ---- what a person does

  setMode(mode) {
    this.edited?.settle();
    this.mode = mode;
    if (mode !== 'chosen') this.chosen = null;
    if (mode !== 'draw') this.corners = [];
    this.element.classList.toggle('is-drawing', mode === 'draw');
    this.element.classList.remove('by-key');
    this.map.doubleClickZoom[mode === 'draw' ? 'disable' : 'enable']();
    this.show();
    if (mode === 'draw' || mode === 'closed') this.element.focus({ preventScroll: true });
    else this.panel.querySelector('button').focus({ preventScroll: true });
  }

  toggle() {
    if (!this.map || this.mode === 'draw') return;
    if (!rows().some((row) => row.at) && !this.reviewMap.extent?.length) notify(say('no_map'));
    else this.setMode(this.mode === 'closed' ? 'list' : 'closed');
  }

  begin(kind, name) {
    this.drawn = { kind, name };
    this.setMode('draw');
  }

  askZone() {
    this.askName('', (name) => this.begin('zones', name));
  }

  // Asks for a name that no other zone has; and before that for the person's.
  askName(value, use) {
    if (!this.store.who) {
      askWho(() => this.askName(value, use));
      return;
    }
    const field = make('input', { maxLength: 80, className: 'touch', ariaLabel: say('outline_name'), value });
    ask(say('outline_name_question'), [[say('save'), () => {
      const name = field.value.trim();
      const isTaken = this.known.zones.features.some((one) => nameOf(one) === name);
      if (isTaken && name !== value) notify(say('outline_name_taken', { name }));
      else if (name) use(name);
    }]], { field });
  }

  askArea() {
    if (this.store.who) this.begin('area', say('inspected_area'));
    else askWho(() => this.askArea());
  }

  mark(at) {
    if (this.mode !== 'draw') return;
    const last = this.corners.at(-1);
    const pixel = (one) => this.map.latLngToContainerPoint(one);
    if (last && pixel(last).distanceTo(pixel(at)) < NEAR_PX) return;
    if (crosses([...this.corners, at], false)) {
      notify(say('outline_crosses'));
      return;
    }
    this.corners.push(at);
    this.show();
  }

  takeBack() {
    this.corners.pop();
    this.show();
  }

  async finish() {
    if (this.isFinishing) return;
    const { kind, name } = this.drawn;
    if (this.corners.length < 3) notify(say('outline_short'));
    else if (crosses(this.corners, true)) notify(say('outline_crosses'));
    else {
      const feature = { type: 'Feature', properties: { name }, geometry: geometryOf(L.polygon(this.corners)) };
      this.isFinishing = true;
      const isSaved = await this.save(kind, [...this.known[kind].features, feature]);
      this.isFinishing = false;
      if (isSaved) this.setMode('list');
    }
  }

  choose(kind, at) {
    this.chosen = { kind, at, name: nameOf(this.known[kind].features[at]) };
    this.setMode('chosen');
    const [first] = this.edited.rings[0];
    if (!this.map.getBounds().contains(first)) this.map.panTo(first);
  }

  rename() {
    this.askName(this.chosen.name, async (name) => {
      const one = { ...this.one, properties: { ...this.one.properties, name } };
      if (await this.save(this.chosen.kind, this.replaced(one))) this.choose(this.chosen.kind, this.chosen.at);
    });
  }

  askDelete() {
    ask(say('outline_delete_question', { name: this.label(this.chosen.kind, this.one) }), [
      [say('delete'), () => this.withName(async () => {
        if (await this.save(this.chosen.kind, this.replaced())) this.setMode('list');
      })],
    ]);
  }

  withName(act) {
    if (this.store.who) act();
    else askWho(act);
  }

  // Saves the corners of the chosen outline as they are now, or shows again what was saved.
  async reshape(polygon) {
    if (ringsOf(polygon.getLatLngs()).some((ring) => crosses(ring, true))) notify(say('outline_crosses'));
    else if (this.store.who) await this.save(this.chosen.kind, this.replaced({ ...this.one, geometry: geometryOf(polygon) }));
    else askWho();
    this.show();
    this.refresh();
  }

  // Returns whether a key was for the drawing.
  press(event) {
    if (this.mode === 'closed') return false;
    const isOnButton = document.activeElement?.matches('button, [role="button"]');
    if (isOnButton && ['Enter', ' '].includes(event.key)) return true;
    if (this.mode !== 'draw') {
      if (event.key !== 'Escape') return false;
      this.setMode(this.mode === 'chosen' ? 'list' : 'closed');
      return true;
    }
    const act = {
      Enter: () => this.finish(), Escape: () => this.setMode('list'), Backspace: () => this.takeBack(),
      ' ': () => this.mark(this.map.getCenter()),
    }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
    if (event.key === ' ' || event.key.startsWith('Arrow')) this.element.classList.add('by-key');
    return true;  // no other key decides of findings meanwhile
  }

  // ---- what is shown

  label(kind, feature) { return nameOf(feature) || say('inspected_area'); }

  show() {
    const layer = this.reviewMap.layers.outlines;
    const at = this.edited?.focused ?? -1;
    layer.clearLayers();
    this.draft.clearLayers();
    this.edited = null;
    this.band = null;
    for (const kind of ['area', 'zones']) {
      this.known[kind].features.forEach((feature, index) => this.showOne(kind, feature, index));
    }
    if (this.mode === 'draw') this.showDraft();
    if (at >= 0) this.edited?.focus(at);
    this.renderPanel();
  }

  showOne(kind, feature, at) {
    const { coordinates, type } = feature.geometry;
    const isChosen = this.chosen?.kind === kind && this.chosen.at === at;
    const polygon = L.polygon(L.GeoJSON.coordsToLatLngs(coordinates, type === 'Polygon' ? 1 : 2), {
      ...OUTLINE_LOOKS[kind], ...(isChosen ? { color: '#4aa8ff' } : {}),
      interactive: ['list', 'chosen'].includes(this.mode) && !isChosen, bubblingMouseEvents: false,
    });
    polygon.on('click', () => this.choose(kind, at));
    const bounds = polygon.getBounds();
    const middle = bounds.getCenter();
    const label = L.tooltip({ permanent: true, direction: kind === 'area' ? 'top' : 'center', className: `outline-name ${kind}` })
      .setContent(make('span', { textContent: this.label(kind, feature) }))
      .setLatLng(kind === 'area' ? [bounds.getNorth(), middle.lng] : middle);
    const layer = this.reviewMap.layers.outlines;
    layer.addLayer(polygon).addLayer(label);
    if (!isChosen) return;
    this.edited = new OutlineCorners(this.map, this.draft, polygon);
    this.edited.addEventListener('moved', () => this.reshape(polygon));
    this.edited.addEventListener('short', () => notify(say('outline_short')));
    this.edited.addEventListener('none', () => notify(say('corner_choose')));
  }

  showDraft() {
    const look = { ...OUTLINE_LOOKS[this.drawn.kind], color: '#4aa8ff', interactive: false };
    L.polyline(this.corners, { ...look, fill: false }).addTo(this.draft);
    if (this.corners.length) {
      this.band = L.polyline([this.corners.at(-1)], { ...look, fill: false, dashArray: '4 6', weight: 2 }).addTo(this.draft);
    }
    this.corners.forEach((corner, at) => {
      const handle = L.marker(corner, { icon: cornerIcon(at ? '' : 'first'), interactive: !at, keyboard: false, zIndexOffset: 2000 });
      handle.on('click', () => this.corners.length > 2 && this.finish());
      handle.addTo(this.draft);
    });
  }

  renderPanel() {
    this.panel.hidden = this.mode === 'closed';
    if (this.mode === 'list') this.panel.replaceChildren(...this.listParts());
    if (this.mode === 'draw') this.panel.replaceChildren(...this.draftParts());
    if (this.mode === 'chosen') this.panel.replaceChildren(...this.chosenParts());
  }

  listParts() {
    const { area, zones } = this.known;
    const button = (kind, feature, at) => make('button', {
      className: `touch wide ${kind}`, textContent: this.label(kind, feature), onclick: () => this.choose(kind, at),
    });
    const refusals = [zones.refusal, area.refusal].filter(Boolean);
    return [
      make('div', { className: 'answers', parts: [
        make('button', { className: 'touch', textContent: `+ ${say('zone')}`, disabled: !!zones.refusal, onclick: () => this.askZone() }),
        make('button', { className: 'touch', textContent: `+ ${say('inspected_area')}`, disabled: !!area.refusal || area.features.length > 0, onclick: () => this.askArea() }),
        make('button', { className: 'touch plain', textContent: say('close'), onclick: () => this.setMode('closed') }),
      ] }),
      ...refusals.map((sentence) => make('small', { textContent: sentence })),
      ...area.features.map((one, at) => button('area', one, at)),
      ...(area.features.length ? [make('small', { textContent: say('area_next_run') })] : []),
      ...zones.features.map((one, at) => button('zones', one, at)),
    ];
  }

  draftParts() {
    const then = (act) => () => {
      act();
      if (this.mode === 'draw') this.element.focus({ preventScroll: true });
    };
    return [
      make('strong', { textContent: this.drawn.name }),
      make('small', { textContent: say('draw_hint') }),
      make('small', { className: 'keys', textContent: say('draw_keys') }),
      make('div', { className: 'answers', parts: [
        make('button', { className: 'touch', textContent: say('corner_back'), disabled: !this.corners.length, onclick: then(() => this.takeBack()) }),
        make('button', { className: 'touch', textContent: say('draw_finish'), disabled: this.corners.length < 3, onclick: then(() => this.finish()) }),
        make('button', { className: 'touch plain', textContent: say('cancel'), onclick: then(() => this.setMode('list')) }),
      ] }),
    ];
  }

  chosenParts() {
    const { who, when } = this.one.properties ?? {};
    const by = [who, when && new Date(when).toLocaleString()].filter(Boolean).join(' · ');
    return [
      make('strong', { textContent: this.label(this.chosen.kind, this.one) }),
      ...(by ? [make('small', { textContent: by })] : []),
      make('small', { textContent: say('chosen_hint') }),
      make('small', { className: 'keys', textContent: say('chosen_keys') }),
      make('div', { className: 'answers', parts: [
        make('button', { className: 'touch', textContent: say('draw_done'), onclick: () => this.setMode('list') }),
        make('button', { className: 'touch', textContent: say('corner_remove'), onclick: () => this.edited.removeChosen() }),
        ...(this.chosen.kind === 'zones' ? [make('button', { className: 'touch', textContent: say('rename'), onclick: () => this.rename() })] : []),
        make('button', { className: 'touch', textContent: say('delete'), onclick: () => this.askDelete() }),
      ] }),
    ];
  }
}

function noOutlines() { return { version: '', features: [], refusal: '' }; }

function nameOf(feature) { return String(feature?.properties?.name ?? ''); }

function geometryOf(polygon) { return polygon.toGeoJSON(8).geometry; }
