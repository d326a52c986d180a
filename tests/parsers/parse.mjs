// Reads every manifest of a DEST with hls-parser (strict) and mpd-parser; prints what they refuse and exits 1.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as HLS from 'hls-parser';
import { parse } from 'mpd-parser';

const dest = process.argv[2];
const faults = [];
const counts = { hls: new Map(), dash: new Map() }; // folder -> number of segments
const folder = (uri) => dirname(decodeURI(uri));

HLS.setOptions({ strictMode: true });

function playlist(uri) {
  try {
    return HLS.parse(readFileSync(join(dest, decodeURI(uri)), 'utf8'));
  } catch (error) {
    faults.push(`hls-parser: ${uri}: ${error.message}`);
    return null;
  }
}

const master = playlist('master.m3u8');
for (const variant of master?.variants ?? []) {
  for (const item of [variant, ...variant.audio, ...variant.subtitles]) {
    if (!item.uri || counts.hls.has(folder(item.uri))) continue;
    counts.hls.set(folder(item.uri), item.isIFrameOnly ? undefined : playlist(item.uri)?.segments.length);
  }
}
for (const variant of master?.variants.filter((one) => one.isIFrameOnly) ?? []) playlist(variant.uri);

try {
  const warn = ({ type, message }) => type === 'warn' && faults.push(`mpd-parser: ${message}`);
  const mpd = parse(readFileSync(join(dest, 'manifest.mpd'), 'utf8'), {
    manifestUri: 'http://stream.invalid/manifest.mpd', eventHandler: warn,
  });
  const groups = Object.values(mpd.mediaGroups.AUDIO).flatMap((group) => Object.values(group));
  for (const item of [...mpd.playlists, ...groups.flatMap((track) => track.playlists)]) {
    const [first] = item.segments;
    counts.dash.set(folder(new URL(first.resolvedUri).pathname.slice(1)), item.segments.length);
    if (!item.endList) faults.push(`mpd-parser: ${first.resolvedUri} is not VOD`);
  }
} catch (error) {
  faults.push(`mpd-parser: ${error.message}`);
}

for (const name of new Set([...counts.hls.keys(), ...counts.dash.keys()])) {
  const [hls, dash] = [counts.hls.get(name), counts.dash.get(name)];
  if (hls !== dash) faults.push(`${name}: hls-parser finds ${hls} segments, mpd-parser ${dash}`);
}
if (faults.length) {
  console.log(faults.join('\n'));
  process.exit(1);
}
