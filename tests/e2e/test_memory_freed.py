"""A task leaves nothing of FFmpeg behind, also where Python looks for no garbage: workers carry out task after task."""

from __future__ import annotations

import gc
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import pytest
from av.frame import Frame

import streamify
from clips import coloured, dolby, fields
from clips.captioned import film
from e2e.driving import rungs, verify

NATIVE = (Frame, av.Packet, av.CodecContext, av.container.InputContainer, av.container.OutputContainer, av.filter.Graph)


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def progressive(path: Path) -> Path:
    return film(path / "a.ts", "h264", 50, "25", "-g", "10")  # each picture has user data: x264's own words


def surround(path: Path) -> Path:
    sound = ["-f", "lavfi", "-i", "sine,aformat=channel_layouts=5.1", "-t", "2", "-c:a", "ac3"]
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=25", *sound, path / "a.mkv"], check=True
    )
    return path / "a.mkv"


def interlaced(path: Path) -> Path:
    return fields.film(path / "a.ts", 100, "interlace=scan=tff", "-c:v", "mpeg2video", "-flags", "+ilme+ildct")


def hdr(path: Path) -> Path:
    return coloured.mux(path / "a.mp4", [coloured.PQ, coloured.HLG, coloured.BT709], "mp4")


def vision(path: Path) -> Path:
    return dolby.write_clip(path / "a.mkv", [None, dolby.Metadata(), dolby.Metadata()])


def alive() -> list[object]:
    return [native for native in gc.get_objects() if isinstance(native, NATIVE)]


@pytest.mark.parametrize("make", [progressive, surround, interlaced, hdr, vision])
def test_nothing_is_left(tmp_path: Path, no_collection: None, make: Callable[[Path], Path]) -> None:
    source = make(tmp_path)
    gc.collect()  # what made the source may leave something
    before = alive()  # held, so that no other object gets the address of one of them
    known = {id(native) for native in before}
    streamify.transcode(source, tmp_path / "s", engine="inline", preset="ultrafast", ladder=rungs(32, 48))
    verify(tmp_path / "s", source)
    assert [native for native in alive() if id(native) not in known] == []
