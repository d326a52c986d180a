"""`verify --source` hears the source: what is right passes in every container, what is wrong is named with its time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamify
from clips.melody import Wave, film, melody
from clips.sound import decode_audio
from e2e.driving import rungs, verify
from selection import sample
from streamify.errors import VerificationFailed
from streamify.media.audio import resample
from streamify.model.report import Report

SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(64), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast",
    "thumbnails": "off", "poster": "off",
}  # fmt: skip
RATE = 48000


def run(source: Path, dest: Path, **more: Any) -> Report:
    return streamify.transcode(source, dest, **{**SETTINGS, **more})


def heard(source: Path, dest: Path) -> list[str]:
    """Return the faults of the sound."""
    try:
        verify(dest, source)
    except VerificationFailed as error:
        return [fault for fault in error.faults if "sound" in fault or "channel" in fault]
    return []


RIGHT: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "mp4": ("mp4", 48000, ()),
    "mp4-44k": ("mp4", 44100, ()),
    "mov-pcm": ("mov", 48000, ("-c:a", "pcm_s16le")),
    "mkv-opus": ("mkv", 48000, ("-c:a", "libopus")),
    "mkv-32k": ("mkv", 32000, ("-c:a", "pcm_s16le")),
    "webm-vorbis": ("webm", 44100, ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis")),
    "ts-aac": ("ts", 48000, ()),
    "ts-ac3": ("ts", 48000, ("-c:a", "ac3", "-b:a", "192k")),
    "mpg-mp2": ("mpg", 48000, ("-c:a", "mp2", "-b:a", "192k")),
    "avi-mp3": ("avi", 44100, ("-c:a", "libmp3lame", "-b:a", "160k")),
    "flv-aac": ("flv", 44100, ("-ar", "44100")),
    "late": ("mp4", 48000, ("-af", "asetpts=PTS+2/TB")),
    "late-mkv": ("mkv", 48000, ("-af", "asetpts=PTS+2/TB")),
    "late-ps": ("mpg", 48000, ("-c:a", "mp2", "-b:a", "192k", "-af", "asetpts=PTS+2/TB")),
    "surround": ("mkv", 48000, ("-af", "pan=5.1|FL=c0|FR=c1|FC=0.3*c0|LFE=0.1*c1|BL=0.5*c0|BR=0.5*c1", "-c:a", "ac3")),
    "mono": ("mp4", 48000, ("-ac", "1")),
    "hole-ts": ("ts", 48000, ("-bsf:a", "noise=drop='between(pts*tb,3,4.5)'")),
    "hole-mkv": ("mkv", 48000, ("-bsf:a", "noise=drop='between(pts*tb,3,4.5)'")),
    "hole-mp4": ("mp4", 48000, ("-bsf:a", "noise=drop='between(pts*tb,3,4.5)'")),
    "drift": ("mkv", 48000, ("-c:a", "pcm_s16le", "-bsf:a", "setts=ts=TS*1.0005")),
    "shaking": ("mkv", 48000, ("-c:a", "ac3", "-bsf:a", "setts=ts=TS+28*mod(floor(N/9)\\,2)")),
}


@pytest.mark.parametrize("name", sample(RIGHT, "mp4"))
def test_right_sound_passes(name: str, tmp_path: Path) -> None:
    container, rate, options = RIGHT[name]
    source = film(tmp_path / f"source.{container}", melody(6, rate), *options, rate=rate)
    run(source, tmp_path / "dest")
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.long
def test_gain_passes(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mp4", melody(6))
    report = run(source, tmp_path / "dest", loudness=-30)
    assert any(one.loudness is not None and abs(one.loudness.gain) > 3 for one in report.tracks)
    assert heard(source, tmp_path / "dest") == []


@pytest.mark.long
def test_sound_beyond_the_pictures_passes(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mp4", melody(8), seconds=3)
    assert run(source, tmp_path / "dest").certificate.duplicated
    assert heard(source, tmp_path / "dest") == []


@pytest.mark.long
def test_sound_that_is_left_out_by_the_settings_passes(tmp_path: Path) -> None:
    source = film(tmp_path / "source.mp4", melody(8), seconds=3)
    report = run(source, tmp_path / "dest", hold_limit=1)
    assert any(note.kind == "dropped" for note in report.notes)
    assert heard(source, tmp_path / "dest") == []


@pytest.mark.long
@pytest.mark.parametrize("parts", [0.0005, -0.0005])
def test_a_clock_that_drifts_stays_in_sync(parts: float, tmp_path: Path) -> None:
    """The timestamps of a minute of sound run 500 ppm fast or slow: 30 ms at its end."""
    noise = np.random.default_rng(1).normal(0, 0.5, (2, 60 * RATE))
    wave = np.stack([np.convolve(one, np.full(24, 1 / 24), "same") for one in noise])  # a tenth of a second says when
    options = ("-c:a", "pcm_s16le", "-bsf:a", f"setts=ts=TS*{1 + parts}", "-r", "5", "-g", "10")
    source = film(tmp_path / "source.mkv", wave, *options)
    report = run(source, tmp_path / "dest", segment_seconds=6, keyframe_seconds=2)
    sound = decode_audio(tmp_path / "dest", next(one.folder for one in report.tracks if one.kind == "audio"))
    mono, reach = wave.mean(axis=0), RATE // 20
    for second in (5, 20, 40, 57):
        part = mono[second * RATE : second * RATE + RATE // 10]
        there = sound.at(round(second * (1 + parts) * RATE) - reach, len(part) + 2 * reach)
        lag = int(np.argmax(np.correlate(there, part, "valid"))) - reach
        assert abs(lag) < RATE // 50, (second, lag / RATE)
    assert heard(source, tmp_path / "dest") == []


def late(sound: Wave) -> Wave:
    return np.concatenate([np.zeros((2, RATE // 5)), sound], axis=1)[:, : sound.shape[1]]


def silent(sound: Wave) -> Wave:
    out = sound.copy()
    out[:, 3 * RATE : 5 * RATE] = 0
    return out


def swapped(sound: Wave) -> Wave:
    out = sound.copy()
    out[:, 2 * RATE : 3 * RATE], out[:, 5 * RATE : 6 * RATE] = (
        sound[:, 5 * RATE : 6 * RATE],
        sound[:, 2 * RATE : 3 * RATE],
    )
    return out


def pitched(sound: Wave) -> Wave:
    at = np.arange(sound.shape[1]) * 44100 / 48000
    return np.stack([np.interp(at, np.arange(sound.shape[1]), one) for one in sound])


def left_only(sound: Wave) -> Wave:
    return sound * [[1], [0]]


def quiet(sound: Wave) -> Wave:
    return sound * 0.3


WRONG: dict[str, tuple[Callable[[Wave], Wave], str]] = {
    "late": (late, "is 0.200 s late"),
    "silent": (silent, "sound is silent from 3.0 to 5.0 s where the source is not"),
    "swapped": (swapped, "sound from 2.0 to 3.0 s is not the source's"),
    "pitched": (pitched, ""),
    "left-only": (left_only, "the right channel is silent from 0.0"),
    "quiet": (quiet, "10 dB quieter"),
}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("right")
    run(film(folder / "source.mp4", melody(8)), folder / "dest")
    return folder


@pytest.mark.parametrize("name", sample(WRONG, "late"))
def test_wrong_sound_is_named(name: str, right: Path, tmp_path: Path) -> None:
    change, fault = WRONG[name]
    run(film(tmp_path / "other.mp4", change(melody(8))), tmp_path / "other")
    dest = shutil.copytree(right / "dest", tmp_path / "dest")
    (sound,) = dest.glob("audio/*")
    (other,) = (tmp_path / "other").glob("audio/*")
    for file in other.glob("*.m4s"):
        shutil.copy(file, sound / file.name)
    found = heard(right / "source.mp4", dest)
    assert found
    assert fault in found[0], found


@pytest.mark.long
def test_tasks_that_place_sound_late_are_found(right: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check knows nothing of where tasks put their samples."""
    made = resample.Resampling.__init__

    def late(self: resample.Resampling, layout: str, rate: int, position: int) -> None:
        made(self, layout, rate, position + RATE // 10)

    with monkeypatch.context() as patch:
        patch.setattr(resample.Resampling, "__init__", late)
        run(right / "source.mp4", tmp_path / "dest")
    assert "is 0.100 s late" in heard(right / "source.mp4", tmp_path / "dest")[0]
