// WebVTT (W3C) as data: cues of subtitles, and storyboards of thumbnails. Pure.

const TIME = String.raw`(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})`;
const TIMES = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}(.*)$`);
const STAMP = new RegExp(`^${TIME}$`);
const CLOCK = 90_000; // ticks a second of MPEGTS
const WRAP = 2 ** 33; // MPEGTS begins anew there

const seconds = ([hours = "0", minutes, whole, milliseconds]) =>
  3600 * Number(hours) + 60 * Number(minutes) + Number(whole) + Number(milliseconds) / 1000;

// {offset, cues: [{start, end, text, settings}]}: seconds; offset is what X-TIMESTAMP-MAP (RFC 8216, 3.5) adds to the times
// of cues. Text is as it is in the file, settings is an object of strings. Throws an Error where this is no WebVTT.
export function parse(text) {
  const lines = text.replace(/^\uFEFF/, "").replaceAll("\0", "\uFFFD").split(/\r\n|\n|\r/);
  if (!/^WEBVTT(?:[ \t]|$)/.test(lines[0])) throw new Error("this is no WebVTT file");
  const found = { offset: 0, cues: [] };
  let number = 1;
  for (; number < lines.length && lines[number] && !lines[number].includes("-->"); number += 1) {
    if (lines[number].startsWith("X-TIMESTAMP-MAP")) found.offset = offset(lines[number]);
  }
  while (number < lines.length) {
    if (!lines[number].includes("-->")) { // an identifier, a comment, a style or nothing
      number += 1;
      continue;
    }
    const times = lines[number].match(TIMES);
    const words = [];
    for (number += 1; number < lines.length && lines[number] && !lines[number].includes("-->"); number += 1) words.push(lines[number]);
    if (!times) continue;
    const [start, end] = [seconds(times.slice(1, 5)), seconds(times.slice(5, 9))];
    if (end > start) found.cues.push({ start, end, text: words.join("\n"), settings: settings(times[9]) });
  }
  return found;
}

function offset(line) {
  const [, ticks] = line.match(/MPEGTS:(\d+)/) ?? [];
  const local = line.match(/LOCAL:([\d:.]+)/)?.[1].match(STAMP);
  return ticks && local ? (Number(ticks) % WRAP) / CLOCK - seconds(local.slice(1)) : 0;
}

function settings(text) {
  const pairs = text.trim().split(/\s+/).map((one) => one.split(/:(.*)/s));
  return Object.fromEntries(pairs.filter(([name, value]) => name && value));
}

// What a VTTCue gets of the settings of a cue (WebVTT, 6.3): properties by name. What is not valid is left out.
export function placement({ vertical, line, position, size, align }) {
  const found = {};
  if (["rl", "lr"].includes(vertical)) found.vertical = vertical;
  const [at, lineAlign] = (line ?? "").split(",");
  if (percent(at) !== null) Object.assign(found, { snapToLines: false, line: percent(at) });
  else if (/^-?\d+$/.test(at)) found.line = Number(at);
  if ("line" in found && ["start", "center", "end"].includes(lineAlign)) found.lineAlign = lineAlign;
  const [place, positionAlign] = (position ?? "").split(",");
  if (percent(place) !== null) found.position = percent(place);
  if ("position" in found && ["line-left", "center", "line-right"].includes(positionAlign)) found.positionAlign = positionAlign;
  if (percent(size) !== null) found.size = percent(size);
  if (["start", "center", "end", "left", "right"].includes(align)) found.align = align;
  return found;
}

function percent(text) {
  const value = /^\d+(?:\.\d+)?%$/.test(text ?? "") ? parseFloat(text) : NaN;
  return value <= 100 ? value : null;
}

// The thumbnails of a storyboard at the absolute URL `base`, in order: [{start, end, url, x, y, width, height}], seconds and
// pixels (Media Fragments URI 1.0, 4.2.2).
export function parseStoryboard(text, base) {
  const found = [];
  for (const { start, end, text: target } of parse(text).cues) {
    const [, name, ...box] = target.match(/^(\S+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/) ?? [];
    const [x, y, width, height] = box.map(Number);
    if (width && height) found.push({ start, end, url: new URL(name, base).href, x, y, width, height });
  }
  return found.sort((a, b) => a.start - b.start);
}
