"""Real players seek to the seams of a finished stream, switch rungs there, and keep sound and picture together.

`stream` is a finished DEST of the clip `card`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import m3u8
import pytest

from clips.make import Clip, ClipSpec, make_clip
from e2e.driving import streamify
from players_harness import ALL, SOUNDING, Browsers, Player, in_lanes, misplaced, play, sound_delays
from selection import sample

pytestmark = pytest.mark.players

SPEC = ClipSpec(seconds=Fraction(8), rate=Fraction(30000, 1001), size=(640, 360), gop=90, bframes=2, pyramid=True)
SWITCHING: tuple[Player, ...] = ("own", "firefox", "hlsjs", "shaka", "dashjs")  # the native player takes no orders


def seams(dest: Path) -> list[float]:
    """Return the starts of all segments after the first, as the first variant's playlist has them."""
    variant = m3u8.load(str(dest / "master.m3u8")).playlists[0]
    durations = [segment.duration for segment in m3u8.load(str(dest / variant.uri)).segments]
    return [sum(durations[: n + 1]) for n in range(len(durations) - 1)]


@pytest.fixture(scope="module")
def points(stream: Path, card: Clip) -> list[float]:
    """Moments beside the seams, the last seam first."""
    # Less than two pictures before a buffered range, Chromium shows the first one of that range (seen with shaka).
    aside = float(card.times[1]) * 3.5
    return [round(seam + side, 6) for seam in seams(stream)[:3][::-1] for side in (aside, -aside)]


@pytest.fixture(scope="module")
def beeping(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, Path]:
    """A clip of 8 s and its stream of four segments: sound is judged at normal speed, for as long as it plays."""
    folder = tmp_path_factory.mktemp("beeping")
    clip = make_clip(SPEC, folder)
    flags = ("--ladder", "240p", "--preset", "veryfast", "--segment-seconds", "2", "--keyframe-seconds", "1")
    ran = streamify("transcode", clip.path, folder / "dest", *flags)
    assert ran.code == 0, ran.err
    return clip, folder / "dest"


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest,
    browsers: Browsers,
    stream: Path,
    card: Clip,
    points: list[float],
    beeping: tuple[Clip, Path],
) -> dict[str, Future[dict[str, Any]]]:
    switches = [round(seam + 0.2, 3) for seam in seams(stream)[:-1]]
    kinds: dict[str, Callable[..., dict[str, Any]]] = {
        "test_seeks_to_seams": partial(play, browsers, stream, scenario="seek", points=points, times=card.times),
        "test_switches_rungs_at_seams": partial(
            play,
            browsers,
            stream,
            scenario="switch",
            rate=1.5,
            points=switches,
            again=True,
            times=card.times,
        ),
        "test_sound_follows_the_picture": partial(play, browsers, beeping[1], scenario="sync"),
    }
    return in_lanes(request, kinds)


@pytest.fixture
def played(request: pytest.FixtureRequest, plays: dict[str, Future[dict[str, Any]]]) -> dict[str, Any]:
    """What the player of this test reported."""
    return plays[request.node.nodeid].result()


@pytest.mark.parametrize("player", sample(ALL, "native", "firefox"))
def test_seeks_to_seams(played: dict[str, Any], card: Clip, points: list[float], player: Player) -> None:
    assert played["problems"] == []
    expected = [max(n for n, time in enumerate(card.times) if time <= point) for point in points]
    assert [seek["id"] for seek in played["seeks"]] == expected
    assert all(seek["reached"] > seek["point"] + 0.3 for seek in played["seeks"])


@pytest.mark.parametrize("player", sample(SWITCHING, "own", "hlsjs"))
def test_switches_rungs_at_seams(played: dict[str, Any], card: Clip, player: Player) -> None:
    assert played["problems"] == []
    assert played["decoded"] == card.frames
    assert misplaced(played, card.times) == []
    # The first switch is asked for before anything plays, so it always shows; a later one may come after the last load.
    assert len(played["sizes"]) >= 2, "the picture never changed its size"


@pytest.mark.parametrize("player", sample(SOUNDING, "shaka"))
def test_sound_follows_the_picture(played: dict[str, Any], beeping: tuple[Clip, Path], player: Player) -> None:
    clip, _ = beeping
    assert played["problems"] == []
    delays = sound_delays(played, clip)
    assert len(delays) >= 3
    # Chromium's own HLS player puts the first packet of each track at 0, the AAC encoder's priming included, whatever
    # the edit list says: its sound is late by those 1024 samples. docs/guides/serving-to-players.md says so.
    late = 1024 / 48 if player == "native" else 0
    assert delays == pytest.approx([late] * len(delays), abs=5)
