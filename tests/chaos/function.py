"""An execution environment of Lambda: reads calls of handlers as lines of JSON, writes what becomes of them."""

from __future__ import annotations

import json
import os
import sys

from streamify.backends.aws.functions import handlers, start


def main() -> None:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # handlers log to stdout
    for line in sys.stdin:
        call = json.loads(line)
        start._is_running = lambda held, dest: held.execution in call["running"]  # noqa: B023
        try:
            answer = {"answer": getattr(handlers, call["name"])(call["event"], None)}
        except (handlers.TransientError, handlers.WorkerLost) as error:
            answer = {"error": type(error).__name__}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
