// Reads {definition, input, context, answers} from stdin, runs the state machine, writes {calls, output | error} to stdout.
// `answers` gives each task state what its calls do, one after the other: {"returns": value} or {"raises": "ErrorName"}.
import { readFileSync } from "node:fs";
import { ExecutionError, StateMachine } from "aws-local-stepfunctions";

Promise.withResolvers ??= function () {  // Node 20 has none
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

const { definition, input, context, answers } = JSON.parse(readFileSync(0, "utf8"));
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
const names = (states) =>
  Object.entries(states).flatMap(([name, state]) => [name, ...(state.ItemProcessor ? names(state.ItemProcessor.States) : [])]);
const nothing = Object.fromEntries(names(definition.States).map((name) => [name, 0]));
const machine = new StateMachine(definition, { checkPaths: true, checkArn: false });
const execution = machine.run(input, {
  overrides: { taskResourceLocalHandlers: handlers, retryIntervalOverrides: nothing, waitTimeOverrides: nothing },
  context,
});
try {
  console.log(JSON.stringify({ calls, output: await execution.result }));
} catch (error) {
  if (!(error instanceof ExecutionError)) throw error;
  const { name, message } = error.cause;
  console.log(JSON.stringify({ calls, error: { name, message } }));
}
