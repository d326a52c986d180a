"""What Lambda would bill for a job: its handlers, called in the order of the state machine in one warm process, timed.

``python -m e2e.billing SOURCE SETTINGS`` prints it as one JSON document; the storage is an S3 emulated on this machine.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from clouds import Cloud, moto

WORKER = "worker"


@dataclass(frozen=True)
class Took:
    """One call."""

    what: str
    """``start`` (of the process), ``split``, ``transcode`` or ``assemble``."""
    key: str
    """Of the task, or ""."""
    cpu: float
    """Seconds."""
    wall: float
    """Seconds."""


def gb_seconds(took: list[Took], memory: int, *, cpu: bool) -> float:
    """Return what is billed for calls of a function with that memory, MB: whole milliseconds of each."""
    return sum(math.ceil((one.cpu if cpu else one.wall) * 1000) / 1000 for one in took) * memory / 1024


def bill_job(source: Path, settings: Mapping[str, Any], cloud: Cloud) -> list[Took]:
    """Carry out a job through the handlers; return what every call took."""
    names = [f"{name}-{uuid.uuid4().hex}" for name in ("raw", "media")]
    uploads, _ = (cloud.make_bucket(name) for name in names)
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("STREAMIFY_", "AWS_"))}
    environment = outer | cloud.environment | {"MEDIA_BUCKET": names[1], "SETTINGS": json.dumps(settings)}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = [sys.executable, "-m", "e2e.billing", WORKER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        worker = _Worker(process.stdin, process.stdout)
        took = [worker.started()]
        worker.call("upload", {"url": uploads, "path": str(source)})
        event = {"detail-type": "Object Created", "detail": {"bucket": {"name": names[0]}, "object": {"key": "film"}}}
        execution = "arn:aws:states:us-east-1:0:execution:streamify:run"
        begun = {"input": event, "execution": execution, "started": "2026-11-24T10:00:00.000Z"}
        planned, spent = worker.call("split", begun)
        assert planned["status"] == "planned", planned
        took.append(Took("split", "", **spent))
        items, _ = worker.call("items", planned["items"])
        for item in items:
            answer, spent = worker.call("transcode", {"run": planned["run"], "item": item})
            assert answer["status"] == "done", answer
            took.append(Took("transcode", item["key"], **spent))
        end = {"run": planned["run"], "prepared": planned["prepared"], "workers": 1}
        answer, spent = worker.call("assemble", end)
        assert answer["status"] == "complete", answer
        return [*took, Took("assemble", "", **spent)]


class _Worker:
    def __init__(self, tasks: IO[str], replies: IO[str]) -> None:
        self._tasks, self._replies = tasks, replies

    def started(self) -> Took:
        """Return what it took until it could be called."""
        return Took("start", "", **self._read()["spent"])

    def call(self, what: str, event: dict[str, Any]) -> tuple[Any, dict[str, float]]:
        """Return the answer to a call, and what it took."""
        self._tasks.write(json.dumps([what, event]) + "\n")
        self._tasks.flush()
        found = self._read()
        return found["answer"], found["spent"]

    def _read(self) -> dict[str, Any]:
        line = self._replies.readline()
        assert line, "the worker ended"
        found: dict[str, Any] = json.loads(line)
        return found


def _cpu() -> float:
    """Return the CPU seconds of this process and of those that it started, which decode for it."""
    here = psutil.Process()
    times = [here.cpu_times(), *(child.cpu_times() for child in here.children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def _work() -> None:
    began = time.monotonic()
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the functions log to stdout
    from stores import open_storage
    from streamify.backends.aws.functions import handlers

    def upload(event: dict[str, Any], _: Any) -> Any:
        open_storage(event["url"]).put("film", Path(event["path"]).read_bytes())

    def items(event: dict[str, Any], _: Any) -> Any:
        data = open_storage(f"s3://{event['bucket']}").get(event["key"]) or b""
        return [json.loads(line) for line in data.splitlines()]

    known = {"upload": upload, "items": items, "split": handlers.split, "transcode": handlers.transcode,
             "assemble": handlers.assemble}  # fmt: skip
    # Of the whole process so far: an interpreter has to start on Lambda too.
    _answer({"spent": {"cpu": time.process_time(), "wall": time.monotonic() - began}}, replies)
    for line in sys.stdin:
        what, event = json.loads(line)
        wall, cpu = time.monotonic(), _cpu()
        answer = known[what](event, None)
        spent = {"cpu": _cpu() - cpu, "wall": time.monotonic() - wall}
        _answer({"answer": answer, "spent": spent}, replies)


def _answer(value: Any, to: IO[str]) -> None:
    to.write(json.dumps(value) + "\n")
    to.flush()


def main() -> None:
    """See the module."""
    if sys.argv[1:] == [WORKER]:
        _work()
        return
    source, settings = sys.argv[1:]
    with moto() as cloud:
        _answer([asdict(one) for one in bill_job(Path(source), json.loads(settings), cloud)], sys.stdout)


if __name__ == "__main__":
    main()
