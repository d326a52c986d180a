"""CPU that is not decode, scale or encode; and how soon ``--help`` is there."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.command import run
from benchmarks.figure import Figure
from benchmarks.lab import Lab
from benchmarks.sources import Source


def overhead(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Subtract what the ledger counts as decode, scale and encode from the CPU time of the process tree."""
    for source in sources:
        job = lab.job(source)
        decode, scale, encode = (sum(getattr(cost, stage) for cost in job.costs) for stage in STAGES)
        total = job.took.cpu
        yield Figure(
            f"overhead {source.name}",
            100 * (total - decode - scale - encode) / total,
            "%",
            3.0,
            behind={
                "CPU s": total,
                "decode s": decode,
                "scale s": scale,
                "encode s": encode,
                "other, inside tasks s": job.task_cpu - decode - scale - encode,
                "outside tasks s": total - job.task_cpu,
            },
        )


STAGES = ("decode", "scale", "encode")


def startup(_lab: Lab, _sources: list[Source]) -> Iterator[Figure]:
    """Time ``streamify --help``, beside a Python that does nothing."""
    program = Path(sys.executable).with_name("streamify")
    shown, bare = [], []
    for _ in range(10):
        shown.append(_seconds([str(program), "--help"]))
        bare.append(_seconds([sys.executable, "-c", "pass"]))
    yield Figure(
        "help",
        median(shown),
        "s",
        0.25,
        behind={
            "slowest s": max(shown),
            "python -c pass s": median(bare),
            "over python x": median(shown) / median(bare),
        },
    )


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    run(command)
    return time.perf_counter() - began
