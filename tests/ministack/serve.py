"""Runs the emulator, with what it does not know.

That is ``MaxConcurrencyPath`` of a map, alarms of several metrics, the version of an object in events of S3, and ranges
of versions. And it unpacks a layer once, not for each process of a function: it has 190 MB.

While there is the file that HOLD names, calls for items of a map stand still: see `invoke`.
"""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import shutil
import signal
import tempfile
import time
import types
import zipfile
from collections import Counter
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import eventbridge, s3, stepfunctions
from ministack.services.cloudformation import provisioners

known = stepfunctions._run_distributed_map
known_alarm = provisioners._cw_metric_alarm_record
known_get = s3._get_object
known_invoke = lambda_runtime.Worker.invoke
known_event, known_dispatch = s3._fire_s3_event, eventbridge._dispatch_event
version: ContextVar[str | None] = ContextVar("version", default=None)


def run_distributed_map(state: dict[str, Any], given: Any, effective: Any, *rest: Any) -> Any:
    """Run a map whose ``MaxConcurrency`` stands in its input."""
    if (path := state.get("MaxConcurrencyPath")) is not None:
        most = stepfunctions._resolve_path_or_ctx(path, effective, rest[-1])
        assert isinstance(most, int), f"{path} is {most!r}"
        state = state | {"MaxConcurrency": most}
    return known(state, given, effective, *rest)


def alarm_record(name: str, props: dict[str, Any]) -> Any:
    """Keep an alarm that is calculated from several metrics as one of the first of them: no test waits for it."""
    if metrics := props.get("Metrics"):
        stat = next(one["MetricStat"] for one in metrics if "MetricStat" in one)
        metric = stat["Metric"]
        one = {"MetricName": metric["MetricName"], "Namespace": metric["Namespace"], "Period": stat["Period"]}
        props = {key: value for key, value in props.items() if key != "Metrics"} | one | {"Statistic": stat["Stat"]}
    return known_alarm(name, props)


def fire_event(*args: Any, version_id: str | None = None, **more: Any) -> Any:
    """Tell of an object, with its version."""
    version.set(version_id)
    return known_event(*args, version_id=version_id, **more)


def dispatch(event: dict[str, Any], *rest: Any, **more: Any) -> Any:
    """Deliver an event; one of S3 names the version as AWS does."""
    if event["Source"] == "aws.s3" and version.get() is not None:
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = version.get()
        event = event | {"Detail": json.dumps(detail)}
    return known_dispatch(event, *rest, **more)


def get_object(bucket: str, key: str, headers: dict[str, str], query: dict[str, Any] | None = None) -> Any:
    """Give an object; of an earlier version the range that is asked for, too."""
    status, found, body = known_get(bucket, key, headers, query)
    asked = headers.get("range", "")
    if status == 200 and query and "versionId" in query and asked.startswith("bytes="):
        first, last = asked.removeprefix("bytes=").split("-")
        stop = min(int(last) + 1, len(body))
        span = f"bytes {first}-{stop - 1}/{len(body)}"
        body = body[int(first) : stop]
        return 206, found | {"Content-Range": span, "Content-Length": str(len(body))}, body
    return status, found, body


hold, holding = Path(os.environ["HOLD"]), Lock()
stopped: list[int] = []
through = Counter[str]()  # by id of `hold`


class Noted:
    """The stdin of a process that was stopped; a file beside `hold` tells that a call was sent there."""

    def __init__(self, stdin: Any, note: Path) -> None:
        self._stdin, self._note = stdin, note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stdin, name)

    def flush(self) -> None:
        self._stdin.flush()
        self._note.touch()


def invoke(self: Any, event: Any, *rest: Any, **more: Any) -> Any:
    """Call a function.

    The file `hold` has an id and the number of calls for items that are let through. The process of one behind
    them is stopped before the call is sent to it, until the file is gone; another file tells its id.
    """
    with holding, suppress(FileNotFoundError):
        if isinstance(event, dict) and "item" in event and "error" not in event:
            name, most = hold.read_text().split()
            if through[name] < int(most):
                through[name] += 1
            else:
                lambda_runtime.ensure_spawned(self)
                os.kill(self._proc.pid, signal.SIGSTOP)
                stopped.append(self._proc.pid)
                self._proc.stdin = Noted(self._proc.stdin, hold.with_name(f"held-{name}-{self._proc.pid}"))
    return known_invoke(self, event, *rest, **more)


def release() -> None:
    """Let calls go on once the file `hold` is gone."""
    while True:
        with holding:
            while stopped and not hold.exists():
                with suppress(ProcessLookupError):
                    os.kill(stopped.pop(), signal.SIGCONT)
        time.sleep(0.05)


Thread(target=release, daemon=True).start()
unpacking = Lock()
unpacked = Path(tempfile.mkdtemp(prefix="ministack-unpacked-"))


class Archive(zipfile.ZipFile):
    """Code or a layer: what is unpacked again becomes links to the same files."""

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Unpack it to a folder, and remove the file that was written for that."""
        facts = [(one.filename, one.CRC, one.file_size) for one in self.infolist()]
        kept = unpacked / hashlib.sha256(repr(facts).encode()).hexdigest()
        with unpacking:
            if not kept.exists():
                super().extractall(kept.with_suffix(".part"), members, pwd)
                kept.with_suffix(".part").rename(kept)
        shutil.copytree(kept, path, copy_function=os.link, dirs_exist_ok=True)
        Path(str(self.filename)).unlink()


lambda_runtime.zipfile = types.SimpleNamespace(**vars(zipfile) | {"ZipFile": Archive})
lambda_runtime.Worker.invoke = invoke
s3._get_object = get_object
s3._fire_s3_event, eventbridge._dispatch_event = fire_event, dispatch
stepfunctions._run_distributed_map = run_distributed_map
provisioners._cw_metric_alarm_record = alarm_record
runpy.run_module("ministack", run_name="__main__")
