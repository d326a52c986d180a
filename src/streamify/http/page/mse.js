// Plays an HLS stream of CMAF segments through Media Source Extensions, for browsers without HLS of their own.
// Tells what happens by events: "rungs" (the rung that is loaded, or the choice, changed), "retrying", "failed",
// "master" (a stream that grows has more: the master playlist as it is now).

import { choose, SAFETY, Throughput } from "./abr.js";
import { Feeder } from "./feeder.js";
import { isSound, parseMaster, parseMedia, pictures, programme, segmentAt } from "./playlist.js";
import { Requests, sleep } from "./requests.js";
import { reason } from "./status.js";

const AGAIN = 2; // seconds after which a playlist of a stream that grows is read again
const mime = (kind, codecs) => `${kind}/mp4; codecs="${codecs.join(",")}"`;

export const supported = () => "MediaSource" in globalThis;

export class MsePlayer extends EventTarget {
  // heard: URL of the audio rendition to begin with; else the default one.
  constructor(video, heard = "") {
    super();
    this.video = video;
    this.heard = heard;
    this.throughput = new Throughput();
    this.guess = 0; // bits per second, until something was measured
    this.playlists = new Map();
    this.feeders = [];
    this.rungs = []; // lowest bandwidth first
    this.audios = []; // that the menu offers
    this.rung = -1; // index of the one that was loaded last
    this.picked = null; // index of the one that the user wants; null: automatic
    this.audio = null;
    this.retrying = "";
    this.error = "";
    this.closed = new AbortController();
    this.requests = new Requests(this.closed.signal, (what) => this.tell(what));
  }

  // Reads the playlists: rungs and audio renditions are known then. `start` loads what is played.
  async load(url) {
    try {
      await this.open(url);
    } catch (error) {
      this.fail(error);
    }
  }

  start(position = 0) {
    if (this.closed.signal.aborted) return;
    if (position) this.video.currentTime = position;
    for (const feeder of this.feeders) this.pump(feeder);
  }

  async open(url) {
    const master = parseMaster(await this.requests.text(url), url);
    this.master = url;
    this.guess = (master.first + 1) / SAFETY; // the variant that is listed first is the one to start on
    const shown = pictures(master);
    this.audios = programme(master);
    const wanted = this.audios.find(({ url }) => url === this.heard);
    this.audio = wanted ?? this.audios.find(({ preferred }) => preferred) ?? this.audios[0] ?? null;
    const sound = master.variants[0].codecs.filter(isSound);
    const own = (variant) => (this.audio ? variant.codecs.filter((codec) => !isSound(codec)) : variant.codecs);
    this.plays = (variant) => MediaSource.isTypeSupported(mime("video", own(variant)));
    this.rungs = shown.filter(this.plays);
    if (shown.length && !this.rungs.length) {
      throw new Error(`this browser does not decode ${shown[0].codecs.join(", ")}`);
    }
    if (!shown.length && !this.audio) this.audio = { ...master.variants[0], kind: "audio" };
    if (this.audio && !MediaSource.isTypeSupported(mime("audio", sound))) {
      throw new Error(`this browser does not decode ${sound.join(", ")}`);
    }
    await this.attach();
    if (this.rungs.length) this.feed(mime("video", own(this.rungs[0])), () => this.rungs[this.next()]);
    if (this.audio) this.feed(mime("audio", sound), () => this.audio);
    const lengths = await Promise.all(
      this.feeders.map(async (feeder) => (await this.media(feeder.source.wanted())).end),
    );
    this.mediaSource.duration = Math.max(...lengths);
    this.video.addEventListener("seeking", () => this.moved(), { signal: this.closed.signal });
    this.changed("rungs");
  }

  async attach() {
    this.mediaSource = new MediaSource();
    const opened = new Promise((done) => this.mediaSource.addEventListener("sourceopen", done, { once: true }));
    this.url = URL.createObjectURL(this.mediaSource);
    this.video.src = this.url;
    await opened;
    URL.revokeObjectURL(this.url);
  }

  feed(type, wanted) {
    const buffer = this.mediaSource.addSourceBuffer(type);
    const source = {
      buffer,
      wanted,
      mediaPlaylist: (rendition) => this.media(rendition),
      load: (url, signal) => this.requests.bytes(url, signal),
      measure: (url, signal) => this.requests.bytes(url, signal, (bytes, seconds) => this.throughput.add(bytes, seconds)),
      loaded: (rendition) => this.loaded(rendition),
    };
    this.feeders.push(new Feeder(this.video, source));
  }

  async pump(feeder) {
    while (!this.closed.signal.aborted) {
      feeder.state = "loading"; // it may append: the stream must not be ended meanwhile
      try {
        feeder.state = await feeder.step();
      } catch (error) {
        if (this.closed.signal.aborted) return;
        if (error.name !== "AbortError") return this.fail(this.video.error ? new Error(reason(this.video.error)) : error);
        feeder.state = "loaded"; // given up for another position: go on there
      }
      if (feeder.state === "loaded") continue;
      if (this.feeders.every((other) => other.state === "end") && this.mediaSource.readyState === "open") {
        this.mediaSource.endOfStream();
      }
      await Promise.race([sleep(0.5), new Promise((wake) => (feeder.wake = wake))]);
    }
  }

  moved() {
    for (const feeder of this.feeders) {
      feeder.moved();
      feeder.wake?.();
    }
  }

  // The index of the rung to load next.
  next() {
    if (this.picked !== null) return this.picked;
    return choose(this.rungs, {
      current: this.rung,
      throughput: this.throughput.estimate(this.guess),
      ahead: this.feeders[0]?.level() ?? 0,
      pixels: this.video.clientHeight * devicePixelRatio || Infinity,
    });
  }

  loaded(rendition) {
    const rung = this.rungs.indexOf(rendition);
    if (rung < 0 || rung === this.rung) return;
    this.rung = rung;
    this.changed("rungs");
  }

  // Takes the rung with this index, or the automatic choice for null; seen after the segment that is playing.
  pick(rung) {
    this.picked = rung;
    const [feeder] = this.feeders;
    if (rung !== null && feeder) this.again(feeder, this.rungs[rung], 0.5, 1);
    this.changed("rungs");
  }

  // Takes another audio rendition; heard from the playing position on. Returns whether it can.
  pickAudio(audio) {
    if (audio === this.audio) return true;
    this.audio = audio;
    this.again(this.feeders.at(-1), audio, 0, 0);
    this.changed("rungs");
    return true;
  }

  async again(feeder, rendition, seconds, skip) {
    try {
      const { segments } = await this.media(rendition);
      feeder.forget(segmentAt(segments, this.video.currentTime + seconds) + skip);
      feeder.abort.abort();
      feeder.wake?.();
    } catch (error) {
      this.fail(error);
    }
  }

  // The media playlist of a rendition; read again from time to time as long as it has no end.
  media(rendition) {
    const { url } = rendition;
    const known = this.playlists.get(url);
    if (known && !(known.open && performance.now() - known.read > 1000 * AGAIN)) return known.text;
    const found = { read: Infinity, open: false };
    found.text = this.requests.text(url).then(async (text) => {
      const playlist = parseMedia(text, url);
      if (!playlist.init) throw new Error("the playlist names no init segment");
      Object.assign(found, { read: performance.now(), open: !playlist.ended });
      if (known) await this.grown(playlist);
      return playlist;
    });
    this.playlists.set(url, found);
    return found.text;
  }

  // There may be more rungs than before, and more time to seek in.
  async grown({ end }) {
    const master = parseMaster(await this.requests.text(this.master), this.master);
    const { variants } = master;
    const [loaded, picked] = [this.rungs[this.rung], this.rungs[this.picked]];
    const before = this.rungs.length;
    const known = new Map(this.rungs.map((rung) => [rung.url, rung]));
    if (before) this.rungs = variants.map((variant) => known.get(variant.url) ?? variant).filter((one) => known.has(one.url) || this.plays(one));
    this.rung = this.rungs.indexOf(loaded);
    if (picked) this.picked = this.rungs.indexOf(picked);
    if (this.rungs.length !== before) this.changed("rungs");
    this.dispatchEvent(new CustomEvent("master", { detail: master }));
    const idle = this.feeders.every(({ source }) => !source.buffer.updating);
    if (idle && this.mediaSource.readyState === "open" && end > this.mediaSource.duration) this.mediaSource.duration = end;
  }

  tell(what) {
    if (what === this.retrying) return;
    this.retrying = what;
    this.changed("retrying");
  }

  fail(error) {
    if (this.closed.signal.aborted) return;
    this.error = error.message || error.name;
    this.close();
    this.changed("failed");
  }

  changed(kind) {
    this.dispatchEvent(new Event(kind));
  }

  // Loads nothing any more. What is in the buffer still plays.
  close() {
    this.closed.abort();
  }
}
