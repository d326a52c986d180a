"""Fragmented MP4 whose moov lists samples, too, with an edit that has no length."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from clips.probing import probe
from streamify.mp4.boxes import box, find, first, full_box


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds, of which the moov lists the first; two pictures wait for those behind them."""
    path = tmp_path_factory.mktemp("hybrid") / "film.mp4"
    source = ("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=2", "-pix_fmt", "yuv420p")
    coded = ("-c:v", "libx264", "-bf", "2", "-g", "25", "-video_track_timescale", "12800")
    command = ["ffmpeg", "-nostdin", "-v", "error", *source, *coded, "-movflags", "frag_keyframe", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.read_bytes()


def with_edit(film: bytes, begin: int, length: int) -> bytes:
    """Give the track an edit, in front of its media, and move what is behind it (ISO/IEC 14496-12, 8.6.6)."""
    edts = box(b"edts", full_box(b"elst", 0, 0, struct.pack(">IIiI", 1, length, begin, 1 << 16)))
    data = bytearray(film)
    assert not list(find(film, "moov/trak/edts"))
    for stco in find(film, "moov/trak/mdia/minf/stbl/stco"):
        (count,) = struct.unpack_from(">I", data, stco.body + 4)
        for at in range(stco.body + 8, stco.body + 8 + 4 * count, 4):
            struct.pack_into(">I", data, at, struct.unpack_from(">I", data, at)[0] + len(edts))
    for tfhd in find(film, "moof/traf/tfhd"):
        assert data[tfhd.body + 3] & 1, "an offset in the file"
        (offset,) = struct.unpack_from(">Q", data, tfhd.body + 8)
        struct.pack_into(">Q", data, tfhd.body + 8, offset + len(edts))
    for path in ("moov", "moov/trak"):
        whole = first(film, path)
        struct.pack_into(">I", data, whole.start, whole.size + len(edts))
    at = first(film, "moov/trak/tkhd").end
    data[at:at] = edts
    return bytes(data)


@pytest.mark.parametrize("hidden", [0, 12])
def test_an_edit_without_length_runs_to_the_end(hidden: int, film: bytes, tmp_path: Path) -> None:
    """FFmpeg shows none of the samples that the moov lists: 25 of 50 pictures were published."""
    assert b"mvex" in film
    assert first(film, "moov/trak/mdia/minf/stbl/stsz").size > 20
    path = tmp_path / "a.mp4"
    path.write_bytes(with_edit(film, 1024 + 512 * hidden, 0))
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, facts.video.rate) == (50 - hidden, Fraction(25))
