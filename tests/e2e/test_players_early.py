"""Real players join a stream that is published while it is made, and play through its change to a complete one."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from clips.make import Clip, ClipSpec, make_clip
from e2e.driving import job, media
from e2e.growing import Growing
from e2e.halting import Halt
from players_harness import Browsers, Player, misplaced, play
from selection import sample

pytestmark = pytest.mark.players

FOLLOWING: tuple[Player, ...] = ("own", "firefox", "hlsjs", "shaka", "dashjs")
"""Not Chromium's own HLS: of a playlist that grows it begins with the last segments, calls them the start, and gives up
(seen in version 156). docs/guides/serving-to-players.md says so; the page of `play` goes on with its own player."""
SECONDS, EACH = 40, 2
"""Of the film and of each segment: dash.js reads the manifest again a second after it began to play."""
COUNT = SECONDS // EACH
SPEC = ClipSpec(seconds=Fraction(SECONDS), rate=Fraction(25), size=(426, 240), gop=50, bframes=2)
FLAGS = ("--ladder", "240p", "--segment-seconds", str(EACH), "--keyframe-seconds", str(EACH), "--workers", "1",
         "--publish", "early", "--preset", "ultrafast")  # fmt: skip
"""The job is quick beside what plays, also on a slow machine, and stands still where the viewer is to see it grow."""
AHEAD = 4
"""Segments that are published more than there were when a viewer came, before he plays."""


@pytest.fixture(scope="module")
def film(shared: Path) -> Clip:
    return make_clip(SPEC, shared / "clips")


def joined(browsers: Browsers, film: Clip, work: Path, player: Player, part: float) -> dict[str, Any]:
    """Play a stream of which a part is there, while the job makes the rest; return what was seen."""
    dest, halt = work / "dest", Halt(work, 0)
    with job(work / "events", film.path, dest, *FLAGS, env=halt.env) as running:
        grows = Growing(dest, halt)
        there = grows.to(min(int(part * COUNT), COUNT - 2))
        steps = (lambda: grows.to(min(there + AHEAD, COUNT - 2)), grows.to_the_end)
        result = play(browsers, dest, player, steps=steps, length=SECONDS, times=film.times)
        assert running.end().code == 0
    assert result["problems"] == []
    assert result["grewTo"] < SECONDS - 1  # it was playing when the stream became complete
    assert media(dest)
    return result


@pytest.mark.parametrize(
    ("player", "part"), sample([*product(FOLLOWING, (0.05, 0.95)), ("hlsjs", 0.5)], ("hlsjs", 0.5))
)
def test_joins_a_stream_that_grows_and_plays_through_its_end(
    browsers: Browsers, film: Clip, tmp_path: Path, player: Player, part: float
) -> None:
    result = joined(browsers, film, tmp_path, player, part)
    assert result["decoded"] == film.frames
    assert misplaced(result, film.times) == []
    assert result["position"] == pytest.approx(SECONDS, abs=0.05)
