// Headless Chromium over a pipe, or Firefox over WebDriver BiDi, and what a page in it complains of.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const CHROMIUM = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
  "--disable-dev-shm-usage",
];
const FIREFOX = { "media.autoplay.default": 0, "network.captive-portal-service.enabled": false };

const PATIENCE = 200_000; // milliseconds for one command; a page ends its work by itself before

// Browsers that start when they are first asked for and stay; each page has cookies and a cache of its own.
export class Browsers {
  started = new Map();

  async page(name) {
    const browser = await this.browser(name);
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    return { page, version: await browser.version(), close: () => context.close().catch(() => {}) };
  }

  // One that did not start, or has ended, is started anew, once for all who wait for it.
  async browser(name) {
    const before = this.started.get(name);
    const browser = await before?.catch(() => null);
    if (browser?.connected) return browser;
    if (this.started.get(name) === before) this.started.set(name, launch(name));
    return this.started.get(name);
  }

  async end() {
    for (const one of this.started.values()) await one.then((browser) => browser.end(), () => {});
  }
}

// The browser has an `end` of its own, which also removes its profile.
async function launch(name) {
  const profile = await mkdtemp(join(tmpdir(), `streamify-${name}-`));
  const common = { headless: true, userDataDir: profile, protocolTimeout: PATIENCE, timeout: PATIENCE };
  const remove = () => rm(profile, { recursive: true, force: true, maxRetries: 5 });
  let browser;
  try {
    browser = await puppeteer.launch(name === "firefox"
      ? { ...common, browser: "firefox", executablePath: "/usr/bin/firefox-esr", extraPrefsFirefox: FIREFOX }
      : { ...common, executablePath: "/usr/bin/chromium", args: CHROMIUM, pipe: true });
  } catch (error) {
    await remove();
    throw error;
  }
  browser.end = async () => {
    const child = browser.process();
    const late = new Promise((_, fail) => setTimeout(fail, 10_000, new Error("does not close")).unref());
    await Promise.race([browser.close(), late]).catch(() => child?.kill("SIGKILL"));
    await remove();
  };
  return browser;
}

// Requests that a page gives up itself, as players do at a seek, are no complaint.
const GIVEN_UP = ["net::ERR_ABORTED", "NS_BINDING_ABORTED", "NS_ERROR_ABORT"];

export function listen(page, heard) {
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) heard.console.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => heard.console.push(`exception: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    if (!GIVEN_UP.includes(why)) heard.network.push(`${why} ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) heard.network.push(`${response.status()} ${response.url()}`);
  });
}
