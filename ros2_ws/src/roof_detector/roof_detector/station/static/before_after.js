// One image or video above another; a handle moves the border between them.
class BeforeAfter extends HTMLElement {
  static observedAttributes = ['src-before', 'src-after', 'at'];

  connectedCallback() { this.build(); }

  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (name !== 'at') this.build();
    else if (this.lower?.tagName === 'VIDEO') this.lower.currentTime = Number(this.getAttribute('at'));
  }

  build() {
    if (!this.getAttribute('src-after')) return;
    const tag = this.getAttribute('kind') === 'video' ? 'video' : 'img';
    this.innerHTML = `<${tag} class="after"></${tag}>`;
    this.lower = this.firstChild;
    this.lower.src = this.getAttribute('src-after');
    if (tag === 'video') this.lower.controls = this.lower.muted = true;
    if (!this.getAttribute('src-before')) return;
    this.insertAdjacentHTML('beforeend', `<${tag} class="before"></${tag}>
      <i></i><input type="range" min="0" max="100" step="0.5" value="50">
      <b class="left"></b><b class="right"></b>`);
    this.upper = this.querySelector('.before');
    this.upper.onerror = () => {  // a format that this browser cannot show
      for (const one of this.querySelectorAll('.before, input, i, b')) one.remove();
    };
    this.upper.src = this.getAttribute('src-before');
    this.querySelector('.left').textContent = this.getAttribute('label-before');
    this.querySelector('.right').textContent = this.getAttribute('label-after');
    this.querySelector('input').addEventListener('input', (event) => this.cut(event.target.value));
    this.cut(50);
    if (tag === 'video') this.follow();
  }

  // The centre of the handle stays half its width away from the ends; the border does not.
  cut(percent) {
    const share = percent / 100;
    const place = share > 0 && share < 1
      ? `calc(1.2rem + ${share} * (100% - 2.4rem))` : `${percent}%`;
    this.style.setProperty('--cut', place);
  }

  follow() {
    const { upper, lower } = this;
    upper.muted = true;
    for (const kind of ['seeked', 'pause', 'timeupdate']) {
      lower.addEventListener(kind, () => {
        if (Math.abs(upper.currentTime - lower.currentTime) > 0.1) {
          upper.currentTime = lower.currentTime;
        }
      });
    }
    lower.addEventListener('play', () => upper.play());
    lower.addEventListener('pause', () => upper.pause());
  }
}

customElements.define('before-after', BeforeAfter);
