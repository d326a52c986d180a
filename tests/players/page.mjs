// Runs one scenario with one player and returns what was observed; see play.mjs.
import * as adapters from "./adapters.mjs";

const video = document.querySelector("video");
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const ranges = () => Array.from(video.buffered, (_, i) => [video.buffered.start(i), video.buffered.end(i)]);

async function until(test, seconds, what) {
  for (const end = performance.now() + seconds * 1000; ;) {
    const value = test();
    if (value) return value;
    if (performance.now() > end) throw new Error(`timeout: ${what} at ${video.currentTime.toFixed(3)} s`);
    await sleep(10);
  }
}

function bright([left, top, right, bottom], picture) {
  [canvas.width, canvas.height] = [16, 16];
  const [width, height] = size(picture);
  context.drawImage(picture, left * width, top * height, (right - left) * width, (bottom - top) * height, 0, 0, 16, 16);
  return context.getImageData(8, 8, 1, 1).data[1] > 128;
}

const POLLS = 400; // of 10 ms and more for which a player may stand: on a busy machine this page polls less often, too

// Plays on until the end; stops early where the player has given up, so that a broken stream costs seconds.
async function toTheEnd(seconds, reached = () => false) {
  let [last, polls] = [-1, 0];
  await until(() => {
    polls = video.currentTime === last ? polls + 1 : 0;
    last = video.currentTime;
    if (video.error) throw new Error(`gave up at ${last.toFixed(3)} s`);
    if (!video.ended && polls > POLLS) throw new Error(`stands still at ${last.toFixed(3)} s`);
    return video.ended || reached();
  }, seconds, "not ended");
}

// Waits for a few seconds of buffer, so that a busy machine does not look like a stall of the stream. Where nothing more
// comes in a hundred looks, five seconds or more, that may be what the player holds.
async function ahead(seconds) {
  const now = video.currentTime;
  let [last, looks] = ["", 0];
  while (looks < 100) {
    const goal = Math.min(video.duration || Infinity, now + seconds);
    if (video.error || ranges().some(([start, end]) => start <= now + 0.1 && end >= goal - 0.1)) return;
    const held = String(ranges());
    looks = held === last ? looks + 1 : 0;
    last = held;
    await sleep(50);
  }
}

// Plays what grows at normal speed until it is complete and so much of it is loaded that the player, which learns of the
// end seconds later, may go faster. The server is told when the first picture is shown, and when it plays: dash.js
// reads no second version of a manifest before it plays. Between them, `midway`: while it grows.
async function follow({ grows, length }, seen, midway = async () => {}) {
  const tell = async () => (await fetch(grows, { method: "POST" })).text();
  await tell();
  await video.play();
  await until(() => video.currentTime > 0.2, 40, "no progress");
  await midway();
  while ((await tell()) !== "complete") await sleep(100);
  seen.grewTo = video.currentTime;
  const goal = () => Math.min(length - 0.1, video.currentTime + 8);
  await until(() => ranges().some(([start, end]) => start <= video.currentTime && end >= goal()), 60, "not loaded");
}

function watch(errors) {
  const seen = { buffered: [], bufferedMax: 0, stalls: [], jumps: [], sizes: [], expectSeek: false };
  let started = false;
  video.addEventListener("error", () => errors.push(`media element: code ${video.error.code} ${video.error.message}`));
  let [last, looks] = [-1, 0];
  video.addEventListener("playing", () => (started = true));
  video.addEventListener("seeking", () => {
    if (started && !seen.expectSeek) seen.jumps.push(video.currentTime);
  });
  video.addEventListener("resize", () => seen.sizes.push([video.currentTime, video.videoWidth, video.videoHeight]));
  const sample = () => {
    const length = video.buffered.length;
    seen.bufferedMax = Math.max(seen.bufferedMax, length);
    if (seen.buffered.at(-1)?.[1] !== length) seen.buffered.push([video.currentTime, length]);
  };
  // Counted in looks of this page, 50 ms apart or more: a busy machine lets it look less often while the player waits.
  const stands = () => {
    const now = video.currentTime;
    const still = started && now === last && !video.paused && !video.ended && !seen.expectSeek;
    looks = still ? looks + 1 : 0;
    last = now;
    if (looks === 1) seen.stalls.push([now, 0]); // [where, for how many looks]
    if (looks) seen.stalls.at(-1)[1] = looks;
  };
  seen.timer = setInterval(() => (sample(), stands()), 50);
  for (const name of ["progress", "timeupdate", "ended"]) video.addEventListener(name, sample);
  return seen;
}

// The media time of the next picture shown.
const nextFrame = () => new Promise((done) => video.requestVideoFrameCallback((_, data) => done(data.mediaTime)));

// What is on the screen before anything plays: at a high rate the first callback may come for a later picture.
async function poster(first) {
  await until(() => video.readyState >= 2, 40, "no first picture");
  return Promise.race([first, sleep(20_000).then(() => null)]);
}

const CELL = 8; // pixels of the canvas
const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });

const size = (picture) =>
  picture === video ? [video.videoWidth, video.videoHeight] : [picture.displayWidth, picture.displayHeight];

// The cells of the barcode in a picture as a string of 0 and 1; the meaning is judged outside.
function cells({ rows, columns, area: [left, top, right, bottom] }, picture) {
  const [width, height] = size(picture);
  if (canvas.width !== columns * CELL) [canvas.width, canvas.height] = [columns * CELL, rows * CELL];
  context.drawImage(picture, left * width, top * height, (right - left) * width, (bottom - top) * height,
    0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const means = [];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let sum = 0;
      for (let y = row * CELL + 2; y < (row + 1) * CELL - 2; y += 1)
        for (let x = column * CELL + 2; x < (column + 1) * CELL - 2; x += 1) sum += data[(y * canvas.width + x) * 4 + 1];
      means.push(sum);
    }
  }
  const middle = (Math.min(...means) + Math.max(...means)) / 2;
  return means.map((mean) => (mean > middle ? "1" : "0")).join("");
}

// Takes the picture on the screen with its media time. In Chromium a VideoFrame is both at once, however late this page
// is. Firefox's has no time (seen in 153), so its canvas is taken with the time that was announced: see `lookAgain`.
function take({ browser }, announced, use) {
  if (browser !== "chromium") return use(announced, video);
  const picture = new VideoFrame(video);
  try {
    return use(picture.timestamp / 1e6, picture);
  } finally {
    picture.close();
  }
}

// Uses every picture that reaches the screen, with its media time.
function each(config, use) {
  const note = (_, { mediaTime }) => {
    if (video.readyState >= 2) take(config, mediaTime, use);
    video.requestVideoFrameCallback(note);
  };
  video.requestVideoFrameCallback(note);
}

// Notes media time and barcode of every picture that reaches the screen.
function showEach(config, seen) {
  if (!config.barcode) return;
  seen.shown = [];
  each(config, (time, picture) => seen.shown.push([time, cells(config.barcode, picture)]));
}

// The last picture may be told after the end was, on a busy machine.
async function lastShown({ shown }) {
  await until(() => shown?.at(-1)?.[0] > video.duration - 0.5, 5, "").catch(() => {}); // which is judged outside
}

const number = ({ pictures }, point) => pictures.findLastIndex(([time]) => time <= point + 1e-3);

// The barcode that stands on the screen while the player does not play: that of `point`, or what is there ten seconds
// later. A picture that is on its way to the screen must not be taken for another one.
async function standing(config, point) {
  const wanted = config.pictures[number(config, point)]?.[1];
  let bits;
  for (const end = performance.now() + 10_000; ; await sleep(50)) {
    bits = take(config, null, (_, picture) => cells(config.barcode, picture));
    if (!wanted || bits === wanted || performance.now() > end) return bits;
  }
}

const NEAR = 0.2; // seconds by which Firefox's canvas may be off the picture that is announced

// Of Firefox alone, after the play: wherever the canvas held another picture than the announced one, the player goes there
// once more, and what stands there counts. On a busy machine the canvas stays behind for some tenths of a second, mostly
// where the size of the picture changes; a wrong picture of the film is there again, and no more are looked at then.
async function lookAgain(config, seen) {
  if (config.browser === "chromium" || !config.pictures.length) return;
  const times = new Map(config.pictures.map(([time, bits]) => [bits, time]));
  const { shown = [] } = seen;
  seen.shown = []; // for what `showEach` takes meanwhile
  seen.again = 0;
  for (const one of shown) {
    const [time, bits] = one;
    if (Math.abs((times.get(bits) ?? Infinity) - time) <= NEAR) continue;
    seen.again += 1;
    video.pause();
    await seekTo(time + 0.005, seen); // a seek to the very edge may show the picture before
    one[1] = await standing(config, time);
    if (one[1] !== config.pictures[number(config, time)]?.[1]) break;
  }
  seen.shown = shown;
}

async function seekTo(point, seen) {
  seen.expectSeek = true;
  const shown = nextFrame();
  const seeked = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
  video.currentTime = point;
  const late = sleep(40_000).then(() => Promise.reject(new Error(`timeout: seek to ${point}`)));
  await Promise.race([Promise.all([seeked, shown]), late]);
}

// Seeks, notes what is shown there, and plays on a little.
async function visit(point, config, seen) {
  video.pause();
  await sleep(200); // a picture that was on its way must not be taken for the one that the seek shows
  await seekTo(point, seen);
  const bits = config.barcode ? await standing(config, point) : null;
  const landed = video.currentTime;
  const height = video.videoHeight;
  video.playbackRate = 1;
  await video.play();
  await until(() => video.currentTime >= landed + 0.4 || video.ended, 40, `no progress after the seek to ${point}`);
  video.pause();
  seen.seeks.push({ point, landed, bits, height, reached: video.currentTime });
}

// Takes all sound that the media element plays. From `begin` on `seen` gets the media times of flashing pictures, pairs
// of both clocks, and at the `end` the onsets of beeps on the clock of the audio context.
async function listening() {
  const audio = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
  await audio.audioWorklet.addModule("/tap.js");
  const tap = new AudioWorkletNode(audio, "tap");
  let parts = [];
  let timer;
  tap.port.onmessage = ({ data }) => parts.push(data);
  audio.createMediaElementSource(video).connect(tap).connect(audio.destination);
  await audio.resume();
  return {
    begin(config, seen) {
      Object.assign(seen, { flashes: [], clock: [], beeps: [] });
      parts = [];
      each(config, (time, picture) => {
        if (bright(config.flash, picture) && seen.flashes.at(-1) !== time) seen.flashes.push(time);
      });
      timer = setInterval(() => {
        if (!video.ended && !video.paused) seen.clock.push([audio.currentTime, video.currentTime]);
      }, 7);
    },
    async end(seen) {
      clearInterval(timer);
      await sleep(300);
      const { start } = parts[0];
      const samples = new Float32Array(parts.at(-1).start - start + 4096);
      for (const part of parts) samples.set(part.samples, part.start - start);
      // An onset is the first sample of each burst above a quarter of its level.
      for (let i = 0, last = -1e9; i < samples.length; i += 1) {
        if (Math.abs(samples[i]) < 0.125) continue;
        if (i - last > 9600) seen.beeps.push((start + i) / 48000);
        last = i;
      }
      await audio.close();
    },
  };
}

const TURNS = 5; // of a track of words at most

const scenarios = {
  async play(config, seen) {
    showEach(config, seen);
    if (config.grows) await Promise.race([follow(config, seen), toTheEnd(config.timeout)]);
    else await ahead(10);
    video.playbackRate = config.rate;
    await video.play();
    await toTheEnd(config.timeout);
  },

  async seek(config, seen) {
    seen.seeks = [];
    for (const point of config.points) await visit(point, config, seen);
  },

  // Every third seek goes to another rung; after the last one it plays to the end, and where `listen` is set, the sound is
  // held against the picture.
  async watch(config, seen, adapter) {
    seen.seeks = [];
    await until(() => video.readyState >= 3 && !video.seeking, 40, "nothing to play");
    seen.began = video.currentTime;
    const hearing = config.listen ? await listening() : null;
    const count = adapter.rungs().length;
    let turn = config.rung === "low" ? 0 : count - 1;
    for (const [index, point] of config.points.entries()) {
      if (index % 3 === 1 && count > 1) adapter.pick((turn = (turn + 1) % count));
      await visit(point, config, seen);
    }
    await ahead(4);
    showEach(config, seen);
    seen.expectSeek = false;
    video.playbackRate = config.rate;
    hearing?.begin(config, seen);
    await video.play();
    await toTheEnd(config.timeout);
    await lastShown(seen);
    await hearing?.end(seen);
  },

  // Plays with every track of words in turn, for dash.js keeps cues near the playhead alone; notes what the
  // player says of a track, its cues, and how often the same cue was there at one time. Each is played again until there
  // were so many cues as `cues` says: on a busy machine a film of seconds may be over before this page looks.
  async words(config, seen, adapter) {
    seen.words = [];
    const tracks = () => [...adapter.words().entries()].filter(([, { embedded }]) => !embedded); // captions in pictures
    await until(() => video.readyState >= 2 && tracks().length === config.cues.length, 40, "no tracks of words");
    seen.expectSeek = true;
    seen.offered = tracks().map(([, told]) => told);
    for (const [index, told] of tracks()) {
      if (config.points.length && !config.points.includes(index)) continue;
      await adapter.show(index);
      const found = new Map();
      let most = 1;
      // hls.js makes tracks of captions in pictures by itself, with the names of the playlist.
      const own = ({ label }) => !label.startsWith("Captions ");
      const texts = () => [...video.textTracks].filter((track) => track.mode === "showing" && own(track));
      const showing = () => texts().flatMap((one) => [...(one.cues ?? [])]);
      const gone = seen.words.at(-1)?.cues.map(({ text }) => text) ?? [];
      await until(() => showing().every(({ text }) => !gone.includes(text)), 20, "cues of the track before stay");
      const look = () => {
        const now = new Map();
        for (const { startTime, endTime, text, line, align } of showing()) {
          const key = `${startTime} ${endTime} ${text}`;
          now.set(key, (now.get(key) ?? 0) + 1);
          found.set(key, { startTime, endTime, text, line, align });
        }
        most = Math.max(most, ...now.values());
        return video.ended;
      };
      const [, wanted] = config.cues.find(([name]) => name === told.name) ?? [null, 1];
      for (let turn = 0; turn < TURNS && found.size < wanted; turn += 1) {
        await seekTo(0, seen);
        video.playbackRate = config.rate;
        await video.play();
        await until(look, 40, `not to the end with ${told.name}`);
      }
      seen.words.push({ ...told, most, cues: [...found.values()] });
    }
  },

  // Follows a stream that grows with a track of words, by its index in `points`, of which so many cues as `cues` says come
  // before it is complete, and in all; notes all cues that there were.
  async reads(config, seen, adapter) {
    await until(() => adapter.words().length > config.points[0], 40, "no tracks of words");
    await adapter.show(config.points[0]);
    const found = new Map();
    const look = () => {
      const showing = [...video.textTracks].filter(({ mode, kind }) => mode === "showing" && kind !== "captions");
      for (const { startTime, endTime, text } of showing.flatMap(({ cues }) => [...(cues ?? [])])) {
        found.set(`${startTime} ${endTime} ${text}`, { startTime, endTime, text });
      }
      return found.size;
    };
    const some = () => until(() => look() >= config.cues[0], 40, "no cues while it grows");
    await Promise.race([follow(config, seen, some), toTheEnd(config.timeout)]);
    await toTheEnd(config.timeout, () => look() && false);
    await until(() => look() >= config.cues[1], 20, "not all cues").catch(() => {}); // which are judged outside
    seen.cues = [...found.values()].sort((a, b) => a.startTime - b.startTime);
  },

  // Plays with captions wanted, and tells the cues of all text tracks.
  async captions(config, seen, adapter) {
    await ahead(10);
    await adapter.captions();
    video.playbackRate = config.rate;
    await video.play();
    await toTheEnd(config.timeout);
    await sleep(300);
    seen.cues = [];
    for (const track of video.textTracks) {
      track.mode = "hidden";
      for (const cue of track.cues) seen.cues.push([track.label, cue.startTime, cue.endTime, cue.text]);
    }
  },

  // Flash against beep at normal speed.
  async sync(config, seen) {
    const hearing = await listening();
    await ahead(10);
    hearing.begin(config, seen);
    await video.play();
    await toTheEnd(config.timeout);
    await hearing.end(seen);
  },

  // Before it plays and at every point (a seam) the next rung in turn is asked for; the video goes on all the while.
  async switch(config, seen, adapter) {
    const count = adapter.rungs().length;
    seen.asked = [];
    let turn = config.rung === "low" ? 0 : count - 1;
    const ask = () => {
      turn = (turn + 1) % count;
      seen.asked.push([video.currentTime, turn]);
      adapter.pick(turn);
    };
    showEach(config, seen);
    await ahead(1.5);
    ask(); // while it stands still, however slow the machine, the short buffer ends before the last segment
    video.playbackRate = config.rate;
    await video.play();
    for (const point of config.points) {
      await toTheEnd(config.timeout, () => video.currentTime >= point);
      ask();
    }
    await toTheEnd(config.timeout);
  },
};

// Words are chosen while there is something left to load.
const spacing = ({ scenario, points: [first] }) => (scenario === "switch" ? first : scenario === "words" ? 1 : 0);

// Keeps this thread from its work for a part of each 1.3 s.
function busy(milliseconds) {
  const work = () => {
    for (const end = performance.now() + milliseconds; performance.now() < end;);
  };
  if (milliseconds) setInterval(work, 1300); // at other moments of each second of the film
}

window.run = async (config) => {
  busy(config.late);
  const errors = [];
  const seen = watch(errors);
  globalThis.seen = seen;
  const adapter = adapters[config.player](video, errors, spacing(config));
  const result = { player: config.player, scenario: config.scenario, url: config.url };
  try {
    const first = nextFrame(); // asked for before anything is loaded: on a busy machine it may be shown before `load` returns
    const late = sleep(40_000).then(() => Promise.reject(new Error("timeout: not loaded"))); // some never say so
    await Promise.race([adapter.load(config.url, config.rung, config.start), late]);
    result.firstFrame = await poster(first);
    result.startTime = ranges()[0]?.[0];
    await scenarios[config.scenario](config, seen, adapter);
  } catch (error) {
    errors.push(`${error.name === "Error" ? "" : `${error.name}: `}${error.message}`);
  }
  clearInterval(seen.timer);
  const quality = video.getVideoPlaybackQuality();
  Object.assign(result, {
    ended: video.ended, duration: video.duration, position: video.currentTime, ranges: ranges(),
    decoded: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, corrupted: quality.corruptedVideoFrames,
    rungs: adapter.rungs(), ...adapter.stats(),
  });
  if (!errors.length) await lookAgain(config, seen).catch((error) => errors.push(`looked again: ${error.message}`));
  const { timer: _, expectSeek: __, ...observed } = seen;
  return { ...result, ...observed, errors };
};
