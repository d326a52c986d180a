"""``python -m benchmarks [NAME...]``: measures the figures that the project promises, as ratios within one run."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.cluster import ray
from benchmarks.command import BenchmarkError
from benchmarks.cost import cost, emulator
from benchmarks.figure import Figure
from benchmarks.images import images
from benchmarks.lab import Lab
from benchmarks.length import length, planning
from benchmarks.many import many
from benchmarks.memory import driver, memory
from benchmarks.overhead import overhead, startup
from benchmarks.quality import quality
from benchmarks.sources import Source, find_sources, more_films
from benchmarks.speed import ffmpeg, scaling, shaka
from benchmarks.watchable import early, watchable
from streamify.machine.cpu import cpu_facts
from streamify.media.build import codec_build

BENCHMARKS: dict[str, Callable[[Lab, list[Source]], Iterator[Figure]]] = {
    "help": startup,
    "planning": planning,
    "watchable": watchable,
    "early": early,
    "length": length,
    "driver": driver,
    "ffmpeg": ffmpeg,
    "shaka": shaka,
    "scaling": scaling,
    "overhead": overhead,
    "ray": ray,
    "images": images,
    "memory": memory,
    "cost": cost,
    "emulator": emulator,
    "many": many,
    "quality": quality,
}
"""In this order: those of one run of a job lie side by side, the long one comes last."""


def main() -> int:
    """Run the command line. Exit code 1: a limit is missed; 2: something could not be measured."""
    options = _options()
    names = [name for name in BENCHMARKS if name in (options.names or BENCHMARKS)]
    busy = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    if options.quick:
        print("quick: seconds of media at the fastest preset; shows that the benchmarks run, the figures mean nothing")
    elif busy > 0.3 * cores:
        print(f"this machine is not idle (load {busy:.1f} on {cores} cores): the figures will be off")
    figures: list[Figure] = []
    failed = []
    with tempfile.TemporaryDirectory(prefix="streamify-bench-", dir=options.work) as folder:
        work = Path(folder)
        more = more_films(options.source, quick=options.quick)
        lab = Lab(work, options.rounds, quick=options.quick, more=more)
        try:
            sources = find_sources(options.source, work, quick=options.quick)
        except BenchmarkError as error:
            print(error)
            return 2
        for name in names:
            try:
                for figure in BENCHMARKS[name](lab, sources):
                    figures.append(figure)
                    print(figure.lines(), flush=True)
            except BenchmarkError as error:
                failed.append(name)
                print(f"{name}: could not be measured: {error}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(_document(figures, failed, options, busy), indent=1) + "\n")
    missed = [figure.name for figure in figures if not figure.met]
    print(f"{len(figures)} figures, {len(missed)} missed" + "".join(f"\n  {name}" for name in missed))
    return 2 if failed else 1 if missed and not options.quick else 0


def _document(figures: list[Figure], failed: list[str], options: argparse.Namespace, busy: float) -> dict[str, Any]:
    cpu, _ = cpu_facts()
    return {
        "schema": 1,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "load": busy, "system": platform.platform()},
        "python": platform.python_version(),
        "codec_build": codec_build(),
        "quick": options.quick,
        "rounds": options.rounds,
        "failed": failed,
        "figures": [figure.document() for figure in figures],
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (default: all)")
    parser.add_argument(
        "--source", type=Path, action="append", default=[], metavar="FILE", help="instead of the corpus"
    )
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="how often speeds are measured (default 1)")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all figures and what is behind them")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where files are made, and removed (default: /tmp)")
    parser.add_argument("--quick", action="store_true", help="a few seconds, to try the benchmarks themselves")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
