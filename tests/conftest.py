"""What all tests share: a clip, the stream made of it, the corpus; clean surroundings, and no error logged."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

import ray_here as ray_of_session
from clips.corpus import CASES, CORPUS
from clips.make import Clip, ClipSpec, make_clip
from clouds import Cloud, Kind, shared_cloud
from costs import Costs
from e2e.driving import streamify
from players_harness import Browsers
from scratch import use_memory
from second_chance import Failures, is_property
from selection import (
    pytest_collection_modifyitems,
    pytest_ignore_collect,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

if TYPE_CHECKING:
    from streamify.executors.ray.pool import RayPool

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_ignore_collect",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]

# A shell starts what runs in the background with Ctrl-C ignored; what tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes, or to think of one, says more of the machine's load than of the code.
hypothesis.settings.register_profile(
    "streamify", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("streamify")

SPEC = ClipSpec(seconds=Fraction(14), rate=Fraction(30000, 1001), size=(640, 360), gop=90, bframes=2, pyramid=True)
"""Three segments of 6, 6 and 2 s without a short start; keyframes of the source lie off the grid."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take where `second_chance` reads which tests failed."""
    parser.addoption("--failures", help="a file for the tests that failed, see tests/second_chance.py")


def pytest_configure(config: pytest.Config) -> None:
    """Measure what tests cost, and tell which failed."""
    use_memory()
    config.pluginmanager.register(Costs())
    if config.option.failures and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures(Path(config.option.failures)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note what `second_chance` wants to know of a test."""
    if is_property(item):
        item.user_properties.append(("property", True))


@pytest.fixture(scope="session")
def ray_here() -> Iterator[RayPool]:
    """A Ray of this machine, started once, and a pool of its places."""
    with ray_of_session.started() as pool:
        yield pool


@pytest.fixture(scope="session", autouse=True)
def _environment() -> Iterator[None]:
    """Remove from the environment what the developer set, before any other fixture of the session is made."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("STREAMIFY_", "AWS_", "AZURE_", "GOOGLE_")) or name in (
                "NO_COLOR",
                "FORCE_COLOR",
                "COLUMNS",
            ):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def cloud(shared: Path) -> Callable[[Kind], Cloud]:
    """Start an object store when it is first asked for, one for all processes of a run."""
    return cache(lambda kind: shared_cloud(kind, shared / "clouds"))


@pytest.fixture(scope="session")
def browsers() -> Iterator[Browsers]:
    """Real browsers, which start when a test plays something."""
    found = Browsers()
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _no_error_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which anything logs an ERROR: a fault that was noticed and not raised."""
    yield
    logged = [record.getMessage() for when in ("setup", "call") for record in caplog.get_records(when)
              if record.levelno >= logging.ERROR]  # fmt: skip
    assert not logged, logged


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of one pytest-xdist run share; a run without it has it to itself."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def card(shared: Path) -> Clip:
    """A testcard of 14 s at 29.97 frames per second with B-frames and a beep a second, and the truth about it."""
    with _locked(shared / "card.lock"):
        return make_clip(SPEC, shared / "clips")


@pytest.fixture(scope="session")
def sparse(shared: Path) -> Clip:
    """The same with half as many pictures, for what is about jobs and storages and not about pictures."""
    with _locked(shared / "sparse.lock"):
        return make_clip(replace(SPEC, rate=SPEC.rate / 2, gop=45), shared / "clips")


@pytest.fixture(scope="session")
def clip(sparse: Clip) -> Path:
    """The file of `sparse`."""
    return sparse.path


@pytest.fixture(scope="session")
def stream(card: Clip, shared: Path) -> Path:
    """A stream of `card` in two rungs that the command line finished. Read it; change only copies."""
    return _finished(shared / "stream", card.path, "veryfast")


@pytest.fixture(scope="session")
def ultrafast_stream(clip: Path, shared: Path) -> Path:
    """The same of `clip` and the quickest preset, which other engines and storages are compared with."""
    return _finished(shared / "ultrafast", clip, "ultrafast")


def _finished(dest: Path, clip: Path, preset: str) -> Path:
    with _locked(dest.with_suffix(".lock")):
        if not (dest / "report.json").exists():
            shutil.rmtree(dest, ignore_errors=True)
            ran = streamify("transcode", clip, dest, "--ladder", "360p,240p", "--preset", preset, "--no-short-start")
            assert ran.code == 0, ran.err
    return dest


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Clips that nobody here encoded. Tests that use it are left out where there are none."""
    return CORPUS


@pytest.fixture(scope="session")
def cases() -> Path:
    """Small inputs on which a trial found a fault. Tests that use it are left out where there are none."""
    return CASES


class _locked:  # noqa: N801 - reads as a word
    def __init__(self, path: Path) -> None:
        self._file = path.open("w")

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()
