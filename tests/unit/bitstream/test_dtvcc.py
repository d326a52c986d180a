"""Packets of CEA-708, written by hand after CTA-708-E, 5 and 6.2."""

from __future__ import annotations

import pytest

from clips.captioned import PADDING, packets, pair
from streamify.bitstream.dtvcc import Packets, dtvcc

START, DATA = b"\xff", b"\xfe"


def blocks(*triples: bytes) -> list[tuple[int, bytes]]:
    """Return what comes of triples that are given one by one."""
    found = Packets()
    return [block for triple in triples for block in found.of(triple)]


def test_a_packet_by_hand() -> None:
    """Sequence 1, four bytes (code 2): service 1 with two bytes, in two triples."""
    assert blocks(START + b"\x42\x22", DATA + b"Hi") == [(1, b"Hi")]


def test_blocks_of_several_services() -> None:
    # code 5: 10 bytes; service 1: "A"; service 2: "BC"; service 9 in an extended header: "D"; a null block
    triples = (START + b"\x05\x21", DATA + b"A\x42", DATA + b"BC", DATA + b"\xe1\x09", DATA + b"D\x00")
    assert blocks(*triples) == [(1, b"A"), (2, b"BC"), (9, b"D")]
    assert packets((1, b"A"), (2, b"BC"), (9, b"D")) == [*triples]


def test_line_21_and_padding_between_the_parts_of_a_packet() -> None:
    first, second = packets((1, b"Hi"))
    assert blocks(pair(0x14, 0x20), first, PADDING, pair(0x41, 0x42, 1), second) == [(1, b"Hi")]
    assert dtvcc(pair(0x14, 0x20) + first + PADDING + second) == first + second


def test_a_packet_of_128_bytes_has_the_code_0() -> None:
    body = b"".join(bytes((0x20 | 31,)) + bytes((0x41 + n,)) * 31 for n in range(3)) + bytes((0x20 | 30,)) + b"Z" * 30
    whole = b"\x00" + body
    assert len(whole) == 128
    triples = [(START if at == 0 else DATA) + whole[at : at + 2] for at in range(0, 128, 2)]
    assert [len(data) for _, data in blocks(*triples)] == [31, 31, 31, 30]


def test_what_is_cut_off_is_read_as_far_as_it_goes() -> None:
    found = Packets()
    first, second, *_ = packets((1, b"A"), (2, b"BCDEF"))
    assert list(found.of(first + second)) == []
    assert list(found.of(b"".join(packets((1, b"X"), sequence=1)))) == [(1, b"A"), (1, b"X")]
    assert (found.cut_off, found.missing) == (1, 0)


@pytest.mark.parametrize(("numbers", "lost"), [((0, 1, 2, 3, 0), 0), ((0, 2), 1), ((3, 2), 2), ((0, 0, 0), 0)])
def test_packets_that_are_missing_are_counted(numbers: tuple[int, ...], lost: int) -> None:
    found = Packets()
    for number in numbers:
        assert list(found.of(b"".join(packets((1, b"A"), sequence=number)))) == [(1, b"A")]
    assert (found.cut_off, found.missing) == (0, lost)


def test_before_the_first_start_nothing_is_read() -> None:
    assert blocks(DATA + b"\x21A", *packets((1, b"B"))) == [(1, b"B")]
