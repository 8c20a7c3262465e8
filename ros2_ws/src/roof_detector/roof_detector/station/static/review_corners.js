// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// The corners of an outline on the map: dragged, moved by keys, added between two, and removed.
const KEY_PX = 4;
const SAVE_AFTER_MS = 600;  // from the last key that moved a corner

// Says `moved` when a change is done, `short` where less than a triangle would be left, and `none`
// where no corner is chosen.
class OutlineCorners extends EventTarget {
  constructor(map, layer, polygon) {
    super();
    this.map = map;
    this.polygon = polygon;
    this.rings = ringsOf(polygon.getLatLngs());
    this.isMoving = false;
    this.handles = [];
    for (const ring of this.rings) {
      ring.forEach((corner, at) => {
        this.addMiddle(layer, ring, at);
        this.addHandle(layer, ring, at);
      });
    }
    this.choose(-1);
  }

  get focused() { return this.handles.findIndex((one) => one.getElement() === document.activeElement); }

  focus(at) { this.handles[at]?.getElement().focus(); }

  addHandle(layer, ring, at) {
    const index = this.handles.length;
    const handle = L.marker(ring[at], { icon: cornerIcon(''), draggable: true, zIndexOffset: 2000 });
    Object.assign(handle, { ring, at });
    handle.on('dragstart', () => { this.isMoving = true; });
    handle.on('drag', () => this.move(ring, at, handle.getLatLng()));
    handle.on('dragend', () => this.finish());
    handle.on('click', () => this.choose(index));
    handle.addTo(layer);
    handle.getElement().ariaLabel = say('corner', { number: at + 1 });
    handle.getElement().addEventListener('focus', () => this.choose(index));
    handle.getElement().addEventListener('keydown', (event) => this.press(event, handle));
    this.handles.push(handle);
  }

  // Between a corner and the next one lies a point that becomes a corner when it is dragged.
  addMiddle(layer, ring, at) {
    const middle = L.latLngBounds(ring[at], ring[(at + 1) % ring.length]).getCenter();
    const handle = L.marker(middle, { icon: cornerIcon('middle'), draggable: true, keyboard: false, zIndexOffset: 1000 });
    handle.on('dragstart', () => {
      this.isMoving = true;
      ring.splice(at + 1, 0, middle);
    });
    handle.on('drag', () => this.move(ring, at + 1, handle.getLatLng()));
    handle.on('dragend', () => this.finish());
    handle.addTo(layer);
  }

  choose(index) {
    this.chosen = index;
    this.handles.forEach((one, at) => one.getElement().classList.toggle('is-chosen', at === index));
  }

  move(ring, at, to) {
    ring[at] = to;
    this.polygon.setLatLngs(this.polygon.getLatLngs());
  }

  finish() {
    this.isMoving = false;
    this.isUnsaved = false;
    this.dispatchEvent(new Event('moved'));
  }

  // Saves what keys moved last.
  settle() {
    clearTimeout(this.timer);
    if (this.isUnsaved) this.finish();
  }

  // The arrow keys move a corner; it is saved when they rest. Delete removes it.
  press(event, handle) {
    if (['Delete', 'Backspace'].includes(event.key)) {
      event.preventDefault();
      this.removeChosen();
    }
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    this.isMoving = this.isUnsaved = true;
    const step = L.point(way).multiplyBy(event.shiftKey ? 5 * KEY_PX : KEY_PX);
    handle.setLatLng(this.map.containerPointToLatLng(this.map.latLngToContainerPoint(handle.getLatLng()).add(step)));
    this.move(handle.ring, handle.at, handle.getLatLng());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), SAVE_AFTER_MS);
  }

  removeChosen() {
    const handle = this.handles[this.chosen];
    if (!handle || handle.ring.length <= 3) {
      this.dispatchEvent(new Event(handle ? 'short' : 'none'));
      return;
    }
    handle.ring.splice(handle.at, 1);
    this.polygon.setLatLngs(this.polygon.getLatLngs());
    this.finish();
  }
}

// The rings of a polygon or of several, each a list of corners.
function ringsOf(nested) {
  return Array.isArray(nested[0]) ? nested.flatMap(ringsOf) : [nested];
}

function cornerIcon(kind) {
  return L.divIcon({ html: make('span', { className: `corner ${kind}` }), className: 'corner-place', iconSize: [44, 44] });
}

// Whether two sides of a ring, or of a line that is not closed yet, cross each other.
function crosses(ring, isClosed) {
  const turn = (a, b, c) => (b.lng - a.lng) * (c.lat - a.lat) - (b.lat - a.lat) * (c.lng - a.lng);
  const sides = ring.map((corner, at) => [corner, ring[(at + 1) % ring.length]]);
  if (!isClosed) sides.pop();
  return sides.some(([a, b], at) => sides.slice(at + 1).some(
    ([c, d]) => turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0));
}
