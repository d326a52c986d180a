// The page of `streamify play`: native HLS in <video>, what the stream consists of, and nothing from outside.

import { bits, clock, load, proof, seconds, size } from "./stream.js";

const HLS = "application/vnd.apple.mpegurl";
const at = (id) => document.getElementById(id);
const video = at("video");

function text(tag, content, className = "") {
  const element = document.createElement(tag);
  element.textContent = content;
  if (className) element.className = className;
  return element;
}

function notice(title, words) {
  at("notice-title").textContent = title;
  at("notice-text").textContent = words;
  at("notice").hidden = false;
}

function play() {
  if (!video.canPlayType(HLS)) {
    document.documentElement.dataset.hls = "none";
    at("now").textContent = "";
    notice(
      "This browser does not play HLS by itself",
      "Chrome and Edge from version 142 on and Safari do. Or copy an address below into VLC, mpv or any other player.",
    );
    return;
  }
  document.documentElement.dataset.hls = "native";
  video.addEventListener("error", () => {
    notice("The stream does not play", `The browser says: ${video.error?.message || "no reason given"}.`);
  });
  for (const kind of ["loadedmetadata", "resize", "play", "pause", "ended", "waiting", "playing"]) {
    video.addEventListener(kind, () => status(kind));
  }
  video.src = "/master.m3u8";
}

function status(kind) {
  const words = { loadedmetadata: "Ready", play: "Playing", playing: "Playing", pause: "Paused", ended: "Ended", waiting: "Buffering" };
  const state = words[kind] ?? at("now").dataset.state ?? "Ready";
  at("now").dataset.state = state;
  const picture = video.videoWidth ? ` at ${video.videoWidth} × ${video.videoHeight}` : "";
  at("now").textContent = state + picture;
  for (const row of at("ladder").rows) {
    const on = row.dataset.picture === `${video.videoWidth}x${video.videoHeight}`;
    row.toggleAttribute("aria-current", on);
  }
}

function ladder(tracks) {
  const top = Math.max(...tracks.map((track) => track.peak || 0), 1);
  for (const track of tracks) {
    const row = at("ladder").insertRow();
    if (track.width) row.dataset.picture = `${track.width}x${track.height}`;
    const name = text("th", track.name);
    name.scope = "row";
    const average = text("td", bits(track.average), "number");
    const bar = text("span", "", "bar");
    bar.style.inlineSize = `${Math.max(2, (100 * (track.average || 0)) / top)}%`;
    average.append(bar);
    row.append(
      name,
      text("td", track.width ? `${track.width} × ${track.height}` : "sound"),
      text("td", track.codecs, "code"),
      average,
      text("td", bits(track.peak), "number"),
      text("td", size(track.bytes), "number"),
    );
  }
}

function describe(report) {
  const name = report.source.ref.key.split("/").pop();
  at("title").textContent = name;
  document.title = `${name} - Streamify`;
  const total = report.tracks.reduce((sum, track) => sum + track.bytes, 0);
  at("facts").textContent = [clock(seconds(report.source.duration)), `${report.tracks.length} tracks`, size(total)].join(" · ");
  const found = proof(report.certificate);
  at("proof-line").textContent = found.line;
  at("proof-more").replaceChildren(...found.more.map((line) => text("li", line)));
  at("proof").hidden = false;
  at("notes").replaceChildren(
    ...report.notes.map((note) => text("li", `${note.kind}: ${note.what}${note.why ? ` (${note.why})` : ""}`)),
  );
  at("notes-card").hidden = report.notes.length === 0;
}

function links() {
  at("hls").value = new URL("/master.m3u8", location.href).href;
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

links();
play();
const stream = await load();
ladder(stream.tracks);
if (stream.report) describe(stream.report);
status("resize");
document.documentElement.dataset.ready = "yes";
