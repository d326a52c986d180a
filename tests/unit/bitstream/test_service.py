"""Codes of a service of CEA-708, written by hand after CTA-708-E, 7 and 8."""

from __future__ import annotations

from fractions import Fraction

import pytest

from clips.captioned import window
from streamify.bitstream.service import Service
from streamify.bitstream.service_chars import is_korean, narrowed
from streamify.bitstream.service_window import Ink

EXT1, BS, FF, CR, HCR = b"\x10", b"\x08", b"\x0c", b"\x0d", b"\x0e"


def rows(*blocks: bytes, number: int = 0) -> list[str]:
    """Return the words of a window, row by row, after some blocks; each is of a picture, at 0, 1, 2 ... seconds."""
    service = Service()
    for time, block in enumerate(blocks):
        service.feed(Fraction(time), block)
    found = service.windows[number]
    return [] if found is None else ["".join(char for char, _ in line.cells) for line in found.lines()]


def test_words_in_two_rows() -> None:
    assert rows(window(), b"One" + CR + b"two") == ["One", "two"]


def test_without_a_window_nothing_is_written() -> None:
    assert rows(b"lost") == []
    assert rows(window(1), b"\x80" + b"lost" + b"\x81" + b"kept", number=1) == ["kept"]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (b"\x7f caf\xe9", "\u266a caf\xe9"),  # G0 has a note in place of DEL, G1 is Latin 1
        (EXT1 + b"\x33quoted" + EXT1 + b"\x34" + EXT1 + b"\x25", "\u201cquoted\u201d\u2026"),
        (b"a" + EXT1 + b"\x20b" + EXT1 + b"\x21c", "a b\xa0c"),  # transparent blanks
        (EXT1 + b"\x40" + EXT1 + b"\xa1" + EXT1 + b"\xa0", "__[CC]"),  # unknown characters of G2 and G3; an icon
        (b"a" + EXT1 + b"\x05" + b"b" + EXT1 + b"\x08x" + EXT1 + b"\x10xx" + EXT1 + b"\x18xxx" + b"c", "abc"),  # C2
        (b"a" + EXT1 + b"\x80xxxx" + EXT1 + b"\x88xxxxx" + EXT1 + b"\x90\x03xxx" + b"b", "ab"),  # C3
        (b"a\x11x\x17x\x19xx\x1fxxb", "ab"),  # unused codes of C0 have one or two bytes behind them
        (b"a\x00\x03b\x93\x96c", "abc"),  # NUL, ETX, and commands that nothing uses
        (b"abcd" + BS + BS + b"x", "abx"),
        (b"gone" + HCR + b"stays", "stays"),
        (b"gone" + FF + b"stays", "stays"),
        (b"ab\x92\x00\x05cd", "ab   cd"),  # SetPenLocation: row 0, column 5
    ],
)
def test_codes(codes: bytes, expected: str) -> None:
    assert rows(window(), codes) == [expected]


def test_a_code_goes_on_in_the_next_block() -> None:
    define = window()
    assert rows(define[:3], define[3:] + b"a" + EXT1, b"\x35b") == ["a\u2022b"]


def test_characters_of_16_bits() -> None:
    """Korea writes KS X 1001, others Unicode: the words of a service tell (bytes of "\ub2c8\uac00" in both)."""
    for codes in (b"\x18\xb4\xcf\x18\xb0\xa1", b"\x18\xb2\xc8\x18\xac\x00"):
        (text,) = rows(window(), codes)
        assert narrowed(text, korean=is_korean(text)) == "\ub2c8\uac00"
    assert not is_korean("plain")


def test_rows_roll_up() -> None:
    assert rows(window(rows=2), CR.join((b"one", b"two", b"three"))) == ["two", "three"]


def test_a_window_that_wraps_keeps_words_whole() -> None:
    assert rows(window(rows=3, columns=8, style=4), b"one two three") == ["one two ", "three"] or rows(
        window(rows=3, columns=8, style=4), b"one two three"
    ) == ["one two", "three"]


def test_pens() -> None:
    service = Service()
    # SetPenColor: red; SetPenAttributes: standard size, italic; then underlined, tag 15 (not to be shown)
    codes = window() + b"\x91\x30\x00\x00" + b"\x90\x01\x80" + b"r" + b"\x90\xf1\x40" + b"hidden" + b"\x90\x01\x00p"
    service.feed(Fraction(0), codes)
    found = service.windows[0]
    assert found is not None
    (line,) = found.lines()
    red = (255, 0, 0)
    assert line.cells[0] == ("r", Ink(red, italic=True))
    assert line.cells[-1] == ("p", Ink(red))
    assert "".join(char for char, _ in line.cells).replace(" ", "") == "rp"
    assert service.lost == set()
    service.feed(Fraction(1), b"\x90\x02\x01" + b"\x91\x70\x0c\x00" + b"\x97\x00\x00\x20\x00")
    assert service.lost == {"size", "font", "flashing", "background", "vertical writing"}


def test_windows_are_shown_hidden_toggled_cleared_and_deleted() -> None:
    service = Service()

    def shown() -> list[bool | None]:
        return [found.visible if found is not None else None for found in service.windows[:3]]

    service.feed(Fraction(0), window(0) + b"a" + window(1, visible=True) + b"b")
    assert shown() == [False, True, None]
    service.feed(Fraction(1), b"\x89\x01" + b"\x8a\x02")
    assert shown() == [True, False, None]
    service.feed(Fraction(2), b"\x8b\x07")
    assert shown() == [False, True, None]
    service.feed(Fraction(3), b"\x88\x02" + b"\x8c\x01")
    assert shown() == [None, True, None]
    assert service.windows[1] is not None
    assert service.windows[1].lines() == ()
    service.feed(Fraction(4), b"\x8f")
    assert shown() == [None, None, None]


def test_a_window_that_is_defined_again_keeps_its_words() -> None:
    assert rows(window(), b"kept", window(visible=True, style=0)) == ["kept"]


def test_a_delay_holds_what_follows() -> None:
    """For 1.5 s, until it is cancelled, or until 128 bytes are held."""
    delay, text = b"\x8d\x0f", b"late"
    assert rows(window() + delay + text) == []
    assert rows(window() + delay + text, b"") == []
    assert rows(window() + delay + text, b"", b"") == ["late"]
    assert rows(window() + delay + text + b"\x8e") == ["late"]
    assert rows(window() + delay, b"held" + b"\x00" * 125) == ["held"]


def test_a_delay_among_what_another_holds() -> None:
    """Both of 1.5 s: a cancel or reset ends both, time ends one after the other."""
    delay, text = b"\x8d\x0f", b"late"
    assert rows(window() + delay + delay + text + b"\x8e") == ["late"]
    assert rows(window() + delay + delay + text + b"\x8e" + b"r") == ["later"]
    assert rows(window() + delay + delay + text + b"\x8f") == []
    assert rows(window() + delay + delay + text, b"", b"") == []
    assert rows(window() + delay + delay + text, b"", b"", b"") == ["late"]
    service = Service()
    for time, block in ((0, window() + delay + delay + text), (9, b"")):
        service.feed(Fraction(time), block)
    assert service.windows[0] is not None
    assert service.windows[0].lines()
