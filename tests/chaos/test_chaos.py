"""Ten runs with a fault on each engine; ``make chaos`` does a hundred."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaos.draw import DEAR, FAULTS, draw
from chaos.here import CommandRun
from chaos.on_aws import Environment, Environments, Lost
from chaos.opened import carry_out
from clouds import Cloud, Kind
from e2e.machine_double import Execution

ENGINES = ["local", pytest.param("ray", marks=pytest.mark.ray), "aws"]


@pytest.mark.parametrize("engine", FAULTS)
def test_a_seed_draws_each_fault(engine: str) -> None:
    drawn = draw(engine, 1, 100, 30)
    assert drawn == draw(engine, 1, 100, 30) != draw(engine, 2, 100, 30)
    assert {one.fault for one in drawn} == {*FAULTS[engine], *DEAR[engine]}
    assert {one.fault for one in draw(engine, 1, 15, 30)} == {*FAULTS[engine]} - {*DEAR[engine]}
    assert "full" not in {one.fault for one in draw(engine, 1, 100, 30, without=("full",))}
    assert all(1 <= one.write < 30 for one in drawn)


def test_no_call_begins_for_an_execution_that_was_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine, event = Environments("uploads", "media", tmp_path, 2), {"item": {"key": "video/00000/96p"}}
    ended, lost = Execution("ended", "{}"), Execution("lost", "{}")
    ended.end("ABORTED")

    def lose(*_: Any) -> None:
        lost.end("ABORTED")
        raise Lost

    monkeypatch.setattr(Environment, "pid", 1)
    monkeypatch.setattr(Environment, "call", lose)
    for execution in (ended, lost):
        assert machine.call(execution, "transcode", event)["status"] == "failed"
    assert +machine.tries["ended"] == Counter()
    assert machine.tries["lost"] == Counter(["video/00000/96p"])
    assert not machine.flying


def test_an_attempt_beside_a_straggler_counts_for_no_fault(tmp_path: Path) -> None:
    events = ({"kind": "task.started", "task": "video/00000/96p", "data": data} for data in ({}, {"second": True}))
    (tmp_path / "events").write_text("".join(json.dumps(event) + "\n" for event in events))
    run = CommandRun(["sh", "-c", "echo {}"], tmp_path / "events", {})
    assert run.end().done
    assert run.tries() == Counter(["video/00000/96p"])


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ENGINES)
def test_no_fault_costs_a_byte(engine: str, cloud: Callable[[Kind], Cloud], tmp_path: Path) -> None:
    lines = list(carry_out(engine, 1, 10, cloud("s3"), tmp_path))
    print("\n".join(map(str, lines)))  # noqa: T201 - for pytest -rP
    assert len(lines) == 10
    assert sum(bool(line.in_flight) for line in lines) >= 9
