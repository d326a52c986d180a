// Reads CEA-708 as Shaka Player does: node services.mjs < [[seconds, "hex of an ITU-T T.35 message"], ...] > [cues].
// The sources of its decoder are loaded as they are, with what they require of Closure's module functions.

import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";

const lib = fileURLToPath(new URL("node_modules/shaka-player/lib/", import.meta.url));
const files = new Map();
for (const name of readdirSync(lib, { recursive: true }).filter((name) => name.endsWith(".js"))) {
  const text = readFileSync(lib + name, "utf8");
  for (const [, provided] of text.matchAll(/^goog\.provide\('([^']+)'\)/gm)) files.set(provided, { name, text });
}

const context = vm.createContext({ console, TextDecoder, TextEncoder, setTimeout, performance });
context.window = context.self = context;
const provide = (path) => path.split(".").reduce((at, part) => (at[part] ??= {}), context);
const define = (path, value) => (provide(path.slice(0, path.lastIndexOf(".")))[path.split(".").at(-1)] = value);
const loaded = new Set();
const load = (provided) => {
  const file = files.get(provided);
  if (!file || loaded.has(file.name)) return;
  loaded.add(file.name);
  vm.runInContext(file.text, context, { filename: file.name });
};
context.goog = { provide, define, require: load, requireType: () => {}, exportSymbol: () => {}, DEBUG: false };
// Of ECMAScript 2026, which this version of Node may lack.
vm.runInContext(
  "Map.prototype.getOrInsertComputed ??= function (key, make) { if (!this.has(key)) this.set(key, make(key)); return this.get(key); };",
  context,
);
load("shaka.cea.CeaDecoder");

const decoder = new context.shaka.cea.CeaDecoder();
const text = (cue) => cue.payload + (cue.lineBreak ? "\n" : "") + cue.nestedCues.map(text).join("");
const found = [];
for (const [seconds, message] of JSON.parse(readFileSync(0, "utf8"))) {
  decoder.extract(Uint8Array.from(Buffer.from(message, "hex")), seconds);
  for (const { cue, stream } of decoder.decode()) {
    found.push({ stream, start: cue.startTime, end: cue.endTime, text: text(cue).trim() });
  }
}
process.stdout.write(JSON.stringify(found));
