"""``python -m chaos ENGINE [RUNS [SEED [FAULT,...]]]``: writes what happened in each run as a line of JSON."""

# ruff: noqa: T201 - it is a command
from __future__ import annotations

import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

from chaos.opened import carry_out
from clouds import moto


def main() -> None:
    """Run; exit with an error at the first run that does not end as it must."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that nothing it started stays
    engine, *more = sys.argv[1:]
    runs, seed = (int(text) for text in [*more[:2], *["100", "1"][len(more) :]])
    only = more[2].split(",") if more[2:] else []
    faults: Counter[str] = Counter()
    hits = 0
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, moto() as cloud:
        for line in carry_out(engine, seed, runs, cloud, Path(folder), only):
            print(line, flush=True)
            faults[line.fault] += 1
            hits += bool(line.in_flight)
    counted = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))
    print(f"{engine}, seed {seed}: {runs} runs ({counted}), {hits} with work in flight; every stream is whole")
    if hits * 10 < runs * 9:
        sys.exit("fewer than nine of ten faults came while a task was in flight")


if __name__ == "__main__":
    main()
