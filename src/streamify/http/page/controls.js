// The controls below the picture, and their keys. The browser's own are taken away: they show no thumbnails.

import { at, change } from "./elements.js";
import { clock } from "./units.js";

const STEP = 5; // seconds by arrow keys
const LEAP = 60; // by Page Up and Page Down
const LOUDER = 0.1; // of the volume by arrow keys
const IDLE = 3000; // milliseconds after which the controls of a full screen hide
const TYPED = "input:not(#seek), select"; // have keys of their own

export class Controls {
  // stage: what fills the screen; subtitles: called where they are to be shown or hidden.
  constructor(video, stage, subtitles) {
    Object.assign(this, { video, stage });
    this.dragged = false; // the seek bar shows where it is dragged to, not where the film is
    video.controls = false;
    at("controls").hidden = false;
    at("play").addEventListener("click", () => this.toggle());
    video.addEventListener("click", () => this.toggle());
    video.addEventListener("dblclick", () => this.fill());
    at("mute").addEventListener("click", () => (video.muted = !video.muted));
    at("full").addEventListener("click", () => this.fill());
    at("volume").addEventListener("input", ({ target }) => Object.assign(video, { volume: Number(target.value), muted: false }));
    at("seek").addEventListener("input", () => this.drag());
    at("seek").addEventListener("change", ({ target }) => this.seek(Number(target.value)));
    for (const kind of ["play", "pause", "ended", "emptied"]) video.addEventListener(kind, () => this.playing());
    for (const kind of ["timeupdate", "durationchange", "seeking", "progress", "emptied"]) video.addEventListener(kind, () => this.time());
    video.addEventListener("volumechange", () => this.sound());
    document.addEventListener("fullscreenchange", () => this.filled());
    for (const kind of ["pointermove", "pointerdown", "keydown", "focusin"]) stage.addEventListener(kind, () => this.seen());
    stage.addEventListener("keydown", (event) => this.key(event));
    this.keys = {
      " ": () => this.toggle(), k: () => this.toggle(), m: () => at("mute").click(), f: () => this.fill(), c: subtitles,
      ArrowLeft: () => this.seek(video.currentTime - STEP), ArrowRight: () => this.seek(video.currentTime + STEP),
      PageDown: () => this.seek(video.currentTime - LEAP), PageUp: () => this.seek(video.currentTime + LEAP),
      ArrowDown: () => this.louder(-LOUDER), ArrowUp: () => this.louder(LOUDER),
      Home: () => this.seek(0), End: () => this.seek(video.duration),
    };
    at("full").hidden = !(stage.requestFullscreen || video.webkitEnterFullscreen);
    this.playing();
    this.time();
    this.sound();
  }

  toggle() {
    if (this.video.paused || this.video.ended) this.video.play().catch(() => {}); // the line below says why it does not play
    else this.video.pause();
  }

  seek(time) {
    this.dragged = false;
    if (this.video.duration) this.video.currentTime = Math.min(Math.max(0, time), this.video.duration);
    this.time();
  }

  drag() {
    this.dragged = true;
    this.time();
  }

  louder(by) {
    Object.assign(this.video, { volume: Math.min(1, Math.max(0, this.video.volume + by)), muted: false });
  }

  fill() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.stage.requestFullscreen) this.stage.requestFullscreen();
    else this.video.webkitEnterFullscreen?.(); // phones of Apple fill the screen with the picture alone
  }

  filled() {
    const full = document.fullscreenElement === this.stage;
    at("full").ariaLabel = full ? "Leave full screen" : "Full screen";
    at("full").dataset.on = full;
    this.seen();
  }

  // Controls stay for a while after each sign of a person, and as long as nothing plays.
  seen() {
    delete this.stage.dataset.idle;
    clearTimeout(this.timer);
    if (document.fullscreenElement === this.stage) this.timer = setTimeout(() => this.video.paused || (this.stage.dataset.idle = ""), IDLE);
  }

  playing() {
    const on = !this.video.paused && !this.video.ended;
    at("play").ariaLabel = on ? "Pause" : "Play";
    at("play").dataset.on = on;
    this.seen();
  }

  time() {
    const { video } = this;
    const length = Number.isFinite(video.duration) ? video.duration : 0;
    const bar = at("seek");
    bar.max = length;
    bar.disabled = !length;
    if (!this.dragged) bar.value = video.currentTime;
    const now = Number(bar.value);
    bar.ariaValueText = `${clock(now)} of ${clock(length)}`;
    const ranges = Array.from(video.buffered, (_, index) => [video.buffered.start(index), video.buffered.end(index)]);
    const loaded = ranges.find(([start, end]) => start <= now + 0.2 && end >= now)?.[1] ?? now;
    const share = (value) => `${length ? (100 * value) / length : 0}%`;
    bar.style.setProperty("--played", share(now));
    bar.style.setProperty("--loaded", share(loaded));
    change(at("clock"), `${clock(now)} / ${clock(length)}`);
  }

  sound() {
    const silent = this.video.muted || this.video.volume === 0;
    at("mute").ariaLabel = silent ? "Unmute" : "Mute";
    at("mute").dataset.on = silent;
    at("volume").value = silent ? 0 : this.video.volume;
  }

  // Keys count where the focus is in the player (WCAG 2.1.4), but not in what has keys of its own.
  key(event) {
    const { target, key } = event;
    const run = this.keys[key.length === 1 ? key.toLowerCase() : key];
    if (!run || event.ctrlKey || event.metaKey || event.altKey || target.closest(TYPED)) return;
    if (key === " " && target.closest("button")) return;
    event.preventDefault();
    run();
  }
}
