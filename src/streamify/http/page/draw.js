// Draws on canvases: states and attempts. A state is told by its shape as well as by its colour.

import { AGAIN, DONE, DONE_AGAIN, FAILED, RUNS, WAITS } from "./cells.js";

const NAMES = ["--wait", "--run", "--again", "--done", "--done", "--fail"];

// The colours of the page's scheme; `ink`, `card` and one for each state.
export function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  return { states: NAMES.map(of), card: of("--card"), ink: of("--ink"), line: of("--line"), cut: of("--quiet") };
}

// Makes a canvas as large as its box on the screen; returns its context, in CSS pixels.
export function fitted(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.inlineSize = `${width}px`;
    canvas.style.blockSize = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

// One cell: waiting is a line, running half as high as done, retrying two bars, failed a full one with a cross.
export function cell(context, { states, card }, state, x, y, width, height) {
  context.fillStyle = states[state];
  if (state === WAITS) context.fillRect(x, y + height / 2 - 1, width, 2);
  else if (state === RUNS) context.fillRect(x, y + height / 4, width, height / 2);
  else if (state === AGAIN) {
    context.fillRect(x, y + 1, width, height / 3 - 1);
    context.fillRect(x, y + (2 * height) / 3, width, height / 3 - 1);
  } else context.fillRect(x, y, width, height);
  if (state === DONE_AGAIN) {
    context.fillStyle = card;
    context.fillRect(x, y + height / 2 - 1, width, 2);
  }
  if (state === FAILED) cross(context, card, states[state], x, y, width, height);
}

function cross(context, card, colour, x, y, width, height) {
  if (width < 7) { // no room for a cross: it stands out of its row
    context.fillStyle = colour;
    context.fillRect(x, y - 2, width, height + 4);
    return;
  }
  const half = Math.min(width, height) / 2 - 2;
  const [cx, cy] = [x + width / 2, y + height / 2];
  context.strokeStyle = card;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const side of [-1, 1]) {
    context.moveTo(cx - half, cy - side * half);
    context.lineTo(cx + half, cy + side * half);
  }
  context.stroke();
}

// Several segments in one column: what exists of them stands on the floor of the row.
export function column(context, { states }, state, share, x, y, width, height) {
  if (state === DONE || share === 1) {
    context.fillStyle = states[DONE];
    context.fillRect(x, y, width, height);
    return;
  }
  context.fillStyle = states[WAITS];
  context.fillRect(x, y + height / 2 - 1, width, 2);
  if (share > 0) {
    context.fillStyle = states[DONE];
    context.fillRect(x, y + height * (1 - share), width, height * share);
  }
  if (state === WAITS) return;
  context.fillStyle = states[state];
  if (state === FAILED) context.fillRect(x, y - 2, width, height + 4);
  else context.fillRect(x, y + height / 4, width, height / 2);
}
