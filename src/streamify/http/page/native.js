// The browser's own HLS, behind the interface of `MsePlayer`. It chooses rung and audio itself.

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
  }

  start(position = 0) {
    if (position) this.video.currentTime = position;
  }

  close() {
    this.closed.abort();
  }
}
