// One adapter a player: load(url, rung, where it starts in seconds), rungs() from low to high, pick(index), stats().
// Every adapter gets the video element, the page's error list, and the seconds from one switch of rungs to the next (0:
// none); the buffer is then kept short, so that a switch shows before the next one.

const script = (source) => new Promise((done, fail) => {
  const element = document.createElement("script");
  element.src = source;
  element.onload = done;
  element.onerror = () => fail(new Error(`cannot load ${source}`));
  document.head.append(element);
});

export const native = (video, errors) => ({
  async load(url, _, start) {
    if (!video.canPlayType("application/vnd.apple.mpegurl")) errors.push("native: this browser plays no HLS");
    video.src = url;
    if (start) video.currentTime = start; // as soon as there is metadata
  },
  rungs: () => [],
  pick() {},
  stats: () => ({}),
});

// The player of the page of `streamify play`.
export const own = (video, errors, switching) => {
  let player;
  return {
    async load(url, rung, start) {
      const { MsePlayer } = await import("/own/mse.js");
      player = new MsePlayer(video);
      for (const kind of ["failed", "retrying"]) {
        player.addEventListener(kind, () => errors.push(`own: ${kind} ${player.error || player.retrying}`));
      }
      await player.load(url);
      if (switching) for (const feeder of player.feeders) feeder.ahead = switching * 1.5;
      if (rung !== "auto") player.pick(rung === "low" ? 0 : player.rungs.length - 1);
      player.start(start);
    },
    rungs: () => player.rungs.map(({ height, bandwidth }, index) => ({ index, height, bandwidth })),
    pick: (index) => player.pick(index),
    stats: () => ({}),
  };
};

export const hlsjs = (video, errors, switching) => {
  let hls;
  return {
    async load(url, rung, start) {
      await script("/lib/hlsjs.js");
      hls = new Hls({
        startPosition: start,
        maxBufferHole: 0, // no hole may be called small: every one is to be seen
        ...(switching ? { maxBufferLength: switching * 1.5, maxMaxBufferLength: switching * 1.5, maxBufferSize: 1 } : {}),
        ...(rung === "auto" ? {} : { startLevel: 0 }),
      });
      hls.on(Hls.Events.ERROR, (_, data) => {
        // Its own giving up of the rung left behind, or of the place that a seek leaves.
        if ((switching || globalThis.seen.expectSeek) && !data.fatal && data.details === "aborted") return;
        // After a seek it may load another rung over what it has in the buffer already, and says that nothing was added.
        if (globalThis.seen.expectSeek && !data.fatal && data.details === "bufferAppendNoProgress") return;
        // How long it stood is judged outside: a busy machine makes it stand as well. What it jumps over has other names.
        if (!data.fatal && data.details === "bufferStalledError") return;
        errors.push(`hls.js: ${data.fatal ? "fatal " : ""}${data.type} ${data.details} ${data.error?.message ?? ""}`);
      });
      const parsed = new Promise((done) => hls.once(Hls.Events.MANIFEST_PARSED, done));
      hls.loadSource(url);
      await parsed;
      if (rung !== "auto") hls.loadLevel = hls.startLevel = rung === "low" ? 0 : hls.levels.length - 1;
      hls.attachMedia(video);
    },
    rungs: () => hls.levels.map((level, index) => ({ index, height: level.height, bandwidth: level.bitrate })),
    pick(index) {
      hls.loadLevel = index;
    },
    words: () => hls.subtitleTracks.map(({ name, lang, forced, characteristics }) => ({ name, lang, forced: forced === true || forced === "YES", sdh: !!characteristics })),
    async show(index) {
      hls.subtitleDisplay = true;
      hls.subtitleTrack = index;
    },
    async captions() {
      hls.subtitleDisplay = true; // they become text tracks by themselves, with the first segment that has some
    },
    stats: () => ({ version: Hls.version }),
  };
};

export const shaka = (video, errors, switching) => {
  let player, order;
  return {
    async load(url, rung, start) {
      await script("/lib/shaka.js");
      const library = window.shaka;
      library.polyfill.installAll();
      player = new library.Player();
      await player.attach(video);
      player.addEventListener("error", (event) =>
        errors.push(`shaka: code ${event.detail.code} severity ${event.detail.severity} ${event.detail.message}`));
      player.configure({
        abr: { enabled: rung === "auto", defaultBandwidthEstimate: rung === "low" ? 1 : 1e9 },
        streaming: {
          stallEnabled: false,
          failureCallback: (error) => errors.push(`shaka: streaming failure ${error.code}`),
          ...(switching ? { bufferingGoal: switching * 1.5, rebufferingGoal: 0.5 } : {}),
        },
      });
      await player.load(url, start);
      order = () => [...player.getVariantTracks()].sort((a, b) => a.bandwidth - b.bandwidth);
    },
    rungs: () => order().map((track, index) => ({ index, height: track.height, bandwidth: track.bandwidth })),
    pick(index) {
      player.selectVariantTrack(order()[index], false);
    },
    words: () => player.getTextTracks().map(({ label, language, forced, roles, mimeType }) => ({
      name: label, lang: language, forced, embedded: mimeType?.startsWith("application/cea"),
      sdh: roles.includes("caption") || roles.some((one) => one.includes("transcribes")),
    })),
    async show(index) {
      await player.selectTextTrack(player.getTextTracks()[index]);
    },
    async captions() {
      player.selectTextTrack(player.getTextTracks()[0]);
      await player.setTextTrackVisibility?.(true);
    },
    stats() {
      const { gapsJumped, stallsDetected, nonFatalErrorCount, corruptedFrames } = player.getStats();
      return { version: window.shaka.Player.version, gapsJumped, stallsDetected, nonFatalErrorCount, corruptedFrames };
    },
  };
};

export const dashjs = (video, errors, switching) => {
  let player, jumps = 0;
  const short = (seconds) => ({
    bufferTimeDefault: seconds, bufferTimeAtTopQuality: seconds, bufferTimeAtTopQualityLongForm: seconds,
    initialBufferLevel: NaN, fastSwitchEnabled: false,
  });
  const rungs = () => player.getRepresentationsByType("video").toSorted((a, b) => a.bandwidth - b.bandwidth);
  return {
    async load(url, rung, start) {
      await script("/lib/dashjs.js");
      const library = window.dashjs;
      player = library.MediaPlayer().create();
      // Every 200 ms it looks whether the time has come to the end, and then pauses (seeking there if need be), assuming
      // that the element missed it. At 4x that came before the element's own `ended` in 3 of 80 runs, which then never
      // came. The element is to notice by itself here: the end stays a hair away, and `ended` stops the looking.
      player.extend("PlaybackController", function () {
        const { getTimeToStreamEnd } = this.parent;
        return { getTimeToStreamEnd: (info) => Math.max(1e-4, getTimeToStreamEnd(info)) };
      }, true);
      player.updateSettings({
        debug: { logLevel: library.Debug.LOG_LEVEL_ERROR },
        streaming: {
          abr: { autoSwitchBitrate: { video: rung === "auto" }, initialBitrate: { video: rung === "low" ? 1 : 1e6 } },
          gaps: { enableSeekFix: false, enableStallFix: false },
          ...(switching ? { buffer: short(switching * 1.5) } : {}),
        },
      });
      player.on(library.MediaPlayer.events.ERROR, ({ error }) =>
        errors.push(`dash.js: code ${error?.code} ${error?.message ?? error}`));
      for (const name of ["gapCausedInternalSeek", "gapCausedSeekToPeriodEnd"]) player.on(name, () => (jumps += 1));
      const ready = new Promise((done) => player.on(library.MediaPlayer.events.STREAM_INITIALIZED, done));
      player.initialize(video, url, false, start);
      await ready;
    },
    rungs: () => rungs().map((one, index) => ({ index, height: one.height, bandwidth: one.bandwidth })),
    pick(index) {
      player.setRepresentationForTypeById("video", rungs()[index].id, false);
    },
    words: () => player.getTracksFor("text").map(({ labels, lang, roles, accessibility, isEmbedded }) => ({
      name: labels[0]?.text, lang, embedded: isEmbedded, forced: roles.some(({ value }) => value === "forced-subtitle"),
      sdh: accessibility.some(({ value }) => value === "2"),
    })),
    async show(index) {
      // It renews the cues that a TextTrack holds, those near the playhead, once in 10 s of the clock, too seldom at 4x.
      player.updateSettings({ streaming: { buffer: { bufferPruningInterval: 0.05 } } });
      player.enableText(true);
      player.setTextTrack(index);
    },
    stats: () => ({ version: player.getVersion(), gapsJumped: jumps }),
  };
};
