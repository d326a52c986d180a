// The connection to the server: what the job does. Events: "snapshot", "change", "lost" (the server cannot be reached), "over".

import { attempt, Cells } from "./cells.js";

const TRIES = 5; // of the browser's own, one a second; after that the pause is long
const PAUSE = 15_000;
const OVER = ["complete", "failed"];

export class Job extends EventTarget {
  constructor() {
    super();
    this.head = { state: "unknown", times: {} };
    this.cells = null;
    this.attempts = new Map();
    this.behind = 0; // seconds that the clock of this machine is ahead of the server's
    this.errors = 0;
    this.first = new Promise((done) => {
      this.addEventListener("snapshot", done, { once: true });
      this.addEventListener("lost", done, { once: true });
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    this.open();
  }

  get over() {
    return OVER.includes(this.head.state);
  }

  // The time of the server, seconds.
  get now() {
    return Date.now() / 1000 - this.behind;
  }

  // A hidden page needs no news, and its connection is one of the six that browsers open to a server.
  open() {
    if (this.over || this.source || document.hidden) return;
    this.source = new EventSource("/_play/job");
    this.source.addEventListener("snapshot", ({ data }) => this.snapshot(JSON.parse(data)));
    this.source.addEventListener("change", ({ data }) => this.change(JSON.parse(data)));
    this.source.addEventListener("error", () => this.failed());
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  failed() {
    this.errors += 1;
    if (this.source.readyState === EventSource.CLOSED || this.errors >= TRIES) {
      this.close();
      setTimeout(() => this.open(), PAUSE);
    }
    this.dispatchEvent(new Event("lost"));
  }

  snapshot(document) {
    this.take(document);
    this.cells = document.tracks.length ? new Cells(document) : null;
    this.attempts = new Map((document.attempts ?? []).map((row) => [row[0], attempt(row)]));
    this.tell("snapshot", null);
  }

  change(document) {
    this.take(document);
    const rows = this.cells ? this.cells.apply(document.cells) : new Set();
    for (const row of document.attempts) this.attempts.set(row[0], attempt(row));
    while (this.attempts.size > 1000) this.attempts.delete(this.attempts.keys().next().value);
    this.tell("change", { rows, tried: document.attempts.length > 0 });
  }

  take({ cells, attempts, tracks, lengths, ...head }) {
    this.errors = 0;
    this.head = head;
    this.behind = Date.now() / 1000 - head.now;
  }

  tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
    if (!this.over) return;
    this.close();
    this.dispatchEvent(new Event("over"));
  }

  // What is known of one segment; null where the server does not say.
  async segment(track, segment) {
    try {
      const answer = await fetch(`/_play/job/${encodeURIComponent(track)}/${segment}`);
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  // Resolves when there is something to play.
  async watchable() {
    await this.first;
    while (this.head.state === "planning") {
      await new Promise((done) => {
        for (const kind of ["snapshot", "change"]) this.addEventListener(kind, done, { once: true });
      });
    }
  }
}
