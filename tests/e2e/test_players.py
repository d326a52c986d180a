"""Real players play a finished stream to its end, seek to its seams and switch rungs there.

`stream` is a finished DEST of the clip `card`. The harness itself is proved on a hand-made stream with known faults.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import m3u8
import pytest

from clips.make import Clip, ClipSpec, make_clip
from clips.standing import film
from clips.tones import tones, write_film, write_sound
from clips.toy import broken_copy, make_toy
from e2e.driving import streamify
from players_harness import Browsers, Player, ffprobe_counts, gstreamer_plays, misplaced, play, sound_delays

pytestmark = pytest.mark.players

ALL: tuple[Player, ...] = ("native", "own", "firefox", "hlsjs", "shaka", "dashjs")
SPEC = ClipSpec(rate=Fraction(30000, 1001), size=(640, 360), gop=90, bframes=2, pyramid=True)
SOUNDING: tuple[Player, ...] = ("native", "own", "hlsjs", "shaka", "dashjs")
"""Not Firefox: its AudioContext, which measures, does not start on a machine without an audio device."""
FAULTS: list[tuple[str, Player]] = [
    ("missing", "hlsjs"), ("gap", "hlsjs"), ("gap", "shaka"), ("swapped", "native"), ("repeated", "dashjs")
]  # fmt: skip
"""No gap for the native player: it places segments one behind the other as the playlist lists them, so a wrong tfdt
plays well there; the other three see it."""
LANES = 3
"""Plays at a time, of those that mostly wait."""
SWITCHING: tuple[Player, ...] = ("own", "firefox", "hlsjs", "shaka", "dashjs")  # the native player takes no orders


def seams(dest: Path) -> list[float]:
    """Return the starts of all segments after the first, as the first variant's playlist has them."""
    variant = m3u8.load(str(dest / "master.m3u8")).playlists[0]
    durations = [segment.duration for segment in m3u8.load(str(dest / variant.uri)).segments]
    return [sum(durations[: n + 1]) for n in range(len(durations) - 1)]


@pytest.mark.parametrize("player", ALL)
def test_plays_to_the_end(browsers: Browsers, stream: Path, card: Clip, player: Player) -> None:
    result = play(browsers, stream, player)
    assert result["problems"] == []
    assert result["ended"]
    assert result["bufferedMax"] == 1
    assert result["decoded"] == card.frames
    assert result["duration"] == pytest.approx(float(card.end), abs=0.03)
    assert len(result["shown"]) > card.frames / 10
    assert misplaced(result, card.times) == []


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A still with 14 s of sound, and half of it a pause before the last picture: one picture every 2 s."""
    folder = tmp_path_factory.mktemp("standing")
    source = film(folder / "a.mp4", [Fraction(0), Fraction(1, 25), Fraction(9)], (Fraction(0), Fraction(14)))
    streamify("transcode", source, folder / "dest", "--ladder", "auto", "--preset", "ultrafast")
    return folder / "dest"


@pytest.mark.parametrize("player", ALL)
def test_plays_pictures_that_stand(browsers: Browsers, standing: Path, player: Player) -> None:
    result = play(browsers, standing, player)
    assert result["problems"] == []
    assert result["ended"]
    assert result["bufferedMax"] == 1
    assert result["decoded"] == 7  # 0, 0.04, 2, 4, 6, 9 and 12 s
    assert result["duration"] == pytest.approx(14, abs=0.05)  # the sound's last access unit ends later


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
    clip = make_clip(replace(SPEC, seconds=Fraction(8)), folder)
    flags = ("--ladder", "240p", "--preset", "veryfast", "--segment-seconds", "2", "--keyframe-seconds", "1")
    ran = streamify("transcode", clip.path, folder / "dest", *flags)
    assert ran.code == 0, ran.err
    return clip, folder / "dest"


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest,
    browsers: Browsers,
    stream: Path,
    points: list[float],
    beeping: tuple[Clip, Path],
    toy: tuple[Clip, Path],
) -> dict[str, Future[dict[str, Any]]]:
    """The plays of all selected tests that take them, by the id of the test.

    They mostly wait, so several run at a time; none of those that must play at 4x without a stall runs beside them.
    """
    switches = [round(seam + 0.2, 3) for seam in seams(stream)[:-1]]
    broken = {fault: broken_copy(toy[1], fault) for fault in {fault for fault, _ in FAULTS}}
    kinds: dict[str, Callable[..., dict[str, Any]]] = {
        "test_seeks_to_seams": partial(play, browsers, stream, scenario="seek", points=points),
        "test_switches_rungs_at_seams": partial(play, browsers, stream, scenario="switch", rate=1.5, points=switches),
        "test_sound_follows_the_picture": partial(play, browsers, beeping[1], scenario="sync"),
        "test_the_harness_notices_faults": partial(_play_broken, browsers, broken),
        "test_the_harness_hears_a_picture_that_is_20_ms_late": partial(
            play, browsers, broken_copy(toy[1], "late"), player="hlsjs", scenario="sync"
        ),
    }
    with ThreadPoolExecutor(LANES) as pool:
        return {
            item.nodeid: pool.submit(kinds[item.originalname], **_parameters(item))
            for item in request.session.items
            if isinstance(item, pytest.Function) and item.path == request.path and item.originalname in kinds
        }


def _parameters(item: pytest.Function) -> dict[str, Any]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def _play_broken(browsers: Browsers, broken: dict[str, Path], fault: str, player: Player) -> dict[str, Any]:
    return play(browsers, broken[fault], player, timeout=40)


@pytest.fixture
def played(request: pytest.FixtureRequest, plays: dict[str, Future[dict[str, Any]]]) -> dict[str, Any]:
    """What the player of this test reported."""
    return plays[request.node.nodeid].result()


@pytest.mark.parametrize("player", ALL)
def test_seeks_to_seams(played: dict[str, Any], card: Clip, points: list[float], player: Player) -> None:
    assert played["problems"] == []
    expected = [max(n for n, time in enumerate(card.times) if time <= point) for point in points]
    assert [seek["id"] for seek in played["seeks"]] == expected
    assert all(seek["reached"] > seek["point"] + 0.3 for seek in played["seeks"])


@pytest.mark.parametrize("player", SWITCHING)
def test_switches_rungs_at_seams(played: dict[str, Any], card: Clip, player: Player) -> None:
    assert played["problems"] == []
    assert played["decoded"] == card.frames
    assert misplaced(played, card.times) == []
    # The first switch is asked for before anything plays, so it always shows; a later one may come after the last load.
    assert len(played["sizes"]) >= 2, "the picture never changed its size"


@pytest.mark.parametrize("player", SOUNDING)
def test_sound_follows_the_picture(played: dict[str, Any], beeping: tuple[Clip, Path], player: Player) -> None:
    clip, _ = beeping
    assert played["problems"] == []
    assert len(played["offsets"]) >= 2
    # Chromium's own HLS player puts the first packet of each track at 0, the AAC encoder's priming included, whatever
    # the edit list says: its sound is late by those 1024 samples. docs/guides/serving-to-players.md says so.
    late = 1024 / 48 if player == "native" else 0
    delays = sound_delays(played, clip)
    assert [delays[0], delays[-1]] == pytest.approx([late] * 2, abs=5)


def test_gstreamer_plays_both_manifests(stream: Path) -> None:
    assert gstreamer_plays(stream, "master.m3u8")
    assert gstreamer_plays(stream, "manifest.mpd")


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
def test_ffprobe_counts_every_picture(stream: Path, card: Clip, manifest: str) -> None:
    video = [track for track in ffprobe_counts(stream, manifest) if track["codec_type"] == "video"]
    assert {int(track["nb_read_frames"]) for track in video} == {card.frames}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, Path]:
    folder = tmp_path_factory.mktemp("toy")
    return make_toy(folder, seconds=10), folder / "dest"


@pytest.mark.parametrize("player", ALL)
def test_the_harness_accepts_a_sound_stream(browsers: Browsers, toy: tuple[Clip, Path], player: Player) -> None:
    clip, dest = toy
    result = play(browsers, dest, player)
    assert result["problems"] == []
    assert result["decoded"] == clip.frames
    assert misplaced(result, clip.times) == []


@pytest.mark.parametrize(("fault", "player"), FAULTS)
def test_the_harness_notices_faults(played: dict[str, Any], toy: tuple[Clip, Path], fault: str, player: Player) -> None:
    assert played["problems"] or misplaced(played, toy[0].times)


def test_the_harness_hears_a_picture_that_is_20_ms_late(played: dict[str, Any]) -> None:
    offsets = [offset for _, offset in played["offsets"]]
    assert offsets == pytest.approx([-20] * len(offsets), abs=1)
    assert len(offsets) > 5


@pytest.fixture(scope="module")
def surround_stream(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures with 5.1, as AAC and as E-AC-3 beside stereo; browsers cannot decode the latter."""
    folder = tmp_path_factory.mktemp("surround")
    sound = write_sound(folder / "sound.mov", tones(6, 4), "5.1")
    film = write_film(folder / "film.mov", [sound], 4, size="640x360")
    found = {}
    for codec in ("aac", "eac3"):
        found[codec] = folder / codec
        ran = streamify("transcode", film, found[codec], "--surround", codec, "--ladder", "360p,240p",
                        "--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast")  # fmt: skip
        assert ran.code == 0, ran.err
    return found


@pytest.mark.parametrize("codec", ["aac", "eac3"])
@pytest.mark.parametrize("player", SOUNDING)
def test_plays_with_surround_beside_stereo(
    browsers: Browsers, surround_stream: dict[str, Path], codec: str, player: Player
) -> None:
    result = play(browsers, surround_stream[codec], player)
    assert result["problems"] == []
    assert result["ended"]
    assert result["decoded"] == 100
