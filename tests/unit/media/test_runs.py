"""Fragments that claim millions of samples are refused before FFmpeg makes room for them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from clips.probing import probe
from fuzz.mutate import clip
from streamify.errors import SourceError

CLAIMED = 60_000_000
"""Samples; FFmpeg takes 2.2 GB for them."""


def claiming(data: bytes, number: int) -> bytes:
    """Return a fragmented film of which a run claims samples without a word about each (8.8.8)."""
    at = [at for at in range(len(data)) if data.startswith(b"trun", at)][number]
    forged = bytearray(data)
    forged[at + 5 : at + 8] = b"\0\0\1"  # only the offset of the data is given
    struct.pack_into(">I", forged, at + 8, CLAIMED)
    return bytes(forged)


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
