"""Hooks of pytest that `conftest.py` imports: which tests run, in which order, in which process of pytest-xdist."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from clips.corpus import CASES, CORPUS

HERE = Path(__file__).parent
ORDER = ("deployed", "chaos", "docs", "e2e", "contract")
"""Folders in the order of their tests: the longest tests come first, so that no process ends long after the others."""

FOLDERS = {"corpus": ("STREAMIFY_CORPUS", CORPUS), "cases": ("STREAMIFY_CASES", CASES)}
"""Folders of media outside the repository by the marker of the tests that read them."""

NEEDS = {"corpus": "corpus", "cases": "cases", "cloud": "servers"}
"""Markers by the fixture whose users get them."""

MEASURED = 0.042
"""CPU seconds of a sum of a million squares where two processes of players took 0.8 cores (2026-11, AMD EPYC)."""

_LEFT_OUT = pytest.StashKey[set[str]]()


def sample(every: Iterable[Any], *kept: Any) -> list[ParameterSet]:
    """Return parameters of a test: those that are kept in `make test`, and the others marked as long."""
    values = [one if isinstance(one, tuple) else (one,) for one in every]
    kept = tuple(one if isinstance(one, tuple) else (one,) for one in kept)
    assert set(kept) <= set(values), kept
    return [pytest.param(*one, marks=[] if one in kept else [pytest.mark.long]) for one in values]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return the processes of ``-n auto``: more than two cores keep busy, because many tests wait for a clock.

    Four kept two cores busy for 77 % of the time of `make test-long` (2026-11).

    Players at 4x may not stall: two processes of them take about one core of the machine on which they were measured.
    """
    if config.option.markexpr.startswith("players"):
        return 2 if is_quick() else 1
    return max(5, min(os.cpu_count() or 1, 8))


def is_quick() -> bool:
    """Return whether a core takes less than twice the time that it took where the players were measured."""
    return slowness() < 2


def slowness() -> float:
    """Return how many times as long as there a core takes here, now."""
    began = time.process_time()
    sum(number * number for number in range(1_000_000))
    return (time.process_time() - began) / MEASURED


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without a player where only players run: to read the others takes each process ten seconds."""
    unread = config.option.markexpr.startswith("players") and collection_path.name.startswith("test_")
    return True if unread and "mark.players" not in collection_path.read_text() else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by what they need, sort them, and deselect those whose folder of media is not here."""
    for item in items:
        for fixture, marker in NEEDS.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(marker)
    items.sort(key=_place)
    for marker, (_, folder) in FOLDERS.items():
        without = [] if folder.is_dir() else [item for item in items if item.get_closest_marker(marker)]
        if without:
            config.stash.setdefault(_LEFT_OUT, set()).add(marker)
            config.hook.pytest_deselected(items=without)
            items[:] = [item for item in items if item not in without]
    _leave_out_ray(config, items)


def _leave_out_ray(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests of Ray where it is not installed; ``pip install -e .[test]`` installs it."""
    without = [item for item in items if item.get_closest_marker("ray")] if find_spec("ray") is None else []
    if without:
        config.stash.setdefault(_LEFT_OUT, set()).add("ray")
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def _place(item: pytest.Item) -> int:
    folder = item.path.relative_to(HERE).parts[0]
    return ORDER.index(folder) if folder in ORDER else len(ORDER)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that reports what was left out here."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        left_out = session.config.stash.setdefault(_LEFT_OUT, set())
        output["left_out"] = sorted(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Note what a process of pytest-xdist left out."""
    found = getattr(node, "workeroutput", {}).get("left_out", [])
    node.config.stash.setdefault(_LEFT_OUT, set()).update(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say in one line for each missing folder of media that tests were left out."""
    left_out = config.stash.setdefault(_LEFT_OUT, set())
    if "ray" in left_out:
        terminalreporter.write_line("tests of Ray were left out: it is not installed; pip install -e .[test]")
    for marker in sorted(left_out - {"ray"}):
        variable, folder = FOLDERS[marker]
        terminalreporter.write_line(f"tests that read the {marker} were left out: there is no {folder}; set {variable}")


class Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Sends one test at a time to the process that is free, and tests that share a fixture to one process.

    All tests of the deployed stack are in one process: one emulator, one deployment; likewise those of Ray. So are
    those of a file with fixtures of the module, which would else be made in each process. Groups of many tests come
    first. `--dist loadgroup` of pytest-xdist 3.8 does not group under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith("tests/deployed/"):
            return "deployed"
        if "[ray" in nodeid or "test_ray" in file:
            return "ray"
        return file if _has_fixtures_of_its_own(file) else nodeid


@cache
def _has_fixtures_of_its_own(file: str) -> bool:
    return 'scope="module"' in (HERE.parent / file).read_text()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    """Return the scheduler of every parallel run."""
    return Scheduler(config, log)
