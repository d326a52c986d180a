// The page's modules that decide and touch no browser; `node --test` runs this file (test_page.py).
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const folder = new URL("../../../../src/streamify/http/page/", import.meta.url);
// The page has no package.json, so Node takes its files for CommonJS; a data URL is a module.
const load = async (name) =>
  import(`data:text/javascript,${encodeURIComponent(await readFile(new URL(name, folder), "utf8"))}`);
const [abr, cells, playlist, status, units, vtt] = await Promise.all(
  ["abr.js", "cells.js", "playlist.js", "status.js", "units.js", "vtt.js"].map(load),
);

test("sizes are in decimal units, with a singular", () => {
  const expected = [
    [0, "0 bytes"], [1, "1 byte"], [2, "2 bytes"], [999, "999 bytes"], [1000, "1.0 kB"], [140_000, "140 kB"],
    [8_300_000, "8.3 MB"], [2e9, "2.0 GB"], [3e12, "3.0 TB"],
  ];
  for (const [bytes, text] of expected) assert.equal(units.size(bytes), text);
});

test("rates, times and rationals", () => {
  assert.equal(units.bits(622_000), "622 kbit/s");
  assert.equal(units.bits(1_500_000), "1.5 Mbit/s");
  assert.deepEqual([0, 9.6, 61, 3599, 3600, 5400].map(units.clock), ["0:00", "0:10", "1:01", "59:59", "1:00:00", "1:30:00"]);
  assert.equal(units.seconds("1001/1000"), 1.001);
  assert.equal(units.seconds("6"), 6);
  assert.deepEqual([units.count(1, "track"), units.count(2, "track")], ["1 track", "2 tracks"]);
});

test("the status says what the media element does", () => {
  const rest = { error: "", retrying: "", ended: false, paused: true, seeking: false, readyState: 4, started: false };
  const say = (found) => status.describe({ ...rest, ...found });
  assert.equal(say({ readyState: 0 }), "Loading");
  assert.equal(say({}), "Ready");
  assert.equal(say({ ended: true }), "Ready"); // a stream of one frame is at its end before it is played
  assert.equal(say({ ended: true, started: true }), "Ended");
  assert.equal(say({ paused: false, started: true }), "Playing");
  assert.equal(say({ started: true }), "Paused");
  assert.equal(say({ started: true, paused: false, readyState: 2 }), "Buffering");
  assert.equal(say({ started: true, seeking: true }), "Seeking");
  assert.equal(say({ started: true, readyState: 1, retrying: "no server" }), "Waiting: no server");
  assert.equal(say({ started: true, paused: false, retrying: "no server" }), "Playing"); // from the buffer
  assert.equal(say({ error: "404", ended: true, started: true }), "Does not play: 404");
  const going = { error: "404", started: true, paused: false };
  assert.equal(say(going), "Playing what is loaded, then it stops: 404");
  assert.equal(say({ ...going, readyState: 2 }), "Does not play: 404");
  assert.equal(say({ ...going, broken: true }), "Does not play: 404");
});

const rungs = [[240, 500_000], [360, 1_000_000], [720, 3_000_000]]
  .map(([height, bandwidth]) => ({ width: 2 * height, height, bandwidth }));
const choose = (found) => abr.choose(rungs, { current: -1, throughput: 1e7, ahead: 20, pixels: Infinity, ...found });

test("the first rung is the best that fits the throughput and the screen", () => {
  assert.equal(choose({}), 2);
  assert.equal(choose({ throughput: 1_500_000 }), 1);
  assert.equal(choose({ throughput: 1 }), 0);
  assert.equal(choose({ pixels: 300 }), 1);
});

test("a switch up waits for a buffer, a switch down for a need", () => {
  assert.equal(choose({ current: 0, ahead: 2 }), 0);
  assert.equal(choose({ current: 0, ahead: 10 }), 2);
  assert.equal(choose({ current: 2, throughput: 2_000_000 }), 1);
  assert.equal(choose({ current: 1, throughput: 1_200_000, ahead: 20 }), 1);
  assert.equal(choose({ current: 1, throughput: 1_200_000, ahead: 2 }), 0);
});

test("the throughput is the lower of two averages, and answers of few bytes say nothing of it", () => {
  const throughput = new abr.Throughput();
  throughput.add(1000, 10);
  assert.equal(throughput.estimate(42), 42);
  throughput.add(1_000_000, 4);
  assert.ok(Math.abs(throughput.estimate(0) - 2e6) < 1);
  throughput.add(1_000_000, 40);
  assert.ok(throughput.estimate(0) < 3e5);
});

test("playlists: variants by bandwidth, audio renditions, segments without drift", () => {
  const master = playlist.parseMaster(
    '#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="One, two",LANGUAGE="fr",DEFAULT=YES,URI="a/x.m3u8"\r\n' +
    '#EXT-X-STREAM-INF:BANDWIDTH=2,RESOLUTION=4x2,CODECS="avc1,mp4a",AUDIO="a"\r\nb.m3u8\r\n' +
    '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1"\r\nc.m3u8\r\n', "http://h/s/master.m3u8");
  assert.deepEqual(master.variants.map(({ url, bandwidth }) => [url, bandwidth]), [["http://h/s/c.m3u8", 1], ["http://h/s/b.m3u8", 2]]);
  assert.deepEqual(master.variants[1].codecs, ["avc1", "mp4a"]);
  assert.equal(master.first, 2);
  assert.deepEqual([master.audios[0].name, master.audios[0].preferred, master.audios[0].url], ["One, two", true, "http://h/s/a/x.m3u8"]);
  const lines = Array.from({ length: 3000 }, (_, index) => `#EXTINF:4.004000,\n${index}.m4s\n`).join("");
  const media = playlist.parseMedia(`#EXTM3U\n#EXT-X-MAP:URI="i.mp4"\n${lines}#EXT-X-ENDLIST\n`, "http://h/v/m.m3u8");
  assert.equal(media.end, 12012);
  assert.equal(media.ended, true);
  assert.deepEqual([-1, 0, 4.003, 4.004, 12011, 99999].map((time) => playlist.segmentAt(media.segments, time)), [0, 0, 0, 1, 2999, 2999]);
  const wide = playlist.parseMaster(
    '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="x",CHANNELS="2",URI="x.m3u8"\n' +
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="surround",NAME="x",CHANNELS="6",URI="y.m3u8"\n' +
    '#EXT-X-STREAM-INF:BANDWIDTH=2,CODECS="avc1,ec-3",AUDIO="surround"\nb.m3u8\n' +
    '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1,mp4a",AUDIO="audio"\nb.m3u8\n', "http://h/master.m3u8");
  assert.deepEqual(wide.variants.map(({ group }) => group), ["audio"]); // each rung once, with the sound that browsers know
  assert.deepEqual(wide.audios.map(({ channels }) => channels), [2, 6]);
  for (const bad of ["", "<html>", "#EXTM3U\n"]) assert.throws(() => playlist.parseMaster(bad, "http://h/"));
});

test("a master playlist names subtitles and thumbnails, and text is no codec of the pictures", () => {
  const line = (language, more) => `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="${language}",LANGUAGE="${language}",${more}URI="${language}/p.m3u8"\n`;
  const master = playlist.parseMaster(
    `#EXTM3U\n${line("en-GB", 'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",')}${line("de", "FORCED=YES,")}` +
    '#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS="avc1,wvtt,mp4a",SUBTITLES="s"\nb.m3u8\n' +
    '#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="thumbnails/x/playlist.m3u8"\n', "http://h/s/master.m3u8");
  assert.deepEqual(master.subtitles.map(({ name, forced, described, url }) => [name, forced, described, url]), [
    ["en-GB", false, true, "http://h/s/en-GB/p.m3u8"], ["de", true, false, "http://h/s/de/p.m3u8"],
  ]);
  assert.equal(master.images, "http://h/s/thumbnails/x/playlist.m3u8");
  assert.deepEqual(master.variants[0].codecs, ["avc1", "mp4a"]);
  const first = (language, found = master.subtitles) => playlist.automatic(found, language)?.name ?? null;
  assert.equal(first("de-AT"), "de"); // what is foreign in a film that is heard in German
  assert.equal(first("en"), null);
  assert.equal(first(""), null);
  assert.equal(first("de", [{ ...master.subtitles[0], preferred: true }, master.subtitles[1]]), "en-GB");
});

test("WebVTT: cues, settings, the map of times; what is no cue is passed over", () => {
  const text = "\uFEFFWEBVTT a title\r\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:08.500\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\n" +
    "NOTE 00:01 is no cue\r\n\r\nname of a cue\r\n00:01.000 --> 00:02.500 line:10%,start align:left\r\none\r\n<b>two</b>\r\n\r\n" +
    "100:00:00.000 --> 100:00:01.000\nlate\n00:03.000 --> 00:04.000\nwithout a blank line before\n\n00:05.000 --> 00:05.000\nno time\n\n" +
    "0:6.0 --> 7\nno times\n";
  assert.deepEqual(vtt.parse(text), {
    offset: 1.5,
    cues: [
      { start: 1, end: 2.5, text: "one\n<b>two</b>", settings: { line: "10%,start", align: "left" } },
      { start: 360_000, end: 360_001, text: "late", settings: {} },
      { start: 3, end: 4, text: "without a blank line before", settings: {} },
    ],
  });
  assert.equal(vtt.parse("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:8589934592\n").offset, 0); // 2^33: the clock begins anew
  for (const bad of ["", "<html>", "WEBVTTX\n"]) assert.throws(() => vtt.parse(bad), /no WebVTT/);
});

test("settings of a cue are taken where they are valid", () => {
  assert.deepEqual(vtt.placement({ vertical: "rl", line: "-2", position: "20%,line-left", size: "50%", align: "start" }),
    { vertical: "rl", line: -2, position: 20, positionAlign: "line-left", size: 50, align: "start" });
  assert.deepEqual(vtt.placement({ line: "12.5%,end" }), { snapToLines: false, line: 12.5, lineAlign: "end" });
  assert.deepEqual(vtt.placement({ vertical: "up", line: "x,end", position: "101%,center", size: "-1%", align: "middle" }), {});
});

test("a storyboard is pieces of sheets by time", () => {
  const text = "WEBVTT\n\n00:10.000 --> 00:20.000\n00001.jpg#xywh=240,136,240,136\n\n00:00.000 --> 00:10.000\na%20b.jpg#xywh=pixel:0,0,240,136\n\n" +
    "00:20.000 --> 00:30.000\nno picture\n";
  assert.deepEqual(vtt.parseStoryboard(text, "http://h/t/storyboard.vtt"), [
    { start: 0, end: 10, url: "http://h/t/a%20b.jpg", x: 0, y: 0, width: 240, height: 136 },
    { start: 10, end: 20, url: "http://h/t/00001.jpg", x: 240, y: 136, width: 240, height: 136 },
  ]);
});

test("labels keep their distance, however short the axis is", () => {
  assert.deepEqual(units.places(1100, 110), [0, 110, 220, 330, 440, 550, 660, 770, 880, 990]);
  assert.deepEqual(units.places(250, 110), [0, 125]);
  for (const length of [0, 28, 84, 140]) assert.deepEqual(units.places(length, 110), [0]);
});

test("a media element's error is said in words", () => {
  const firefox = "NS_ERROR_DOM_MEDIA_MEDIASINK_ERR (0x806e000b) - OnMediaSinkAudioError";
  assert.match(status.reason({ message: firefox }), /^the browser cannot play sound here: .* sound device/);
  assert.equal(status.reason({ message: "PIPELINE_ERROR_DECODE" }), "PIPELINE_ERROR_DECODE");
  assert.equal(status.reason({ message: "" }), "the browser gives no reason");
  assert.equal(status.reason(null), "the browser gives no reason");
});

const snapshot = (more = {}) => ({
  tracks: [{ id: "a", name: "1080p" }, { id: "b", name: "en" }], segments: 5, timescale: 90_000,
  lengths: [2, 180_000, 3, 540_000], cells: ["d2r1w2", "w5"], ...more,
});

test("a snapshot of the job is states, counts and times", () => {
  const found = new cells.Cells(snapshot());
  assert.deepEqual([...found.states], [3, 3, 1, 0, 0, 0, 0, 0, 0, 0]);
  assert.deepEqual([...found.starts], [0, 2, 4, 10, 16, 22]);
  assert.deepEqual([...found.counts[0]], [2, 1, 0, 2, 0, 0]);
  assert.deepEqual([0, 1.9, 2, 3.9, 4, 21, 99].map((time) => found.segmentAt(time)), [0, 0, 1, 1, 2, 4, 4]);
  assert.deepEqual([0, 1, 2, 7, 22, 99].map((time) => found.axis(time)), [0, 0.5, 1, 2.5, 5, 5]);
});

test("changes move counts with the states, over the end of a track as well", () => {
  const found = new cells.Cells(snapshot());
  assert.deepEqual(found.apply([2, 1, "d", 4, 3, "f"]), new Set([0, 1]));
  assert.deepEqual([...found.states], [3, 3, 3, 0, 5, 5, 5, 0, 0, 0]);
  assert.deepEqual([...found.counts[0]], [1, 0, 0, 3, 0, 1]);
  assert.deepEqual([...found.counts[1]], [3, 0, 0, 0, 0, 2]);
  assert.equal(found.total(cells.DONE, cells.FAILED), 6);
});

test("a column of several segments shows what matters most and how much exists", () => {
  const found = new cells.Cells(snapshot({ segments: 8, lengths: [8, 1], cells: ["d3w1r1d1f1a1", "d7e1"] }));
  const [states, shares] = [new Uint8Array(4), new Float32Array(4)];
  found.summarise(0, 0, 8, states, shares);
  assert.deepEqual([...states], [cells.DONE, cells.WAITS, cells.RUNS, cells.FAILED]);
  assert.deepEqual([...shares], [1, 0.5, 0.5, 0]);
  found.summarise(1, 0, 8, states, shares);
  assert.deepEqual([...states], [cells.DONE, cells.DONE, cells.DONE, cells.DONE]);
  found.summarise(0, 4, 8, states, shares);
  assert.deepEqual([...states], [cells.RUNS, cells.DONE, cells.FAILED, cells.AGAIN]);
});

const tries = (rows) => rows.map(([task, lane, start, end, outcome], id) => cells.attempt([id, task, 1, "7", lane, start, end, outcome]));

test("a straggler runs for more than twice as long as its kind does", () => {
  const done = [1, 2, 3].map((number) => [`video/0000${number}/1080p,360p`, 0, 10 * number, 10 * number + 4, "d"]);
  const running = [["video/00004/1080p,360p", 1, 40, null, "r"], ["video/00005/360p", 1, 40, null, "r"]];
  const found = tries([...done, ...running]);
  assert.deepEqual(cells.stragglers(found, 48).map(({ task }) => task), []);
  assert.deepEqual(cells.stragglers(found, 49).map(({ task, usual }) => [task, usual]), [["video/00004/1080p,360p", 4]]);
  assert.deepEqual(cells.stragglers(tries(running), 99), []); // nothing to compare with
});

test("how busy workers were is the share of their time", () => {
  const found = tries([["a", 0, 0, 10, "d"], ["b", 1, 5, null, "r"]]);
  assert.equal(cells.busy(found, 2, 0, 20), (10 + 15) / 40);
  assert.equal(cells.busy(found, 2, 10, 20), 0.5);
  assert.equal(cells.busy(found, 0, 0, 20), 0);
});

test("the steps of a job follow one another, and one of them failed", () => {
  const of = (state, times = {}) => cells.steps({ state, times });
  assert.deepEqual(of("planning", { started: 1 }), ["runs", "waits", "waits"]);
  assert.deepEqual(of("making", { started: 1, planned: 2 }), ["done", "runs", "waits"]);
  assert.deepEqual(of("making", { planned: 2, made: 3 }), ["done", "done", "runs"]);
  assert.deepEqual(of("complete", { planned: 2, made: 3, ended: 4 }), ["done", "done", "done"]);
  assert.deepEqual(of("failed", { planned: 2, ended: 4 }), ["done", "failed", "waits"]);
});
