// Subtitles of a stream as text tracks of the media element, whoever plays the pictures: segments of WebVTT near the
// playing position become cues. The browser lays them out, and of their text it knows only the tags of WebVTT.
// Events: "chosen", "failed" (see `error`).

import { parseMedia, segmentAt } from "./playlist.js";
import { Requests } from "./requests.js";
import { parse, placement } from "./vtt.js";

const AHEAD = 30; // seconds of cues to hold ahead of the playing position
const AGAIN = 2; // seconds after which a playlist of a stream that grows is read again
const SAME = 0.01; // seconds by which two versions of one cue may differ: a cue over a join is in both segments

export class Subtitles extends EventTarget {
  constructor(video) {
    super();
    this.video = video;
    this.offered = [];
    this.chosen = null;
    this.error = "";
    this.tracks = new Map(); // URL of a rendition -> Loaded
    for (const kind of ["timeupdate", "seeking", "loadedmetadata"]) video.addEventListener(kind, () => this.load());
    video.textTracks.addEventListener("addtrack", () => this.show()); // the browser's own HLS may have the same ones
  }

  // renditions: as `parseMaster` gives them.
  offer(renditions) {
    const { chosen } = this;
    this.offered = renditions;
    this.chosen = renditions.find(({ url }) => url === chosen?.url) ?? null;
    this.dispatchEvent(new Event("chosen"));
  }

  // rendition: one of those that are offered; null: none is shown.
  choose(rendition) {
    this.chosen = rendition;
    this.error = "";
    if (rendition && !this.tracks.has(rendition.url)) this.tracks.set(rendition.url, new Loaded(this.video, rendition));
    this.show();
    this.load();
    this.dispatchEvent(new Event("chosen"));
  }

  show() {
    const shown = this.tracks.get(this.chosen?.url)?.track;
    for (const track of this.video.textTracks) {
      const mode = track === shown ? "showing" : "disabled";
      if (track.mode !== mode && ["subtitles", "captions"].includes(track.kind)) track.mode = mode;
    }
  }

  async load() {
    const loaded = this.tracks.get(this.chosen?.url);
    if (!loaded) return;
    try {
      await loaded.load(AHEAD);
    } catch (error) {
      if (loaded !== this.tracks.get(this.chosen?.url)) return;
      this.tracks.delete(loaded.rendition.url); // chosen again, it is tried again
      loaded.track.mode = "disabled";
      this.chosen = null;
      this.error = error.message;
      this.dispatchEvent(new Event("failed"));
      this.dispatchEvent(new Event("chosen"));
    }
  }
}

// The cues of one rendition, as far as they were loaded.
class Loaded {
  constructor(video, rendition) {
    this.video = video;
    this.rendition = rendition;
    this.track = video.addTextTrack(rendition.described ? "captions" : "subtitles", rendition.name, rendition.language);
    this.requests = new Requests(new AbortController().signal);
    this.playlist = null;
    this.read = -Infinity; // when the playlist was read, milliseconds of the page
    this.held = new Set(); // indexes of segments
    this.known = new Map(); // text of a cue -> [[start, end]]
    this.busy = null;
  }

  // Loads what is missing up to `ahead` seconds from the playing position on. Throws an Error where that cannot be had.
  load(ahead) {
    this.busy ??= this.fill(ahead).finally(() => (this.busy = null));
    return this.busy;
  }

  async fill(ahead) {
    for (let index = await this.missing(ahead); index !== null; index = await this.missing(ahead)) {
      const { url } = this.playlist.segments[index];
      const text = await this.requests.text(url);
      try {
        this.add(parse(text));
      } catch (error) {
        throw new Error(`${new URL(url).pathname}: ${error.message}`);
      }
      this.held.add(index);
    }
  }

  async missing(ahead) {
    if (!this.playlist || (!this.playlist.ended && performance.now() - this.read > 1000 * AGAIN)) {
      const { url } = this.rendition;
      this.playlist = parseMedia(await this.requests.text(url), url);
      this.read = performance.now();
    }
    const { segments } = this.playlist;
    const now = this.video.currentTime;
    for (let index = segmentAt(segments, now); index < segments.length && segments[index].start < now + ahead; index += 1) {
      if (!this.held.has(index)) return index;
    }
    return null;
  }

  add({ offset, cues }) {
    for (const { start, end, text, settings } of cues) {
      const times = [start + offset, end + offset];
      const known = this.known.get(text) ?? [];
      if (known.some((other) => other.every((time, index) => Math.abs(time - times[index]) < SAME))) continue;
      this.known.set(text, [...known, times]);
      this.track.addCue(Object.assign(new VTTCue(...times, text), placement(settings)));
    }
  }
}
