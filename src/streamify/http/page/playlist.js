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

// Of a master playlist at the absolute URL `base`: the variants, highest bandwidth last, each once (with the sound that
// takes least); the audio renditions; the subtitles, each once; the URL of the image playlist, or null.
// `first` is the bandwidth of the variant that it lists first, to start on.
export function parseMaster(text, base) {
  const audios = [];
  const subtitles = new Map();
  let images = null;
  const variants = [];
  let open = null;
  for (const line of lines(text)) {
    if (line.startsWith("#EXT-X-MEDIA:")) {
      const found = attributes(line);
      if (!found.URI) continue;
      const url = new URL(found.URI, base).href;
      if (found.TYPE === "AUDIO") audios.push(rendition("audio", found, url));
      if (found.TYPE === "SUBTITLES") subtitles.set(url, rendition("subtitles", found, url));
    } else if (line.startsWith("#EXT-X-IMAGE-STREAM-INF:")) {
      images ??= new URL(attributes(line).URI, base).href;
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
  return { variants: variants.sort((a, b) => a.bandwidth - b.bandwidth).filter(once), audios, subtitles: [...subtitles.values()], images, first };
}

function rendition(kind, found, url) {
  return {
    kind,
    group: found["GROUP-ID"],
    name: found.NAME,
    language: found.LANGUAGE ?? "",
    channels: parseInt(found.CHANNELS, 10) || 2,
    preferred: found.DEFAULT === "YES",
    forced: found.FORCED === "YES",
    described: (found.CHARACTERISTICS ?? "").includes("public.accessibility.describes-music-and-sound"),
    url,
  };
}

// The variants with pictures.
export const pictures = ({ variants }) => variants.filter(({ codecs }) => codecs.some((codec) => !isSound(codec)));

// The audio renditions to choose from: the members of one group, for all groups have the same sounds.
export function programme(master) {
  const { group } = pictures(master)[0] ?? master.variants[0];
  return master.audios.filter((audio) => audio.group === group);
}

export const soundName = (audio) => (audio.channels > 2 ? `${audio.name} (${audio.channels - 1}.1)` : audio.name);

const primary = (language) => language.toLowerCase().split("-")[0];

// The subtitles that are shown unless the user chooses: the default ones, else those of what is foreign or written in
// the picture (FORCED, RFC 8216, 4.3.4.1), in the language that is heard; else null.
export function automatic(subtitles, language) {
  const forced = subtitles.find((one) => one.forced && language && primary(one.language) === primary(language));
  return subtitles.find(({ preferred }) => preferred) ?? forced ?? null;
}

function variant(found, url) {
  const named = (found.CODECS ?? "").split(",").map((codec) => codec.trim());
  const codecs = named.filter((codec) => codec && !TEXT.test(codec));
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

const TEXT = /^(wvtt|stpp)/; // of subtitles, which are in files of their own
const SOUND = /^(mp4a|ac-3|ec-3|opus|flac|Opus|fLaC)/;
export const isSound = (codec) => SOUND.test(codec);

// The segments of a media playlist at the absolute URL `base`: {init (null without), end, ended, segments: [{url, start, end}]}, seconds.
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
  if (!segments.length) throw new Error("the playlist names no segments");
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
