"""The command line run in process, over a pipeline that is told what to answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from streamify.backends.here import Here
from streamify.cli.group import run
from streamify.jobs import run as jobs


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        assert self.out.count("\n") == 1
        return json.loads(self.out)


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*args: str) -> Outcome:
        code = run(args)
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[..., Any]], list[tuple[Any, ...]]]:
    """Replace a function of the pipeline; return the list of the arguments it is called with."""

    def replace(name: str, answer: Callable[..., Any]) -> list[tuple[Any, ...]]:
        calls: list[tuple[Any, ...]] = []

        def fake(*args: Any) -> Any:
            calls.append(args)
            return answer(*args)

        if name == "transcode":
            monkeypatch.setattr(Here, name, lambda _, *args: fake(*args))
        else:
            monkeypatch.setattr(jobs, name, fake)
        return calls

    return replace
