// The work while it goes on: the steps of the job, the grid, the timeline and the chosen segment.

import { AGAIN, DONE, DONE_AGAIN, FAILED, LETTERS, NAMES, RUNS, steps, WAITS } from "./cells.js";
import { cell, colours, fitted } from "./draw.js";
import { at, change, element, say } from "./elements.js";
import { Grid } from "./grid.js";
import { Panel } from "./panel.js";
import { Timeline } from "./timeline.js";
import { clock, count } from "./units.js";

const WORDS = { waits: "waiting", runs: "in progress", done: "done", failed: "failed" };
const SECOND = 1000;

export class Work {
  constructor(job, video) {
    this.job = job;
    this.video = video;
    this.grid = new Grid({
      scroll: at("grid-scroll"), wide: at("grid-wide"), canvas: at("grid"), mark: at("grid-mark"),
      chosen: at("grid-chosen"), labels: at("grid-labels"), axis: at("grid-axis"),
    });
    this.timeline = new Timeline({
      box: at("lanes-box"), canvas: at("lanes"), labels: at("lane-labels"), from: at("lanes-from"), to: at("lanes-to"),
      words: at("lanes-words"),
    }, job);
    this.panel = new Panel({
      box: at("cell"), title: at("cell-title"), facts: at("cell-facts"), attempts: at("cell-attempts"), play: at("cell-play"),
    }, job);
    const seek = () => (video.currentTime = job.cells.starts[this.grid.segment]);
    const play = () => seek() >= 0 && video.play().catch(() => {}); // the line below the picture says why it does not play
    this.grid.addEventListener("select", () => this.detail());
    this.grid.addEventListener("seek", seek);
    this.grid.addEventListener("play", play);
    this.grid.addEventListener("layout", () => this.zoom());
    this.timeline.addEventListener("select", ({ detail }) => this.find(detail.task));
    at("cell-play").addEventListener("click", play);
    at("grid-near").addEventListener("click", () => this.grid.look(!this.grid.near));
    job.addEventListener("snapshot", () => this.whole());
    job.addEventListener("change", ({ detail }) => this.change(detail));
    job.addEventListener("lost", () => this.lost());
    job.addEventListener("over", () => this.over());
    for (const kind of ["timeupdate", "seeking"]) video.addEventListener(kind, () => this.grid.place(video.currentTime));
    setInterval(() => this.tick(), SECOND);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.legend());
  }

  whole() {
    const { cells, head } = this.job;
    at("work").hidden = head.state === "complete" && !cells;
    if (!cells) return this.status();
    at("parts").hidden = false;
    this.grid.show(cells);
    this.legend();
    this.table();
    this.change({ rows: new Set(cells.tracks.keys()), tried: true });
    return this.announce(`${count(cells.segments, "segment")} of ${count(cells.tracks.length, "track")} planned`);
  }

  // rows: tracks of which segments changed; tried: whether attempts began or ended.
  change({ rows, tried }) {
    this.status();
    if (tried) this.timeline.draw();
    if (!this.job.cells) return;
    if (rows.size) {
      this.grid.draw(rows);
      this.numbers();
      this.detail();
    }
  }

  tick() {
    if (this.job.head.state !== "making" || document.hidden) return;
    this.timeline.draw(); // what runs grows
  }

  // The steps, and one line on how far the job is.
  status() {
    const { head, cells } = this.job;
    if (head.source) {
      say("title", head.source);
      document.title = `${head.source} - Streamify`;
    }
    const made = cells?.total(DONE, DONE_AGAIN) ?? 0;
    const all = cells ? cells.states.length : 0;
    const since = (from, to) => (head.times[from] && head.times[to] ? clockOf(head.times[to] - head.times[from]) : "");
    const details = [since("started", "planned"), all ? `${made} of ${all}` : "", since("made", "ended")];
    steps(head).forEach((state, index) => {
      const item = at("steps").children[index];
      item.dataset.state = state;
      change(item.querySelector(".state"), WORDS[state]);
      change(item.querySelector(".more"), details[index]);
    });
    at("share").value = head.share ?? 0;
    const parts = [`${Math.floor(100 * (head.share ?? 0))} %`];
    if (head.seconds_left !== null && head.seconds_left !== undefined) parts.push(`${clock(head.seconds_left)} left`);
    if (head.speed) parts.push(`${head.speed.toFixed(1)} × real time`);
    if (head.state === "planning") parts.splice(0, 1, "The source is read");
    if (head.state === "failed") parts.splice(0, parts.length, "Stopped", `${made} of ${all} segments exist`);
    say("progress", parts.join(" · "));
    at("work-error").hidden = !head.error;
    if (head.error) say("work-error", `The job failed: ${head.error}. What exists plays on.`);
    if (head.share >= (this.told ?? 0) + 0.25) this.announce(`${Math.floor(100 * (this.told = head.share))} per cent made`);
  }

  // Numbers by state in the legend, and by track for those who do not see the grid.
  numbers() {
    const { cells } = this.job;
    for (const state of LETTERS.split("").keys()) {
      const item = at("legend").children[state];
      change(item.querySelector("b"), cells.total(state));
      item.hidden = state === DONE_AGAIN && !cells.total(state);
    }
    cells.counts.forEach((counts, row) => {
      const line = at("work-table").rows[row];
      [counts[DONE] + counts[DONE_AGAIN], counts[RUNS], counts[AGAIN], counts[FAILED], counts[WAITS]].forEach(
        (number, column) => change(line.cells[column + 1], number),
      );
    });
  }

  table() {
    at("work-table").replaceChildren(...this.job.cells.tracks.map((track) => {
      const line = element("tr", "");
      const name = element("th", track.name || track.id);
      name.scope = "row";
      line.append(name, ...Array.from({ length: 5 }, () => element("td", "")));
      return line;
    }));
  }

  legend() {
    const scheme = colours();
    if (!at("legend").childElementCount) {
      at("legend").append(...NAMES.map((name) => {
        const item = element("li", "");
        item.append(element("canvas", ""), element("b", "0"), element("span", ` ${name}`));
        item.firstChild.setAttribute("aria-hidden", "true");
        return item;
      }));
    }
    [...at("legend").children].forEach((item, state) => {
      const context = fitted(item.firstChild, 14, 14);
      context.clearRect(0, 0, 14, 14);
      cell(context, scheme, state, 2, 1, 10, 12);
    });
  }

  zoom() {
    at("grid-near").hidden = !this.grid.dense;
    at("grid-near").textContent = this.grid.near ? "Whole film" : "Closer";
  }

  detail() {
    if (this.grid.picked) this.panel.show(this.grid.row, this.grid.segment);
  }

  // Chooses the first segment of a task.
  find(task) {
    const [kind, name, names] = task.split("/");
    const { cells } = this.job;
    if (!cells || !["video", "audio"].includes(kind)) return;
    const track = kind === "video" ? names.split(",")[0] : name;
    const row = cells.tracks.findIndex((one) => one.kind === kind && (kind === "video" ? one.name : one.id) === track);
    if (row >= 0) this.grid.choose(row, Number(kind === "video" ? name : names));
  }

  lost() {
    if (!this.job.over && this.job.cells) say("progress", "The server cannot be reached: this is what was known last");
  }

  over() {
    const { head, cells } = this.job;
    this.announce(head.state === "complete" ? "The stream is complete" : "The job failed");
    if (!cells || head.state !== "complete") return;
    const took = head.times.ended - head.times.started;
    say("work-title", `How it was made${took > 0 ? `: in ${clockOf(took)}` : ""}`);
    at("work").open = false;
  }

  announce(words) {
    say("work-said", words);
  }
}

const clockOf = (seconds) => (seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds));
