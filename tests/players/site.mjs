// Opens the page that `streamify play` serves, uses it, and tells what was seen as one JSON document.
//
//   node site.mjs URL [--browser chromium|firefox] [--hls none] [--shots FOLDER] [--timeout 60]
//                 [--do plays,ends,seeks,switches,fails,returns,reads,hears] [--mend FROM:TO] [--cues 3,2]
//
// `--hls none` hides the browser's own HLS; before `returns` the file FROM is renamed to TO. Each step's findings are under its name.
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listen } from "./browser.mjs";
import { command } from "./serve.mjs";

const options = {
  browser: { type: "string", default: "chromium" }, hls: { type: "string", default: "" },
  mend: { type: "string", default: "" }, shots: { type: "string", default: "" }, timeout: { type: "string", default: "60" },
  do: { type: "string", default: "plays,seeks" }, cues: { type: "string", default: "" },
};

// In the page, before its own script.
const observe = () => {
  globalThis.at = (id) => document.getElementById(id);
  globalThis.sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  globalThis.until = async (test, limit, what) => {
    for (const end = performance.now() + 1000 * limit; !test(); await sleep(10)) {
      if (performance.now() > end) throw new Error(`timeout: ${what}; ${at("now").textContent}; at ${video.currentTime} s`);
    }
  };
  globalThis.says = (start) => at("now").textContent.startsWith(start);
  document.addEventListener("readystatechange", () => {
    globalThis.video = at("video");
    globalThis.statuses = [at("now").textContent];
    new MutationObserver(() => statuses.push(at("now").textContent)).observe(at("now"), { childList: true });
  }, { once: true });
};

const steps = {
  async plays(limit) {
    let most = 0;
    const timer = setInterval(() => (most = Math.max(most, video.buffered.length)), 20);
    await until(() => video.readyState >= 3, limit, "nothing to play");
    video.playbackRate = 4;
    await video.play();
    await until(() => video.ended && says("Ended"), limit, "not ended"); // the page is told by an event that follows
    clearInterval(timer);
    video.playbackRate = 1;
    const { totalVideoFrames } = video.getVideoPlaybackQuality();
    return { decoded: totalVideoFrames, buffered: most, at: video.currentTime, duration: video.duration };
  },
  async ends(limit) {
    video.currentTime = video.duration - 5;
    await video.play();
    await until(() => video.ended, limit, "not ended");
    return { at: video.currentTime };
  },
  async seeks(limit) {
    const found = [];
    for (const part of [0.5, 0.93, 0.2]) {
      const goal = part * video.duration;
      const before = statuses.length;
      video.currentTime = goal;
      await video.play();
      // On a busy machine this may look first when the film is over: what the page said since the seek counts.
      const since = () => [...statuses.slice(before), at("now").textContent];
      const told = () => since().slice(since().findLastIndex((one) => one.startsWith("Seeking")) + 1).find((one) => one.startsWith("Playing"));
      const there = () => !video.seeking && video.currentTime > goal + 0.3 && (video.currentTime < goal + 5 || video.ended);
      await until(() => there() && told(), limit, `seek to ${goal}`);
      found.push(told());
    }
    video.pause();
    return found;
  },
  async switches(limit) {
    const pick = async (id, value) => {
      at(id).value = value;
      at(id).dispatchEvent(new Event("change"));
    };
    const names = (id) => [...at(id).options].map((option) => option.textContent);
    const height = video.videoHeight;
    const result = { quality: names("quality"), sound: names("sound"), hidden: at("quality-menu").hidden };
    const heights = [...at("quality").options].slice(1).map((option) => parseInt(option.textContent, 10));
    await pick("quality", heights.length - 1 - heights.findIndex((one) => one !== height));
    video.currentTime = 0;
    await video.play();
    await until(() => video.videoHeight !== height, limit, "the picture does not change");
    if (result.sound.length > 1) {
      await pick("sound", 1);
      const { currentTime } = video;
      await until(() => video.currentTime > currentTime + 1, limit, "it stops at the other sound");
    }
    video.pause();
    return { ...result, size: [height, video.videoHeight] };
  },
  // Every subtitles in turn: their cues, so many as --cues says; of the first in which order they came, and when at the latest.
  async reads(limit, cues) {
    const menu = at("subtitles");
    const shown = () => [...video.textTracks].filter(({ mode }) => mode === "showing");
    const chosen = () => menu.selectedOptions[0].textContent;
    const pick = (index) => {
      menu.selectedIndex = index;
      menu.dispatchEvent(new Event("change"));
    };
    await until(() => menu.options.length > cues.length, limit, "no menus");
    const result = { names: [...menu.options].map((option) => option.textContent), first: chosen(), read: [] };
    video.currentTime = 4.75;
    for (let index = 1; index < menu.options.length; index += 1) {
      pick(index);
      await until(() => shown().length === 1 && shown()[0].cues.length, limit, `no cues of ${chosen()}`);
      video.currentTime = 0; // what is before as well
      const [track] = shown();
      await until(() => track.cues.length >= cues[index - 1], limit, `not all cues of ${chosen()}`);
      result.read.push({
        language: track.language,
        cues: [...track.cues].map(({ startTime, endTime, text }) => [startTime, endTime, text]),
      });
    }
    pick(1);
    const [track] = shown();
    result.active = [];
    for (const cue of track.cues) { // each enters, also one whose time has passed before a busy machine looks
      cue.addEventListener("enter", () => result.active.push([video.currentTime, cue.text]), { once: true });
    }
    video.currentTime = 0;
    await video.play();
    await until(() => video.ended, limit, "not ended");
    pick(0);
    return { ...result, off: shown().length, title: document.title };
  },
  // Another sound than the default one; a player of the browser's own that knows none gives way to ours.
  async hears(limit) {
    const menu = at("sound");
    const [names, first] = [[...menu.options].map((option) => option.textContent), menu.selectedOptions[0].textContent];
    video.currentTime = 1;
    menu.selectedIndex = 1;
    menu.dispatchEvent(new Event("change"));
    await until(() => video.src.startsWith("blob:") && !video.seeking && video.readyState >= 3, limit, "nothing to hear");
    const { currentTime } = video;
    await video.play();
    await until(() => video.currentTime > currentTime + 0.5, limit, "it stops at the other sound");
    video.pause();
    return { names, first, hls: document.documentElement.dataset.hls, subtitles: at("subtitles").selectedOptions[0].textContent };
  },
  async fails(limit) {
    await video.play().catch(() => {});
    await until(() => !at("notice").hidden, limit, "no word of the fault");
    await sleep(300);
    return { status: at("now").textContent, notice: at("notice").innerText, retry: !at("retry").hidden };
  },
  async returns(limit) {
    const { src, currentTime } = video;
    at("retry").click();
    await until(() => video.src !== src && !video.paused && video.readyState >= 3, limit, "it does not come back");
    const from = video.currentTime;
    video.playbackRate = 4;
    await until(() => video.ended && says("Ended"), limit, "not ended");
    return { from: from - currentTime, at: video.currentTime, notice: at("notice").hidden, status: at("now").textContent };
  },
};

async function shoot(page, name, values) {
  if (!values.shots) return;
  for (const [width, dark] of [[1100, false], [1100, true], [375, false], [375, true]]) {
    await page.setViewport({ width, height: 800 });
    const scheme = dark ? "dark" : "light";
    if (values.browser === "chromium") await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    else if (dark) continue; // WebDriver BiDi cannot ask for it
    await new Promise((done) => setTimeout(done, 300));
    await page.screenshot({ path: join(values.shots, `${values.browser}-${name}-${width}-${scheme}.png`), fullPage: true });
  }
  await page.setViewport({ width: 1100, height: 800 });
}

export async function use(args, browsers) {
  const { values, positionals: [url] } = parseArgs({ args, allowPositionals: true, options });
  const seconds = Number(values.timeout);
  const seen = { console: [], network: [], requests: [] };
  let opened;
  try {
    opened = await browsers.page(values.browser);
    const { page } = opened;
    await page.setViewport({ width: 1100, height: 800 });
    listen(page, seen);
    page.on("request", (request) => seen.requests.push(request.url()));
    if (values.hls === "none") {
      await page.evaluateOnNewDocument(() => {
        const { canPlayType } = HTMLMediaElement.prototype;
        HTMLMediaElement.prototype.canPlayType = function (type) {
          return type.includes("mpegurl") ? "" : canPlayType.call(this, type);
        };
      });
    }
    await page.evaluateOnNewDocument(observe);
    await page.goto(url);
    await page.waitForFunction(() => document.documentElement.dataset.ready, { timeout: 1000 * seconds });
    seen.hls = await page.evaluate(() => document.documentElement.dataset.hls);
    for (const name of values.do.split(",").filter(Boolean)) {
      if (name === "returns") await rename(...values.mend.split(":"));
      seen[name] = await page.evaluate(steps[name], seconds, values.cues.split(",").map(Number));
      await shoot(page, name, values);
    }
    seen.statuses = await page.evaluate(() => statuses);
  } catch (error) {
    seen.harness = error.message;
  } finally {
    await opened?.close();
  }
  return seen;
}

await command(import.meta.url, use);
