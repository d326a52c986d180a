"""Tables of transport streams, packed by hand (ISO/IEC 13818-1, 2.4.4): those that apply, and many that are damaged."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import pytest

from streamify.media.source import transport
from streamify.media.source.transport import TS_PACKET, read_programmes, tables, types_before

MAP, VIDEO = 0x1000, 0x100
H264, HEVC = 0x1B, 0x24


def packet(pid: int, section: bytes) -> bytes:
    return (b"\x47" + (0x4000 | pid).to_bytes(2) + b"\x10\0" + section).ljust(TS_PACKET, b"\xff")


def section(kind: int, number: int, body: bytes, *, current: bool = True) -> bytes:
    """Return one section; no reader of ours checks the checksum."""
    head = struct.pack(">BHHBBB", kind, 0xB000 | len(body) + 9, number, 0xC0 | current, 0, 0)
    return head + body + bytes(4)


def pat(*numbers: int, current: bool = True) -> bytes:
    """Return a table whose programmes are all in one PID."""
    return packet(0, section(0, 1, b"".join(struct.pack(">HH", one, 0xE000 | MAP) for one in numbers), current=current))


def pmt(codec: int, *, kind: int = 2, current: bool = True) -> bytes:
    body = struct.pack(">HHBHH", 0xE000 | VIDEO, 0xF000, codec, 0xE000 | VIDEO, 0xF000)
    return packet(MAP, section(kind, 1, body, current=current))


@pytest.mark.parametrize("other", [pmt(HEVC, current=False), pmt(HEVC, kind=0xC0)], ids=["next", "private"])
def test_only_tables_that_apply_are_read(other: bytes) -> None:
    """A table may be sent before it applies (2.4.4.9, ``current_next_indicator``), and private ones beside it."""
    rest = packet(0x1FFF, b"") * 20
    data = rest + pat(1, current=False) + pat(1) + other + pmt(H264) + other + rest
    assert types_before(io.BytesIO(data), len(data)) == {VIDEO: H264}
    assert types_before(io.BytesIO(data), 0) == {VIDEO: H264}
    assert [programme.types for programme in read_programmes(io.BytesIO(data))] == [{VIDEO: H264}]
    assert tables(data) == pat(1) + pmt(H264)


def test_each_packet_of_damaged_tables_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sections that never end, in the PID of 40 programmes."""
    looked = 0
    whole = transport.section

    def counted(data: bytes, places: Sequence[int]) -> tuple[bytes, bytes] | None:
        nonlocal looked
        looked += len(places)
        return whole(data, places)

    monkeypatch.setattr(transport, "section", counted)
    data = pat(*range(1, 41)) + packet(MAP, b"\2\xb3\xff" + bytes(10)) * 300
    assert types_before(io.BytesIO(data), len(data)) == {}
    assert read_programmes(io.BytesIO(data)) == ()
    assert looked < 4 * 301
