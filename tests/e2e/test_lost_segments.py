"""A hole that takes all pictures of a segment: the last one before it stands, and what is lost is named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

import streamify
from clips.identity import decode_track
from clips.numbered import encode
from e2e.driving import published, rungs, verify
from e2e.test_zeroed import MPEG2, VP9, X264, named
from streamify.errors import TasksFailed

COUNT = 150
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(96), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast",
    "thumbnails": "off", "poster": "off",
}  # fmt: skip
X265 = {
    "preset": "ultrafast",
    "x265-params": "keyint=25:min-keyint=25:open-gop=0:log-level=none:pools=none:frame-threads=1",
}
CLOSED = MPEG2 | {"g": "25", "sc_threshold": "1000000000", "flags": "+cgop"}
FILMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "hevc.mp4": ("libx265", "mp4", X265),
    "hevc.mkv": ("libx265", "matroska", X265),
    "h264.mp4": ("libx264", "mp4", X264),
    "mpeg2.mkv": ("mpeg2video", "matroska", CLOSED),
    "vp9.webm": ("libvpx-vp9", "webm", VP9),
}


@pytest.fixture(params=[pytest.param(name, marks=[] if name == "hevc.mp4" else [pytest.mark.long]) for name in FILMS])
def film(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A film of 6 s in which each second begins with a keyframe and can be decoded by itself."""
    encoder, muxer, options = FILMS[request.param]
    return encode(tmp_path / request.param, range(COUNT), encoder, muxer, options)


def blank(film: Path, first: int, last: int) -> None:
    """Overwrite the packets of some pictures with zeros."""
    data = bytearray(film.read_bytes())
    with av.open(str(film)) as container:
        packets = [(one.pts * one.time_base, bytes(one)) for one in container.demux(video=0) if one.pts is not None]
    origin = min(time for time, _ in packets)
    for time, packet in packets:
        if first <= round((time - origin) * 25) <= last:
            at = data.index(packet)
            data[at : at + len(packet)] = bytes(len(packet))
    film.write_bytes(data)


@pytest.mark.parametrize(("first", "last"), [(75, 99), (50, 99), (125, 149)])
def test_the_picture_before_stands(film: Path, first: int, last: int, tmp_path: Path) -> None:
    blank(film, first, last)
    report = streamify.transcode(film, tmp_path / "dest", **SETTINGS)
    found = report.certificate
    lost = last - first + 1
    segments = lost // 25
    assert (found.promised, found.decoded, len(found.lost), found.duplicated) == (COUNT, COUNT - lost, lost, segments)
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    expected = [(Fraction(number, 25), number) for number in range(COUNT) if not first <= number <= last]
    expected += [(Fraction(at, 25), first - 1 if first else last + 1) for at in range(first, last + 1, 25)]
    assert shown == sorted(expected)
    spans = named(report.notes)
    assert all(any(a - 0.001 <= at / 25 <= b + 0.001 for a, b in spans) for at in range(first, last + 1)), report.notes
    assert report.tracks[0].duration == Fraction(COUNT, 25)
    assert verify(tmp_path / "dest", film).faults == ()


def test_beyond_the_limit_it_is_too_many(film: Path, tmp_path: Path) -> None:
    blank(film, 50, 125)
    with pytest.raises(TasksFailed) as caught:
        streamify.transcode(film, tmp_path / "dest", **SETTINGS)
    assert [one.code for one in caught.value.failures] == ["too-many-lost"]
    assert caught.value.exit_code == 4
    assert published(tmp_path / "dest") == []
