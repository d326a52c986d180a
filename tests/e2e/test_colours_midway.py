"""Matrix, range and transfer that change midway: each part is converted by its own description, named, and judged."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.coloured import BT601, BT709, COLOURS, FULL601, FULL709, HLG, PQ, Tags, mux, shown
from e2e.driving import rungs, verify
from selection import sample
from streamify.errors import VerificationFailed
from streamify.media.video import look
from streamify.model.source import Colour

SETTINGS: dict[str, Any] = {
    "engine": "inline", "preset": "ultrafast", "segment_seconds": 1, "keyframe_seconds": 1,
    "ladder": rungs(64, crf=8, maxrate=3_000_000),
}  # fmt: skip
MUXERS = {"ts": "mpegts", "mkv": "matroska", "mp4": "mp4"}
GREYS = [(colour[1],) * 3 for colour in COLOURS]
"""What HDR parts show: grey of the light of each colour's green."""

PARTS: dict[str, tuple[list[Tags], list[str]]] = {
    "601 to 709": ([BT601, BT709, BT709], ["pictures of BT.709 from 1.000 s on, no longer BT.601"]),
    "709 to 601": ([BT709, BT709, BT601], ["pictures of BT.601 from 2.000 s on, no longer BT.709"]),
    "limited to full": ([BT709, FULL709], ["pictures of BT.709 in full range from 1.000 s on, no longer BT.709"]),
    "full 601 to limited": (
        [FULL601, BT709, BT709], ["pictures of BT.709 from 1.000 s on, no longer BT.601 in full range"]
    ),
    "PQ midway": (
        [BT709, PQ, BT709],
        ["pictures of BT.2020 PQ from 1.000 s on, no longer BT.709",
         "pictures of BT.709 from 2.000 s on, no longer BT.2020 PQ"],
    ),
    "PQ, then 601": ([PQ, PQ, BT601], ["pictures of BT.601 from 2.000 s on, no longer BT.2020 PQ"]),
    "601, then PQ": ([BT601, BT601, PQ], ["pictures of BT.2020 PQ from 2.000 s on, no longer BT.601"]),
}  # fmt: skip
WAYS = [(name, suffix) for name in PARTS for suffix in MUXERS]


def off(found: tuple[int, ...], wanted: tuple[int, ...]) -> int:
    return max(abs(one - two) for one, two in zip(found, wanted, strict=True))


@pytest.mark.parametrize(("name", "suffix"), sample(WAYS, ("full 601 to limited", "mp4"), ("601, then PQ", "mkv")))
def test_each_part_shows_its_colours(name: str, suffix: str, tmp_path: Path) -> None:
    parts, notes = PARTS[name]
    source = mux(tmp_path / f"a.{suffix}", parts, MUXERS[suffix])
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    pictures = shown(tmp_path / "dest" / report.tracks[0].folder / "playlist.m3u8")
    assert len(pictures) == 25 * len(parts)
    for number, picture in enumerate(pictures):
        wanted = GREYS if parts[number // 25].transfer == 16 else COLOURS
        near = 6 if wanted == GREYS else 4  # a step of 8-bit PQ is up to 4 levels of SDR
        assert max(map(off, picture, wanted)) <= near, (number, picture)
    assert [note.what for note in report.notes if "no longer" in note.what] == notes
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.parametrize("suffix", sample(["mp4", "mkv"], "mp4"))
def test_the_container_counts_where_the_bitstream_says_no_colours(suffix: str, tmp_path: Path) -> None:
    """As in ProRes of FFmpeg: its frames say "unspecified" of each. Decoders then forget what the container says."""
    said, source = mux(tmp_path / "said.mp4", [PQ], "mp4"), tmp_path / f"a.{suffix}"
    silent = "h264_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(said), "-c", "copy", "-bsf:v", silent, str(source)]
    subprocess.run(command, check=True, timeout=60)
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    for picture in shown(tmp_path / "dest" / report.tracks[0].folder / "playlist.m3u8"):
        assert max(map(off, picture, GREYS)) <= 6, picture  # a step of 8-bit PQ is up to 4 levels of SDR
    assert any(note.what == "HDR" for note in report.notes)
    assert verify(tmp_path / "dest", source).faults == ()


def test_hlg_midway_is_named_and_verified(tmp_path: Path) -> None:
    source = mux(tmp_path / "a.ts", [BT709, HLG], "mpegts")
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert any("BT.2020 HLG from 1.000 s on" in note.what for note in report.notes)
    assert verify(tmp_path / "dest", source).faults == ()


def test_a_part_that_does_not_say_has_the_colours_of_most(tmp_path: Path) -> None:
    parts = [BT601, Tags(6, 6, 1, silent=True)]
    source = mux(tmp_path / "a.ts", parts, "mpegts")
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    pictures = shown(tmp_path / "dest" / report.tracks[0].folder / "playlist.m3u8")
    assert max(off(one, two) for picture in pictures for one, two in zip(picture, COLOURS, strict=True)) <= 4
    assert not [note.what for note in report.notes if "no longer" in note.what]


@pytest.mark.parametrize("other", sample([BT601, PQ], BT601))
def test_verify_finds_a_part_with_the_colours_of_another(
    other: Tags, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = mux(tmp_path / "a.ts", [BT709, BT709, other], "mpegts")

    def of_most(_: look.Looks, __: object) -> Colour:
        return Colour(primaries=1, transfer=1, matrix=1)

    with monkeypatch.context() as patch:
        patch.setattr(look.Looks, "_colour", of_most)
        streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    with pytest.raises(VerificationFailed) as caught:
        verify(tmp_path / "dest", source)
    assert any("the colours of 25 pictures are not the source's" in one for one in caught.value.faults)
