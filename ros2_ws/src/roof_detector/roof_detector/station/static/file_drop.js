// <file-drop target label hint>: uploads dropped or selected files one by one.
class FileDrop extends HTMLElement {
  connectedCallback() {
    if (this.field) return;
    this.innerHTML = `<label><input type="file" hidden><strong></strong><span></span></label>
      <progress max="1" hidden></progress><ul></ul>`;
    this.field = this.querySelector('input');
    this.bar = this.querySelector('progress');
    this.messages = this.querySelector('ul');
    this.field.multiple = this.hasAttribute('many');
    this.querySelector('strong').textContent = this.getAttribute('label');
    this.querySelector('span').textContent = this.getAttribute('hint');
    this.field.addEventListener('change', async () => {
      await this.send([...this.field.files]);
      this.field.value = '';
    });
    for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop']) {
      this.addEventListener(kind, (event) => {
        event.preventDefault();
        this.classList.toggle('is-over', kind === 'dragenter' || kind === 'dragover');
      });
    }
    this.addEventListener('drop', async (event) => {
      const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.());
      const files = [...event.dataTransfer.files];
      const found = await Promise.all(
        entries.map((entry, k) => (entry?.isDirectory ? filesIn(entry) : files[k])));
      await this.send(found.flat().filter(Boolean));
    });
  }

  async send(files) {
    if (this.busy || !files.length) return;
    this.busy = true;
    this.messages.replaceChildren();
    this.bar.hidden = false;
    this.total = files.reduce((sum, file) => sum + file.size, 0) || 1;
    this.sent = 0;
    try {
      if (this.getAttribute('target') === 'jobs') {
        const videos = files.filter((file) => file.type.startsWith('video/'));
        const images = files.filter((file) => !videos.includes(file));
        if (images.length) await this.makeJob(images);
        for (const video of videos) await this.makeJob([video]);
      } else {
        for (const file of files) {
          const response = await this.upload(this.getAttribute('target'), file);
          if (response) this.show(JSON.parse(response).message, 'is-accepted');
        }
      }
    } finally {
      this.bar.hidden = true;
      this.busy = false;
    }
  }

  async makeJob(files) {
    const opened = await this.post('/uploads');
    if (!opened) return;
    const address = `/uploads/${JSON.parse(opened).id}`;
    let accepted = 0;
    for (const file of files) accepted += await this.upload(`${address}/files`, file) ? 1 : 0;
    if (accepted) await this.post(`${address}/job?${this.getAttribute('options')}`);
  }

  async upload(address, file) {
    const limit = Number(this.getAttribute('limit'));
    if (file.size > limit) {
      this.show(this.getAttribute('too-large').replace('%', file.name), 'station-reason');
      this.sent += file.size;
      return null;
    }
    const response = await this.post(`${address}?name=${encodeURIComponent(file.name)}`, file);
    this.sent += file.size;
    return response;
  }

  post(address, body = new Blob([])) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open('POST', address);
      request.upload.onprogress = (event) => {
        if (body.size) this.bar.value = (this.sent + event.loaded) / this.total;
      };
      request.onload = () => {
        if (request.status === 200) return done(request.responseText);
        this.show(request.responseText, 'station-reason');
        return done(null);
      };
      request.onerror = () => {
        this.show(this.getAttribute('lost'), 'station-reason');
        done(null);
      };
      request.send(body);
    });
  }

  show(message, kind) {
    const line = document.createElement('li');
    line.textContent = message;
    line.className = kind;
    this.messages.append(line);
  }
}

async function filesIn(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {  // a reader returns a hundred entries at a time
    const entries = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!entries.length) return found.flat();
    for (const entry of entries) {
      if (entry.isDirectory) found.push(await filesIn(entry));
      else if (!entry.name.startsWith('.')) {
        found.push(await new Promise((done, failed) => entry.file(done, failed)));
      }
    }
  }
}

customElements.define('file-drop', FileDrop);
