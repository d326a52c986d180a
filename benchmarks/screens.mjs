// Draws recordings of screens in Chromium, one picture after another.
// node screens.mjs FOLDER SIZE PICTURES; reads FOLDER/given.json and writes FOLDER/NAME/00000.png and on.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Browsers } from "../tests/players/browser.mjs";

const [folder, size, pictures] = process.argv.slice(2);
const [width, height] = size.split("x").map(Number);
const { code, text, stills, rates } = JSON.parse(await readFile(join(folder, "given.json"), "utf8"));
const escaped = (words) => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const still = async (name) => `data:image/png;base64,${(await readFile(stills[name])).toString("base64")}`;
const many = (count, part) => Array.from({ length: count }, (_, number) => part(number)).join("");
const [actor, meadow] = [await still("actor"), await still("meadow")];
const words = text.match(/[A-Za-z]{4,}/g);
const word = (number) => words[number % words.length];
const slide = "position: absolute; left: 0; top: 0; width: 1920px; height: 1080px; font: 64px sans-serif";

// Each page has a function `draw` that shows a moment, in seconds.
const pages = {
  typing: `<body style="margin: 0; background: #1e1e1e; color: #d4d4d4; font: 20px/26px monospace">
    <div style="position: absolute; width: 260px; height: 1080px; background: #252526; padding: 20px">
      ${many(30, (number) => `file_${number}.py<br>`)}</div>
    <pre id=lines style="margin: 20px 20px 0 320px"></pre>
    <div id=mouse style="position: absolute; width: 14px; height: 22px; background: #fff;
      clip-path: polygon(0 0, 100% 60%, 45% 62%, 20% 100%)"></div>
    <script>const code = ${JSON.stringify(escaped(code))};
      window.draw = (time) => {
        const seen = code.slice(0, 600 + Math.floor(12 * time)).split("\\n").slice(-38).join("\\n");
        lines.innerHTML = seen + (Math.floor(2 * time) % 2 ? "<span style='background: #aaa'>&nbsp;</span>" : "");
        const way = Math.min(1, Math.max(0, (time % 2 - 1.2) / 0.6));
        mouse.style.left = 600 + 500 * way + "px"; mouse.style.top = 300 + 350 * way * way + "px";
      };</script>`,
  scroll: `<body style="margin: 0; color: #222; font: 19px/30px sans-serif">
    <div style="position: fixed; top: 0; left: 0; right: 0; height: 64px; z-index: 2;
      background: linear-gradient(90deg, #246, #48a)"></div>
    <div style="width: 1100px; margin: 90px auto; white-space: pre-wrap">${escaped(text + text)}</div>
    <script>window.draw = (time) => {
        const part = time % 1.6, way = part < 0.8 ? (1 - Math.cos(Math.PI * part / 0.8)) / 2 : 1;
        window.scrollTo(0, 420 * (Math.floor(time / 1.6) + way));
      };</script>`,
  slides: `<body style="margin: 0; overflow: hidden">
    <div style="${slide}; color: #fff; background: linear-gradient(160deg, #0b1d3a, #3b6ea5 70%, #a9c7e8)">
      <h1>Quarterly results</h1>
      <ul style="font-size: 44px"><li>Revenue grew by 14 %<li>Costs fell by 3 %<li>Four new regions</ul>
      <img src="${actor}" style="position: absolute; right: 100px; top: 420px; width: 760px"></div>
    <div id=next style="${slide}; color: #333; background: #fafafa"><h1>Where it went</h1>
      <svg width=1600 height=700>${many(12, (number) => `<rect x=${125 * number} y=${600 - 30 * (7 * number % 17)}
        width=90 height=${30 * (7 * number % 17)} fill="hsl(${200 + 6 * number} 60% 50%)" />`)}</svg>
      <img src="${meadow}" style="position: absolute; right: 100px; top: 60px; width: 560px"></div>
    <script>window.draw = (time) => { next.style.opacity = Math.min(1, Math.max(0, (time - 1.5) / 0.7)); };</script>`,
  terminal: `<body style="margin: 0; background: linear-gradient(135deg, #2c1a4a, #7a3b6b); overflow: hidden">
    <div id=shown style="position: absolute; width: 1300px; height: 760px; background: #101418; overflow: hidden;
      border-radius: 12px; box-shadow: 0 20px 60px #000a; color: #c8d0d8; font: 18px/24px monospace">
      <div style="height: 36px; background: #333c44"></div><pre id=lines style="margin: 12px"></pre></div>
    <script>const code = ${JSON.stringify(escaped(code).split("\n"))};
      window.draw = (time) => {
        const first = Math.floor(9 * time), way = Math.min(1, Math.max(0, (time - 2) / 1.5));
        const line = (_, number) => 1000 + first + number + "  " + code[(first + number) % code.length];
        lines.innerHTML = Array.from({ length: 29 }, line).join("\\n");
        shown.style.left = 200 + 260 * way + "px"; shown.style.top = 120 + 90 * way + "px";
      };</script>`,
  credits: `<body style="margin: 0; background: #000; color: #eee; font: 34px serif; overflow: hidden">
    <table id=names style="position: absolute; left: 460px; top: 0; width: 1000px">
      ${many(160, (number) => `<tr><td style="text-align: right; padding: 6px 24px; color: #bbb">${word(7 * number)}
        <td style="padding: 6px 24px">${word(11 * number + 5)} ${word(13 * number + 2)}`)}</table>
    <script>window.draw = (time) => { names.style.top = 756 - 72 * time + "px"; };</script>`,
  ticker: `<body style="margin: 0; overflow: hidden"><img src="${actor}" style="position: absolute; width: 1920px">
    <div style="position: absolute; left: 0; right: 0; bottom: 60px; height: 90px; background: #900; color: #fff;
      font: bold 52px/90px sans-serif"><span id=news style="position: absolute; white-space: nowrap">
      ${many(200, (number) => `${word(number)} `)}</span></div>
    <script>window.draw = (time) => { news.style.left = 1550 - 175 * time + "px"; };</script>`,
};

const browsers = new Browsers();
try {
  for (const [name, html] of Object.entries(pages)) {
    const { page, close } = await browsers.page("chromium");
    await page.setViewport({ width, height });
    await page.setContent(html);
    await mkdir(join(folder, name), { recursive: true });
    for (let number = 0; number < pictures; number += 1) {
      await page.evaluate((time) => window.draw(time), number / rates[name]);
      await page.screenshot({ path: join(folder, name, `${String(number).padStart(5, "0")}.png`), optimizeForSpeed: true });
    }
    await close();
  }
} finally {
  await browsers.end();
}
