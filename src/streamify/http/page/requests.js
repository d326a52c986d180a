// Requests that are tried again with pauses before they fail.

const PAUSES = [0.5, 1, 2, 4, 8, 8]; // seconds before each further try
const REFUSED = 2; // further tries of what the server says that it does not have or cannot make
const PATIENCE = 30; // seconds for one request

export const sleep = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
// Ends early where the request is given up.
const pause = (seconds, signal) => Promise.race([
  sleep(seconds), new Promise((done) => signal.addEventListener("abort", done, { once: true })),
]);

class Refusal extends Error {
  // cause: what a server of ours says of its fault, in one line.
  constructor({ status, statusText }, cause = "") {
    super(`the server answers ${status} ${statusText}`.trim() + (cause && `: ${cause}`));
    this.final = cause !== "" || (status >= 400 && status < 500 && ![408, 425, 429].includes(status));
  }
}

// What the server says of a fault of its own; other answers explain themselves.
async function cause(answer) {
  const told = answer.status >= 500 && answer.status !== 503 && answer.headers.get("content-type")?.startsWith("text/plain");
  return told ? (await answer.text()).trim().slice(0, 500) : "";
}

export class Requests {
  // closed: AbortSignal that ends all of them; tell: called with what is tried again, or "" once an answer came.
  constructor(closed, tell = () => {}) {
    this.closed = closed;
    this.tell = tell;
  }

  async text(url, signal = this.closed) {
    return new TextDecoder().decode(await this.bytes(url, signal));
  }

  // The bytes at a URL. took: called with their number and the seconds that the answer took.
  // Throws an AbortError where `signal` or `closed` ends it, else an Error that names the URL's path and the cause.
  async bytes(url, signal, took = () => {}) {
    const ended = AbortSignal.any([signal, this.closed]);
    for (let turn = 0; ; turn += 1) {
      try {
        const began = performance.now();
        const answer = await fetch(url, { signal: AbortSignal.any([ended, AbortSignal.timeout(1000 * PATIENCE)]) });
        if (!answer.ok) throw new Refusal(answer, await cause(answer));
        const data = await answer.arrayBuffer();
        took(data.byteLength, (performance.now() - began) / 1000);
        this.tell("");
        return data;
      } catch (error) {
        if (ended.aborted) throw new DOMException("given up", "AbortError");
        const why = error instanceof TypeError ? "the server cannot be reached" : error.message;
        const what = `${new URL(url).pathname}: ${why}`;
        if (turn >= (error.final ? REFUSED : PAUSES.length)) throw new Error(what);
        this.tell(`${what}; trying again`);
        await pause(PAUSES[turn], ended);
      }
    }
  }
}
