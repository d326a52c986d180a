"""Captions in coded pictures: bytes written by hand, after ATSC A/53 part 4, CEA-608-E and CEA-708-E."""

from __future__ import annotations

import random

import pytest

from clips.captioned import NULL, PADDING, message, odd, packets, pair, pop_on
from streamify.bitstream.captions import DVD, cc_data, h264_sei, with_sei
from streamify.bitstream.channels import Channels

T35 = b"\xb5\x00\x31GA94\x03"
HELLO = pair(ord("H"), ord("e")) + PADDING


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg2"])
def test_read(codec: str) -> None:
    unit = message(codec, HELLO) + b"\x00\x00\x01\x65" + bytes(range(1, 90))
    assert cc_data(unit, escaped=codec != "mpeg2") == HELLO
    assert cc_data(unit + message(codec, NULL), escaped=codec != "mpeg2") == HELLO + NULL  # two fields in one packet


@pytest.mark.parametrize(
    "data",
    [
        b"",
        T35,
        T35 + b"\x42\xff\xfc",  # cut off
        T35 + b"\x02\xff" + HELLO,  # process_cc_data_flag is not set
        T35 + b"\x40\xff" + HELLO,  # no triple
        b"\xb5\x00\x31GA94\x06\x42\xff" + HELLO,  # bar data
        b"GA94\x03\x42\xff" + HELLO,
    ],
)
def test_what_is_none(data: bytes) -> None:
    assert cc_data(data, escaped=True) == b""


def test_line_21_of_dvds() -> None:
    """The first byte says that field 1 comes first; then pairs of fields, whose first byte is 0xFF or 0xFE."""
    fields = b"\xff\x94\x20" + b"\xfe\x80\x80" + b"\xff\x48\xe5" + b"\xfe\x80\x80"
    assert cc_data(DVD + b"\x84" + fields + b"\x00\x00\x01\x01", escaped=False) == bytes.fromhex(
        "fc9420fd8080fc48e5fd8080"
    )


@pytest.mark.parametrize("seed", range(4))
def test_written_and_read(seed: int) -> None:
    """Also where zeros stand in a row, and where there are more than one message holds."""
    numbers = random.Random(seed)
    triples = bytes(numbers.choice((0, 0, 1, 3, 0xFC)) for _ in range(3 * numbers.choice((1, 31, 32, 90))))
    unit = with_sei(b"\x00\x00\x00\x01\x67\x64\x00\x00\x00\x01\x65\x88", triples)
    assert unit.startswith(b"\x00\x00\x00\x01\x67\x64\x00\x00\x00\x01\x06")
    assert unit.endswith(b"\x00\x00\x00\x01\x65\x88")
    body = unit[unit.index(b"\x01\x06") + 1 : -6]
    assert not any(body[at : at + 2] == b"\0\0" and body[at + 2] <= 2 for at in range(len(body) - 2))
    assert cc_data(unit, escaped=True) == triples


def test_the_message_byte_by_byte() -> None:
    assert h264_sei(NULL) == bytes.fromhex("06 04 0e b50031 47413934 03 c1ff fc8080 ff 80")


def test_no_slice() -> None:
    with pytest.raises(ValueError, match="slice"):
        with_sei(b"\x00\x00\x01\x67\x64", NULL)


def names(*pictures: bytes) -> tuple[str, ...]:
    channels = Channels()
    for picture in pictures:
        channels.add(picture)
    return channels.names


def test_channels_of_line_21() -> None:
    assert names(*pop_on("Hi")) == ("CC1",)
    assert names(*pop_on("Hi", channel=1)) == ("CC2",)
    assert names(*pop_on("Hi"), *pop_on("Hola", field=1)) == ("CC1", "CC3")
    assert names(*pop_on("Hi", channel=1, field=1)) == ("CC4",)
    assert names(NULL, PADDING, bytes((0xF8, 0x94, 0x20))) == ()  # not valid
    assert names(pair(0x48, 0x69)) == ("CC1",)  # characters whose control code was before
    assert names(pair(0x14, 0x2A), pair(0x41, 0x42)) == ()  # a text, T1
    assert names(pair(0x01, 0x03, 1), pair(0x41, 0x42, 1), pair(0x0F, 0x1D, 1)) == ()  # extended data services


def test_services() -> None:
    """A packet of 4 bytes: header (sequence 0, size 2), block header (service, size)."""
    assert names(b"\xff\x02\x21" + b"\xfe\x41\x00") == ("SERVICE1",)
    assert names(b"\xff\x02\x61" + b"\xfe\x41\x00") == ("SERVICE3",)
    assert names(b"\xff\x03\xe2" + b"\xfe\x09\x41" + b"\xfe\x41\x00") == ("SERVICE9",)  # an extended number
    assert names(b"\xff\x02\x00" + b"\xfe\x00\x00") == ()
    assert names(*pop_on("Hi"), b"\xff\x02\x21\xfe\x41\x00") == ("CC1", "SERVICE1")
    assert names(b"".join(packets((1, b"A"), (2, b"BC")))) == ("SERVICE1", "SERVICE2")  # of one packet


def test_packets_over_pictures_in_the_order_of_decoding_make_no_service() -> None:
    """The start of one packet comes before the rest of another, whose letter "a" reads like a header of service 3."""
    start = b"\xff\x05\x21\xfe\x41\x00"
    rest = b"\xfe\x61\x41\xfe\x61\x41\xfe\x61\x41"
    assert names(start, rest) == ("SERVICE1",)


def test_parity() -> None:
    assert [odd(value) for value in (0x14, 0x20, 0x2F, 0)] == [0x94, 0x20, 0x2F, 0x80]
