"""What is played once more is told, and the second play counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest

from players_harness import Browsers, play


class Told(Browsers):
    """Browsers whose plays are told in advance."""

    def __init__(self, *stalls: list[tuple[float, int]]) -> None:
        super().__init__()
        self._stalls = list(stalls)

    def run(self, script: Literal["play", "use"], args: Sequence[str], timeout: float) -> dict[str, Any]:
        """Return the next play."""
        return {"scenario": "seek", "stalls": self._stalls.pop(0), "errors": [], "console": [], "network": []}


def test_a_play_that_stalls_is_told_and_played_once_more() -> None:
    with pytest.warns(
        pytest.PytestWarning, match=r"played once more: hlsjs, seek: 1 problems, at first stalled at 2\.5"
    ) as told:
        result = play(Told([(2.5, 11)], []), "http://nowhere/", "hlsjs", "seek", again=True)
    assert (len(told), result["stalls"]) == (1, [])


def test_a_good_play_is_not_told() -> None:
    assert play(Told([(2.5, 10)]), "http://nowhere/", "hlsjs", "seek", again=True)["problems"] == []
