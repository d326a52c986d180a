"""Real players watch films that are not made yet: what they see is what they would see of a finished stream.

Every play has a `streamify play SOURCE DEST` of its own, on a DEST that is empty. One worker at a slow preset leaves
most of the film unmade for as long as it is played.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips.make import Clip, ClipSpec, make_clip
from e2e.driving import MANIFESTS, Playing, made, media, playing, published, wait_for
from players_harness import ALL, SOUNDING, Browsers, Player, misplaced, play, sound_delays
from selection import sample

pytestmark = pytest.mark.players

SPEC = ClipSpec(seconds=Fraction(120), rate=Fraction(25), size=(426, 240), gop=50, bframes=2)
"""Long and small: what is asked for is made at once, the rest takes a while."""
FLAGS = ("--ladder", "240p,234p", "--segment-seconds", "2", "--keyframe-seconds", "2")
SLOW = (*FLAGS, "--preset", "slow", "--workers", "1")
QUICK = (*FLAGS, "--preset", "ultrafast")
SERVED = ("--allow-origin", "*")
"""The players run in a page of another origin."""
HEIGHTS = {240, 234}


@pytest.fixture(scope="module")
def film(shared: Path) -> Clip:
    return make_clip(SPEC, shared / "clips")


def middle(film: Clip, second: float) -> float:
    """Return the middle of the picture that is shown at a moment: a player that rounds still shows it."""
    return (int(second * film.spec.rate) + 0.5) / float(film.spec.rate)


def moments(film: Clip, count: int, seed: int) -> list[float]:
    """Return where a restless viewer goes: anywhere, to both ends, back before what was played, last near the end."""
    chance, end = random.Random(seed), float(film.end)
    found = [chance.uniform(0, end - 2) for _ in range(count - 3)] + [0.1, end - 1.5, end - 6.7]
    return [middle(film, second) for second in found]


def unmade(dest: Path, play: Playing, film: Clip, start: float) -> bool:
    """Whether no rung has the segment of a moment."""
    name = f"{int(start / 2):05d}.m4s"
    return not any((dest / track / name).exists() for track in play.tracks() if track.startswith("video/"))


def saw(result: dict[str, Any], film: Clip, points: Sequence[float]) -> None:
    """Assert that a play went as one of a finished stream goes."""
    assert result["problems"] == []
    expected = [max(n for n, time in enumerate(film.times) if time <= point) for point in points]
    assert [seek["id"] for seek in result["seeks"]] == expected
    assert all(seek["reached"] > seek["point"] + 0.3 for seek in result["seeks"])
    assert misplaced(result, film.times) == []
    assert result["shown"][-1][0] == pytest.approx(float(film.end), abs=0.5)
    assert result["position"] == pytest.approx(float(film.end), abs=0.05)


def watch(
    browsers: Browsers, film: Clip, dest: Path, player: Player, part: float, points: Sequence[float], **more: Any
) -> dict[str, Any]:
    """Play a fresh film from a part of its length on, and seek; return what was seen. More: as `play` has it.

    Also `engine`: its flags.
    """
    engine = more.pop("engine", ())
    start = middle(film, part * float(film.end))
    with playing(film.path, dest, *SERVED, *SLOW, *engine) as server:
        if engine:  # Ray may take longer to start than an answer waits for its segment
            wait_for(lambda: any(dest.glob("video/*/*.m4s")))
        if part:
            assert unmade(dest, server, film, start)
        begin = start if part else 0
        more = {"rate": 2, "times": film.times, **more}
        result = play(browsers, server.url, player, "watch", start=begin, points=points, **more)
    assert result["problems"] == []
    assert result["began"] == pytest.approx(start if part else 0, abs=0.05)
    return result


@pytest.mark.parametrize("player", sample(ALL, "firefox", "hlsjs"))
def test_plays_what_is_made_on_demand(browsers: Browsers, film: Clip, tmp_path: Path, player: Player) -> None:
    points = [middle(film, second) for second in (0.1, float(film.end) - 4)]
    result = watch(browsers, film, tmp_path / "dest", player, 0.5, points)
    saw(result, film, points)
    if player != "native":  # which takes no orders
        assert {seek["height"] for seek in result["seeks"]} == HEIGHTS


@pytest.mark.long
@pytest.mark.ray
def test_plays_what_ray_makes_on_demand(browsers: Browsers, film: Clip, tmp_path: Path) -> None:
    points = [middle(film, second) for second in (0.1, float(film.end) - 4)]
    saw(watch(browsers, film, tmp_path / "dest", "hlsjs", 0.5, points, engine=("--engine", "ray")), film, points)


@pytest.mark.long
@pytest.mark.parametrize("player", ALL)
def test_seeks_ten_times_and_plays_to_the_end_with_sound_and_picture_together(
    browsers: Browsers, film: Clip, tmp_path: Path, player: Player
) -> None:
    """From the start on. Servers that restart one encoder at each seek send sound that is seconds off."""
    points, listen = moments(film, 10, seed=10), player in SOUNDING
    more = {"rate": 1, "listen": True} if listen else {}
    result = watch(browsers, film, tmp_path / "dest", player, 0, points, **more)
    saw(result, film, points)
    if player != "native":
        assert {seek["height"] for seek in result["seeks"]} == HEIGHTS
    if listen:
        delays = sound_delays(result, film)
        assert len(delays) >= 3
        late = 1024 / 48 if player == "native" else 0  # see test_players_seams.py
        assert delays == pytest.approx([late] * len(delays), abs=5)


@pytest.mark.long
@pytest.mark.parametrize("player", ALL)
def test_starts_near_the_end_of_what_is_not_made(
    browsers: Browsers, film: Clip, tmp_path: Path, player: Player
) -> None:
    points = [middle(film, float(film.end) - 4)]
    saw(watch(browsers, film, tmp_path / "dest", player, 0.95, points), film, points)


@pytest.mark.long
def test_what_a_player_sought_through_is_the_stream_that_transcode_makes(
    browsers: Browsers, film: Clip, tmp_path: Path
) -> None:
    dest, points = tmp_path / "dest", moments(film, 10, seed=3)
    with playing(film.path, dest, *SERVED, *QUICK) as server:
        saw(play(browsers, server.url, "dashjs", "watch", points=points, rate=2, times=film.times), film, points)
        wait_for(lambda: published(dest) == list(MANIFESTS))
        server.end()
    assert media(dest) == made(film.path, tmp_path / "made", *QUICK)


@pytest.mark.long
@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_the_page_plays_seeks_and_switches_what_is_made_on_demand(
    browsers: Browsers, film: Clip, tmp_path: Path, browser: str
) -> None:
    with playing(film.path, tmp_path / "dest", *SLOW) as server:
        hidden = ["--hls", "none"] if browser == "chromium" else []
        seen = browsers.run("use", [server.url, "--browser", browser, *hidden, "--do", "seeks,switches,ends"], 150)
    assert "harness" not in seen, seen
    assert [line.partition(" ")[0] for line in seen["seeks"]] == ["Playing"] * 3
    assert set(seen["switches"]["size"]) == HEIGHTS
    assert seen["ends"]["at"] == pytest.approx(float(film.end), abs=0.03)


@pytest.mark.long
@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_the_page_says_what_became_of_the_source(browsers: Browsers, film: Clip, tmp_path: Path, browser: str) -> None:
    source = Path(shutil.copy(film.path, tmp_path / "holiday.mp4"))
    with playing(source, tmp_path / "dest", *SLOW) as server:
        server.get(f"{server.tracks()[0]}/00000.m4s")
        source.unlink()
        hidden = ["--hls", "none"] if browser == "chromium" else []
        flags = ["--do", "fails", "--timeout", "90"]
        seen = browsers.run("use", [server.url, "--browser", browser, *hidden, *flags], 150)
    assert "harness" not in seen, seen
    assert "holiday.mp4 is gone since it was planned" in seen["fails"]["notice"]
    assert "source-changed" in seen["fails"]["notice"]
