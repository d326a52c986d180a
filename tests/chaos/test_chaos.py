"""Ten runs with a fault on each engine; ``make chaos`` does a hundred."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chaos.draw import FAULTS, draw
from chaos.opened import carry_out
from clouds import Cloud, Kind

ENGINES = ["local", pytest.param("ray", marks=pytest.mark.ray), "aws"]


@pytest.mark.parametrize("engine", FAULTS)
def test_a_seed_draws_each_fault(engine: str) -> None:
    drawn = draw(engine, 1, 100, 30)
    assert drawn == draw(engine, 1, 100, 30) != draw(engine, 2, 100, 30)
    assert {one.fault for one in drawn} == {*FAULTS[engine], "away"}
    assert {one.fault for one in draw(engine, 1, 15, 30)} == {*FAULTS[engine]} - {"head"}
    assert "full" not in {one.fault for one in draw(engine, 1, 100, 30, without=("full",))}
    assert all(1 <= one.write < 30 for one in drawn)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("engine", ENGINES)
def test_no_fault_costs_a_byte(engine: str, cloud: Callable[[Kind], Cloud], tmp_path: Path) -> None:
    lines = list(carry_out(engine, 1, 10, cloud("s3"), tmp_path))
    print("\n".join(map(str, lines)))  # noqa: T201 - for pytest -rP
    assert len(lines) == 10
    assert sum(bool(line.in_flight) for line in lines) >= 9
