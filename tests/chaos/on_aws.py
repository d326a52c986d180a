"""The handlers of Lambda in processes of their own, called as the state machine calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from chaos import function
from chaos.base import End
from chaos.gate import Gate
from chaos.here import clock_of
from e2e.machine_double import Execution, Machine

SETTINGS = {
    "ladder": [{"name": "96p", "short_side": 96, "maxrate": 100_000}], "segment_seconds": 0.5, "keyframe_seconds": 0.5,
    "preset": "ultrafast", "short_start": False,
}  # fmt: skip
TRIES = 4
"""Calls of a handler whose process is lost or which says that another try may do: as the state machine does."""


class Lost(Exception):
    """The process of a call ended in the middle of it."""


class Environment:
    """A process that serves calls, one at a time."""

    def __init__(self, variables: dict[str, str], log: Path) -> None:
        self._variables, self._log = variables, log
        self.off = 0.0
        """By how many seconds the clock of the next process is off."""
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Of its process, which starts when it is first asked for."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", function.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=log, text=True, env=os.environ | self._variables | clock_of(self.off),
                )  # fmt: skip
        return self._process.pid

    def call(self, call: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a call.

        Raises:
            Lost: There was none.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(call) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line.endswith("\n"):  # it may have ended in the middle of its answer
            self._process.wait(30)
            raise Lost
        found: dict[str, Any] = json.loads(line)
        return found

    def kill(self) -> None:
        """Kill its process, perhaps in the middle of a call of another thread, which is `Lost` then."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End its process; no call is under way."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Environments(Machine):
    """The state machine round such processes, which carries two items out at a time."""

    def __init__(self, uploads: str, media: str, work: Path, places: int) -> None:
        super().__init__(uploads, media)
        variables = {"MEDIA_BUCKET": media}
        self._places = places
        self.all = [Environment(variables, work / "lambda.log") for _ in range(places + 1)]
        self._free: SimpleQueue[Environment] = SimpleQueue()
        for one in self.all:
            self._free.put(one)
        self.flying: dict[tuple[str, str], int] = {}
        """Processes of the calls under way, by ARN of the execution and task."""
        self.tries: defaultdict[str, Counter[str]] = defaultdict(Counter)
        """Calls so far, by ARN of the execution: none begins once that was ended."""

    def call(self, execution: Execution, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """See `Machine.call`."""
        key = event["item"]["key"] if name == "transcode" else name
        running = [one.arn for one in self.executions.values() if one.status == "RUNNING"]
        error = ""
        for _ in range(TRIES):
            environment = self._free.get()
            try:
                if execution.status != "RUNNING":
                    error = execution.status
                    break
                self.tries[execution.arn][key] += 1
                self.flying[execution.arn, key] = environment.pid
                found = environment.call({"name": name, "event": event, "running": running})
                if "answer" in found:
                    answer: dict[str, Any] = found["answer"]
                    return answer
                error = found["error"]
            except Lost:
                error = "Lambda.Unknown"
            finally:
                self.flying.pop((execution.arn, key), None)
                self._free.put(environment)
        return {"status": "failed", "error": {"code": "worker-lost", "cause": error}}

    def make(self, execution: Execution, events: Iterable[dict[str, Any]]) -> None:
        """See `Machine.make`."""

        def one(event: dict[str, Any]) -> None:
            if execution.status == "RUNNING":
                self.call(execution, "transcode", event)

        with ThreadPoolExecutor(self._places) as pool:
            list(pool.map(one, events))

    def close(self) -> None:
        """End all processes; no execution runs, and nothing more is done for those that were ended."""
        for execution in self.executions.values():
            while not execution.over.is_set():
                for environment in self.all:
                    environment.kill()
                execution.over.wait(0.1)
        for environment in self.all:
            environment.close()


class ExecutionRun:
    """An execution that runs."""

    def __init__(self, machine: Environments, name: str, given: dict[str, Any]) -> None:
        self._machine = machine
        self._execution = machine.executions[machine.start(name, json.dumps(given))]

    def flying(self) -> dict[str, int]:
        flying = self._machine.flying.copy().items()
        return {key: pid for (arn, key), pid in flying if arn == self._execution.arn and "/" in key}

    def over(self) -> bool:
        return self._execution.status != "RUNNING"

    def kill(self) -> None:
        self._execution.end("ABORTED")

    def end(self) -> End:
        if self._execution.status != "ABORTED":
            self._execution.over.wait(200)
        output = json.loads(self._execution.output or "{}")
        found = output.get("error") or output.get("plan", {}).get("error") or {}
        said = f"{self._execution.status}: {self._execution.output} {self._execution.cause}"
        done = self._execution.status == "SUCCEEDED" and output.get("status") == "complete"
        return End(done, self._execution.status == "ABORTED", found.get("code", ""), said)

    def failed(self) -> list[str]:
        return []

    def tries(self) -> Counter[str]:
        found = self._machine.tries[self._execution.arn].copy()
        return Counter({key: count for key, count in found.items() if "/" in key})

    def codes(self) -> list[str]:
        return []


class AwsField:
    """Executions, two items at a time."""

    places = 2

    def __init__(self, gate: Gate, media: str, source: str, clip: Path, work: Path) -> None:
        self.gate, self.media, self.source, self.clip = gate, media, source, clip
        self._work, self._runs = work, 0
        self._machine = Environments(source.split("/")[2], media.split("/")[2], work, self.places)

    def start(self, source: str, dest: str, *more: str, clock: float = 0) -> ExecutionRun:
        self._runs += 1
        if clock:
            self._set_clock(clock)
        given = {"source": source, "dest": dest, "settings": SETTINGS, "resume": True}
        return ExecutionRun(self._machine, f"run-{self._runs}", given)

    def kill(self, worker: int) -> str:
        os.kill(worker, signal.SIGKILL)
        return f"killed the process {worker} of a function"

    def mend(self) -> None:
        if any(environment.off for environment in self._machine.all):
            self._set_clock(0)

    def folder(self, name: str) -> Path:
        return self._work / name

    def close(self) -> None:
        """End all processes."""
        for execution in self._machine.executions.values():
            execution.end("ABORTED")
        self._machine.close()

    def _set_clock(self, off: float) -> None:
        self._machine.close()
        for environment in self._machine.all:
            environment.off = off
