// Runs play.mjs and site.mjs many times in browsers that stay open.
//
//   node serve.mjs
//
// A line of stdin is {id, script, args}: the script by name, and its arguments as on its own command line. A line of
// stdout is {id, result} or {id, error}. Several may run at a time. The browsers end with stdin.
import { createInterface } from "node:readline";
import { argv, exit, stdin, stdout, stderr } from "node:process";
import { fileURLToPath } from "node:url";
import { Browsers } from "./browser.mjs";

// Runs a script whose file was started as a command.
export async function command(file, script) {
  if (argv[1] !== fileURLToPath(file)) return;
  const browsers = new Browsers();
  try {
    const result = await script(argv.slice(2), browsers);
    stdout.write(`${JSON.stringify(result)}\n`, () => exit());
  } catch (error) {
    stderr.write(`${error.message}\n`, () => exit(2));
  } finally {
    await browsers.end();
  }
}

async function serve() {
  const [{ play }, { use }] = await Promise.all([import("./play.mjs"), import("./site.mjs")]);
  const scripts = { play, use };
  const browsers = new Browsers();
  const running = new Set();
  const answer = async ({ id, script, args }) => {
    let told;
    try {
      told = { id, result: await scripts[script](args, browsers) };
    } catch (error) {
      told = { id, error: error.message };
    }
    stdout.write(`${JSON.stringify(told)}\n`);
  };
  for await (const line of createInterface({ input: stdin })) {
    const one = answer(JSON.parse(line)).finally(() => running.delete(one));
    running.add(one);
  }
  await Promise.all(running);
  await browsers.end();
}

if (argv[1] === fileURLToPath(import.meta.url)) serve();
