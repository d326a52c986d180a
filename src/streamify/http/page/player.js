// The page of `streamify play`: plays the stream, says what it consists of, and asks nobody else for anything.

import { MsePlayer, supported as mseSupported } from "./mse.js";
import { NativePlayer, supported as nativeSupported } from "./native.js";
import { describe, reason } from "./status.js";
import { load, proof, rungName } from "./stream.js";
import { bits, clock, count, seconds, size } from "./units.js";

const MASTER = new URL("/master.m3u8", location.href).href;
const EVENTS = [
  "loadedmetadata", "loadeddata", "canplay", "resize", "play", "playing", "pause", "ended", "waiting", "seeking",
  "seeked", "error", "emptied", "timeupdate",
];
const at = (id) => document.getElementById(id);
const video = at("video");
const root = document.documentElement;
let player = null;
let started = false;

function text(tag, content, className = "") {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
}

function notice(title, words, retry) {
  at("notice-title").textContent = title;
  at("notice-text").textContent = words;
  at("retry").hidden = !retry;
  at("notice").hidden = false;
}

// HLS of the browser's own where it has that and it works, else our player.
async function play(native, position = 0, going = false) {
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
  player = native ? new NativePlayer(video) : new MsePlayer(video);
  root.dataset.hls = native ? "native" : "own";
  const mine = player;
  mine.addEventListener("rungs", menus);
  mine.addEventListener("retrying", show);
  mine.addEventListener("failed", () => mine === player && failed(native));
  await mine.load(MASTER);
  mine.start(position);
  if (going && mine === player && !mine.error) video.play().catch(show); // where the browser wants a click first, it waits
  menus();
  return show();
}

function failed(native) {
  if (native && mseSupported()) return play(false, video.currentTime, !video.paused);
  notice("A part of the stream cannot be played", `${player.error}.`, true);
  return show();
}

function show() {
  if ((!video.paused && video.readyState >= 3) || (video.ended && video.currentTime > 0)) started = true;
  const error = player ? player.error || (video.error && reason(video.error)) : "this browser has no HLS";
  const { ended, paused, seeking, readyState } = video;
  const state = describe({ error, broken: !!video.error, retrying: player?.retrying, ended, paused, seeking, readyState, started });
  const picture = video.videoWidth && !error ? ` at ${video.videoWidth} × ${video.videoHeight}` : "";
  if (at("now").textContent !== state + picture) at("now").textContent = state + picture; // else it is read out again
  for (const row of at("ladder").rows) {
    row.toggleAttribute("aria-current", row.dataset.picture === `${video.videoWidth}x${video.videoHeight}`);
  }
}

function option(value, label, selected) {
  const element = text("option", label);
  element.value = value;
  element.selected = selected;
  return element;
}

function menus() {
  const { rungs, audios, rung, picked } = player;
  const automatic = rung >= 0 && picked === null ? `Automatic (${rungName(rungs[rung])})` : "Automatic";
  at("quality").replaceChildren(
    option("", automatic, picked === null),
    ...rungs.map((one, index) => option(index, `${rungName(one)}, ${bits(one.bandwidth)}`, picked === index)).reverse(),
  );
  at("sound").replaceChildren(...audios.map((one, index) => option(index, one.name, one === player.audio)));
  at("quality-menu").hidden = rungs.length < 2;
  at("sound-menu").hidden = audios.length < 2;
}

function ladder(tracks) {
  const top = Math.max(...tracks.map((track) => track.peak || 0), 1);
  for (const track of tracks) {
    const row = at("ladder").insertRow();
    if (track.width) row.dataset.picture = `${track.width}x${track.height}`;
    const name = text("th", track.name);
    name.scope = "row";
    const average = text("td", track.average ? bits(track.average) : "", "number");
    const bar = text("span", "", "bar");
    bar.style.inlineSize = `${Math.max(2, (100 * (track.average || 0)) / top)}%`;
    average.append(bar);
    row.append(
      name,
      text("td", track.width ? `${track.width} × ${track.height}` : "sound"),
      text("td", track.codecs, "code"),
      average,
      text("td", track.peak ? bits(track.peak) : "", "number"),
      text("td", track.bytes ? size(track.bytes) : "", "number"),
    );
    row.setAttribute("role", "row"); // what is no longer laid out as a table, on a narrow screen, is still read as one
    for (const [index, cell] of [...row.cells].entries()) {
      cell.setAttribute("role", index ? "cell" : "rowheader");
      cell.dataset.label = at("columns").cells[index].textContent;
    }
  }
}

function describeReport(report) {
  const name = report.source.ref.key.split("/").pop();
  at("title").textContent = name;
  document.title = `${name} - Streamify`;
  const total = report.tracks.reduce((sum, track) => sum + track.bytes, 0);
  const parts = [clock(seconds(report.source.duration)), count(report.tracks.length, "track"), size(total)];
  at("facts").textContent = parts.join(" · ");
  const found = proof(report.certificate);
  at("proof-line").textContent = found.line;
  at("proof-more").replaceChildren(...found.more.map((line) => text("li", line)));
  at("proof").hidden = false;
  at("notes").replaceChildren(
    ...report.notes.map((note) => text("li", `${note.kind}: ${note.what}${note.why ? ` (${note.why})` : ""}`)),
  );
  at("notes-card").hidden = report.notes.length === 0;
}

// What the page says of the stream; read anew with each try, for another stream may be there by then.
async function facts() {
  const stream = await load();
  at("ladder").replaceChildren();
  ladder(stream.tracks);
  if (stream.report) describeReport(stream.report);
  show();
}

function links() {
  at("hls").value = MASTER;
  at("dash").value = new URL("/manifest.mpd", location.href).href;
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const field = at(button.dataset.copy);
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        at("copied").textContent = `Copied ${field.value}`;
      } catch {
        at("copied").textContent = "Selected: press Ctrl+C to copy"; // only https and this machine may use the clipboard
      }
    });
  }
}

for (const kind of EVENTS) video.addEventListener(kind, show);
at("quality").addEventListener("change", ({ target }) => player.pick(target.value === "" ? null : Number(target.value)));
at("sound").addEventListener("change", ({ target }) => player.pickAudio(player.audios[Number(target.value)]));
at("retry").addEventListener("click", () => Promise.all([facts(), play(false, video.currentTime, true)]));
links();
await Promise.all([facts(), play(nativeSupported(video))]);
root.dataset.ready = "yes";
