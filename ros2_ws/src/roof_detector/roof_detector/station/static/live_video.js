// SPDX-FileCopyrightText: 2026 roof_detector authors
// SPDX-License-Identifier: AGPL-3.0-only
// <live-video camera width quality waiting>: requests the newest frame and draws it, in a loop.
// One request is in flight at a time, so a slow link skips frames instead of falling behind. Video
// comes last on it: it begins small and grows while the link is quick, waits for images that the
// page still loads, and a frame that took long is followed by a pause as long and by smaller ones.
// A frame that is too old to be live is covered, and its figures are gone.
const SLOW_MS = 1500;
const STALE_MS = 5000;
const LONGEST_MS = 20000;  // a request on a link that died is given up
const PATIENCE_MS = 10000;  // with images of the page
const MOST_DIVISOR = 8;
const LEAST_WIDTH = 240;
class LiveVideo extends HTMLElement {
  connectedCallback() {
    this.innerHTML = '<canvas></canvas><span class="live-facts"></span><span class="live-wait"></span>';
    [this.canvas, this.facts, this.wait] = this.children;
    this.sequence = 0;
    this.frames = [];
    this.divisor = MOST_DIVISOR;
    this.drawnAt = -Infinity;
    this.watch = setInterval(() => this.showAge(), 500);
    this.run();
  }

  disconnectedCallback() { clearInterval(this.watch); }

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
        this.drawnAt = -Infinity;
      }
      if (camera) await imagesInView();
      if (!camera || !(await this.draw(camera))) {
        this.showAge();
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
      const response = await fetch(`/video?${query}`, {
        priority: 'low', signal: AbortSignal.timeout(LONGEST_MS),
      });
      const began = performance.now();  // before, it waited for the frame itself
      if (response.status !== 200) return false;
      const blob = await response.blob();
      const took = performance.now() - began;
      const bitmap = await createImageBitmap(blob);
      this.sequence = Number(response.headers.get('X-Sequence'));
      if (this.canvas.width !== bitmap.width || this.canvas.height !== bitmap.height) {
        this.canvas.width = bitmap.width;
        this.canvas.height = bitmap.height;
      }
      this.canvas.getContext('2d').drawImage(bitmap, 0, 0);
      bitmap.close();
      this.showFacts(blob.size);
      await this.spare(took);
      return true;
    } catch {
      this.divisor = MOST_DIVISOR;
      this.drawnAt = -Infinity;  // the link is lost: nothing here is live
      return false;
    }
  }

  // The width that is asked for, or less where the link is slow.
  askedWidth() {
    const wanted = Number(this.getAttribute('width')) || 1920;
    const divided = Math.round(wanted / this.divisor);
    return this.divisor > 1 ? Math.max(divided, Math.min(LEAST_WIDTH, wanted)) : this.getAttribute('width');
  }

  async spare(took) {
    if (took > SLOW_MS) {
      this.divisor = Math.min(this.divisor * 2, MOST_DIVISOR);
      await pause(took);
    } else if (took < SLOW_MS / 10) this.divisor = Math.max(this.divisor / 2, 1);
  }

  showFacts(bytes) {
    const now = performance.now();
    this.frames.push([now, bytes]);
    this.frames = this.frames.filter(([time]) => now - time < 3000);
    const seconds = Math.max(0.5, (now - this.frames[0][0]) / 1000);
    const megabits = this.frames.reduce((sum, [, size]) => sum + size, 0) * 8e-6 / seconds;
    this.facts.textContent =
      `${(this.frames.length / seconds).toFixed(1)} fps · ${megabits.toFixed(1)} Mbit/s`;
    this.dataset.sequence = this.sequence;
    this.drawnAt = now;
    this.showAge();
  }

  showAge() {
    const isStale = performance.now() - this.drawnAt > STALE_MS;
    this.classList.toggle('is-stale', isStale);
    this.wait.textContent = isStale ? this.getAttribute('waiting') : '';
    if (!isStale) return;
    this.facts.textContent = '';
    this.frames = [];
  }
}

// Thumbnails and other images that a person sees come before video.
async function imagesInView() {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end && [...document.images].some(isAwaited)) await pause(50);
}

function isAwaited(image) {
  if (image.complete || !image.src) return false;
  const { top, bottom } = image.getBoundingClientRect();
  return bottom >= 0 && top <= innerHeight && image.checkVisibility();
}

function pause(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

customElements.define('live-video', LiveVideo);
