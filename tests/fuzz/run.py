"""Runs mutants through warm workers, each with a few CPU seconds and little memory, and says how each ended.

.venv/bin/python tests/fuzz/run.py FIRST COUNT [FILE ...]
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from fuzz.mutate import mutant  # noqa: E402
from streamify.errors import Failure  # noqa: E402
from streamify.executors.base import TaskError  # noqa: E402
from streamify.executors.local.executor import LocalExecutor  # noqa: E402
from streamify.executors.retry import Retry  # noqa: E402
from streamify.jobs.locations import find_source  # noqa: E402
from streamify.jobs.tell import no_event  # noqa: E402
from streamify.model.location import Location  # noqa: E402
from streamify.model.settings import MediaSettings  # noqa: E402
from streamify.model.task import Budget, SplitTask  # noqa: E402
from streamify.storage.locate import StoreLocations  # noqa: E402

WORKER = Path(__file__).with_name("worker.py")
SETTINGS = MediaSettings(ladder="auto", preset="ultrafast", segment_seconds=1, keyframe_seconds=1)  # type: ignore[arg-type]
BUDGET = Budget(cpu_seconds=20, memory_bytes=200 << 20)
BUG = ("internal-error", "worker-")


def wrong(failure: Failure) -> bool:
    """Whether a mutant ended as none may: by a bug, a crash, or beyond its share of time or memory."""
    return failure.code.startswith(BUG) or failure.exit_code not in (2, 3, 4, 5, 7)


def fuzz(seeds: Sequence[int], folder: Path, workers: int, given: Sequence[Path] = ()) -> dict[str, Failure | None]:
    """Return how each mutant ended, by its name: ``None``, as a stream."""
    places = StoreLocations(uploads=Location.of_dest(folder / "in"), media=Location.of_dest(folder / "out"))
    (folder / "in").mkdir(parents=True)
    command = [sys.executable, "-P", str(WORKER)]
    ended: dict[str, Failure | None] = {}
    executor = LocalExecutor(places, workers, no_event, command=command, retry=Retry(attempts=1))
    try:
        running = {}
        for seed in seeds:
            source = given[seed % len(given)] if given else None
            name, data = mutant(seed, given=source.read_bytes() if source is not None else None)
            path = folder / "in" / f"{seed}-{source.name if source is not None else name}"
            path.write_bytes(data or b"\0")
            _, ref = find_source(Location.of_source(path))
            task = SplitTask(key=path.name, source=ref, settings=SETTINGS, write=True, budget=BUDGET)
            running[path.name] = executor.submit(task)
        for name, future in running.items():
            error = future.exception()
            assert error is None or isinstance(error, TaskError), error
            ended[name] = None if error is None else error.failure
    finally:
        executor.shutdown(cancel=True)
    return ended


def main() -> None:
    """Print what is wrong, and how many ended how."""
    first, count = int(sys.argv[1]), int(sys.argv[2])
    with TemporaryDirectory() as folder:
        ended = fuzz(range(first, first + count), Path(folder), 1, [Path(name) for name in sys.argv[3:]])
        for name, failure in ended.items():
            if failure is not None and wrong(failure):
                print(f"{name}: {failure.code}: {failure.cause}\n{failure.log}")  # noqa: T201
    print(Counter(failure.code if failure is not None else "a stream" for failure in ended.values()))  # noqa: T201


if __name__ == "__main__":
    main()
