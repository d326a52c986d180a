// HLS playlists (RFC 8216) as data: what our own player needs of them. Pure.

// Attributes of a tag as an object: quotes are taken off, everything stays text.
export function attributes(text) {
  const found = {};
  for (const [, name, value] of text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)) {
    found[name] = value.startsWith('"') ? value.slice(1, -1) : value;
  }
  return found;
}

function* lines(text) {
  if (!text.startsWith("#EXTM3U")) throw new Error("this is no HLS playlist");
  for (const line of text.split(/\r?\n/)) if (line.trim()) yield line.trim();
}

// The variants, highest bandwidth last, each once (with the sound that takes least), and the audio renditions of a master playlist at the absolute URL `base`;
// `first` is the bandwidth of the variant that it lists first, to start on.
export function parseMaster(text, base) {
  const audios = [];
  const variants = [];
  let open = null;
  for (const line of lines(text)) {
    if (line.startsWith("#EXT-X-MEDIA:")) {
      const found = attributes(line);
      if (found.TYPE !== "AUDIO" || !found.URI) continue;
      audios.push({
        kind: "audio",
        group: found["GROUP-ID"],
        name: found.NAME,
        language: found.LANGUAGE ?? "",
        channels: parseInt(found.CHANNELS, 10) || 2,
        preferred: found.DEFAULT === "YES",
        url: new URL(found.URI, base).href,
      });
    } else if (line.startsWith("#EXT-X-STREAM-INF:")) {
      open = attributes(line);
    } else if (open && !line.startsWith("#")) {
      variants.push(variant(open, new URL(line, base).href));
      open = null;
    }
  }
  if (!variants.length) throw new Error("the master playlist names no variant");
  const first = variants[0].bandwidth;
  const urls = new Set();
  const once = (variant) => !urls.has(variant.url) && urls.add(variant.url);
  return { variants: variants.sort((a, b) => a.bandwidth - b.bandwidth).filter(once), audios, first };
}

function variant(found, url) {
  const codecs = (found.CODECS ?? "").split(",").map((codec) => codec.trim()).filter(Boolean);
  const [width, height] = (found.RESOLUTION ?? "0x0").split("x").map(Number);
  return {
    kind: "video",
    url,
    width,
    height,
    codecs,
    group: found.AUDIO ?? null,
    bandwidth: Number(found.BANDWIDTH),
    average: Number(found["AVERAGE-BANDWIDTH"] ?? found.BANDWIDTH),
  };
}

const SOUND = /^(mp4a|ac-3|ec-3|opus|flac|Opus|fLaC)/;
export const isSound = (codec) => SOUND.test(codec);

// The segments of a media playlist at the absolute URL `base`: {init, end, ended, segments: [{url, start, end}]}, seconds.
// Sums are of whole microseconds, for a long film has thousands of terms.
export function parseMedia(text, base) {
  let init = null;
  let length = null;
  let total = 0;
  let ended = false;
  const segments = [];
  for (const line of lines(text)) {
    if (line.startsWith("#EXT-X-MAP:")) init = new URL(attributes(line).URI, base).href;
    else if (line.startsWith("#EXTINF:")) length = Math.round(parseFloat(line.slice(8)) * 1e6);
    else if (line === "#EXT-X-ENDLIST") ended = true;
    else if (length !== null && !line.startsWith("#")) {
      segments.push({ url: new URL(line, base).href, start: total / 1e6, end: (total + length) / 1e6 });
      total += length;
      length = null;
    }
  }
  if (!init || !segments.length) throw new Error("the playlist names no init segment or no segments");
  return { init, segments, end: total / 1e6, ended };
}

// The index of the segment that is played at `time`; the last one after the end.
export function segmentAt(segments, time) {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle].start <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}
