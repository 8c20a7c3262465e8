// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// The map of an inspection, by Leaflet. It is loaded when the list of findings is there.
class ReviewMap extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.markers = new Map();
    this.colours = {};
  }

  async load(base) {
    const style = document.createElement('link');
    style.rel = 'stylesheet';
    style.href = '/station/leaflet/leaflet.css';
    document.head.append(style);
    const script = document.createElement('script');
    script.src = '/station/leaflet/leaflet.js';
    await new Promise((done, failed) => {
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
    this.map = L.map(this.element, {
      attributionControl: false, maxZoom: 25, minZoom: 2, zoomSnap: 0.25, preferCanvas: true,
    });
    this.map.setView([0, 0], 3);
    L.control.scale({ imperial: false }).addTo(this.map);
    this.layers = {
      mosaic: L.layerGroup().addTo(this.map), coverage: L.layerGroup(), gaps: L.layerGroup().addTo(this.map),
      footprints: L.layerGroup(), path: L.layerGroup().addTo(this.map),
      outlines: L.layerGroup().addTo(this.map), findings: L.layerGroup().addTo(this.map),
    };
    const named = Object.entries(this.layers).map(([key, layer]) => [say(`layer_${key}`), layer]);
    L.control.layers(null, Object.fromEntries(named)).addTo(this.map);
    this.map.on('dragstart', () => { this.isMoved = true; });
    this.element.addEventListener('wheel', () => { this.isMoved = true; }, { passive: true });
    this.radius = L.circle([0, 0], { radius: 0, color: '#fff', weight: 2, dashArray: '4 4', fill: false });
    this.base = base;
    await this.refreshLayers();
  }

  async refreshLayers() {
    const response = await fetch(`${this.base}/layers`).catch(() => null);
    if (!response?.ok) return;
    const found = await response.json();
    for (const key of ['gaps', 'footprints', 'path']) this.layers[key].clearLayers();
    for (const ring of found.gaps) {
      L.polygon(ring, { color: '#ff5252', weight: 1, fillOpacity: 0.25, interactive: false })
        .addTo(this.layers.gaps);
    }
    for (const ring of found.footprints) {
      L.polygon(ring, { color: '#9fb3c8', weight: 1, fillOpacity: 0.05, interactive: false })
        .addTo(this.layers.footprints);
    }
    for (const line of found.paths) {
      L.polyline(line, { color: '#4fc3f7', weight: 2, opacity: 0.8, interactive: false })
        .addTo(this.layers.path);
    }
    const mosaic = JSON.stringify(found.mosaic);
    if (mosaic !== this.mosaic) {
      this.mosaic = mosaic;
      this.layers.mosaic.clearLayers();
      if (found.mosaic) L.imageOverlay(`${this.base}/mosaic`, found.mosaic).addTo(this.layers.mosaic);
    }
    this.showCoverage(found.coverage, !found.mosaic);
    this.extent = [...found.footprints.flat(), ...found.paths.flat()];
  }

  // One pixel for each cell: green was seen well enough, amber less well, red hardly.
  showCoverage(bounds, isFirst) {
    const coverage = JSON.stringify(bounds);
    if (coverage === this.coverage) return;
    this.coverage = coverage;
    this.layers.coverage.clearLayers();
    if (!bounds) return;
    L.imageOverlay(`${this.base}/coverage`, bounds, { className: 'cells', zIndex: 2 }).addTo(this.layers.coverage);
    if (isFirst) this.layers.coverage.addTo(this.map);
  }

  // Shows findings; those that are not in `rows` any more vanish.
  // With `isGrowing`, as in a flight, the map shows all of them until somebody moves it.
  show(rows, chosen, isGrowing = false) {
    if (!this.layers) return;
    const before = this.markers.size;
    const shown = new Set();
    for (const row of rows) {
      if (!row.at) continue;
      shown.add(row.n);
      const look = [row.class, row.state, row.decided, row.n === chosen?.n, ...row.at].join('|');
      let marker = this.markers.get(row.n);
      if (marker?.look === look) continue;
      if (!marker) {
        const icon = this.icon(row, row.n === chosen?.n);
        marker = L.marker(row.at, { icon, keyboard: false, riseOnHover: true });
        marker.on('click', () => {
          this.dispatchEvent(new CustomEvent('choose', { detail: row.n }));
        });
        marker.addTo(this.layers.findings);
        this.markers.set(row.n, marker);
      }
      marker.look = look;
      marker.setLatLng(row.at);
      marker.setZIndexOffset(row.n === chosen?.n ? 1000 : 0);
      marker.setIcon(this.icon(row, row.n === chosen?.n));
    }
    for (const [number, marker] of this.markers) {
      if (shown.has(number)) continue;
      marker.remove();
      this.markers.delete(number);
    }
    if (chosen?.at) {
      this.radius.setLatLng(chosen.at).setRadius(chosen.radius ?? 0).addTo(this.map);
    } else this.radius.remove();
    const isMore = isGrowing && !this.isMoved && shown.size > before;
    if ((!this.isFitted || isMore) && shown.size) this.fit(rows);
  }

  icon(row, isChosen) {
    const pin = document.createElement('span');
    pin.className = `pin ${row.state}${row.decided ? ' decided' : ''}${isChosen ? ' chosen' : ''}`;
    pin.style.setProperty('--colour', this.colours[row.class] ?? '#888');
    pin.textContent = row.n;
    return L.divIcon({ html: pin, className: 'pin-place', iconSize: [44, 44] });
  }

  fit(rows) {
    if (!this.map) return;
    this.map.invalidateSize();
    if (!this.map.getSize().y) return;  // the view is not shown
    const points = rows.filter((row) => row.at && !row.outside).map((row) => row.at);
    const all = points.length ? points : this.extent;
    if (!all?.length) return;
    this.map.fitBounds(all, { padding: [44, 44], maxZoom: 23, animate: false });
    this.isFitted = true;
  }

  // Moves to a finding that is out of sight.
  reveal(row) {
    if (!this.map || !row?.at || !this.map.getSize().y) return;
    if (!this.map.getBounds().pad(-0.1).contains(row.at)) this.map.panTo(row.at);
  }
}
