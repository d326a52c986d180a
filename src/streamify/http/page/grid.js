// The grid of segments x tracks: a row for each track, a column for each segment, in the order of the film.
// Events: "select" (another cell is chosen), "seek" and "play" (the film is to go on from it).

import { NAMES } from "./cells.js";
import { cell, colours, column, fitted } from "./draw.js";
import { clock, places } from "./units.js";

const ROW = 20; // pixels from one track to the next
const HEIGHT = 14; // of a cell
const WIDEST = 28;
const NEAR = 12; // width of a cell in the near view
const LEAST = 3; // width below which several segments share a column
const PAGE = 10; // segments
const LABEL = 110; // pixels from one label of time to the next

export class Grid extends EventTarget {
  // parts: {scroll, wide, canvas, mark (where the viewer is), chosen (the frame of the chosen cell), labels, axis}
  constructor(parts) {
    super();
    Object.assign(this, parts);
    this.cells = null;
    this.near = false;
    this.row = this.segment = 0;
    this.picked = false;
    this.time = 0;
    this.colours = colours();
    this.scroll.addEventListener("scroll", () => this.later());
    this.scroll.addEventListener("keydown", (event) => this.key(event));
    this.wide.addEventListener("click", (event) => this.click(event));
    this.wide.addEventListener("mousemove", (event) => this.hover(event));
    new ResizeObserver(() => this.layout()).observe(this.scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.colours = colours();
      this.draw();
    });
  }

  show(cells) {
    this.cells = cells;
    this.row = Math.min(this.row, cells.tracks.length - 1);
    this.segment = Math.min(this.segment, cells.segments - 1);
    this.labels.replaceChildren(...cells.tracks.map((track) => {
      const item = document.createElement("li");
      item.textContent = track.name || track.id;
      item.title = track.id;
      return item;
    }));
    this.layout();
  }

  // Whether the near view shows more than the whole film does.
  get dense() {
    return !!this.cells && this.scroll.clientWidth / this.cells.segments < NEAR;
  }

  look(near) {
    this.near = near;
    this.layout();
    if (near) this.reveal(this.picked ? this.segment : this.cells.segmentAt(this.time));
  }

  layout() {
    if (!this.cells || !this.scroll.clientWidth) return;
    const view = this.scroll.clientWidth;
    this.view = view;
    this.width = Math.min(WIDEST, this.near && this.dense ? NEAR : view / this.cells.segments);
    this.wide.style.inlineSize = `${Math.max(view, this.width * this.cells.segments)}px`;
    this.wide.style.blockSize = `${this.cells.tracks.length * ROW}px`;
    this.draw();
    this.ticks();
    this.place(this.time);
    this.frame();
    this.dispatchEvent(new Event("layout"));
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
      this.ticks();
    });
  }

  draw(rows = null) {
    if (!this.cells || !this.width) return;
    const { tracks, segments } = this.cells;
    const context = fitted(this.canvas, this.view, tracks.length * ROW);
    const first = Math.max(0, Math.floor(this.scroll.scrollLeft / this.width));
    const last = Math.min(segments, Math.ceil((this.scroll.scrollLeft + this.view) / this.width));
    for (const row of rows ?? tracks.keys()) {
      context.clearRect(0, row * ROW, this.view, ROW);
      if (this.width < LEAST) this.columns(context, row, first, last);
      else this.single(context, row, first, last);
    }
  }

  single(context, row, first, last) {
    const gap = this.width >= 5 ? 1 : 0;
    const top = row * ROW + (ROW - HEIGHT) / 2;
    for (let segment = first; segment < last; segment += 1) {
      const x = segment * this.width - this.scroll.scrollLeft;
      cell(context, this.colours, this.cells.state(row, segment), x, top, this.width - gap, HEIGHT);
    }
  }

  columns(context, row, first, last) {
    const count = Math.round((last - first) * this.width);
    if (this.states?.length !== count) {
      this.states = new Uint8Array(count);
      this.shares = new Float32Array(count);
    }
    this.cells.summarise(row, first, last, this.states, this.shares);
    const top = row * ROW + (ROW - HEIGHT) / 2;
    for (let from = 0, to = 1; to <= count; to += 1) {
      if (to < count && this.states[to] === this.states[from] && this.shares[to] === this.shares[from]) continue;
      column(context, this.colours, this.states[from], this.shares[from], from, top, to - from, HEIGHT);
      from = to;
    }
  }

  ticks() {
    const used = Math.min(this.view, this.width * this.cells.segments);
    const marks = places(used, LABEL).map((place) => {
      const segment = (this.scroll.scrollLeft + place) / this.width;
      const mark = document.createElement("span");
      mark.textContent = clock(this.cells.starts[Math.min(this.cells.segments, Math.round(segment))]);
      mark.style.insetInlineStart = `${(100 * place) / this.view}%`;
      return mark;
    });
    this.axis.replaceChildren(...marks);
  }

  // Shows where the viewer is.
  place(seconds) {
    this.time = seconds;
    if (!this.cells || !this.width) return;
    this.mark.style.transform = `translateX(${this.cells.axis(seconds) * this.width}px)`;
  }

  frame() {
    this.chosen.hidden = !this.picked;
    this.chosen.style.transform = `translate(${this.segment * this.width}px, ${this.row * ROW}px)`;
    this.chosen.style.inlineSize = `${Math.max(6, this.width)}px`;
    this.chosen.style.blockSize = `${ROW}px`;
  }

  reveal(segment) {
    const x = segment * this.width;
    if (x < this.scroll.scrollLeft) this.scroll.scrollLeft = x;
    else if (x + this.width > this.scroll.scrollLeft + this.view) this.scroll.scrollLeft = x + this.width - this.view;
  }

  choose(row, segment) {
    const inside = (value, limit) => Math.min(limit - 1, Math.max(0, value));
    this.row = inside(row, this.cells.tracks.length);
    this.segment = inside(segment, this.cells.segments);
    this.picked = true;
    this.reveal(this.segment);
    this.frame();
    this.dispatchEvent(new Event("select"));
  }

  at(event) {
    const box = this.wide.getBoundingClientRect();
    const segment = Math.floor((event.clientX - box.left) / this.width);
    const row = Math.floor((event.clientY - box.top) / ROW);
    const inside = segment >= 0 && segment < this.cells.segments && row >= 0 && row < this.cells.tracks.length;
    return inside ? [row, segment] : null;
  }

  click(event) {
    const found = this.cells && this.at(event);
    if (!found) return;
    this.choose(...found);
    this.dispatchEvent(new Event("seek"));
  }

  hover(event) {
    const found = this.cells && this.at(event);
    this.wide.title = found ? this.name(...found) : "";
  }

  name(row, segment) {
    const { tracks, starts } = this.cells;
    const when = `${clock(starts[segment])} to ${clock(starts[segment + 1])}`;
    return `${tracks[row].name}, segment ${segment + 1}, ${when}: ${NAMES[this.cells.state(row, segment)]}`;
  }

  key(event) {
    if (!this.cells || event.altKey || event.ctrlKey || event.metaKey) return;
    const { row, segment } = this;
    const moves = {
      ArrowLeft: [row, segment - 1], ArrowRight: [row, segment + 1], ArrowUp: [row - 1, segment], ArrowDown: [row + 1, segment],
      PageUp: [row, segment - PAGE], PageDown: [row, segment + PAGE], Home: [row, 0], End: [row, this.cells.segments - 1],
    };
    if (moves[event.key]) this.choose(...(this.picked ? moves[event.key] : [row, segment]));
    else if (event.key === "Enter" && this.picked) this.dispatchEvent(new Event("play"));
    else return;
    event.preventDefault();
  }
}
