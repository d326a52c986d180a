"""The time of a probe grows with the bytes, and not with their square, whatever a container may hold many of."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction

import pytest

from fuzz.mutate import clip
from growth import assert_linear
from streamify.errors import SourceError
from streamify.media.source.probe import probe_source
from streamify.model.source import SourceRef
from streamify.planning.rate import fit_rate

MOOF = struct.pack(">I4sI4sII", 24, b"moof", 16, b"mfhd", 0, 1) + b"\0\0\0\x08mdat"


def behind(name: str, piece: bytes) -> Callable[[int], bytes]:
    """Return a clip with as many pieces behind it as take some bytes."""
    return lambda size: clip(name) + piece * (size // len(piece))


def before(name: str, mark: bytes, piece: bytes) -> Callable[[int], bytes]:
    """Return a clip with pieces in front of a mark."""

    def make(size: int) -> bytes:
        data = clip(name)
        at = data.index(mark)
        return data[:at] + piece * (size // len(piece)) + data[at:]

    return make


def in_moov(size: int) -> bytes:
    data = clip("mp4")
    at = data.index(b"moov") - 4
    (length,) = struct.unpack_from(">I", data, at)
    more = b"\0\0\0\x08udta" * (size // 8)
    return data[:at] + struct.pack(">I", length + len(more)) + data[at + 4 : at + length] + more + data[at + length :]


WORST: dict[str, Callable[[int], bytes]] = {
    "chunks of an AVI": before("avi", b"LIST", b"JUNK\0\0\0\0"),
    "parts of an AVI": behind("avi", b"RIFF\4\0\0\0AVIX"),
    "lists of an AVI": behind("avi", b"LIST\4\0\0\0movi"),
    "empty pictures of an AVI": before("avi", b"idx1", b"00dc\0\0\0\0"),
    "RF64 in RF64": lambda size: b"RF64\4\0\0\0WAVE" * (size // 12),
    "void elements": behind("mkv", b"\xec\x80"),
    "empty clusters": before("mkv", b"\x1f\x43\xb6\x75", b"\x1f\x43\xb6\x75\x83\xe7\x81\0"),
    "empty blocks": behind("mkv", b"\xa3\x85\x81\0\0\0\0"),
    "top-level boxes": behind("mp4", b"\0\0\0\x08free"),
    "fragments": behind("fmp4", MOOF),
    "boxes of a moov": in_moov,
    "noise in a transport stream": behind("ts", bytes(range(1, 189))),
    "null packets": behind("ts", b"G\x1f\xff\x10" + b"\xff" * 184),
    "padding of a program stream": behind("ps", b"\0\0\1\xbe\0\2xx"),
    "packs of a program stream": behind("ps", b"\0\0\1\xba\x44\0\4\0\4\1\0\0\3\xf8"),
    "pages of an Ogg": behind("ogg", b"OggS\0\0" + bytes(8) + b"\1" + bytes(12)),
    "tags of an FLV": behind("flv", b"\x12\0\0\0" + bytes(7) + b"\0\0\0\x0b"),
}


def probing(data: bytes) -> Callable[[], None]:
    ref = SourceRef(key="x", size=len(data), version="", identity="")

    def probe() -> None:
        with suppress(SourceError):
            probe_source(lambda: io.BytesIO(data), ref, fit_rate, long_sound=Fraction(60))

    return probe


@pytest.mark.parametrize("what", WORST)
def test_the_time_grows_with_the_bytes(what: str) -> None:
    assert_linear(lambda size: probing(WORST[what](size)), 40_000)
