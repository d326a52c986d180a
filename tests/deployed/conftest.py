"""One deployed stack for all tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from emulator import HOME, Stack, deployed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.deployed)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the emulator logs and `sam build` writes."""
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="session")
def stack(work: Path) -> Iterator[Stack]:
    """The shipped template, deployed."""
    if not (HOME / ".sam" / "bin" / "sam").exists():
        pytest.skip("no Python 3.12 here, or `make test` did not install what deploys the stack")
    with deployed(work) as found:
        yield found


@pytest.fixture(autouse=True)
def _inside(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process that a test starts talks to the emulator."""
    stack.enter(monkeypatch)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds without sound, too small for the second rung: a job of one item."""
    spec = ClipSpec(seconds=Fraction(2), rate=Fraction(12), size=(320, 240), bframes=2, audio=None)
    return make_clip(spec, tmp_path_factory.mktemp("small")).path
