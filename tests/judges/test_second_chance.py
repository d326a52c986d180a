"""A test that failed among others runs again, alone, and is named; a wrong value that may be a rare fault does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import second_chance

CONFTEST = """
from pathlib import Path

from second_chance import Failures, is_property


def pytest_addoption(parser):
    parser.addoption("--failures")


def pytest_configure(config):
    if config.option.failures and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failures(Path(config.option.failures)))


def pytest_runtest_setup(item):
    if is_property(item):
        item.user_properties.append(("property", True))
"""
ONCE = """
import os


def test_busy():
    assert "PYTEST_XDIST_WORKER" not in os.environ, "a machine that is busy"


def test_right():
    pass
"""
PROPERTY = """
from hypothesis import given, strategies


@given(strategies.integers())
def test_sums(number):
    assert "PYTEST_XDIST_WORKER" not in __import__("os").environ
"""


CRASH = """
import os


def test_crashes():
    if "PYTEST_XDIST_WORKER" in os.environ:
        os._exit(1)
"""
PLAY = """
import os
from pathlib import Path

import pytest


@pytest.mark.players
def test_switches_rungs_at_seams():
    assert "PYTEST_XDIST_WORKER" not in os.environ, "late by 41 ms"
    with Path("plays").open("a") as file:
        file.write("x")
    assert len(Path("plays").read_text()) not in FAILS
"""
SLOW = """
import os
import time
from pathlib import Path

import pytest

from waiting import wait_until

BUSY = "PYTEST_XDIST_WORKER" in os.environ


@pytest.mark.timeout(0.2)
def test_kills_that_take_long():
    Path("turns").open("a").write("x")
    assert Path("turns").stat().st_size not in FAILS
    time.sleep(60 * BUSY)


def test_any_order_is_waited_for():
    wait_until(lambda: not BUSY, 0.1)
"""
HIDDEN = """
from waiting import wait_until


def test_kills_and_waits():
    try:
        assert "PYTEST_XDIST_WORKER" not in __import__("os").environ
    finally:
        wait_until(lambda: "PYTEST_XDIST_WORKER" not in __import__("os").environ, 0.1)
"""
STAYS = """
from waiting import wait_until


def test_no_orphan():
    wait_until(lambda: "PYTEST_XDIST_WORKER" not in __import__("os").environ, 0.1, fault=True)
"""
AFTER = """
import pytest

from waiting import wait_until

BUSY = "PYTEST_XDIST_WORKER" in __import__("os").environ


@pytest.fixture
def surroundings():
    yield
    assert not BUSY, "a process is left"


def test_kills_and_waits(surroundings):
    wait_until(lambda: not BUSY, 0.1)
"""
LEFT_OUT = """
import os

import pytest


def test_left_out():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("nothing to see here")
    assert False
"""


def run(folder: Path, tests: str, *options: str) -> tuple[int, str, str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(tests)
    options_of_pytest = f"pythonpath = {Path(second_chance.__file__).parent}\nmarkers = players: played in browsers\n"
    (folder / "pytest.ini").write_text(f"[pytest]\n{options_of_pytest}")
    passed = folder / "passed"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, second_chance.__file__, "-n", "1", "-q", "-p", "no:cacheprovider", *options, str(folder)],
        cwd=folder,
        env=environment | {second_chance.PASSED: str(passed)}, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, passed.read_text() if passed.exists() else ""


@pytest.mark.long
def test_what_passes_alone_is_named_with_its_first_failure(tmp_path: Path) -> None:
    code, said, passed = run(tmp_path, ONCE)
    assert code == 0, said
    assert "FAILED AMONG OTHERS AND PASSED ALONE, 1 OF 1 TIMES: test_it.py::test_busy" in said
    assert "a machine that is busy" in said.rpartition("PASSED ALONE")[2]
    assert passed == "test_it.py::test_busy\n"


@pytest.mark.long
def test_a_play_must_pass_alone_three_times_whatever_its_name(tmp_path: Path) -> None:
    code, said, passed = run(tmp_path, PLAY.replace("FAILS", "()"))
    assert code == 0, said
    assert "PASSED ALONE, 3 OF 3 TIMES: test_it.py::test_switches_rungs_at_seams" in said
    assert "late by 41 ms" in said.rpartition("PASSED ALONE")[2]
    assert (tmp_path / "plays").read_text() == "xxx"
    assert passed == "test_it.py::test_switches_rungs_at_seams\n"


@pytest.mark.long
def test_what_may_be_a_rare_fault_and_only_took_too_long_must_pass_alone_five_times(tmp_path: Path) -> None:
    code, said, passed = run(tmp_path, SLOW.replace("FAILS", "()"))
    assert code == 0, said
    for name in ("kills_that_take_long", "any_order_is_waited_for"):
        assert f"PASSED ALONE, 5 OF 5 TIMES: test_it.py::test_{name}" in said
    assert (tmp_path / "turns").read_text() == "x" * 6
    assert sorted(passed.split()) == [
        "test_it.py::test_any_order_is_waited_for",
        "test_it.py::test_kills_that_take_long",
    ]


FAULTS = ["exception: x is not a function", "own: failed the browser cannot decode a segment", "gave up at 3.003 s",
          "hls.js: fatal mediaError", "buffered.length was 2: []", "404 http://127.0.0.1:1/a.m4s"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "turns"),
    [*((fault, 0) for fault in FAULTS), ("assert [-41.3] == approx([0 +- 5])", 3), ("[(3.4, 89)]", 3)],
)
def test_a_fault_that_a_player_told_is_no_measurement(text: str, turns: int) -> None:
    where = ("tests/e2e/test_players.py", 1, "test_plays")
    for marker, expected in (("players", turns), ("long", 1)):
        report = pytest.TestReport("test_players.py::test_plays", where, {marker: 1}, "failed", text, "call")
        assert second_chance.turns(report) == expected


@pytest.mark.long
@pytest.mark.parametrize(
    ("tests", "said"),
    [
        ("def test_it():\n    assert False", "run alone, 1 of 1 times"),
        (ONCE.replace("test_busy", "test_kills_at_random"), "no second chance"),
        (PROPERTY, "no second chance"),
        ("\n".join(ONCE.replace("test_", f"test_{number}_") for number in range(4)), "4 failed"),
        ("import nothing_of_that_name", "1 error"),
        (CRASH.replace("crashes", "ends_its_process"), "no second chance"),
        (LEFT_OUT, "LEFT OUT ALONE"),
        (SLOW.replace("FAILS", "(5,)"), "run alone, 4 of 5 times"),
        (SLOW.replace("FAILS", "(1,)"), "no second chance"),
        (HIDDEN, "no second chance"),
        (STAYS, "no second chance"),
        (AFTER, "no second chance"),
        (PLAY.replace("FAILS", "(2,)"), "run alone, 2 of 3 times"),
        (PLAY.replace("late by 41 ms", "exception: of the page"), "no second chance"),
        (CRASH.replace("def", "@__import__('pytest').mark.players\ndef"), "no second chance"),
    ],
    ids=[
        "fails again",
        "rare",
        "property",
        "too many",
        "cannot be read",
        "ends its process",
        "left out",
        "slow and rare fails again",
        "slow and rare beside a wrong value",
        "a wrong value before time ran out",
        "a process that stays",
        "a wrong value after time ran out",
        "a play fails again",
        "a player tells of a fault",
        "a play ends its process",
    ],
)
def test_all_else_fails(tests: str, said: str, tmp_path: Path) -> None:
    code, out, passed = run(tmp_path, tests)
    assert (code != 0, passed) == (True, ""), out
    assert said in out


@pytest.mark.long
def test_a_run_that_was_stopped_early_fails(tmp_path: Path) -> None:
    """Else it would pass without most of its tests."""
    tests = 'def test_busy(request):\n    assert "::" in request.config.args[0]\n\n\ndef test_right():\n    pass\n'
    assert run(tmp_path, tests, "-n", "0")[0] == 0
    code, out, _ = run(tmp_path, tests, "-n", "0", "-x")
    assert code != 0, out
