from __future__ import annotations

from typing import Any

import pytest

from streamify.executors.throttle import Throttle

pytestmark = pytest.mark.timeout(60)


def test_passes_on_four_calls_a_second_and_none_of_a_short_task() -> None:
    now, seen = [100.0], list[tuple[float, Any]]()
    throttle = Throttle(lambda done, total, unit: seen.append((now[0], (done, total, unit))), lambda: now[0])
    for number in range(300):  # 3 s of 100 pictures a second
        now[0] = 100 + number / 100
        throttle(number, 300, "pictures")
    assert [round(at - 100, 2) for at, _ in seen] == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75]
    assert seen[0][1] == (25, 300, "pictures")
