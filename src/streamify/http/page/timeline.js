// The timeline: a lane for each worker that runs at the same moment, a bar for each attempt. What is empty was idle.

import { AGAIN, busy, DONE, FAILED, RUNS, stragglers } from "./cells.js";
import { cell, colours, fitted } from "./draw.js";
import { change } from "./elements.js";
import { clock, count } from "./units.js";

const LANE = 18;
const BAR = 12;
const WINDOW = 60; // seconds for which it is said how busy workers were
const SHAPES = { r: RUNS, d: DONE, a: AGAIN, f: FAILED };

export class Timeline extends EventTarget {
  // parts: {box, canvas, labels, from, to, words}
  constructor(parts, job) {
    super();
    Object.assign(this, parts);
    this.job = job;
    this.colours = colours();
    new ResizeObserver(() => this.draw()).observe(this.box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colours = colours();
      this.draw();
    });
    this.canvas.addEventListener("click", (event) => this.click(event));
  }

  draw() {
    const attempts = [...this.job.attempts.values()];
    const view = this.box.clientWidth;
    if (!attempts.length || !view) return;
    const { head, now } = this.job;
    const end = head.times.ended ?? now;
    const lanes = Math.max(head.workers, ...attempts.map(({ lane }) => lane + 1));
    const begin = attempts.reduce((least, { start }) => Math.min(least, start), end);
    this.scale = { begin, pixels: view / Math.max(1, end - begin), end };
    const context = fitted(this.canvas, view, lanes * LANE);
    context.clearRect(0, 0, view, lanes * LANE);
    context.fillStyle = this.colours.line;
    for (let lane = 0; lane < lanes; lane += 1) context.fillRect(0, lane * LANE + LANE / 2 - 0.5, view, 1);
    const late = stragglers(attempts, end);
    const ids = new Set(late.map(({ id }) => id));
    for (const attempt of attempts) this.bar(context, attempt, ids.has(attempt.id));
    if (this.labels.childElementCount !== lanes) {
      this.labels.replaceChildren(...Array.from({ length: lanes }, (_, lane) => {
        const item = document.createElement("li");
        item.textContent = String(lane + 1);
        return item;
      }));
    }
    change(this.from, clock(begin - (head.times.started ?? begin)));
    change(this.to, clock(end - (head.times.started ?? begin)));
    this.say(attempts, late, end);
  }

  bar(context, { lane, start, end, outcome }, late) {
    const { begin, pixels } = this.scale;
    const x = (start - begin) * pixels;
    const width = Math.max(1, ((end ?? this.scale.end) - start) * pixels - 1);
    const y = lane * LANE + (LANE - BAR) / 2;
    if (outcome === "p") {
      context.strokeStyle = this.colours.states[RUNS];
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + BAR / 4 + 0.5, Math.max(1, width - 1), BAR / 2 - 1);
    } else if (outcome === "c") {
      context.fillStyle = this.colours.cut;
      context.fillRect(x, y + BAR / 2 - 1, width, 3);
    } else cell(context, this.colours, SHAPES[outcome], x, y, width, BAR);
    if (!late) return;
    context.strokeStyle = this.colours.states[AGAIN];
    context.lineWidth = 2;
    context.strokeRect(x + 1, y - 1, Math.max(2, width - 2), BAR + 2);
  }

  say(attempts, late, end) {
    const { head } = this.job;
    const [running, paused] = ["r", "p"].map((letter) => attempts.filter(({ outcome }) => outcome === letter).length);
    const since = Math.max(end - WINDOW, Math.max(head.times.planned ?? 0, this.scale.begin));
    const share = Math.round(100 * busy(attempts, head.workers, since, end));
    const parts = [];
    if (head.workers && !head.times.ended) {
      parts.push(`${running} of ${count(head.workers, "worker")} busy`, `${share} % of the last ${clock(end - since)}`);
      if (paused) parts.push(`${count(paused, "task")} paused for a viewer`);
    } else parts.push(count(attempts.length, "attempt"));
    for (const { task, start, usual } of late.slice(0, 2)) {
      parts.push(`${task} takes long: ${Math.round(end - start)} s, others ${usual.toFixed(1)} s`);
    }
    const words = parts.join(" · ");
    if (this.words.textContent === words) return;
    this.words.textContent = words;
    this.canvas.setAttribute("aria-label", `Timeline of workers. ${words}`);
  }

  // The attempt that was clicked, as the detail of "select".
  click({ offsetX, offsetY }) {
    if (!this.scale) return;
    const time = this.scale.begin + offsetX / this.scale.pixels;
    const lane = Math.floor(offsetY / LANE);
    const slack = 3 / this.scale.pixels;
    const found = [...this.job.attempts.values()].findLast((attempt) =>
      attempt.lane === lane && attempt.start - slack <= time && (attempt.end ?? this.scale.end) + slack >= time);
    if (found) this.dispatchEvent(new CustomEvent("select", { detail: found }));
  }
}
