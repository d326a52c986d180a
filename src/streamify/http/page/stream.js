// What there is to know of a stream: the master playlist, and report.json where it exists.

import { parseMaster, soundName } from "./playlist.js";
import { count, seconds } from "./units.js";
import { parseStoryboard } from "./vtt.js";

// reported: whether there may be a report.
export async function load(reported) {
  const url = new URL("/master.m3u8", location.href).href;
  const [report, text] = await Promise.all([
    reported ? get("/report.json", (answer) => answer.json()) : null,
    get(url, (answer) => answer.text()),
  ]);
  const master = text === null ? { variants: [], audios: [], subtitles: [], images: null } : parseMaster(text, url);
  const tracks = report?.tracks ? report.tracks.map((track) => fromReport(track, master, url)) : fromMaster(master);
  return { report: report?.tracks ? report : null, tracks, subtitles: master.subtitles, images: master.images };
}

// The thumbnails of the storyboard beside the image playlist at `url`; none where there is no storyboard.
export async function thumbnails(url) {
  const found = url && new URL("storyboard.vtt", url).href;
  const text = found && (await get(found, (answer) => answer.text()));
  return text ? parseStoryboard(text, found) : [];
}

// Resolves once the server has an answer; never where it has none at the first try: news of the job tells it then.
export const readable = (url) =>
  new Promise((done) => fetch(url, { method: "HEAD" }).then((answer) => answer.ok && done(), () => {}));

async function get(path, read) {
  try {
    const answer = await fetch(path, { cache: "no-cache" });
    return answer.ok ? await read(answer) : null;
  } catch {
    return null; // what is said of a stream is no reason not to play it
  }
}

export const rungName = (variant) => (variant.height ? `${Math.min(variant.width, variant.height)}p` : "Sound only");

function fromReport(track, master, url) {
  const folder = new URL(track.folder.split("/").map(encodeURIComponent).join("/") + "/", url).href;
  const named = master.audios.find((audio) => audio.url.startsWith(folder));
  return {
    name: named ? soundName(named) : track.folder.split("/").pop().replace(/-[0-9a-f]{8}$/, ""),
    kind: track.kind,
    width: track.width,
    height: track.height,
    codecs: track.codecs,
    average: track.average_bandwidth,
    peak: track.bandwidth,
    bytes: track.bytes,
  };
}

export function fromMaster(master) {
  const rungs = master.variants.map((variant) => ({
    name: rungName(variant),
    kind: variant.height ? "video" : "audio",
    width: variant.width,
    height: variant.height,
    codecs: variant.codecs.join(","),
    average: variant.average,
    peak: variant.bandwidth,
  }));
  const urls = new Set(); // a track without 5.1 is in both groups
  const once = (audio) => !urls.has(audio.url) && urls.add(audio.url);
  return [...rungs, ...master.audios.filter(once).map((audio) => ({ name: soundName(audio), kind: "audio", codecs: "" }))];
}

// "720 of 720 frames, 5 seams checked", and what else the certificate has to say.
export function proof(found) {
  const frames = found.promised ? `${found.encoded} of ${count(found.promised, "frame")}` : "No video";
  const counts = [
    [found.lost.length, "the source could not give"],
    [found.damaged, "damaged in the source"],
    [found.duplicated, "duplicated"],
    [found.dropped, "left out on purpose"],
  ];
  const more = counts.filter(([number]) => number).map(([number, what]) => `${count(number, "frame")} ${what}`);
  const over = new Set(found.audio_over_video.map((value) => (1000 * seconds(value)).toFixed(1)));
  if (over.size) more.push(`Audio outlasts video by ${[...over].join(", ")} ms`);
  return { line: `${frames}, ${count(found.seams, "seam")} checked`, more };
}
