"""OBUs of Dolby Vision without trailing bits, put together by hand (AV1 specification, 5.3 and 6.7.2)."""

from __future__ import annotations

import pytest

from streamify.bitstream.av1 import with_trailing_bits

MESSAGE = b"\x04\xb5\x00\x3b\x00\x00\x08\x00"
"""Metadata by ITU-T T.35 of Dolby Laboratories."""
FRAME = b"\x32\x03abc"
"""An OBU of type 6 with its size."""


def metadata(body: bytes) -> bytes:
    return b"\x2a" + bytes((len(body),)) + body


def test_the_bits_are_added_and_the_size_grows() -> None:
    given = metadata(MESSAGE + b"\x12\x20\x00") + FRAME
    assert with_trailing_bits(given) == metadata(MESSAGE + b"\x12\x20\x00\x80") + FRAME


def test_a_size_of_two_bytes() -> None:
    given = b"\x2a\x7f" + MESSAGE + bytes(118) + b"\x01"
    assert with_trailing_bits(given) == b"\x2a\x80\x01" + given[2:] + b"\x80"


def test_the_last_unit_may_come_without_its_size() -> None:
    given = FRAME + b"\x28" + MESSAGE + b"\x12"
    assert with_trailing_bits(given) == FRAME + metadata(MESSAGE + b"\x12\x80")


@pytest.mark.parametrize(
    "given",
    [metadata(MESSAGE + b"\x12\x80") + FRAME,  # as it must be
     metadata(MESSAGE + b"\x12\x80\x00\x00") + FRAME,  # zeros may follow
     metadata(b"\x04\xb5\x00\x3c" + MESSAGE[4:] + b"\x12") + FRAME,  # of another provider
     FRAME,
     b"\x32" + bytes((len(MESSAGE),)) + MESSAGE,  # inside of a picture
     metadata(MESSAGE + b"\x12")[:-3],  # cut off
     b"\x2a" + b"\xff" * 12 + MESSAGE,  # a size without an end
     b""],
)  # fmt: skip
def test_all_else_stays_as_it_is(given: bytes) -> None:
    assert with_trailing_bits(given) is given
