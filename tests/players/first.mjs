// Tells when the page that `streamify play` serves shows its first picture. Chromium runs and waits before it is asked.
//
//   node first.mjs        writes "ready", reads one URL from stdin, writes seconds since the epoch
import { createInterface } from "node:readline/promises";
import { Browsers } from "./browser.mjs";

const browsers = new Browsers();
try {
  const { page } = await browsers.page("chromium");
  console.log("ready");
  const url = await createInterface({ input: process.stdin }).question("");
  await page.goto(url);
  // HAVE_CURRENT_DATA: the picture at the position of the player is there.
  await page.waitForFunction(() => document.querySelector("video")?.readyState >= 2, { polling: 10, timeout: 60_000 });
  console.log(Date.now() / 1000);
} finally {
  await browsers.end();
}
process.exit(0);
