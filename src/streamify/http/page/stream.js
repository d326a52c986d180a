// What there is to know of a stream: report.json where it exists, else the master playlist.

export async function load() {
  const report = await get("/report.json", (answer) => answer.json());
  if (report && report.tracks) return { report, tracks: report.tracks.map(fromReport) };
  const master = await get("/master.m3u8", (answer) => answer.text());
  return { report: null, tracks: master ? fromMaster(master) : [] };
}

async function get(path, read) {
  try {
    const answer = await fetch(path, { cache: "no-cache" });
    return answer.ok ? await read(answer) : null;
  } catch {
    return null; // no report is no reason not to play
  }
}

function fromReport(track) {
  return {
    name: track.folder.split("/").pop().replace(/-[0-9a-f]{8}$/, ""),
    kind: track.kind,
    width: track.width,
    height: track.height,
    codecs: track.codecs,
    average: track.average_bandwidth,
    peak: track.bandwidth,
    bytes: track.bytes,
  };
}

export function fromMaster(text) {
  const tracks = [];
  for (const line of text.split(/\r?\n/)) {
    if (!line.startsWith("#EXT-X-STREAM-INF:")) continue;
    const found = Object.fromEntries(
      [...line.matchAll(/([A-Z-]+)=("[^"]*"|[^,]*)/g)].map((pair) => [pair[1], pair[2].replaceAll('"', "")]),
    );
    const [width, height] = (found.RESOLUTION ?? "").split("x").map(Number);
    tracks.push({
      name: height ? `${Math.min(width, height)}p` : "audio",
      kind: height ? "video" : "audio",
      width,
      height,
      codecs: found.CODECS ?? "",
      average: Number(found["AVERAGE-BANDWIDTH"] ?? found.BANDWIDTH),
      peak: Number(found.BANDWIDTH),
    });
  }
  return tracks;
}

export function seconds(value) {
  const [over, under = 1] = String(value).split("/").map(Number);
  return over / under;
}

export function clock(value) {
  const whole = Math.round(value);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return whole >= 3600 ? `${Math.floor(whole / 3600)}:${parts.join(":")}` : `${Number(parts[0])}:${parts[1]}`;
}

export function bits(value) {
  if (!value) return "";
  return value >= 1e6 ? `${(value / 1e6).toFixed(2)} Mbit/s` : `${Math.round(value / 1e3)} kbit/s`;
}

export function size(value) {
  if (!value) return "";
  return value >= 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${(value / 1e6).toFixed(1)} MB`;
}

// "720 of 720 frames, 5 seams checked", and what else the certificate has to say.
export function proof(found) {
  const frames = found.promised ? `${found.encoded} of ${found.promised} frames` : "No video";
  const counts = [
    [found.lost.length, "the source could not give"],
    [found.damaged, "damaged in the source"],
    [found.duplicated, "duplicated"],
    [found.dropped, "left out on purpose"],
  ];
  const more = counts.filter(([count]) => count).map(([count, what]) => `${count} frames ${what}`);
  found.audio_over_video.forEach((over) => more.push(`Audio outlasts video by ${(1000 * seconds(over)).toFixed(1)} ms`));
  return { line: `${frames}, ${found.seams} ${found.seams === 1 ? "seam" : "seams"} checked`, more };
}
