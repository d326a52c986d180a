"""The measured rate, and a countdown that does not climb while work is steady."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from streamify.planning.pace import Countdown, Pace


def test_no_rate_before_there_is_enough_to_tell() -> None:
    pace = Pace()
    assert pace.rate(5) is None
    pace.start(0)
    assert pace.rate(5) is None
    pace.add(3, 10, partial=True)
    pace.add(3.5, 20, partial=True)
    assert pace.rate(3.5) is None
    pace.add(5, 50, partial=True)
    assert pace.rate(5) == pytest.approx(20)  # 40 more in the 2 s since the first report, not 50 in 5


def test_without_reports_from_running_tasks_the_rate_counts_from_the_start() -> None:
    pace = Pace()
    pace.start(10)
    pace.add(20, 5, partial=False)
    assert pace.rate(20) == pytest.approx(0.5)
    assert pace.rate(25) == pytest.approx(5 / 15)


def test_the_rate_falls_while_nothing_comes_and_follows_a_lasting_change() -> None:
    pace = Pace(window=60)
    pace.start(0)
    for second in range(1, 200):
        pace.add(second, float(second), partial=True)
    assert pace.rate(199) == pytest.approx(1)
    assert (pace.rate(229) or 0) < 0.7
    for second in range(200, 300):
        pace.add(second, 199 + (second - 199) / 4, partial=True)
    assert pace.rate(299) == pytest.approx(0.25, rel=0.02)


@pytest.mark.parametrize("seed", range(20))
def test_under_steady_but_uneven_work_the_countdown_never_climbs(seed: int) -> None:
    """Two workers, segments whose cost differs by up to half, reports four times a second: at 1 Hz nothing rises."""
    random.seed(seed)
    pace, countdown, shown = Pace(), Countdown(), []
    pace.start(0)
    work, speeds = 0.0, [1.0, 1.0]
    for quarter in range(1, 4 * 300):
        if quarter % 12 == 0:  # a new segment
            speeds[quarter // 12 % 2] = random.uniform(0.5, 1.5)
        work += sum(speeds) / 4
        if work >= 500:
            break
        pace.add(quarter / 4, work, partial=True)
        if quarter % 4 == 0 and (rate := pace.rate(quarter / 4)) is not None:
            shown.append(countdown.update(quarter / 4, (500 - work) / rate))
    assert len(shown) > 100
    assert all(after <= before for before, after in pairwise(shown))
    assert shown[len(shown) // 2] == pytest.approx(len(shown) / 2, rel=0.3)  # and it is about right


def test_a_lasting_slowdown_is_told_and_a_short_one_is_not() -> None:
    countdown = Countdown()
    assert countdown.update(0, 100) == 100
    assert countdown.update(1, 200) == 100
    assert countdown.update(5, 90) == 90  # it was short
    assert countdown.update(6, 200) == 90
    assert countdown.update(13, 200) == 90
    assert 90 < countdown.update(14, 200) < 100


def test_after_a_lasting_slowdown_the_countdown_rises_little_by_little() -> None:
    """4:42 became 10:42 from one second to the next, after it had stood still."""
    countdown = Countdown()
    shown = [countdown.update(0, 282)] + [countdown.update(second, 642 - second) for second in range(1, 120)]
    still = next(second for second in range(120) if shown[second] > 282)
    assert 8 <= still <= 10
    assert max(after / before for before, after in pairwise(shown)) < 1.07
    follows = shown[still - 1 :]
    peak = follows.index(max(follows))
    assert all(after > before for before, after in pairwise(follows[: peak + 1]))
    assert shown[-1] == 642 - 119  # and it is right in the end
    assert max(second for second in range(120) if shown[second] < 0.9 * (642 - second)) < 60


def test_samples_stay_few() -> None:
    pace = Pace(window=10)
    pace.start(0)
    for tick in range(100_000):
        pace.add(tick / 1000, float(tick), partial=True)
    assert len(pace._samples) < 100
