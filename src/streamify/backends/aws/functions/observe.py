"""One line of JSON for each call of a function: what it did, and its metrics in CloudWatch's embedded metric format.

Specification: CloudWatch User Guide, "Specification: Embedded metric format". Members that are metrics are spelt as
CloudWatch shows them, all others as in Python.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from streamify.machine.usage import peak_bytes

NAMESPACE = "Streamify"
UNITS = {"Seconds": "Seconds", "PredictedSeconds": "Seconds", "Ratio": "None", "PeakMemory": "Megabytes",
         "ColdStarts": "Count", "Lost": "Count", "Failed": "Count"}  # fmt: skip
"""Metrics, with the units that CloudWatch knows."""

_LEVELS = {"failed": "ERROR", "lost": "ERROR", "bug": "ERROR", "refused": "WARNING", "retried": "WARNING"}
_MIB = 1 << 20


class Watch:
    """What is said of the calls of one execution environment.

    Args:
        decoder_peak: Returns the peak memory of the process that decodes, bytes.
        write: Takes lines.
    """

    def __init__(self, decoder_peak: Callable[[], int], write: Callable[[str], None]) -> None:
        self._decoder_peak, self._write = decoder_peak, write
        self._calls = 0

    @contextmanager
    def call(self, step: str, event: Mapping[str, Any], context: Any) -> Iterator[dict[str, Any]]:
        """Tell of a call once it is over, also where it raises.

        Args:
            step: Which function it is.
            event: What it got.
            context: Of Lambda.

        Yields:
            Members of the line that the handler adds, with ``outcome`` among them.
        """
        self._calls += 1
        began, cold = time.monotonic(), self._calls == 1
        said: dict[str, Any] = {"outcome": "bug"}
        try:
            yield said
        finally:
            peak = peak_bytes() + self._decoder_peak()
            line = {"level": "INFO", "timestamp": _now(), "message": step, **_named(event, context), **said}
            line["level"] = _LEVELS.get(said["outcome"], "INFO")
            taken = time.monotonic() - began
            metrics = {"Seconds": round(taken, 3), "PeakMemory": peak // _MIB, "ColdStarts": int(cold),
                       "Lost": int(said["outcome"] in ("lost", "bug")), "Failed": int(said["outcome"] == "failed"),
                       **_predicted(event, taken)}  # fmt: skip
            self._write(json.dumps({"_aws": _directive(metrics), **line, **metrics}))


def _directive(metrics: Mapping[str, float]) -> dict[str, Any]:
    """Return what tells CloudWatch which members are metrics, and of what."""
    named = [{"Name": name, "Unit": UNITS[name]} for name in metrics]
    of = {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": named}
    return {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [of]}


def _named(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Return which call it is."""
    run, item = event.get("run"), event.get("item")
    found: dict[str, Any] = {
        "FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME") or "none",
        "memory": int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE") or 0),
        "request_id": getattr(context, "aws_request_id", ""),
        "run": str(event.get("execution") or "").rsplit(":", 1)[-1],
    }
    if isinstance(run, dict):
        found |= {"run": run.get("id"), "dest": (run.get("places") or {}).get("media")}
    if isinstance(item, dict):
        found["key"] = item.get("key")
    return found


def _predicted(event: Mapping[str, Any], taken: float) -> dict[str, float]:
    item = event.get("item")
    seconds = item.get("seconds") if isinstance(item, dict) else None
    return {"PredictedSeconds": seconds, "Ratio": round(taken / seconds, 3)} if seconds else {}


def _now() -> str:
    """Return the time as Lambda wants it of lines that it filters by level: RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_stdout(line: str) -> None:
    """Write a line to where Lambda takes log events from."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
