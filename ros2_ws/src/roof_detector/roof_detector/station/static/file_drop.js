// Sends dropped or chosen files one after the other as they are; the station refuses or queues them.
class FileDrop extends HTMLElement {
  connectedCallback() {
    if (this.field) return;
    this.innerHTML = `<label><input type="file" hidden><strong></strong><span></span></label>
      <progress max="1" hidden></progress><ul></ul>`;
    this.field = this.querySelector('input');
    this.bar = this.querySelector('progress');
    this.said = this.querySelector('ul');
    this.field.multiple = this.hasAttribute('many');
    this.querySelector('strong').textContent = this.getAttribute('words');
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
    this.said.replaceChildren();
    this.bar.hidden = false;
    this.total = files.reduce((sum, file) => sum + file.size, 0) || 1;
    this.sent = 0;
    try {
      if (this.getAttribute('target') === 'jobs') {
        const videos = files.filter((file) => file.type.startsWith('video/'));
        const pictures = files.filter((file) => !videos.includes(file));
        if (pictures.length) await this.makeJob(pictures);
        for (const video of videos) await this.makeJob([video]);
      } else {
        for (const file of files) {
          const answer = await this.take(this.getAttribute('target'), file);
          if (answer) this.say(JSON.parse(answer).said, 'is-taken');
        }
      }
    } finally {
      this.bar.hidden = true;
      this.busy = false;
    }
  }

  async makeJob(files) {
    const begun = await this.ask('/uploads');
    if (!begun) return;
    const address = `/uploads/${JSON.parse(begun).id}`;
    let taken = 0;
    for (const file of files) taken += await this.take(`${address}/files`, file) ? 1 : 0;
    if (taken) await this.ask(`${address}/job?${this.getAttribute('options')}`);
  }

  async take(address, file) {
    const limit = Number(this.getAttribute('limit'));
    if (file.size > limit) {
      this.say(this.getAttribute('too-large').replace('%', file.name), 'station-reason');
      this.sent += file.size;
      return null;
    }
    const answer = await this.ask(`${address}?name=${encodeURIComponent(file.name)}`, file);
    this.sent += file.size;
    return answer;
  }

  ask(address, body = new Blob([])) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      request.open('POST', address);
      request.upload.onprogress = (event) => {
        if (body.size) this.bar.value = (this.sent + event.loaded) / this.total;
      };
      request.onload = () => {
        if (request.status === 200) return done(request.responseText);
        this.say(request.responseText, 'station-reason');
        return done(null);
      };
      request.onerror = () => {
        this.say(this.getAttribute('lost'), 'station-reason');
        done(null);
      };
      request.send(body);
    });
  }

  say(sentence, kind) {
    const line = document.createElement('li');
    line.textContent = sentence;
    line.className = kind;
    this.said.append(line);
  }
}

async function filesIn(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {  // a reader gives a hundred at a time, none at the end
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
