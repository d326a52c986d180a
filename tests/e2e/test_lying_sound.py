"""A plan that lies about its sound is found by `verify --source`, which asks the source itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamify
from clips.melody import film, melody
from clips.tones import write_plain_wav
from e2e.driving import rungs, verify
from selection import sample
from streamify.errors import VerificationFailed
from streamify.media.audio import mixing
from streamify.media.audio.matrix import Levels, Row, matrix
from streamify.model.recipe import AudioRecipe
from streamify.planning import build

SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(64), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast",
    "thumbnails": "off", "poster": "off",
}  # fmt: skip
Lie = Callable[[AudioRecipe], AudioRecipe]


def faults(source: Path, dest: Path, **settings: Any) -> list[str]:
    streamify.transcode(source, dest, **{**SETTINGS, **settings})
    return verified(source, dest)


def verified(source: Path, dest: Path) -> list[str]:
    try:
        verify(dest, source)
    except VerificationFailed as error:
        return list(error.faults)
    return []


def lying(monkeypatch: pytest.MonkeyPatch, lie: Lie, source: Path, dest: Path, **settings: Any) -> list[str]:
    """Return the faults of a stream whose plan was made with a lie."""
    honest = build._audio_recipe
    with monkeypatch.context() as patch:
        patch.setattr(build, "_audio_recipe", lambda *given: lie(honest(*given)))
        streamify.transcode(source, dest, **{**SETTINGS, **settings})
    return verified(source, dest)


def several(path: Path, waves: dict[str, np.ndarray[Any, Any]], *options: str) -> Path:
    """Write small pictures with several sounds, each with a language, title or nothing."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=128x96:r=25:d=5"]
    maps = ["-map", "0:v"]
    for number, (name, wave) in enumerate(waves.items()):
        command += ["-i", str(write_plain_wav(path.with_name(f"{number}.wav"), wave))]
        maps += ["-map", f"{number + 1}:a", f"-metadata:s:a:{number}", name]
    subprocess.run([*command, *maps, "-c:v", "libx264", *options, str(path)], check=True)
    return path


@pytest.mark.parametrize("kind", sample(["mp4", "mkv", "ts"], "ts"))
def test_sound_that_the_plan_shifts(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = film(tmp_path / f"source.{kind}", melody(5))

    def shifted(recipe: AudioRecipe) -> AudioRecipe:
        return recipe.model_copy(update={"origin": recipe.origin + Fraction(1, 5)})

    found = lying(monkeypatch, shifted, source, tmp_path / "dest")
    assert any("is 0.200 s early" in fault for fault in found), found


@pytest.mark.long
def test_sound_alone_that_the_plan_shifts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source.m4a"
    wave = write_plain_wav(tmp_path / "sound.wav", melody(5))
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", str(wave), str(source)], check=True)

    def shifted(recipe: AudioRecipe) -> AudioRecipe:
        return recipe.model_copy(update={"origin": recipe.origin + Fraction(1, 5)})

    found = lying(monkeypatch, shifted, source, tmp_path / "dest")
    assert any("is 0.200 s early" in fault for fault in found), found


@pytest.mark.long
def test_another_track_than_the_labels_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waves = {"language=eng": melody(5), "language=fra": melody(5, seed=7)}
    source = several(tmp_path / "source.mkv", waves)

    def other(recipe: AudioRecipe) -> AudioRecipe:
        return recipe.model_copy(update={"stream": 3 - recipe.stream})

    found = lying(monkeypatch, other, source, tmp_path / "dest")
    assert any("its language is en, that of the source's fr" in fault for fault in found), found
    assert faults(source, tmp_path / "honest") == []


@pytest.mark.long
def test_mono_tracks_that_are_joined_the_wrong_way_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = melody(5)
    waves = {"title=Left": left[None], "title=Right": right[None]}
    source = several(tmp_path / "source.mkv", waves, "-c:a", "pcm_s16le")

    def turned(recipe: AudioRecipe) -> AudioRecipe:
        return recipe.model_copy(update={"stream": recipe.joined[0], "joined": (recipe.stream,)})

    found = lying(monkeypatch, turned, source, tmp_path / "dest")
    assert any("audio stream 2, which is no track of its own" in fault for fault in found), found
    assert faults(source, tmp_path / "honest") == []


@pytest.fixture(scope="module")
def surround(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with 5.1, each channel another melody, that of the bass below 100 Hz."""
    folder = tmp_path_factory.mktemp("surround")
    waves = np.concatenate([melody(5, seed=seed) for seed in (1, 2, 3)])
    waves[3] = 0.2 * np.sin(2 * np.pi * np.cumsum(np.linspace(40, 90, waves.shape[1])) / 48000)
    return film(folder / "source.mkv", waves, "-c:a", "pcm_s16le")


def swapped(rows: tuple[Row, ...], one: int, two: int) -> tuple[Row, ...]:
    found = list(rows)
    found[one], found[two] = found[two], found[one]
    return tuple(found)


Mix = tuple[Row, ...]
MIXES: dict[str, tuple[int, Callable[[Mix], Mix], str]] = {
    "stereo swapped": (2, lambda rows: swapped(rows, 0, 1), "the left and right channels are swapped"),
    "no centre": (2, lambda rows: tuple((*row[:2], 0.0, *row[3:]) for row in rows), "not mixed as the source's"),
    "front swapped": (6, lambda rows: swapped(rows, 0, 1), "the FL and FR channels are swapped"),
    "sides swapped": (6, lambda rows: swapped(rows, 4, 5), "the SL and SR channels are swapped"),
    "centre and bass swapped": (6, lambda rows: swapped(rows, 2, 3), "is not the source's"),
    "no side": (6, lambda rows: (*rows[:5], (0.0,) * 6), "the SR channel is silent"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", sample(MIXES, "no centre"))
def test_channels_that_are_mixed_wrongly(
    name: str, surround: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, change, fault = MIXES[name]

    def lie(channels: list[str], given: int, levels: Levels) -> tuple[Row, ...]:
        rows = matrix(channels, given, levels)
        return change(rows) if given == outputs else rows

    with monkeypatch.context() as patch:
        patch.setattr(mixing, "matrix", lie)
        streamify.transcode(surround, tmp_path / "dest", **SETTINGS, surround="ac3")
    found = verified(surround, tmp_path / "dest")
    assert found
    assert any(fault in one for one in found), found


@pytest.mark.long
def test_an_honest_mix_passes(surround: Path, tmp_path: Path) -> None:
    assert faults(surround, tmp_path / "dest", surround="ac3") == []
