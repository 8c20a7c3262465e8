// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// What the page knows of an inspection. Decisions wait in the browser's storage until the station
// has them on its disk, so a lost link or a busy file loses none.
const FACTS = JSON.parse(document.getElementById('facts').textContent);
const WORDS = FACTS.words;

function say(key, values = {}) {
  return (WORDS[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

function sleep(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

class ReviewStore extends EventTarget {
  constructor() {
    super();
    this.base = location.pathname.replace(/\/$/, '');
    this.findings = new Map();
    this.decisions = [];
    this.undone = new Set();
    this.outlines = {};  // the versions of what is drawn
    this.revision = '';
    this.changedAt = 0;
    this.colours = {};
    this.queueKey = `pending ${this.base}`;
    this.pending = stored(this.queueKey, []);
    this.who = stored('reviewer', '');
    this.isOnline = true;
  }

  start() {
    this.follow();
    this.send();
  }

  setWho(name) {
    this.who = name;
    localStorage.setItem('reviewer', JSON.stringify(name));
    this.announce();
  }

  announce() { this.dispatchEvent(new Event('change')); }

  fail(sentence) {
    this.dispatchEvent(new CustomEvent('refused', { detail: sentence }));
  }

  // Waits at the station for changes; one request is open at a time.
  async follow() {
    for (;;) {
      if (document.hidden) {
        await sleep(500);
        continue;
      }
      try {
        const query = `since=${this.revision}&wait=${this.revision ? 1 : 0}`;
        const response = await fetch(`${this.base}/state?${query}`);
        if (response.status === 200) this.take(await response.json());
        else if (response.status !== 204) {
          this.setTrouble(await response.text());
          await sleep(3000);
          continue;
        }
        this.setTrouble('');
        this.setOnline(true);
      } catch {
        this.setOnline(false);
        await sleep(2000);
      }
    }
  }

  setTrouble(sentence) {
    if (this.trouble === sentence) return;
    this.trouble = sentence;
    this.announce();
  }

  setOnline(isOnline) {
    if (this.isOnline === isOnline) return;
    this.isOnline = isOnline;
    this.announce();
  }

  take(news) {
    if (news.whole) {
      this.findings.clear();
      this.decisions = [];
    }
    for (const number of news.gone) this.findings.delete(number);
    for (const row of news.findings) this.findings.set(row.n, row);
    this.decisions.push(...news.decisions);
    this.undone = new Set(news.undone);
    this.revision = news.revision;
    this.changedAt = news.changed_at_s;
    this.colours = news.colours;
    this.isLive = news.live;
    this.outlines = news.outlines;
    this.announce();
  }

  // A finding as it will be once the waiting decisions have arrived.
  shown(row) {
    let result = row;
    for (const act of this.pending) {
      for (const item of act.items ?? []) {
        if (item.uuid !== row.uuid) continue;
        result = { ...result, isWaiting: true };
        if (item.kind === 'confirm') Object.assign(result, { state: 'confirmed', decided: true });
        if (item.kind === 'reject') Object.assign(result, { state: 'rejected', decided: true });
        if (item.kind === 'rename') result.class = item.value;
        if (item.kind === 'severity') result.severity = item.value;
      }
    }
    return result;
  }

  history(row) {
    const ids = new Set([row.uuid, ...row.ids]);
    return this.decisions.filter((one) => ids.has(one.uuid) && one.kind !== 'undo');
  }

  undoer(id) { return this.decisions.findLast((one) => one.kind === 'undo' && one.value === id); }

  decide(items) { this.push({ items }); }

  undo(serials = []) { this.push({ undo: true, serials }); }

  push(act) {
    const bytes = crypto.getRandomValues(new Uint32Array(4));  // randomUUID needs https
    const name = [...bytes].map((one) => one.toString(36)).join('-').padEnd(8, '0');
    this.pending.push({ who: this.who, act: name, ...act });
    this.keep();
    this.announce();
    this.send();
  }

  keep() { localStorage.setItem(this.queueKey, JSON.stringify(this.pending)); }

  async send() {
    if (this.isSending) return;
    this.isSending = true;
    while (this.pending.length) {
      const [act] = this.pending;
      try {
        const response = await fetch(`${this.base}/decisions`, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(act),
        });
        if (response.status >= 500 || response.status === 429) {
          this.setTrouble(await response.text());
          await sleep(2000);
          continue;
        }
        if (!response.ok) this.fail(await response.text());
        this.pending.shift();
        this.keep();
        this.announce();
      } catch {
        this.setOnline(false);
        await sleep(2000);
      }
    }
    this.isSending = false;
  }
}

function stored(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}
