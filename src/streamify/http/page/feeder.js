// Keeps one SourceBuffer filled with the segments of the rendition that is wanted.

import { segmentAt } from "./playlist.js";

const BEHIND = 30; // seconds that stay for seeking back
const SLACK = 0.15; // seconds by which the edges of a segment in the buffer may differ from the playlist

export class Feeder {
  // source: {buffer: SourceBuffer, wanted(): rendition, loaded(rendition), mediaPlaylist(rendition), load(url, signal), measure(url, signal): load that counts for the throughput}
  constructor(video, source) {
    this.video = video;
    this.source = source;
    this.held = new Map(); // index of a segment -> rendition it was appended from
    this.odd = new Set(); // indexes of segments whose edges in the buffer are not where the playlist says
    this.init = null; // rendition whose init segment the buffer has
    this.abort = new AbortController();
    this.turn = 0; // rises with each `forget`
    this.ahead = 30; // seconds to hold ahead; less where the browser has no room
  }

  // What was appended from segment `index` on is to be loaded again, from the rendition that is wanted now.
  forget(from) {
    this.turn += 1;
    for (const index of this.held.keys()) {
      if (index < from) continue;
      this.held.delete(index);
      this.odd.delete(index);
    }
  }

  covers(start, end) {
    const ranges = this.source.buffer.buffered;
    for (let i = 0; i < ranges.length; i += 1) {
      if (ranges.start(i) <= start + SLACK && ranges.end(i) >= end - SLACK) return true;
    }
    return false;
  }

  // Whether a segment is in the buffer. An odd one is by its middle: it would be loaded for ever by its edges.
  has({ start, end }, odd) {
    const middle = (start + end) / 2;
    return odd ? this.covers(middle, middle) : this.covers(start, end);
  }

  // The first segment from the playing position on that is not in the buffer; null if all are.
  missing(segments) {
    for (let i = segmentAt(segments, this.video.currentTime); i < segments.length; i += 1) {
      if (!this.held.has(i) || !this.has(segments[i], this.odd.has(i))) return i;
    }
    return null;
  }

  // Seconds from the playing position on that are in the buffer without a gap.
  level() {
    const ranges = this.source.buffer.buffered;
    const now = this.video.currentTime;
    for (let i = 0; i < ranges.length; i += 1) {
      if (ranges.start(i) <= now + SLACK && ranges.end(i) > now) return ranges.end(i) - now;
    }
    return 0;
  }

  // Loads one segment if one is due. Returns "loaded", "full" (enough is there, or all that exists by now), or "end"
  // (nothing more to load).
  async step() {
    const rendition = this.source.wanted();
    const playlist = await this.source.mediaPlaylist(rendition);
    const index = this.missing(playlist.segments);
    if (index === null) return playlist.ended ? "end" : "full";
    const segment = playlist.segments[index];
    if (segment.start > this.video.currentTime + this.ahead) return "full";
    this.loading = segment;
    const { turn } = this;
    const { signal } = (this.abort = new AbortController());
    const [init, data] = await Promise.all([
      this.init === rendition ? null : this.source.load(playlist.init, signal),
      this.source.measure(segment.url, signal),
    ]);
    await this.evict();
    if (init) await this.append(init);
    this.init = rendition;
    await this.append(data);
    if (turn === this.turn) {
      this.held.set(index, rendition);
      if (!this.has(segment, false)) this.odd.add(index);
    }
    this.loading = null;
    this.source.loaded(rendition);
    return "loaded";
  }

  // The position changed: a download that is of no use there is given up.
  moved() {
    const now = this.video.currentTime;
    if (this.loading && (this.loading.end < now || this.loading.start > now + this.ahead)) this.abort.abort();
  }

  async evict(behind = BEHIND) {
    const ranges = this.source.buffer.buffered;
    const limit = this.video.currentTime - behind;
    if (ranges.length && ranges.start(0) < limit - 10) await this.run(() => this.source.buffer.remove(0, limit));
  }

  async append(data) {
    try {
      await this.run(() => this.source.buffer.appendBuffer(data));
    } catch (error) {
      if (error.name !== "QuotaExceededError") throw error;
      this.ahead = Math.max(6, this.ahead / 2);
      await this.evict(2);
      await this.run(() => this.source.buffer.appendBuffer(data));
    }
  }

  // Runs one operation of the buffer and waits until it is done.
  async run(operation) {
    const { buffer } = this.source;
    const over = new AbortController();
    const done = new Promise((resolve, reject) => {
      const { signal } = over;
      buffer.addEventListener("error", () => reject(new Error("the browser cannot decode a segment")), { signal });
      buffer.addEventListener("updateend", resolve, { signal });
    });
    try {
      operation();
      await done;
    } finally {
      over.abort();
    }
  }
}
