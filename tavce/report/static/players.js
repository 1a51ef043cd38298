"use strict";
// Players: the videos of one clip play together, under one playhead. One video leads, the one that sounds; the others
// are kept to its time by their speed, and by a jump where they are far off.
tavce.players = {
  SLACK_S: 0.012, // a follower this near is left alone
  JUMP_S: 0.3, // one this far off jumps
  CATCH_UP: 0.2, // by which share of the speed a follower runs faster or slower
  PLAIN_WORDS: { similarity: "similarity of voice and mouth", opening: "mouth opening", loudness: "loudness" },
  BOX_PADDING: 0.5, // around the mouth box, as a share of its width
};

tavce.Take = class {
  constructor(figure) {
    this.label = figure.dataset.label;
    this.method = figure.dataset.method;
    this.figure = figure;
    this.video = figure.querySelector("video");
    this.picture = figure.querySelector("img");
    this.canvas = figure.querySelector("canvas");
    this.button = figure.querySelector(".sound");
    this.video.addEventListener("error", () => this.fail());
    for (const event of ["loadeddata", "seeked"]) this.video.addEventListener(event, () => this.draw());
    this.video.addEventListener("loadeddata", () => this.video.classList.add("ready"));
    const onFrame = () => { this.draw(); this.video.requestVideoFrameCallback(onFrame); };
    if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback(onFrame);
    else this.video.addEventListener("timeupdate", () => this.draw());
  }

  get lasts_s() { return this.facts.frames / this.facts.rate_hz; }

  get broken() { return this.video.error !== null; }

  fail() {
    const words = document.createElement("p");
    words.textContent = "This browser cannot play the video.";
    this.video.after(words);
    this.button.disabled = true;
  }

  take(facts) {
    this.facts = facts;
    this.canvas.hidden = !facts.mouth;
    this.figure.querySelector(".lacking").hidden = Boolean(facts.mouth);
    this.button.disabled = !facts.sound;
    if (!facts.sound) this.button.textContent = "No sound";
  }

  // Draws the mouth of the current frame; of the poster until there is one.
  draw() {
    if (!this.facts?.mouth) return;
    const ready = this.video.readyState >= 2;
    const source = ready ? this.video : this.picture;
    const [wide, high] = ready ? [source.videoWidth, source.videoHeight] : [source.naturalWidth, source.naturalHeight];
    if (!wide) return;
    const [left, top, right, bottom] = this.facts.mouth;
    const width = (right - left) * wide * (1 + 2 * tavce.players.BOX_PADDING);
    const height = Math.max(width / 2, (bottom - top) * high);
    const [x, y] = [(left + right) / 2 * wide - height, (top + bottom) / 2 * high - height / 2];
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(source, x, y, 2 * height, height, 0, 0, this.canvas.width, this.canvas.height);
  }

  seek(time_s) {
    const end_s = Number.isFinite(this.video.duration) ? this.video.duration : time_s;
    this.video.currentTime = Math.min(time_s, end_s);
  }
};

tavce.Player = class {
  constructor(root) {
    this.root = root;
    this.find = (selector) => root.querySelector(selector);
    const figures = [...root.querySelectorAll("figure[data-method]")];
    this.takes = figures.filter((figure) => figure.querySelector("video")).map((figure) => new tavce.Take(figure));
    this.playing = false;
    this.frame = 0;
    this.speed = 1;
    if (this.takes.length === 0) return;
    this.find(".play").addEventListener("click", () => this.toggle());
    this.find(".playhead").addEventListener("input", (event) => this.goTo(Number(event.target.value)));
    this.find(".speed").addEventListener("change", (event) => this.setSpeed(Number(event.target.value)));
    this.takes.forEach((take) => take.button.addEventListener("click", () => this.listenTo(take)));
    root.addEventListener("keydown", (event) => this.key(event));
    root.addEventListener("toggle", () => (root.open ? this.open() : this.pause()));
  }

  get working() { return this.takes.filter((take) => !take.broken); }

  get longest() { return this.working.reduce((one, two) => (two.lasts_s > one.lasts_s ? two : one)); }

  get leader() {
    const sounding = this.working.includes(this.sounding) ? this.sounding : this.working[0];
    return sounding.video.ended ? this.longest : sounding;
  }

  // Loads what the clip needs; once.
  open() {
    this.opened ??= tavce.load(`curves/${this.root.dataset.dataset}/${this.root.dataset.clip}`).then((data) => {
      this.rate_hz = data.rate_hz;
      this.takes.forEach((take) => take.take(data.takes[take.method]));
      this.frames = Math.max(1, Math.round(this.longest.lasts_s * this.rate_hz));
      this.find(".playhead").max = this.frames - 1;
      this.curves = new tavce.Curves(this);
      this.listenTo(this.takes.find((take) => take.facts.sound) ?? this.takes[0]);
      for (const { video } of this.takes) {
        video.preload = "auto";
        video.load();
      }
      this.takes.forEach((take) => take.draw());
      this.goTo(0);
    }).catch((error) => {
      this.opened = undefined;
      tavce.complain(this.find(".trouble"), error);
    });
    return this.opened;
  }

  listenTo(sounding) {
    this.sounding = sounding;
    for (const take of this.takes) {
      take.video.muted = take !== sounding;
      take.button.setAttribute("aria-pressed", String(take === sounding && take.facts.sound));
    }
    sounding.video.playbackRate = this.speed;
  }

  setSpeed(speed) {
    this.speed = speed;
    for (const { video } of this.takes) video.playbackRate = speed;
  }

  toggle() { return this.playing ? this.pause() : this.play(); }

  async play() {
    this.showPlaying(true);
    await this.open();
    if (!this.frames || this.working.length === 0) return this.showPlaying(false);
    for (const other of tavce.players.all) if (other !== this) other.pause();
    if (this.frame >= this.frames - 1) this.goTo(0);
    await Promise.all(this.working.map(({ video }) => tavce.players.ready(video)));
    if (!this.playing) return;
    const started = await Promise.allSettled(this.working.map(({ video }) => video.play()));
    if (started.every(({ status }) => status === "rejected")) this.pause();
    else this.follow();
  }

  pause() {
    if (!this.playing) return;
    this.showPlaying(false);
    for (const { video } of this.takes) {
      video.pause();
      video.playbackRate = this.speed;
    }
    if (this.frames) this.goTo(this.frame); // all on the same frame
  }

  showPlaying(playing) {
    this.playing = playing;
    this.find(".play").textContent = playing ? "Pause" : "Play";
    this.find(".play").setAttribute("aria-pressed", String(playing));
  }

  // Keeps the videos together, once a picture of the screen.
  follow() {
    if (!this.playing) return;
    const { leader } = this;
    if (leader.video.ended) return this.end();
    for (const take of this.working) if (take !== leader) this.keep(take.video, leader.video);
    this.show(Math.floor(leader.video.currentTime * this.rate_hz + 1e-3));
    requestAnimationFrame(() => this.follow());
  }

  keep(video, leader) {
    if (video.ended || video.seeking) return;
    const ahead_s = video.currentTime - leader.currentTime;
    const { JUMP_S, SLACK_S, CATCH_UP } = tavce.players;
    if (Math.abs(ahead_s) > JUMP_S) {
      video.currentTime = leader.currentTime;
      return;
    }
    let rate = video.playbackRate;
    if (Math.abs(ahead_s) > SLACK_S) rate = this.speed * (1 - Math.sign(ahead_s) * CATCH_UP);
    else if ((this.speed - rate) * ahead_s <= 0) rate = this.speed; // it has caught up
    if (rate !== video.playbackRate) video.playbackRate = rate;
  }

  end() {
    if (!this.find(".loop").checked) {
      this.show(this.frames - 1);
      return this.pause();
    }
    this.goTo(0);
    this.play();
  }

  goTo(frame) {
    const within = Math.max(0, Math.min(this.frames - 1, frame));
    for (const take of this.working) take.seek((within + 0.5) / this.rate_hz); // the middle of a frame
    this.show(within);
    clearTimeout(this.saying);
    this.saying = setTimeout(() => { if (!this.playing) this.find(".unseen").textContent = this.curves.said(this.frame); }, 500);
  }

  show(frame) {
    this.frame = Math.min(frame, this.frames - 1);
    const words = `${(this.frame / this.rate_hz).toFixed(2)} of ${(this.frames / this.rate_hz).toFixed(2)} s, frame ${this.frame}`;
    this.find(".playhead").value = this.frame;
    this.find(".playhead").setAttribute("aria-valuetext", words);
    this.find(".time").textContent = words;
    this.curves.show(this.frame);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ",": -1, ".": 1, Home: -Infinity, End: Infinity };
    const slider = event.target.matches(".playhead");
    const pressed = event.target.closest("button, summary, a, select, input:not(.playhead)");
    if (event.key === " " && !pressed) this.toggle();
    else if (event.key in steps && this.frames && !event.target.matches("select")) {
      this.pause();
      this.goTo(this.frame + steps[event.key]);
      if (!slider && !pressed) this.find(".playhead").focus();
    } else return;
    event.preventDefault();
  }
};

// Resolves once a video can go on from where it stands, or cannot be played at all.
tavce.players.ready = (video) => {
  if (video.readyState >= 3 && !video.seeking) return undefined;
  return new Promise((resolve) => {
    for (const event of ["canplay", "seeked", "error", "stalled"]) video.addEventListener(event, resolve, { once: true });
  });
};

tavce.players.all = [...document.querySelectorAll(".player")].map((root) => new tavce.Player(root));
{
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !target.open) continue;
      seen.unobserve(target);
      tavce.players.all.find((player) => player.root === target).open();
    }
  });
  for (const { root, takes } of tavce.players.all) if (takes.length) seen.observe(root);
}
