"""What tests cost: CPU seconds of each, with all processes that it starts; the dearest at the end of a run."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Generator
from heapq import nlargest
from operator import itemgetter

import pytest

from e2e.driving import cpu_of_forks
from selection import slowness

FILES, TESTS = 25, 30
"""How many of the dearest are shown."""
UNIT = 15.0
"""CPU seconds from which on a unit test fails. Most take milliseconds, a few 4 s. On slow machines it is more."""


class Costs:
    """A plugin of pytest: in processes that run tests it measures, in the one that reports it adds up."""

    def __init__(self) -> None:
        self._before = 0.0
        self._files: defaultdict[str, float] = defaultdict(float)
        self._tests: defaultdict[str, float] = defaultdict(float)
        self._counts = Counter[str]()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._before = _spent()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        now = _spent()
        cost, self._before = now - self._before, now
        report.user_properties = [*report.user_properties, ("cpu", cost)]
        unit = report.nodeid.startswith("tests/unit/") and item.get_closest_marker("long") is None
        if unit and report.when == "call" and report.passed and cost > UNIT and cost > UNIT * slowness():
            report.outcome = "failed"
            report.longrepr = f"{cost:.1f} s of CPU time; a unit test takes {UNIT} s at most: give it a smaller input"
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cost = sum(float(str(value)) for name, value in report.user_properties if name == "cpu")
        file = report.nodeid.partition("::")[0]
        self._files[file] += cost
        self._tests[report.nodeid] += cost
        self._counts[file] += report.when == "call"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        total = sum(self._files.values())
        if total < 60:
            return
        terminalreporter.section(f"CPU seconds: {total:.0f}; the dearest files and tests")
        for name, cost in nlargest(FILES, self._files.items(), key=itemgetter(1)):
            terminalreporter.write_line(f"{cost:7.1f} s {self._counts[name]:5} tests  {name}")
        for name, cost in nlargest(TESTS, self._tests.items(), key=itemgetter(1)):
            terminalreporter.write_line(f"{cost:7.1f} s  {name}")


def _spent() -> float:
    """Return the CPU seconds of this process, and of all that it started and waited for."""
    return sum(os.times()[:4]) + cpu_of_forks()
