// The job as the server tells it (docs/reference/page-events.md): states of segments in one typed array. Pure.

export const LETTERS = "wradef"; // waits, runs, again, done, done after more than one attempt, failed
export const [WAITS, RUNS, AGAIN, DONE, DONE_AGAIN, FAILED] = LETTERS.split("").keys();
export const NAMES = ["waiting", "running", "retrying", "done", "done after a retry", "failed"];
export const exists = (state) => state === DONE || state === DONE_AGAIN;

export class Cells {
  constructor({ tracks, segments, cells, lengths, timescale }) {
    this.tracks = tracks;
    this.segments = segments;
    this.states = new Uint8Array(tracks.length * segments);
    this.counts = tracks.map(() => new Uint32Array(LETTERS.length)); // of each track, by state
    cells.forEach((text, row) => {
      let place = row * segments;
      for (const [, letter, count] of text.matchAll(/([a-z])(\d+)/g)) {
        this.states.fill(LETTERS.indexOf(letter), place, place + Number(count));
        this.counts[row][LETTERS.indexOf(letter)] += Number(count);
        place += Number(count);
      }
    });
    this.starts = new Float64Array(segments + 1); // seconds; the last one is the end
    let ticks = 0;
    let index = 0;
    for (let i = 0; i < lengths.length; i += 2) {
      for (let n = 0; n < lengths[i]; n += 1) this.starts[(index += 1)] = (ticks += lengths[i + 1]) / timescale;
    }
  }

  // Takes the runs of a change; returns the numbers of the tracks that it touches.
  apply(runs) {
    const rows = new Set();
    for (let i = 0; i < runs.length; i += 3) {
      const state = LETTERS.indexOf(runs[i + 2]);
      for (let place = runs[i]; place < runs[i] + runs[i + 1]; place += 1) {
        const row = Math.floor(place / this.segments);
        this.counts[row][this.states[place]] -= 1;
        this.counts[row][state] += 1;
        this.states[place] = state;
        rows.add(row);
      }
    }
    return rows;
  }

  state(row, segment) {
    return this.states[row * this.segments + segment];
  }

  total(...states) {
    return this.counts.reduce((sum, counts) => sum + states.reduce((part, state) => part + counts[state], 0), 0);
  }

  // The segment that is shown at a time.
  segmentAt(seconds) {
    let low = 0;
    let high = this.segments - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= seconds) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  // Where a time is on the axis of segments: 2.5 is the middle of the third.
  axis(seconds) {
    if (!this.segments) return 0;
    const segment = this.segmentAt(seconds);
    const length = this.starts[segment + 1] - this.starts[segment];
    return segment + Math.min(1, Math.max(0, (seconds - this.starts[segment]) / length));
  }

  // For a track, several segments a column: the state that matters most, and the share of segments that exist.
  // `states` and `shares` are filled, one entry a column.
  summarise(row, first, last, states, shares) {
    const columns = states.length;
    const base = row * this.segments;
    for (let column = 0; column < columns; column += 1) {
      const from = first + Math.floor((column * (last - first)) / columns);
      const to = Math.max(from + 1, first + Math.floor(((column + 1) * (last - first)) / columns));
      let most = WAITS;
      let there = 0;
      for (let segment = from; segment < to; segment += 1) {
        const state = this.states[base + segment];
        if (exists(state)) there += 1;
        else if (state > most) most = state; // failed before retried before running
      }
      states[column] = most === WAITS && there === to - from ? DONE : most;
      shares[column] = there / (to - from);
    }
  }
}

// Attempts as objects, by their number.
export function attempt([id, task, number, worker, lane, start, end, outcome]) {
  return { id, task, number, worker, lane, start, end, outcome };
}

// Attempts that run for more than twice as long as half of the finished ones of their kind took: they may hold up the end.
export function stragglers(attempts, now) {
  const kinds = new Map();
  for (const { task, start, end, outcome } of attempts) {
    if (outcome !== "d") continue;
    const lengths = kinds.get(kind(task));
    if (lengths) lengths.push(end - start);
    else kinds.set(kind(task), [end - start]);
  }
  const usual = (task) => {
    const lengths = kinds.get(kind(task)) ?? [];
    return lengths.length < 3 ? Infinity : lengths.sort((a, b) => a - b)[lengths.length >> 1];
  };
  return attempts
    .filter(({ outcome, start }) => outcome === "r" && now - start > 2)
    .map((found) => ({ ...found, usual: usual(found.task) }))
    .filter(({ start, usual }) => now - start > 2 * usual);
}

// Tasks are alike that make the same renditions, or a piece of the same sound.
const kind = (task) => task.replace(/\/\d+(?=\/|$)/, "");

// The share of the time from `from` to `to` that lanes were busy, 0 to 1.
export function busy(attempts, lanes, from, to) {
  if (to <= from || !lanes) return 0;
  const sum = attempts.reduce((sum, { start, end }) => sum + Math.max(0, Math.min(end ?? to, to) - Math.max(start, from)), 0);
  return Math.min(1, sum / (lanes * (to - from)));
}

// The steps of the job with their states: "waits", "runs", "done" or "failed".
export function steps({ state, times }) {
  const ends = [times?.planned, times?.made, state === "complete" ? times?.ended ?? true : undefined];
  const current = ends.findIndex((end) => !end);
  const now = state === "failed" ? "failed" : "runs";
  return ends.map((end, index) => (end ? "done" : index === current ? now : "waits"));
}
