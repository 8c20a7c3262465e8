// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// <live-video camera width quality waiting>: requests the newest frame and draws it, in a loop.
// One request is in flight at a time, so a slow link skips frames instead of falling behind. Video
// comes last on it: a frame that took long is followed by a pause as long, in which findings and
// thumbnails arrive, and by smaller ones.
const SLOW_MS = 1500;
const LEAST_WIDTH = 240;
class LiveVideo extends HTMLElement {
  connectedCallback() {
    this.innerHTML = '<canvas></canvas><span class="live-facts"></span><span class="live-wait"></span>';
    [this.canvas, this.facts, this.wait] = this.children;
    this.sequence = 0;
    this.frames = [];
    this.run();
  }

  async run() {
    let camera = null;
    while (this.isConnected) {
      if (document.hidden) {  // the detector need not draw for a hidden page
        await pause(500);
        continue;
      }
      if (camera !== this.getAttribute('camera')) {
        camera = this.getAttribute('camera');
        this.sequence = 0;
      }
      if (!camera || !(await this.draw(camera))) {
        this.wait.textContent = this.getAttribute('waiting');
        await pause(camera ? 200 : 500);
      }
    }
  }

  async draw(camera) {
    const query = new URLSearchParams({
      camera, after: this.sequence,
      width: this.askedWidth(), quality: this.getAttribute('quality'),
    });
    try {
      const response = await fetch(`/video?${query}`, { priority: 'low' });
      const began = performance.now();  // before, it waited for the frame itself
      if (response.status !== 200) {
        this.sequence = 0;
        return false;
      }
      const blob = await response.blob();
      await this.spare(performance.now() - began);
      const bitmap = await createImageBitmap(blob);
      this.sequence = Number(response.headers.get('X-Sequence'));
      if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
        this.canvas.width = bitmap.width;
        this.canvas.height = bitmap.height;
      }
      this.canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      this.showFacts(blob.size);
      return true;
    } catch {
      return false;
    }
  }

  // The width that is asked for, or less where the link is slow.
  askedWidth() {
    const wanted = Number(this.getAttribute('width')) || 1920;
    const divided = Math.round(wanted / (this.divisor ?? 1));
    return this.divisor > 1 ? Math.max(divided, Math.min(LEAST_WIDTH, wanted)) : this.getAttribute('width');
  }

  async spare(took) {
    if (took > SLOW_MS) {
      this.divisor = Math.min((this.divisor ?? 1) * 2, 8);
      await pause(took);
    } else if (took < SLOW_MS / 10) this.divisor = Math.max((this.divisor ?? 1) / 2, 1);
  }

  showFacts(bytes) {
    const now = performance.now();
    this.frames.push([now, bytes]);
    this.frames = this.frames.filter(([time]) => now - time < 3000);
    const seconds = Math.max(0.5, (now - this.frames[0][0]) / 1000);
    const megabits = this.frames.reduce((sum, [, size]) => sum + size, 0) * 8e-6 / seconds;
    this.facts.textContent =
      `${(this.frames.length / seconds).toFixed(1)} fps · ${megabits.toFixed(1)} Mbit/s`;
    this.wait.textContent = '';
    this.dataset.sequence = this.sequence;
  }
}

function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

customElements.define('live-video', LiveVideo);
