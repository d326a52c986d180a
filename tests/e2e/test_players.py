"""Real players play a finished stream to its end.

`stream` is a finished DEST of the clip `card`. The harness itself is proved by test_players_harness.py.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import Clip
from clips.standing import film
from clips.tones import tones, write_film, write_sound
from e2e.driving import streamify
from players_harness import ALL, SOUNDING, Browsers, Player, ffprobe_counts, gstreamer_plays, misplaced, play
from selection import sample

pytestmark = pytest.mark.players


@pytest.mark.parametrize("player", ALL)
def test_plays_to_the_end(browsers: Browsers, stream: Path, card: Clip, player: Player) -> None:
    result = play(browsers, stream, player, again=True, times=card.times)
    assert result["problems"] == []
    assert result["ended"]
    assert result["bufferedMax"] == 1
    assert result["decoded"] == card.frames
    assert result["duration"] == pytest.approx(float(card.end), abs=0.03)
    assert len(result["shown"]) > 10
    assert misplaced(result, card.times) == []


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A still with 14 s of sound, and half of it a pause before the last picture: one picture every 2 s."""
    folder = tmp_path_factory.mktemp("standing")
    source = film(folder / "a.mp4", [Fraction(0), Fraction(1, 25), Fraction(9)], (Fraction(0), Fraction(14)))
    streamify("transcode", source, folder / "dest", "--ladder", "auto", "--preset", "ultrafast")
    return folder / "dest"


@pytest.mark.parametrize("player", sample(ALL, "dashjs"))
def test_plays_pictures_that_stand(browsers: Browsers, standing: Path, player: Player) -> None:
    result = play(browsers, standing, player, again=True)
    assert result["problems"] == []
    assert result["ended"]
    assert result["bufferedMax"] == 1
    assert result["decoded"] == 7  # 0, 0.04, 2, 4, 6, 9 and 12 s
    assert result["duration"] == pytest.approx(14, abs=0.05)  # the sound's last access unit ends later


def test_gstreamer_plays_both_manifests(stream: Path) -> None:
    assert gstreamer_plays(stream, "master.m3u8")
    assert gstreamer_plays(stream, "manifest.mpd")


@pytest.mark.parametrize("manifest", ["master.m3u8", "manifest.mpd"])
def test_ffprobe_counts_every_picture(stream: Path, card: Clip, manifest: str) -> None:
    video = [track for track in ffprobe_counts(stream, manifest) if track["codec_type"] == "video"]
    assert {int(track["nb_read_frames"]) for track in video} == {card.frames}


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


@pytest.mark.parametrize("codec", sample(["aac", "eac3"], "eac3"))
@pytest.mark.parametrize("player", sample(SOUNDING, "hlsjs"))
def test_plays_with_surround_beside_stereo(
    browsers: Browsers, surround_stream: dict[str, Path], codec: str, player: Player
) -> None:
    result = play(browsers, surround_stream[codec], player, again=True)
    assert result["problems"] == []
    assert result["ended"]
    assert result["decoded"] == 100
