"""Fragments that claim millions of samples are refused before FFmpeg makes room for them."""

from __future__ import annotations

import io
import struct
from contextlib import nullcontext
from pathlib import Path

import pytest

from clips.probing import probe
from fuzz.mutate import clip
from streamify.errors import SourceError
from streamify.media.source.runs import refuse_runs

CLAIMED = 60_000_000
"""Samples; FFmpeg takes 2.2 GB for them."""


def claiming(data: bytes, number: int) -> bytes:
    """Return a fragmented film of which a run claims samples without a word about each (8.8.8)."""
    at = [at for at in range(len(data)) if data.startswith(b"trun", at)][number]
    forged = bytearray(data)
    forged[at + 5 : at + 8] = b"\0\0\1"  # only the offset of the data is given
    struct.pack_into(">I", forged, at + 8, CLAIMED)
    return bytes(forged)


def box(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">I4s", len(body) + 8 if size is None else size, kind) + body


RUN = box(b"trun", struct.pack(">III", 1, CLAIMED, 0))
FRAGMENT = box(b"moof", box(b"traf", RUN))


@pytest.mark.parametrize("number", [0, -1], ids=["first", "last"])
def test_runs_of_too_many_samples(number: int, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(claiming(clip("fmp4"), number))
    with pytest.raises(SourceError, match="claim 600000") as caught:
        probe(path)
    assert (caught.value.code, caught.value.exit_code) == ("source-claims-too-much", 3)


def test_fragments_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(clip("fmp4"))
    assert probe(path).video is not None


@pytest.mark.parametrize(
    "data",
    [
        FRAGMENT + box(b"junk", b"", size=4) + bytes(100),
        box(b"moof", box(b"traf", RUN) + box(b"free", bytes(1 << 20))),
        box(b"moof", box(b"traf", RUN + box(b"junk", b"", size=4))),
        box(b"moof", box(b"traf", box(b"junk", b"", size=4)) + box(b"traf", RUN)),
        box(b"moof", box(b"traf", RUN, size=1 << 20)),
        box(b"moof", b"") * 20_001 + FRAGMENT,
    ],
    ids=["junk-behind", "long", "junk-inside", "junk-in-front", "reaches-past-its-end", "many"],
)
def test_every_run_that_ffmpeg_reaches_is_counted(data: bytes) -> None:
    with pytest.raises(SourceError, match=f"claim {CLAIMED}"):
        refuse_runs(io.BytesIO(data), len(data))


@pytest.mark.parametrize("end", range(len(FRAGMENT)))
def test_fragments_that_are_cut_off(end: int) -> None:
    """Up to the last byte of the number nothing is claimed."""
    claims = nullcontext() if end < len(FRAGMENT) - 4 else pytest.raises(SourceError)
    with claims:
        refuse_runs(io.BytesIO(FRAGMENT[:end]), end)
