"""A plan that lies about a source's clock, edit list or streams is found: `verify --source` asks the source."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from av.video.frame import VideoFrame

import streamify
from clips.edits import EMPTY, Edit, with_edits
from clips.melody import film, melody
from e2e.driving import rungs
from streamify.errors import VerificationFailed
from streamify.media.source import choice, indexed, probe
from streamify.media.source.scan import Scan
from streamify.media.video.picture import _Maker
from streamify.media.video.scaling import Chain
from streamify.model.source import AudioFacts, ClockBreak, Note, VideoFacts
from streamify.mp4.parts import arrange as arrange_parts
from streamify.planning import build
from streamify.planning.arrange import arrange

SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(64), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip


def faults(source: Path, dest: Path) -> list[str]:
    try:
        streamify.verify(dest, source)
    except VerificationFailed as error:
        return list(error.faults)
    return []


def honest(source: Path, dest: Path) -> list[str]:
    streamify.transcode(source, dest, **SETTINGS)
    return faults(source, dest)


def ffmpeg(*words: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def joined(folder: Path, suffix: str, *, apart: float = 0) -> Path:
    """Return two recordings, one behind the other, of which the second starts its clock anew or elsewhere."""
    parts = []
    for number in (1, 2):
        options = ("-c:a", "mp2", "-b:a", "192k") if suffix == "mpg" else ()
        part = film(folder / f"{number}.{suffix}", melody(4, seed=number), *options)
        if number == 2 and apart:
            moved = folder / f"moved.{suffix}"
            ffmpeg("-i", part, "-c", "copy", "-output_ts_offset", str(apart), moved)
            part = moved
        parts.append(part.read_bytes())
    out = folder / f"joined.{suffix}"
    out.write_bytes(b"".join(parts))
    return out


BREAKS: dict[str, Callable[[Path], Path]] = {
    "ts, anew": lambda folder: joined(folder, "ts"),
    "ts, an hour ahead": lambda folder: joined(folder, "ts", apart=3600),
    "mpg, anew": lambda folder: joined(folder, "mpg"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", BREAKS)
def test_breaks_of_the_clock_that_the_plan_moves(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = BREAKS[name](tmp_path)
    told = Scan.breaks

    def lie(scan: Scan, time_base: Fraction) -> tuple[ClockBreak, ...]:
        return tuple(one.model_copy(update={"shift": one.shift + Fraction(2, 5)}) for one in told(scan, time_base))

    with monkeypatch.context() as patch:
        patch.setattr(Scan, "breaks", lie)
        report = streamify.transcode(source, tmp_path / "lie", **SETTINGS)
    assert len(report.source.breaks) == 1
    found = faults(source, tmp_path / "lie")
    assert any("is 0.40" in fault and "late" in fault for fault in found), found
    assert honest(source, tmp_path / "honest") == []


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film whose pictures begin half a second late by an empty edit, and two frames later than FFmpeg has it."""
    folder = tmp_path_factory.mktemp("edited")
    source = film(folder / "whole.mp4", melody(5), "-bf", "2")
    return with_edits(source, folder / "edited.mp4", {0: [Edit(Fraction(1, 2), EMPTY), Edit(Fraction(4), Fraction(0))]})


@pytest.mark.long
def test_a_start_of_the_pictures_that_the_plan_moves(
    edited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = probe._video_facts

    def lie(*given: Any, **more: Any) -> VideoFacts:
        facts = told(*given, **more)
        assert facts.late
        return facts.model_copy(update={"late": facts.late + Fraction(1, 5)})

    with monkeypatch.context() as patch:
        patch.setattr(probe, "_video_facts", lie)
        streamify.transcode(edited, tmp_path / "lie", **SETTINGS)
    found = faults(edited, tmp_path / "lie")
    assert any("is 0.200 s early" in fault for fault in found), found
    assert honest(edited, tmp_path / "honest") == []


@pytest.mark.long
def test_parts_of_an_edit_list_that_the_plan_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = film(tmp_path / "whole.mp4", melody(6))
    parts = [Edit(Fraction(2), Fraction(0)), Edit(Fraction(2), Fraction(3))]
    source = with_edits(whole, tmp_path / "parts.mp4", {0: parts, 1: parts})

    def lie(index: Any) -> Any:
        first, second = index.edit.parts
        later = replace(second, begin=second.begin - 5000, end=second.end - 5000)
        return arrange_parts(replace(index, edit=replace(index.edit, parts=(first, later))))

    with monkeypatch.context() as patch:
        patch.setattr(indexed, "arrange", lie)
        report = streamify.transcode(source, tmp_path / "lie", **SETTINGS)
    assert len(report.source.video.edits) == 2  # type: ignore[union-attr]
    found = faults(source, tmp_path / "lie")
    assert any(fault.startswith("video/") and "picture" in fault for fault in found), found
    assert honest(source, tmp_path / "honest") == []


def two_languages(folder: Path) -> Path:
    for number in (0, 1):
        film(folder / f"{number}.mp4", melody(2, seed=number))
    out = folder / "two.mkv"
    ffmpeg("-i", folder / "0.mp4", "-i", folder / "1.mp4", "-map", "0", "-map", "1:a", "-c", "copy",
           "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra", out)  # fmt: skip
    return out


@pytest.mark.long
def test_a_track_that_the_plan_leaves_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = two_languages(tmp_path)

    def lie(audio: Any, audio_map: str | None) -> tuple[tuple[AudioFacts, ...], tuple[Note, ...]]:
        return arrange(audio, audio_map)[0][:1], ()

    with monkeypatch.context() as patch:
        patch.setattr(build, "arrange", lie)
        streamify.transcode(source, tmp_path / "lie", **SETTINGS)
    [fault] = faults(source, tmp_path / "lie")
    assert "audio stream 2 of the source (aac, fra) is in no track" in fault
    assert honest(source, tmp_path / "honest") == []
    streamify.transcode(source, tmp_path / "chosen", **SETTINGS, audio_map="2")
    assert faults(source, tmp_path / "chosen") == []


@pytest.mark.long
def test_a_track_that_begins_late_and_that_the_plan_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cases: Path
) -> None:
    source = cases / "audio_joins_later.ts"
    with monkeypatch.context() as patch:
        patch.setattr(build, "arrange", lambda *_: ((), ()))
        report = streamify.transcode(source, tmp_path / "lie", **SETTINGS)
    assert all(one.kind == "video" for one in report.tracks)
    [fault] = faults(source, tmp_path / "lie")
    assert "the source has 1 audio streams later on, 0 became tracks" in fault


def test_other_pictures_than_those_that_are_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large, source = (tmp_path / name for name in ("small.mp4", "large.mp4", "both.mkv"))
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=128x72:r=25:d=2", small)
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=214x120:r=25:d=2", large)
    ffmpeg("-i", large, "-i", small, "-map", "0", "-map", "1", "-c", "copy", source)
    told = choice._rank
    with monkeypatch.context() as patch:
        patch.setattr(choice, "_rank", lambda stream: tuple(-int(one) for one in told(stream)))
        streamify.transcode(source, tmp_path / "lie", **SETTINGS)
    found = faults(source, tmp_path / "lie")
    assert any("the pictures are those of video stream 1; by the source it is video stream 0" in one for one in found)
    assert honest(source, tmp_path / "honest") == []


@pytest.mark.parametrize("deed", [["crop=194:120:10:0", "scale=214:120"], ["crop=206:120:8:0", "pad=214:120:0:0"]])
def test_pictures_that_lie_elsewhere(deed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretched by a tenth, and moved: too little for the likeness of pictures to fall below its floor."""
    source, noise = tmp_path / "film.mp4", "color=gray:s=14x8:r=25:d=0.4,format=yuv420p,noise=c0s=40:all_seed=1"
    ffmpeg("-f", "lavfi", "-i", f"{noise},scale=214:120", source)
    made = _Maker.__call__

    def lie(self: _Maker, frame: VideoFrame) -> list[VideoFrame]:
        return [Chain(deed, None)(one) for one in made(self, frame)]

    settings = SETTINGS | {"ladder": rungs(120)}
    with monkeypatch.context() as patch:
        patch.setattr(_Maker, "__call__", lie)
        streamify.transcode(source, tmp_path / "lie", **settings)
    found = faults(source, tmp_path / "lie")
    assert any("as it should be" in fault for fault in found), found
    streamify.transcode(source, tmp_path / "honest", **settings)
    assert faults(source, tmp_path / "honest") == []
