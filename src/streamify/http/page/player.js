// The page of `streamify play`: plays the stream, says what it consists of, and asks nobody else for anything.

import { Controls } from "./controls.js";
import { chapterList, chapters, describeReport, earlyPoster, ladder, links, poster } from "./details.js";
import { at, element, say } from "./elements.js";
import { Job } from "./job.js";
import { MsePlayer, supported as mseSupported } from "./mse.js";
import { NativePlayer, supported as nativeSupported } from "./native.js";
import { automatic, soundName } from "./playlist.js";
import { Scrub } from "./scrub.js";
import { describe, reason } from "./status.js";
import { load, readable, rungName, thumbnails } from "./stream.js";
import { Subtitles } from "./subtitles.js";
import { bits } from "./units.js";
import { Work } from "./work.js";

const MASTER = new URL("/master.m3u8", location.href).href;
const EVENTS = [
  "loadedmetadata", "loadeddata", "canplay", "resize", "play", "playing", "pause", "ended", "waiting", "seeking",
  "seeked", "error", "emptied", "timeupdate",
];
const video = at("video");
const root = document.documentElement;
let player = null;
let started = false;
let going = false; // the user lets it play; a browser that cannot go on with its own HLS pauses by itself
const job = new Job();
new Work(job, video);
const subtitles = new Subtitles(video);
let asked = false; // the user chose subtitles, or none
let known = {}; // images of a stream that is made
let before = null; // the subtitles that were shown last
new Controls(video, at("stage"), toggleSubtitles);
const scrub = new Scrub({ box: at("preview"), picture: at("preview-picture"), words: at("preview-words"), input: at("seek") });

function notice(title, words, retry) {
  at("notice-title").textContent = title;
  at("notice-text").textContent = words;
  at("retry").hidden = !retry;
  at("notice").hidden = false;
}

// HLS of the browser's own where it has that and it works, else our player.
async function play(native, position = 0, goesOn = false) {
  const heard = player?.audio?.url;
  player?.close();
  at("notice").hidden = true;
  if (!native && !mseSupported()) {
    root.dataset.hls = "none";
    player = null;
    notice(
      "This browser cannot play the stream",
      "It has neither HLS nor Media Source Extensions. Copy an address below into VLC, mpv or any other player.",
      false,
    );
    return show();
  }
  player = native ? new NativePlayer(video) : new MsePlayer(video, heard);
  root.dataset.hls = native ? "native" : "own";
  const mine = player;
  mine.addEventListener("rungs", menus);
  mine.addEventListener("master", ({ detail }) => subtitles.offer(detail.subtitles));
  mine.addEventListener("retrying", show);
  mine.addEventListener("failed", () => mine === player && failed(native));
  await mine.load(MASTER);
  mine.start(position);
  if (goesOn && mine === player && !mine.error) video.play().catch(show); // where the browser wants a click first, it waits
  menus();
  return show();
}

function failed(native) {
  if (native && mseSupported()) return play(false, video.currentTime, going);
  notice("A part of the stream cannot be played", `${player.error}.`, true);
  return show();
}

function show() {
  if ((!video.paused && video.readyState >= 3) || (video.ended && video.currentTime > 0)) started = true;
  const error = player ? player.error || (video.error && reason(video.error)) : "this browser has no HLS";
  const { ended, paused, seeking, readyState } = video;
  const state = describe({ error, broken: !!video.error, retrying: player?.retrying, ended, paused, seeking, readyState, started });
  const picture = video.videoWidth && !error ? ` at ${video.videoWidth} × ${video.videoHeight}` : "";
  say("now", state + picture);
  for (const row of at("ladder").rows) {
    row.toggleAttribute("aria-current", row.dataset.picture === `${video.videoWidth}x${video.videoHeight}`);
  }
}

function option(value, label, selected) {
  const made = element("option", label);
  made.value = value;
  made.selected = selected;
  return made;
}

function menus() {
  const { rungs, audios, rung, picked } = player;
  const automatically = rung >= 0 && picked === null ? `Automatic (${rungName(rungs[rung])})` : "Automatic";
  at("quality").replaceChildren(
    option("", automatically, picked === null),
    ...rungs.map((one, index) => option(index, `${rungName(one)}, ${bits(one.bandwidth)}`, picked === index)).reverse(),
  );
  at("sound").replaceChildren(...audios.map((one, index) => option(index, soundName(one), one === player.audio)));
  at("quality-menu").hidden = rungs.length < 2;
  at("sound-menu").hidden = audios.length < 2;
  chooseSubtitles();
}

// A player of the browser's own may know no other sound than the default one; ours does.
function pickSound(audio) {
  if (!player.pickAudio(audio)) {
    player.audio = audio;
    play(false, video.currentTime, !video.paused);
  }
}

// Until the user chooses: what the stream says, and the forced ones in the language that is heard.
function chooseSubtitles() {
  const wanted = automatic(subtitles.offered, player?.audio?.language ?? "");
  if (!asked && wanted !== subtitles.chosen) subtitles.choose(wanted);
}

function pickSubtitles(one) {
  asked = true;
  subtitles.choose(one);
}

function toggleSubtitles() {
  before = subtitles.chosen ?? before ?? subtitles.offered[0] ?? null;
  pickSubtitles(subtitles.chosen ? null : before);
}

function subtitlesMenu() {
  const { offered, chosen, error } = subtitles;
  const none = option("", "Off", chosen === null);
  at("subtitles").replaceChildren(none, ...offered.map((one, index) => option(index, one.name, one === chosen)));
  at("subtitles-menu").hidden = offered.length === 0;
  say("subtitles-fault", error && `Subtitles cannot be shown: ${error}`);
  at("subtitles-fault").hidden = !error;
}

// What the page says of the stream; read anew with each try, for another stream may be there by then, and once all is made.
async function facts() {
  const stream = await load(job.head.report !== false);
  ladder(stream.tracks);
  subtitles.offer(stream.subtitles);
  chooseSubtitles();
  if (stream.report) {
    describeReport(stream.report);
    poster(stream.report, video);
    chapterList(chapters(stream.report), video);
  }
  scrub.offer(await thumbnails(stream.images), stream.report ? chapters(stream.report) : []);
  show();
}

// More images of a stream that is made: only what is new of them is loaded.
async function images() {
  const { images: made = {}, report } = job.head;
  if (report || (made.sheets === known.sheets && made.version === known.version)) return;
  known = made;
  earlyPoster(made, video);
  const found = await thumbnails((await load(false)).images);
  if (made.sheets && !found.length) {
    if (known === made) known = {}; // it could not be loaded: again with the next news
  } else if (!job.head.report) scrub.offer(found, []);
}

for (const kind of EVENTS) video.addEventListener(kind, show);
video.addEventListener("play", () => (going = true));
video.addEventListener("pause", () => (going &&= video.error !== null));
subtitles.addEventListener("chosen", subtitlesMenu);
subtitles.addEventListener("failed", () => (asked = true)); // or they would be chosen again
at("quality").addEventListener("change", ({ target }) => player.pick(target.value === "" ? null : Number(target.value)));
at("sound").addEventListener("change", ({ target }) => pickSound(player.audios[Number(target.value)]));
at("subtitles").addEventListener("change", ({ target }) => pickSubtitles(target.value === "" ? null : subtitles.offered[Number(target.value)]));
at("retry").addEventListener("click", () => Promise.all([facts(), play(false, video.currentTime, true)]));
links(MASTER);
const described = readable(MASTER); // news of the job come up to a quarter of a second later
await job.first;
if (job.head.state === "planning") say("now", "Planning: the source is read");
await Promise.race([job.watchable(), described]);
await Promise.all([facts(), play(nativeSupported(video))]);
for (const kind of ["snapshot", "change"]) job.addEventListener(kind, images);
images();
job.addEventListener("over", facts); // what was planned has been measured
root.dataset.ready = "yes";
