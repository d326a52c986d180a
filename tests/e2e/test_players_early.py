"""Real players join a stream that is published while it is made, and play through its change to a complete one."""

from __future__ import annotations

import re
import signal
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import Clip, ClipSpec, make_clip
from e2e.driving import job, media, published, wait_for
from players_harness import Browsers, Player, misplaced, play

pytestmark = [pytest.mark.players, pytest.mark.long]

FOLLOWING: tuple[Player, ...] = ("own", "firefox", "hlsjs", "shaka", "dashjs")
"""Not Chromium's own HLS: of a playlist that grows it begins with the last segments, calls them the start, and gives up
(seen in version 156). docs/guides/serving-to-players.md says so; the page of `play` goes on with its own player."""
SECONDS = 24
SPEC = ClipSpec(seconds=Fraction(SECONDS), rate=Fraction(25), size=(640, 360), gop=50, bframes=2)
FLAGS = ("--ladder", "360p,240p", "--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "fast", "--workers",
         "1", "--publish", "early")  # fmt: skip
FROZEN = 4.0
"""Seconds for which the job stands still after a late viewer has come: he sees the stream before it is complete."""


@pytest.fixture(scope="module")
def film(shared: Path) -> Clip:
    return make_clip(SPEC, shared / "clips")


def length(dest: Path) -> int:
    """Return how many segments the first rung of the master playlist lists."""
    try:
        name = re.findall(r"^(?!#)(\S+)$", (dest / "master.m3u8").read_text(), re.MULTILINE)[0]
        return str((dest / name).read_text()).count("#EXTINF")
    except FileNotFoundError:
        return 0


@pytest.mark.parametrize("part", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("player", FOLLOWING)
def test_joins_a_stream_that_grows_and_plays_through_its_end(
    browsers: Browsers, film: Clip, tmp_path: Path, player: Player, part: float
) -> None:
    dest = tmp_path / "dest"
    with job(tmp_path / "events", film.path, dest, *FLAGS) as running:
        wait_for(lambda: length(dest) >= part * SECONDS - 1)
        going_on = threading.Timer(FROZEN if part > 0.5 else 0, running.process.send_signal, [signal.SIGCONT])
        running.process.send_signal(signal.SIGSTOP)
        assert 'type="dynamic"' in (dest / "manifest.mpd").read_text()
        assert published(dest) == ["master.m3u8", "manifest.mpd"]  # and no report
        going_on.start()
        result = play(browsers, dest, player, rate=1)
        going_on.join()
        assert running.end().code == 0
    assert result["problems"] == []
    assert result["decoded"] == film.frames
    assert misplaced(result, film.times) == []
    assert result["position"] == pytest.approx(SECONDS, abs=0.05)
    assert media(dest)
