"""How near the predicted cost of a job on AWS comes to what its Lambda calls are billed."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import streamify
from benchmarks.command import ROOT, BenchmarkError, run
from benchmarks.figure import Figure
from benchmarks.lab import LADDER, Lab
from benchmarks.sources import Source
from streamify.backends.aws.pricing.cost import OTHER_MEMORY, Prediction


def cost(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare `streamify.predict` with the handlers, called one after another over an emulated S3: wall clock."""
    for source in sources:
        settings: streamify.SettingsDict = {"ladder": LADDER, "preset": lab.preset}
        found = streamify.predict(source.path, **settings)
        calls = _told("e2e.billing", source.path, json.dumps(settings))
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


CLIPS = {"mp4_flower_2997.mp4": "540p,360p", "der_gop_h264_open_10s.mp4": "480p,240p"}
"""Of the corpus, and the ladder of each."""
_REPORT = re.compile(r"REPORT .*Billed Duration: (\d+) ms\tMemory Size: (\d+) MB")


def emulator(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Compare `streamify.predict` with what the emulator bills for the deployed stack, clip by clip."""
    folder = sources[0].path.parent
    missing = [name for name in CLIPS if not (folder / name).is_file()]
    if missing:
        raise BenchmarkError(f"no {', '.join(missing)} in {folder}: set STREAMIFY_CORPUS")
    for number, (name, ladder) in enumerate(CLIPS.items()):
        settings = {"ladder": ladder, "preset": "veryfast" if lab.quick else "medium"}
        work = lab.work / f"stack-{number}"
        work.mkdir()
        found = _told("benchmarks.cost", folder / name, work, json.dumps(settings))
        billed = sum(milliseconds * memory / 1024e3 for milliseconds, memory in found["calls"])
        predicted = Prediction.model_validate(found["prediction"])
        warm = predicted.gb_seconds - predicted.start_gb_seconds
        yield Figure(
            f"emulator {name}, off",
            100 * abs(warm / billed - 1),
            "%",
            20.0,
            behind={
                "predicted GB-s": warm,
                "billed GB-s": billed,
                "starts of workers predicted GB-s": predicted.start_gb_seconds,
                "calls predicted": float(predicted.invocations),
                "calls billed": float(len(found["calls"])),
            },
        )


def _told(module: str, *args: str | Path) -> Any:
    """Run a module that uses what the tests have; return the JSON that it prints."""
    paths = {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))}
    return json.loads(run([sys.executable, "-m", module, *args], environment=paths).output)


def _on_the_emulator(clip: Path, work: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Deploy the stack, predict, upload, wait; one task at a time, as each has a vCPU of its own on Lambda.

    The clip is uploaded twice, and the second job is counted: how long the emulator takes to start its first workers,
    which it unpacks and bills, says nothing about Lambda.
    """
    from emulator import deployed

    with deployed(work, MaxConcurrency="1", Settings=json.dumps(settings)) as stack:
        os.environ.update(stack.environment)
        prediction = streamify.predict(clip, stack=stack.name, **settings)
        assert not prediction.stack.assumed, prediction.stack.assumed
        before: set[str] = set()
        calls: list[tuple[int, int]] = []
        for key in ("warm-up", clip.name):
            stack.upload(key, clip.read_bytes())
            (execution,) = stack.wait(key, seconds=600)
            assert execution["status"] == "SUCCEEDED", execution
            reports = _reports(stack.client("logs"), f"/streamify/{stack.name}")
            calls = [found for line, found in reports.items() if line not in before]
            before = set(reports)
    return {"prediction": prediction.model_dump(mode="json"), "calls": calls}


def _reports(logs: Any, group: str) -> dict[str, tuple[int, int]]:
    """Return billed milliseconds and MB of every call so far, by the line that reports it, which has the call's id."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    found = (_REPORT.match(event["message"]) for page in pages for event in page["events"])
    return {one.string: (int(one[1]), int(one[2])) for one in found if one}


def _billed(calls: list[dict[str, Any]], memory: int, clock: str) -> dict[str, float]:
    """Return GB-seconds by step: whole milliseconds of each call."""
    sizes = {"split": OTHER_MEMORY, "transcode": memory, "assemble": OTHER_MEMORY}
    return {
        what: sum(ceil(one[clock] * 1000) / 1000 for one in calls if one["what"] == what) * size / 1024
        for what, size in sizes.items()
    }


if __name__ == "__main__":
    print(json.dumps(_on_the_emulator(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))))
