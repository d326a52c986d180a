"""The second reader of captions keeps few packets, however long the film is, and puts them in the order of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import count, islice

from streamify.media.text.witness_captions import in_order

PADDING = b"\xfc\x80\x80"


def word(number: int) -> bytes:
    return bytes((0xFC, 0x20 + number % 64, 0x20))


def test_a_film_without_end_begins_at_once() -> None:
    def packets() -> Iterator[tuple[Fraction, bytes]]:
        """Four pictures in the order of decoding: the last one first; padding between words."""
        for group in count():
            for number in (3, 1, 0, 2):
                at = 4 * group + number
                yield Fraction(at, 60), word(at) if at % 3 == 0 else PADDING

    found = list(islice(in_order(packets()), 300))
    assert found == [(Fraction(at, 60), word(at)) for at in range(0, 900, 3)]


def test_where_the_clock_jumps_it_goes_on_behind_what_was_before() -> None:
    said = [(Fraction(at), word(at)) for at in (100, 102, 101, 5, 7, 6)]
    assert list(in_order([*said, (Fraction(8), PADDING)])) == [
        *((Fraction(at), word(at)) for at in (100, 101, 102, 5, 6, 7)), (Fraction(8), b"")
    ]  # fmt: skip
    assert list(in_order([])) == [(Fraction(0), b"")]
