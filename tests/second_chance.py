"""Runs pytest; at most three tests that failed run once more, alone, and the end of the run names them.

    python tests/second_chance.py -n auto -m 'not players'

Among others a test can fail by the load of the machine. Alone it fails again where the product or the test is at fault.
A fault that shows once in many runs would pass alone, too: tests that look for such faults have no second chance.
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
    "random|kill|crash|(?<!de)fault|same_bytes|golden|any_order|workers|seam|certif|verify|mutat|fuzz|sabotage|intruder"
    "|signal|judge|conformance|hold|claim|two_runs|at_once"
)
"""Tests, by their ids, whose failure may be a rare fault of the product. Property tests are of the kind, too."""
PYTEST = (sys.executable, "-P", "-m", "pytest")
PASSED = "TESTS_PASSED_ALONE"
"""Variable with a file to which the names of tests are appended that failed among others and passed alone."""


class Failures:
    """A plugin of pytest: writes which tests failed, how, and whether each may run again."""

    def __init__(self, to: Path) -> None:
        self._to, self._found = to, dict[str, tuple[str, bool]]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            again = not RARE.search(report.nodeid) and ("property", True) not in map(tuple, report.user_properties)
            self._found.setdefault(report.nodeid, (report.longreprtext, again))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._found[report.nodeid] = (report.longreprtext, False)

    def pytest_sessionfinish(self) -> None:
        self._to.write_text(json.dumps(self._found))


def is_property(item: pytest.Item) -> bool:
    """Return whether hypothesis makes the examples of a test."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def main(arguments: list[str]) -> int:
    """Return the exit status of pytest, that of the second run where there was one."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "failures"
        status = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, f"--failures={file}"], check=False
        ).returncode
        found: dict[str, tuple[str, bool]] = json.loads(file.read_text()) if file.exists() else {}
    if status != pytest.ExitCode.TESTS_FAILED or not 0 < len(found) <= MOST:
        return status
    refused = [name for name, (_, again) in found.items() if not again]
    if refused:
        _say("no second chance: this may be a rare fault", refused)
        return status
    _say("failed among others, run once more alone", list(found))
    if status := subprocess.run([*PYTEST, "-n", "0", "-m", "", *found], check=False).returncode:
        return status
    for name, (text, _) in found.items():
        _say(f"FAILED AMONG OTHERS AND PASSED ALONE: {name}", text.splitlines())
    if PASSED in os.environ:
        with Path(os.environ[PASSED]).open("a") as passed:
            passed.writelines(f"{name}\n" for name in found)
    return 0


def _say(title: str, lines: list[str]) -> None:
    sys.stdout.write("\n".join(["", "=" * 100, title, *(f"    {line}" for line in lines), "=" * 100, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
