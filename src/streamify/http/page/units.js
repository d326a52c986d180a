// Numbers for people, as the CLI writes them (cli/text.py): decimal units, no more digits than help. Pure.

export function size(value) {
  if (value < 1000) return count(value, "byte");
  let number = value / 1000;
  for (const unit of ["kB", "MB", "GB"]) {
    if (number < 1000) return `${number.toFixed(number >= 100 ? 0 : 1)} ${unit}`;
    number /= 1000;
  }
  return `${number.toFixed(1)} TB`;
}

export function bits(value) {
  return value >= 1e6 ? `${(value / 1e6).toFixed(1)} Mbit/s` : `${(value / 1e3).toFixed(0)} kbit/s`;
}

export function clock(value) {
  const whole = Math.round(value);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
}

// "1 track", "2 tracks"
export const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

// A rational of the report, such as "1001/30000".
export function seconds(value) {
  const [over, under = 1] = String(value).split("/").map(Number);
  return over / under;
}

// Places of labels along an axis of that many pixels: the first at its start, none nearer than `least` to the next.
export function places(length, least) {
  const count = Math.max(1, Math.floor(length / least));
  return Array.from({ length: count }, (_, index) => (length * index) / count);
}
