// What is known of the chosen segment: its time, its state, its attempts with their logs.

import { LETTERS, NAMES } from "./cells.js";
import { element } from "./elements.js";
import { clock, count, size } from "./units.js";

const OUTCOMES = {
  running: "runs", paused: "is paused for a viewer", finished: "done", retried: "failed, another follows", failed: "failed for good", cancelled: "cut off",
};
const STAGES = ["decode", "scale", "encode", "other"];

export class Panel {
  // parts: {box, title, facts, attempts, play}
  constructor(parts, job) {
    Object.assign(this, parts);
    this.job = job;
    this.shown = ""; // what is shown, as the state when it was asked for
  }

  // Shows a segment; asks the server again where its state or its attempts changed.
  async show(row, segment) {
    const { cells } = this.job;
    const track = cells.tracks[row];
    const state = cells.state(row, segment);
    const title = `${track.name || track.id}, segment ${segment + 1} of ${cells.segments}`;
    const when = `${clock(cells.starts[segment])} to ${clock(cells.starts[segment + 1])}`;
    const wanted = `${title} ${when} ${state}`;
    if (wanted === this.shown) return;
    this.shown = wanted;
    this.box.hidden = false;
    this.title.textContent = title;
    this.play.textContent = `Play from ${clock(cells.starts[segment])}`;
    this.facts.textContent = `${when} · ${NAMES[state]}`;
    const found = await this.job.segment(track.id, segment);
    if (this.shown !== wanted) return;
    if (found) this.describe(found, when);
    else this.attempts.replaceChildren(element("li", "The server does not tell more."));
  }

  describe(found, when) {
    const facts = [when, NAMES[LETTERS.indexOf(found.state)]];
    if (found.made) facts.push(size(found.made.bytes));
    const spent = STAGES.filter((stage) => found.cost?.[stage] >= 0.005).map((stage) => `${stage} ${found.cost[stage].toFixed(2)} s`);
    if (spent.length) facts.push(`CPU: ${spent.join(", ")}`);
    this.facts.textContent = facts.join(" · ");
    const none = found.made ? "Made by an earlier run." : "No attempt yet.";
    const items = found.attempts.map((one) => this.attempt(one));
    this.attempts.replaceChildren(...(items.length ? items : [element("li", none)]));
  }

  attempt({ task, number, worker, started, ended, outcome, message, log }) {
    const began = clock(started - (this.job.head.times.started ?? started));
    const length = ended === null ? `since ${began}` : `${(ended - started).toFixed(1)} s from ${began}`;
    const item = element("li", "");
    const words = `Attempt ${number} ${OUTCOMES[outcome]} · ${length}${worker ? ` · worker ${worker}` : ""} `;
    item.append(element("span", words, outcome === "failed" || outcome === "retried" ? "bad" : ""), element("code", task));
    if (message) item.append(element("p", message));
    if (log) {
      const more = element("details", "");
      const lines = count(log.trimEnd().split("\n").length, "line");
      const text = element("pre", log);
      text.tabIndex = 0; // it scrolls
      more.append(element("summary", `Log, ${lines}`), text);
      item.append(more);
    }
    return item;
  }
}
