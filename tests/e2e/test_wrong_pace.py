"""Sound in AVI whose times cannot be right beside its samples, as FFmpeg's own muxer writes it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import streamify
from e2e.driving import rungs, verify
from stores import split
from streamify.errors import SourceError

SETTINGS: dict[str, Any] = {"engine": "inline", "ladder": rungs(64), "preset": "ultrafast"}
SECONDS = 4


def film(path: Path, encoder: str, rate: int, *more: str) -> Path:
    """Write pictures and a tone that sweeps, which tells where it is heard."""
    tone = f"aevalsrc=0.4*sin(2*PI*t*(300+100*t)):s={rate}:d={SECONDS}"
    command: list[str | Path] = ["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i"]
    command += [f"testsrc=96x64:25:d={SECONDS}", "-f", "lavfi", "-i", tone, "-strict", "-2"]
    subprocess.run([*command, "-c:v", "mpeg4", "-c:a", encoder, *more, path], check=True, timeout=60)
    return path


@pytest.mark.parametrize(
    ("encoder", "rate", "pictures"),
    [
        ("g722", 16000, True),
        pytest.param("g722", 16000, False, marks=pytest.mark.long),
        pytest.param("dca", 48000, True, marks=pytest.mark.long),
        pytest.param("eac3", 32000, True, marks=pytest.mark.long),
        pytest.param("libvorbis", 8000, True, marks=pytest.mark.long),
    ],
)
def test_sound_lasts_what_it_decodes_to(encoder: str, rate: int, pictures: bool, tmp_path: Path) -> None:
    """By its times it lasted from 2 s to an hour; with exit code 0, and verify failed."""
    source = film(tmp_path / "film.avi", encoder, rate, *(() if pictures else ("-vn",)))
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert verify(tmp_path / "dest", source).faults == ()
    (sound,) = report.source.audio
    assert sound.duration == pytest.approx(SECONDS, abs=0.1)
    assert float(report.source.duration) == pytest.approx(SECONDS, abs=0.1)
    (pace,) = (note for note in report.notes if "its times, which run" in note.what)
    assert (pace.kind, pace.why) == (
        "converted",
        "the container's rates cannot be right: samples follow each other",
    )


@pytest.mark.parametrize("encoder", ["libspeex", "g726"])
def test_sound_whose_packets_do_not_say_how_long_they_are_is_refused(encoder: str, tmp_path: Path) -> None:
    source = film(tmp_path / "film.avi", encoder, 8000)
    with pytest.raises(SourceError) as caught:
        split(source)
    assert caught.value.code == "no-timestamps"
    assert "times of audio stream 1 run" in caught.value.message
    assert "-af asetpts=N/SR/TB" in (caught.value.hint or "")
    mended = tmp_path / "mended.mov"
    command = (
        (caught.value.hint or "").partition(": ")[2].replace("SOURCE", str(source)).replace("OUT.mov", str(mended))
    )
    subprocess.run(command.split(), check=True, timeout=60, stdin=subprocess.DEVNULL, capture_output=True)
    (sound,) = split(mended).source.audio
    assert sound.duration == pytest.approx(SECONDS, abs=0.2)


@pytest.mark.parametrize("encoder", ["aac", "adpcm_ms"])
def test_times_that_are_right_are_kept(encoder: str, tmp_path: Path) -> None:
    found = split(film(tmp_path / "film.avi", encoder, 44100)).source
    assert not any("times as fast" in note.what for note in found.notes)
