// Which rung to load next, by measured throughput. Pure.

export const SAFETY = 0.7; // of the throughput may be used by a rung that is switched up to
const ENOUGH = 8; // seconds of buffer before switching up
const LITTLE = 4; // seconds of buffer below which a rung that only just fits is left

// Bits per second as the lower of a fast and a slow moving average, each weighted by how long a download took.
export class Throughput {
  constructor() {
    this.averages = [2, 8].map((half) => ({ half, value: 0, weight: 0 }));
  }

  add(bytes, seconds) {
    if (bytes < 16_000) return; // the answer time of the server, not its rate
    const time = Math.max(seconds, 0.001);
    for (const average of this.averages) {
      const keep = 0.5 ** (time / average.half);
      average.value = average.value * keep + ((8 * bytes) / time) * (1 - keep);
      average.weight = average.weight * keep + (1 - keep);
    }
  }

  // `fallback` until something was measured.
  estimate(fallback) {
    return Math.min(...this.averages.map(({ value, weight }) => (weight ? value / weight : fallback)));
  }
}

// The index into `rungs` (lowest bandwidth first) to load next.
//   current: index of the one that was loaded last, -1 at the start
//   throughput: bits per second
//   ahead: seconds of buffer
//   pixels: height of the picture on the screen; a rung that is larger than the next one above it is of no use
export function choose(rungs, { current, throughput, ahead, pixels }) {
  const useful = rungs.findIndex((rung) => Math.min(rung.height, rung.width) >= pixels);
  const top = useful < 0 ? rungs.length - 1 : useful;
  const best = (limit) => Math.max(0, rungs.findLastIndex((rung, index) => index <= top && rung.bandwidth <= limit));
  if (current < 0) return best(throughput * SAFETY);
  if (rungs[current].bandwidth > throughput || (ahead < LITTLE && rungs[current].bandwidth > throughput * SAFETY)) {
    return Math.min(current, best(throughput * SAFETY));
  }
  const wanted = best(throughput * SAFETY);
  return wanted > current && ahead >= ENOUGH ? wanted : current;
}
