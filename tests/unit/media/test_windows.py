"""A window decoded through `locate` shows exactly what decoding the whole file from its start shows."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import av
import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from clips.corpus import DAMAGED, UNDECODABLE, clips, decode, digest, parameters
from clips.indexed import index_of
from streamify.media.source.entering import open_splice, packets_from
from streamify.media.source.splice import SplicedFile
from streamify.media.source.video_index import VideoIndex

HEAVY = 1_300_000_000
"""Samples of luma; of what has more only the beginning is decoded, so that the whole corpus takes a minute."""

ACCESS = {
    "avi_mpeg4_mp3_23976.avi": "whole",
    "cea608_frag_2997.mp4": "spliced",
    "flv_h264.flv": "whole",
    "frag_flower_2997.mp4": "spliced",
    "frag_sidx_1080p_20s.mp4": "spliced",
    "nat_vtest_79s.avi": "whole",
    "ps_city_cc0.mpg": "whole",
    "rot_m90_start83ms_fmp4.mp4": "spliced",
}
"""What is not told by the name: .ts, .mkv and .webm are spliced, other .mp4, .mov and .3gp are sliced."""


@pytest.mark.parametrize("name", parameters(path.name for path in clips()))
def test_windows_show_what_the_whole_file_shows(name: str, corpus: Path) -> None:
    path = corpus / name
    number, pixels = _stream(path)
    with path.open("rb") as file:
        index = index_of(file, path.stat().st_size, number)
        expected = "spliced" if path.suffix in (".ts", ".mkv", ".webm") else "sliced"
        assert index.access == ACCESS.get(path.name, expected)
        assert index.end > index.pts[-1]
        heavy = pixels * len(index.pts) > HEAVY or pixels > 4_000_000
        windows = list(_windows(index, heavy))
        wanted = _linear(path, number, windows, heavy)
        decoded = sorted(wanted)
        if not heavy:
            assert len(set(index.pts) - set(decoded)) == UNDECODABLE.get(path.name, 0)
        assert set(decoded) <= set(index.pts)
        for start, end in windows:
            stop = end if end is not None else index.end
            reference = {pts: wanted[pts] for pts in decoded if start <= pts < stop}
            after = [pts for pts in decoded if pts >= stop][:2]
            shown = _through_splice(file, path, number, index, start, end, after)
            if path.name not in DAMAGED:
                assert reference
                assert shown == reference


def _stream(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return video.index, video.width * video.height


def _windows(index: VideoIndex, heavy: bool) -> Iterator[tuple[int, int | None]]:
    """Windows of 1 s: the first, three inside, and the last; of a heavy file three of 0.3 s near its start."""
    pts = index.pts
    length = max(int((Fraction(3, 10) if heavy else 1) / index.time_base), 1)
    places: tuple[int, ...] = (
        (0, len(pts) // 8, len(pts) // 5) if heavy else (0, len(pts) // 3, len(pts) // 2, len(pts) * 5 // 6)
    )
    if len(pts) < 60:
        places = (0, len(pts) // 2)
    for place in places:
        start = pts[place]
        after = next((time for time in islice(pts, place, None) if time >= start + length), None)
        yield start, after
    if not heavy:
        yield pts[-min(len(pts), 5)], None


def _linear(path: Path, number: int, windows: list[tuple[int, int | None]], heavy: bool) -> dict[int, str]:
    """Decode from the start; hashes of the pictures in the windows, and an empty text for the others."""
    found: dict[int, str] = {}
    beyond = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.index == number
        for frame in decode(stream, container.demux(stream)):
            pts = frame.pts
            assert pts is not None
            assert pts not in found
            inside = any(start <= pts and (end is None or pts < end) for start, end in windows)
            found[pts] = digest(frame) if inside else ""
            beyond += all(end is not None and pts >= end for _, end in windows)
            if heavy and beyond > 2:
                break
    return found


def _through_splice(
    file: BinaryIO, path: Path, number: int, index: VideoIndex, start: int, end: int | None, after: list[int]
) -> dict[int, str]:
    found = index.locate(start, end)
    entries, splice = found.entries, found.splice
    assert 1 <= len(entries) <= 4
    assert sorted(entries, key=lambda entry: -entry.pts) == list(entries)
    assert (splice is not None) == (index.access != "whole")
    for entry in entries:
        if splice is None:
            container = av.open(str(path))
            stream = container.streams.video[0]
            packets = _after(container.demux(stream), entry.pts)
        else:
            container, stream = open_splice(SplicedFile(splice, file), splice, number)
            packets = packets_from(container, stream, entries, entry, sliced=index.access == "sliced")
        with container:
            pictures: dict[int, str] = {}
            later: list[int] = []
            for frame in decode(stream, packets):
                assert frame.pts is not None
                if start <= frame.pts and (end is None or frame.pts < end):
                    pictures[frame.pts] = digest(frame)
                elif end is not None and frame.pts >= end:
                    later.append(frame.pts)
                    if len(later) == 2:
                        break
        if min(pictures, default=None) == start:
            assert end is None or later == after
            return pictures
    raise AssertionError(f"no entry point of {entries} shows the picture at {start}")


def _after(packets: Iterator[Packet[VideoStream]], pts: int) -> Iterator[Packet[VideoStream]]:
    found = False
    for packet in packets:
        found = found or packet.pts == pts
        if found:
            yield packet
