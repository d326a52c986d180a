"""How near the predicted cost of a job on AWS comes to what its Lambda calls are billed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from math import ceil
from typing import Any

import streamify
from benchmarks.command import ROOT, run
from benchmarks.figure import Figure
from benchmarks.lab import LADDER, Lab
from benchmarks.sources import Source
from streamify.aws.cost import OTHER_MEMORY


def cost(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare `streamify.predict` with the handlers, called one after another over an emulated S3: wall clock."""
    for source in sources:
        settings = {"ladder": LADDER, "preset": lab.preset}
        found = streamify.predict(source.path, **settings)
        took = run(
            [sys.executable, "-m", "e2e.billing", source.path, json.dumps(settings)],
            environment={"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))},
        )
        calls = json.loads(took.output)
        wall, cpu = (_billed(calls, found.stack.memory, clock) for clock in ("wall", "cpu"))
        predicted = found.gb_seconds - found.start_gb_seconds
        others = {one.what: one.gb_seconds for one in found.work if one.what in ("split", "assemble")}
        total = sum(wall.values())
        yield Figure(
            f"cost {source.name}, off",
            100 * abs(predicted / total - 1),
            "%",
            20.0,
            behind={
                "predicted GB-s": predicted,
                "billed GB-s": total,
                "of it CPU GB-s": sum(cpu.values()),
                "calls": float(len(calls) - 1),
                "start s": next(one["wall"] for one in calls if one["what"] == "start"),
                "split predicted GB-s": others["split"],
                "split billed GB-s": wall["split"],
                "assemble predicted GB-s": others["assemble"],
                "assemble billed GB-s": wall["assemble"],
            },
        )


def _billed(calls: list[dict[str, Any]], memory: int, clock: str) -> dict[str, float]:
    """Return GB-seconds by step: whole milliseconds of each call."""
    sizes = {"split": OTHER_MEMORY, "transcode": memory, "assemble": OTHER_MEMORY}
    return {
        what: sum(ceil(one[clock] * 1000) / 1000 for one in calls if one["what"] == what) * size / 1024
        for what, size in sizes.items()
    }
