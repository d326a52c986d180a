// Plays one finished stream in headless Chromium and prints what happened as one JSON document.
//
//   node play.mjs URL native|hlsjs|shaka|dashjs [--scenario play|seek|switch|sync] [--rate 4] [--points 6,12] [--rung high]
//                 [--timeout 120] [--chromium /usr/bin/chromium] [--barcode JSON]
//
// URL is the folder of the stream; native and hls.js get master.m3u8 of it, shaka and dash.js manifest.mpd.
import { createServer } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import puppeteer from "puppeteer-core";

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
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
  "--disable-dev-shm-usage",
];

const { values, positionals: [base, player] } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: "string", default: "play" }, rate: { type: "string", default: "4" },
    points: { type: "string", default: "" }, rung: { type: "string", default: "high" },
    timeout: { type: "string", default: "120" }, chromium: { type: "string", default: "/usr/bin/chromium" },
    barcode: { type: "string", default: "" }, flash: { type: "string", default: "[0.72,0.05,0.98,0.45]" },
  },
});
if (!base || !["native", "hlsjs", "shaka", "dashjs"].includes(player)) {
  process.stderr.write("usage: node play.mjs URL native|hlsjs|shaka|dashjs [options]\n");
  process.exit(2);
}
const manifest = ["native", "hlsjs"].includes(player) ? "master.m3u8" : "manifest.mpd";
const url = /\.(m3u8|mpd|mp4)$/.test(base) ? base : new URL(manifest, base.endsWith("/") ? base : `${base}/`).href;
const config = {
  url, player, scenario: values.scenario, rate: Number(values.rate), rung: values.rung,
  points: values.points.split(",").filter(Boolean).map(Number), timeout: Number(values.timeout),
  barcode: values.barcode ? JSON.parse(values.barcode) : null,
  flash: JSON.parse(values.flash),
};

const server = createServer(async (request, response) => {
  const found = files[new URL(request.url, "http://x").pathname];
  if (!found) return response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
  response.writeHead(200, { "content-type": found[1], "cache-control": "no-store" });
  response.end(await readFile(join(here, found[0])));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const profile = await mkdtemp(join(tmpdir(), "streamify-chromium-"));
const console_ = [];
const network = [];
let browser, result;
try {
  browser = await puppeteer.launch({
    executablePath: values.chromium, headless: true, args: flags, userDataDir: profile, pipe: true,
    protocolTimeout: (config.timeout + 30) * 1000,
  });
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) console_.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => console_.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    if (why !== "net::ERR_ABORTED") network.push(`${why} ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) network.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  result = await page.evaluate((settings) => window.run(settings), config);
  result.chromium = await browser.version();
} catch (error) {
  result = { player, scenario: config.scenario, ended: false, errors: [`harness: ${error.message}`] };
} finally {
  await browser?.close().catch(() => browser.process()?.kill("SIGKILL"));
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
result.console = console_;
result.network = network;
process.stdout.write(`${JSON.stringify(result)}\n`);
