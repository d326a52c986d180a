// The browser's own HLS, behind the interface of `MsePlayer`. It chooses the rung itself.

import { parseMaster, programme } from "./playlist.js";
import { Requests } from "./requests.js";
import { reason } from "./status.js";

const HLS = "application/vnd.apple.mpegurl";

export const supported = (video) => video.canPlayType(HLS) !== "";

export class NativePlayer extends EventTarget {
  constructor(video) {
    super();
    this.video = video;
    this.rungs = [];
    this.audios = [];
    this.rung = -1;
    this.picked = null;
    this.audio = null;
    this.retrying = "";
    this.error = "";
    this.closed = new AbortController();
  }

  async load(url) {
    const { signal } = this.closed;
    this.video.addEventListener("error", () => {
      this.error = reason(this.video.error);
      this.dispatchEvent(new Event("failed"));
    }, { signal });
    this.video.src = url;
    this.look(url, signal);
  }

  // Finds the sounds to choose from. The browser reads the playlist as well, and tells what is wrong with it.
  async look(url, signal) {
    const text = await new Requests(signal).text(url).catch(() => "");
    if (!text || signal.aborted) return;
    this.audios = programme(parseMaster(text, url));
    this.audio = this.audios.find(({ preferred }) => preferred) ?? null;
    this.dispatchEvent(new Event("rungs"));
  }

  // Takes another audio rendition; returns whether the browser can, as Safari does.
  pickAudio(audio) {
    const tracks = [...(this.video.audioTracks ?? [])];
    const found = tracks.find(({ label }) => label === audio.name);
    if (!found) return false;
    for (const track of tracks) track.enabled = track === found;
    this.audio = audio;
    this.dispatchEvent(new Event("rungs"));
    return true;
  }

  start(position = 0) {
    if (position) this.video.currentTime = position;
  }

  close() {
    this.closed.abort();
  }
}
