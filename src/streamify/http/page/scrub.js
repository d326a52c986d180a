// What the pointer or the keyboard is about to seek to: its thumbnail, time and chapter, above the seek bar.

import { change } from "./elements.js";
import { segmentAt } from "./playlist.js";
import { clock } from "./units.js";

const AGAIN = 3000; // milliseconds after which a sheet that could not be loaded is asked for again
const WIDEST = 0.5; // of the bar, for a thumbnail

export class Scrub {
  // box: the preview; picture and words: what it consists of; input: the seek bar, a range of seconds.
  constructor({ box, picture, words, input }) {
    Object.assign(this, { box, picture, words, input });
    this.thumbnails = [];
    this.chapters = [];
    this.sheets = new Map(); // URL -> {size: [width, height], or null where it is not loaded, asked: milliseconds of the page}
    this.at = null; // seconds; null: nothing is shown
    input.addEventListener("pointermove", ({ clientX }) => this.show(this.under(clientX)));
    input.addEventListener("pointerdown", ({ clientX }) => this.show(this.under(clientX)));
    input.addEventListener("input", () => this.show(Number(input.value)));
    for (const kind of ["pointerleave", "pointercancel", "blur"]) input.addEventListener(kind, () => this.hide());
    input.addEventListener("pointerup", ({ pointerType }) => pointerType === "mouse" || this.hide());
  }

  // thumbnails: as `parseStoryboard` gives them; chapters: [{start, title}], seconds. Either may be empty.
  offer(thumbnails, chapters) {
    Object.assign(this, { thumbnails, chapters });
    if (this.at !== null) this.show(this.at);
  }

  // The time below the pointer. The middle of the thumb goes from half its width to half its width before the end.
  under(x) {
    const { left, width } = this.input.getBoundingClientRect();
    const thumb = parseFloat(getComputedStyle(this.input).getPropertyValue("--thumb"));
    const share = (x - left - thumb / 2) / (width - thumb);
    return Math.min(1, Math.max(0, share)) * Number(this.input.max);
  }

  show(at) {
    if (!Number(this.input.max)) return;
    this.at = at;
    const chapter = this.chapters[segmentAt(this.chapters, at)];
    const title = chapter && chapter.start <= at ? ` · ${chapter.title}` : "";
    change(this.words, clock(Math.floor(at)) + title);
    this.paint(this.thumbnails[segmentAt(this.thumbnails, at)]);
    this.box.hidden = false;
    this.place();
  }

  hide() {
    this.at = null;
    this.box.hidden = true;
  }

  // Centred above the time, as far as the bar reaches.
  place() {
    const thumb = parseFloat(getComputedStyle(this.input).getPropertyValue("--thumb"));
    const width = this.input.clientWidth;
    const middle = thumb / 2 + (this.at / Number(this.input.max)) * (width - thumb);
    const half = this.box.offsetWidth / 2;
    this.box.style.insetInlineStart = `${Math.max(0, Math.min(width - 2 * half, middle - half))}px`;
  }

  paint(thumbnail) {
    const size = thumbnail && this.sheet(thumbnail.url);
    this.picture.hidden = !size;
    if (!size) return;
    const scale = Math.min(1, (WIDEST * this.input.clientWidth) / thumbnail.width);
    const scaled = (...values) => values.map((value) => `${value * scale}px`).join(" ");
    Object.assign(this.picture.style, {
      inlineSize: scaled(thumbnail.width),
      blockSize: scaled(thumbnail.height),
      backgroundImage: `url("${thumbnail.url}")`,
      backgroundSize: scaled(...size),
      backgroundPosition: scaled(-thumbnail.x, -thumbnail.y),
    });
  }

  // Size of a sheet, pixels; null as long as it is not there, which it may not be while the stream is made.
  sheet(url) {
    const known = this.sheets.get(url);
    if (known && (known.size || performance.now() - known.asked < AGAIN)) return known.size;
    const found = { size: null, asked: performance.now() };
    this.sheets.set(url, found);
    const image = new Image();
    image.addEventListener("load", () => {
      found.size = [image.naturalWidth, image.naturalHeight];
      if (this.at !== null) this.show(this.at);
    });
    image.src = url;
    return null;
  }
}
