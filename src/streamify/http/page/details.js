// What the page says of a stream: its ladder, its certificate, what was converted, where other players find it.

import { at, element } from "./elements.js";
import { proof } from "./stream.js";
import { bits, clock, count, seconds, size } from "./units.js";

export function ladder(tracks) {
  at("ladder").replaceChildren();
  at("ladder-card").hidden = tracks.length === 0;
  const top = Math.max(...tracks.map((track) => track.peak || 0), 1);
  for (const track of tracks) {
    const row = at("ladder").insertRow();
    if (track.width) row.dataset.picture = `${track.width}x${track.height}`;
    const name = element("th", track.name);
    name.scope = "row";
    const average = element("td", track.average ? bits(track.average) : "", "number");
    const bar = element("span", "", "bar");
    bar.style.inlineSize = `${Math.max(2, (100 * (track.average || 0)) / top)}%`;
    average.append(bar);
    row.append(
      name,
      element("td", track.width ? `${track.width} × ${track.height}` : "sound"),
      element("td", track.codecs, "code"),
      average,
      element("td", track.peak ? bits(track.peak) : "", "number"),
      element("td", track.bytes ? size(track.bytes) : "", "number"),
    );
    row.setAttribute("role", "row"); // what is no longer laid out as a table, on a narrow screen, is still read as one
    for (const [index, cell] of [...row.cells].entries()) {
      cell.setAttribute("role", index ? "cell" : "rowheader");
      cell.dataset.label = at("columns").cells[index].textContent;
    }
  }
}

export function describeReport(report) {
  const name = report.source.ref.key.split("/").pop();
  at("title").textContent = name;
  document.title = `${name} - Streamify`;
  const total = report.tracks.reduce((sum, track) => sum + track.bytes, 0);
  const parts = [clock(seconds(report.source.duration)), count(report.tracks.length, "track"), size(total)];
  at("facts").textContent = parts.join(" · ");
  if (report.preview) {
    const preview = element("a", "preview");
    preview.href = `/${report.preview.key}`;
    at("facts").append(" · ", preview);
  }
  const found = proof(report.certificate);
  at("proof-line").textContent = found.line;
  at("proof-more").replaceChildren(...found.more.map((line) => element("li", line)));
  at("proof").hidden = false;
  at("notes").replaceChildren(
    ...report.notes.map((note) => element("li", `${note.kind}: ${note.what}${note.why ? ` (${note.why})` : ""}`)),
  );
  at("notes-card").hidden = report.notes.length === 0;
}

// A poster of what is made by now, until that of the whole film is known. `version` names it: files keep their names.
export function earlyPoster({ poster: key, version } = {}, video) {
  if (key) video.poster = `/${key}?${encodeURIComponent(version)}`;
}

// The poster is shown until something plays; while the mouse is over it, the animated preview, unless motion is unwanted.
export function poster(report, video) {
  const still = report.poster?.stills.find(({ type, width }) => type === "image/jpeg" && width <= 1280) ?? report.poster?.stills[0];
  const address = still ? `/${still.key}` : "";
  if (still) video.poster = address;
  const fresh = () => video.paused && video.played.length === 0;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  video.onpointerenter = () => {
    if (report.preview && fresh() && !calm.matches) video.poster = `/${report.preview.key}`;
  };
  video.onpointerleave = () => { if (report.preview) video.poster = address; };
}

// [{start, title}], seconds.
export const chapters = (report) => (report.chapters ?? []).map(({ start, title }, index) => ({
  start: seconds(start), title: title || `Chapter ${index + 1}`,
}));

// Chapters play when they are chosen.
export function chapterList(found, video) {
  at("chapters").replaceChildren(...found.map(({ start, title }) => {
    const item = element("li", "");
    const button = element("button", "");
    button.type = "button";
    button.append(element("span", clock(start), "quiet"), element("span", title));
    button.addEventListener("click", () => {
      video.currentTime = start;
      video.play().catch(() => {}); // where the browser wants a click on the player first, it waits there
    });
    item.append(button);
    return item;
  }));
  at("chapters-card").hidden = found.length === 0;
}

export function links(master) {
  at("hls").value = master;
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
