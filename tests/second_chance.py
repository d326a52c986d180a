"""Runs pytest; at most three tests that failed run again, alone, and the end of the run names them.

    python tests/second_chance.py -n auto -m 'not players'

Among others a test can fail by the load of the machine. Alone it fails again where the product or the test is at fault.
A fault that shows once in many runs would pass alone, too: tests that look for such faults have no second chance where
they got a wrong value, and none has whose process ended. Where nothing but time ran out (the limit of pytest-timeout or
of `waiting.wait_until`), a test that looks for such faults must pass five times in a row: a fault by which one run of
two never ends is let through once in 32 times.

Plays in browsers (tests marked ``players``) measure a clock, a screen and a loudspeaker that other programs share, so
each may run again, whatever its name, but it must pass three times in a row: a fault that shows in one play of
two is let through once in eight times, not once in two. What they look for, seams above all, is judged picture by
picture without browsers as well. No play runs again in which the player or the browser told of an error: that is no
measurement, and a rare fault of the page's player would be lost.

At most three tests run again, whatever they are: where more fail at once, it is what they share that is at fault.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

MOST = 3
"""Where more fail, it is not by chance."""
RARE = re.compile(
    "random|kill|crash|(?<!de)fault|golden|any_order|workers|seam|certif|verify|mutat|fuzz|sabotage|intruder|signal|judge"
    "|same_(?:bytes|sound)|(?:draw|ends)_the_same|that_of_a_stream|transcode_makes|conformance|hold|claim|two_runs|at_once"
    "|orphan|leaves_no_process|with_the_driver|(?<![a-z])race(?![a-z])|(?<![a-z])locks?(?![a-z])|threads?(?![a-z])"
)
"""Tests, by their ids, whose wrong value may be a rare fault of the product. Property tests are of the kind, too."""
PLAYS = 3
"""How often a play that failed among others must pass alone."""
TOLD = re.compile(
    r"exception: |own: (?:failed|retrying)|media element: code|hls\.js: fatal|shaka: (?:code|streaming)|dash\.js: code"
    r"|gave up at|jumped to|buffered\.length was|\b[45]\d\d http"
)
"""What players and browsers tell of a fault, in the text of a failure; see tests/players and `problems` of
players_harness.py."""
SLOW = 5
"""How often a test that looks for rare faults must pass alone, where all that failed was its time."""
TIME = re.compile(r"Failed: Timeout \(>[\d.]+s\) from pytest-timeout\.|(?:waiting\.)?NotWithin: not within ")
"""How messages begin of failures by which only time ran out."""
PASSED = "TESTS_PASSED_ALONE"
"""Variable with a file to which the names of tests are appended that failed among others and passed alone."""


class Failures:
    """A plugin of pytest: writes which tests failed, how, and how often each may run again; and which passed.

    It writes nothing where the run was stopped before its last test, as by ``-x``.
    """

    def __init__(self, to: Path) -> None:
        self._to, self._failed, self._passed = to, dict[str, tuple[str, int]](), list[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            ran = report.when in ("setup", "call", "teardown")  # else its process ended, and another fault may be why
            text, again = self._failed.get(report.nodeid, (report.longreprtext, SLOW))
            self._failed[report.nodeid] = (text, min(again, turns(report) if ran else 0))
        elif report.passed and report.when == "call":
            self._passed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._failed[report.nodeid] = (report.longreprtext, 0)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not (session.shouldstop or session.shouldfail):
            self._to.write_text(json.dumps([self._failed, self._passed]))


def turns(report: pytest.TestReport) -> int:
    """Return how often a test that failed is to pass alone; 0: it has no second chance."""
    if "players" in report.keywords:
        return 0 if TOLD.search(report.longreprtext) else PLAYS
    if not (RARE.search(report.nodeid) or ("property", True) in map(tuple, report.user_properties)):
        return 1
    return SLOW if only_time_ran_out(report) else 0


def only_time_ran_out(report: pytest.TestReport) -> bool:
    """Return whether no exception of a failure, nor one that it came from, tells of anything but a time limit."""
    chain = getattr(report.longrepr, "chain", [(None, None, None)])
    return all(crash is not None and TIME.match(crash.message) for _, crash, _ in chain)


def is_property(item: pytest.Item) -> bool:
    """Return whether hypothesis makes the examples of a test."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def main(arguments: list[str]) -> int:
    """Return the exit status of pytest, that of the last run where there were more."""
    status, found, _ = _run(*arguments)
    if status != pytest.ExitCode.TESTS_FAILED or not 0 < len(found) <= MOST:
        return status
    refused = [name for name, (_, again) in found.items() if not again]
    if refused:
        _say("no second chance: this may be a rare fault", refused)
        return status
    most = max(again for _, again in found.values())
    for turn in range(most):
        names = [name for name, (_, again) in found.items() if again > turn]
        _say(f"failed among others, run alone, {turn + 1} of {most} times", names)
        again, _, passed = _run("-n", "0", "-m", "", *names)
        if again:
            return again
        if left_out := sorted(set(names) - set(passed)):
            _say("FAILED AMONG OTHERS AND LEFT OUT ALONE", left_out)
            return status
    for name, (text, again) in found.items():
        _say(f"FAILED AMONG OTHERS AND PASSED ALONE, {again} OF {again} TIMES: {name}", text.splitlines())
    if PASSED in os.environ:
        with Path(os.environ[PASSED]).open("a") as file:
            file.writelines(f"{name}\n" for name in found)
    return 0


def _run(*arguments: str) -> tuple[int, dict[str, tuple[str, int]], list[str]]:
    """Run pytest; return its exit status, and what `Failures` wrote: the tests that failed, and those that passed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "failures"
        command = [sys.executable, "-P", "-m", "pytest", *arguments, f"--failures={file}"]
        status = subprocess.run(command, check=False).returncode
        failed, passed = json.loads(file.read_text()) if file.exists() else ({}, [])
    return status, failed, passed


def _say(title: str, lines: list[str]) -> None:
    sys.stdout.write("\n".join(["", "=" * 100, title, *(f"    {line}" for line in lines), "=" * 100, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
