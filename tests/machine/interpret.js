// Reads a line of {definition, input, context, answers}, runs the state machine, writes a line of {calls, output | error};
// and again, until stdin ends.
// `answers` gives each task state what its calls do, one after the other: {"returns": value} or {"raises": "ErrorName"}.
import { createInterface } from "node:readline";
import { ExecutionError, StateMachine } from "aws-local-stepfunctions";

Promise.withResolvers ??= function () {  // Node 20 has none
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

const names = (states) =>
  Object.entries(states).flatMap(([name, state]) => [
    name, ...[...(state.Branches ?? []), ...(state.ItemProcessor ? [state.ItemProcessor] : [])].flatMap((inner) => names(inner.States)),
  ]);

async function run({ definition, input, context, answers }) {
  const calls = [];
  const handlers = Object.fromEntries(
    Object.entries(answers).map(([state, queue]) => [
      state,
      async (given) => {
        calls.push({ state, input: given });
        const answer = queue.length > 1 ? queue.shift() : queue[0];
        if ("raises" in answer) throw Object.assign(new Error("as told"), { name: answer.raises });
        return answer.returns;
      },
    ]),
  );
  const nothing = Object.fromEntries(names(definition.States).map((name) => [name, 0]));
  const machine = new StateMachine(definition, { checkPaths: true, checkArn: false });
  const execution = machine.run(input, {
    overrides: { taskResourceLocalHandlers: handlers, retryIntervalOverrides: nothing, waitTimeOverrides: nothing },
    context,
  });
  try {
    return { calls, output: await execution.result };
  } catch (error) {
    if (!(error instanceof ExecutionError)) throw error;
    const { name, message } = error.cause;
    return { calls, error: { name, message } };
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(await run(JSON.parse(line))));
