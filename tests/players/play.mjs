// Plays one finished stream in a headless browser and tells what happened as one JSON document.
//
//   node play.mjs URL native|own|hlsjs|shaka|dashjs [--browser chromium|firefox] [--scenario play|seek|switch|sync|watch|words|reads|captions]
//                 [--rate 4] [--start 0] [--points 6,12] [--rung high] [--timeout 120] [--barcode JSON]
//                 [--pictures '[[0, "0110..."], ...]'] [--late 500] [--listen] [--grows URL --length 40]
//
// URL is the folder of the stream; native, own (the player of `streamify play`) and hls.js get master.m3u8 of it, shaka
// and dash.js manifest.mpd. `--pictures` tells when each picture of the film is shown, and its barcode; with `--late` the
// page does nothing for so many milliseconds of each 1.3 s, as on a busy machine.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { listen } from "./browser.mjs";
import { command } from "./serve.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const files = {
  "/": ["page.html", "text/html"],
  "/page.mjs": ["page.mjs", "text/javascript"],
  "/adapters.mjs": ["adapters.mjs", "text/javascript"],
  "/tap.js": ["tap.js", "text/javascript"],
  "/lib/hlsjs.js": ["node_modules/hls.js/dist/hls.min.js", "text/javascript"],
  "/lib/shaka.js": ["node_modules/shaka-player/dist/shaka-player.compiled.js", "text/javascript"],
  "/lib/dashjs.js": ["node_modules/dashjs/dist/modern/umd/dash.all.min.js", "text/javascript"],
};
const own = join(here, "../../src/streamify/http/page"); // the player's modules, as `play` serves them

function configuration(args) {
  const { values, positionals: [base, player] } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      scenario: { type: "string", default: "play" }, rate: { type: "string", default: "4" },
      start: { type: "string", default: "0" }, points: { type: "string", default: "" }, rung: { type: "string", default: "high" },
      timeout: { type: "string", default: "120" }, browser: { type: "string", default: "chromium" },
      barcode: { type: "string", default: "" }, pictures: { type: "string", default: "[]" }, late: { type: "string", default: "0" }, cues: { type: "string", default: "[]" },
      listen: { type: "boolean", default: false }, grows: { type: "string", default: "" }, length: { type: "string", default: "0" },
      flash: { type: "string", default: "[0.72,0.05,0.98,0.45]" },
    },
  });
  if (!base || !["native", "own", "hlsjs", "shaka", "dashjs"].includes(player)) {
    throw new Error("usage: node play.mjs URL native|own|hlsjs|shaka|dashjs [options]");
  }
  const manifest = ["native", "own", "hlsjs"].includes(player) ? "master.m3u8" : "manifest.mpd";
  const url = /\.(m3u8|mpd|mp4)$/.test(base) ? base : new URL(manifest, base.endsWith("/") ? base : `${base}/`).href;
  return {
    url, player, browser: values.browser, scenario: values.scenario, rate: Number(values.rate), rung: values.rung,
    start: Number(values.start), points: values.points.split(",").filter(Boolean).map(Number), timeout: Number(values.timeout),
    barcode: values.barcode ? JSON.parse(values.barcode) : null,
    pictures: JSON.parse(values.pictures), late: Number(values.late), flash: JSON.parse(values.flash), listen: values.listen, grows: values.grows, length: Number(values.length), cues: JSON.parse(values.cues),
  };
}

async function serve() {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const [, module] = pathname.match(/^\/own\/(\w+\.js)$/) ?? [];
    const found = module ? [join(own, module), "text/javascript"] : files[pathname];
    if (!found) return response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
    response.writeHead(200, { "content-type": found[1], "cache-control": "no-store" });
    response.end(await readFile(resolve(here, found[0])));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

export async function play(args, browsers) {
  const config = configuration(args);
  const { player, scenario } = config;
  const heard = { console: [], network: [] };
  const server = await serve();
  let opened, result;
  try {
    opened = await browsers.page(config.browser);
    listen(opened.page, heard);
    await opened.page.goto(`http://127.0.0.1:${server.address().port}/`);
    result = await opened.page.evaluate((settings) => window.run(settings), config);
    result.browser = opened.version;
  } catch (error) {
    result = { player, scenario, ended: false, errors: [`harness: ${error.message}`] };
  } finally {
    await opened?.close();
    server.close();
    server.closeAllConnections();
  }
  return { ...result, ...heard };
}

await command(import.meta.url, play);
