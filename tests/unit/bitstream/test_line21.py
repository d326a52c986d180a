"""What line 21 shows, by sequences written by hand after CEA-608-E; what is expected is worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from clips.captioned import NULL, PADDING, pair
from streamify.bitstream.line21 import Pairs, Pen, Screen

Codes = list[tuple[int, int]]

RCL, BS, DER, RU2, RU3, RU4, RDC, TR = ((0x14, code) for code in (0x20, 0x21, 0x24, 0x25, 0x26, 0x27, 0x29, 0x2A))
EDM, CR, ENM, EOC = ((0x14, code) for code in (0x2C, 0x2D, 0x2E, 0x2F))
ROW_1, ROW_14, ROW_15 = (0x11, 0x40), (0x14, 0x40), (0x14, 0x60)
ROW_15_INDENT_8 = (0x14, 0x74)


def text(words: str) -> Codes:
    data = words.encode("ascii") + b"\0" * (len(words) % 2)
    return list(zip(data[::2], data[1::2], strict=True))


def shown(*codes: tuple[int, int]) -> list[tuple[int, int, str]]:
    """Return number, first column and words of the rows on the screen."""
    screen = Screen()
    for code in codes:
        screen.feed(*code)
    return [(row.number, row.column, "".join(char for char, _ in row.cells)) for row in screen.rows()]


@pytest.mark.parametrize(
    ("codes", "rows"),
    [
        ([RCL, ENM, ROW_15, *text("Hidden")], []),  # until EOC
        ([RCL, ENM, ROW_15, *text("Hi"), EOC], [(15, 0, "Hi")]),
        ([RCL, ROW_15, *text("One"), EOC, RCL, ENM, ROW_1, *text("Two"), EOC], [(1, 0, "Two")]),
        ([RCL, ROW_15, *text("One"), EOC, EDM], []),
        ([RCL, ROW_15, *text("One"), EOC, EOC], []),  # the other memory, which is empty
        ([RCL, ROW_14, *text("Two"), ROW_15_INDENT_8, *text("rows"), EOC], [(14, 0, "Two"), (15, 8, "rows")]),
        ([RDC, ROW_15_INDENT_8, (0x17, 0x23), *text("Tab")], [(15, 11, "Tab")]),
        ([RDC, ROW_15, *text("at once")], [(15, 0, "at once")]),
        ([RDC, ROW_15, *text("abcd"), BS, BS, *text("x")], [(15, 0, "abx")]),
        ([RDC, ROW_15, *text("abcd"), ROW_15, (0x17, 0x22), DER], [(15, 0, "ab")]),
        ([RDC, ROW_15, *text("x" * 40), *text("yz")], [(15, 0, "x" * 31 + "z")]),  # the last column is written over
        ([RDC, ROW_15, *text("a"), (0x13, 0x34)], [(15, 0, "ß")]),  # an extended character takes the place before it
        ([RDC, ROW_15, *text("a"), (0x12, 0x20), (0x11, 0x37)], [(15, 0, "Á♪")]),
        ([RDC, ROW_15, *text("'*\\^_`{|}~")], [(15, 0, "\u2019áéíóúç÷Ññ")]),
        ([RDC, ROW_15, (0x11, 0x2E), *text("it")], [(15, 1, "it")]),  # a mid-row code takes a column
        ([RDC, ROW_15, *text("a"), (0x11, 0x39), *text("b")], [(15, 0, "a\u00a0b")]),  # transparent space
        ([RU2, CR, *text("one"), CR, *text("two")], [(14, 0, "one"), (15, 0, "two")]),
        ([RU2, CR, *text("one"), CR, *text("two"), CR, *text("three")], [(14, 0, "two"), (15, 0, "three")]),
        (
            [RU4, *text("1 "), CR, *text("2 "), CR, *text("3 "), CR, *text("4 "), CR, *text("5 ")],
            [(12, 0, "2"), (13, 0, "3"), (14, 0, "4"), (15, 0, "5")],
        ),
        (
            [RU4, *text("1 "), CR, *text("2 "), CR, *text("3 "), RU2],
            [(14, 0, "2"), (15, 0, "3")],
        ),
        (
            [RU3, *text("1 "), CR, *text("2 "), ROW_1],
            [(1, 0, "2")],
        ),  # the window moves; there is no row above the first
        ([RCL, ROW_1, *text("pop"), EOC, RU2, *text("roll")], [(15, 0, "roll")]),  # roll-up clears both memories
        ([RU2, *text("roll"), RCL, ROW_1, *text("pop")], [(15, 0, "roll")]),
        ([RCL, ROW_15, *text("pop"), CR, EOC], [(15, 0, "pop")]),  # no carriage return but in roll-up
        ([ROW_15, *text("cut off"), EOC], [(15, 0, "cut off")]),  # the film was cut behind RCL
    ],
)
def test_screen(codes: Codes, rows: list[tuple[int, int, str]]) -> None:
    assert shown(*codes) == rows


@pytest.mark.parametrize(
    ("codes", "row"),
    [
        (code, row)
        for first, upper, lower in [
            (0x11, 1, 2), (0x12, 3, 4), (0x15, 5, 6), (0x16, 7, 8), (0x17, 9, 10), (0x13, 12, 13), (0x14, 14, 15),
        ]
        for code, row in [((first, 0x40), upper), ((first, 0x60), lower)]
    ]
    + [((0x10, 0x40), 11)],
)  # fmt: skip
def test_rows_of_addresses(codes: tuple[int, int], row: int) -> None:
    """CEA-608-E, table 53."""
    assert shown(RDC, codes, *text("x"))[0][0] == row


def test_pens() -> None:
    """Colours and slant of addresses and mid-row codes; a colour ends the slant (8.2)."""
    screen = Screen()
    codes = [
        RDC,
        (0x14, 0x6F),
        *text("a"),
        (0x11, 0x24),
        *text("b"),
        (0x11, 0x2E),
        *text("c"),
        (0x11, 0x21),
        *text("d"),
    ]
    for code in codes:
        screen.feed(*code)
    assert [pen for char, pen in screen.rows()[0].cells if char != " "] == [
        Pen(italic=True, underline=True), Pen("blue"), Pen("blue", italic=True), Pen(underline=True),
    ]  # fmt: skip


def heard(*triples: bytes, step: Fraction = Fraction(1, 30)) -> list[tuple[str, int, int]]:
    """Return what reaches the channels of pictures, one triple or more each."""
    pairs = Pairs()
    return [found for number, one in enumerate(triples) for found in pairs.of(number * step, one)]


def test_repetitions() -> None:
    twice = [pair(0x14, 0x2D), pair(0x14, 0x2D)]
    assert heard(*twice) == [("CC1", *CR)]
    assert heard(*twice, *twice) == [("CC1", *CR)] * 2
    assert heard(twice[0], NULL, twice[1]) == [("CC1", *CR)]  # as at 60 pictures a second
    assert heard(twice[0], pair(0x41, 0), twice[1]) == [("CC1", *CR), ("CC1", 0x41, 0), ("CC1", *CR)]
    assert heard(twice[0], *[NULL] * 20, twice[1]) == [("CC1", *CR)] * 2
    assert heard(pair(0x41, 0x41), pair(0x41, 0x41)) == [("CC1", 0x41, 0x41)] * 2  # characters are not repeated
    assert heard(pair(0x14, 0x2D) + pair(0x15, 0x2D, 1)) == [("CC1", *CR), ("CC3", *CR)]  # each field by itself


def test_channels() -> None:
    assert heard(pair(0x14, 0x20), pair(0x41, 0x42), pair(0x1C, 0x20), pair(0x43, 0x44)) == [
        ("CC1", *RCL), ("CC1", 0x41, 0x42), ("CC2", *RCL), ("CC2", 0x43, 0x44),
    ]  # fmt: skip
    assert heard(pair(0x15, 0x20, 1) + pair(0x14, 0x20), pair(0x1D, 0x2F, 1)) == [
        ("CC3", *RCL), ("CC1", *RCL), ("CC4", *EOC),
    ]  # fmt: skip
    assert heard(pair(0x13, 0x34), pair(0x1B, 0x34)) == [("CC1", 0x13, 0x34), ("CC2", 0x13, 0x34)]
    assert heard(PADDING, b"\xf8\x94\x20") == []  # not valid, or of CEA-708


def test_texts_and_data_services_are_no_captions() -> None:
    """T1 shares the field of CC1; a programme's name (XDS) that of CC3, in between."""
    assert heard(pair(*TR), pair(0x41, 0x42), pair(*RCL), pair(0x43, 0x44)) == [("CC1", *RCL), ("CC1", 0x43, 0x44)]
    name = [pair(0x01, 0x03, 1), pair(0x53, 0x74, 1), pair(0x0F, 0x1D, 1)]
    assert heard(pair(0x15, 0x29, 1), *name, pair(0x41, 0x42, 1)) == [("CC3", *RDC), ("CC3", 0x41, 0x42)]
    assert heard(pair(0x01, 0x03, 1), pair(0x53, 0x74, 1), pair(0x15, 0x29, 1), pair(0x41, 0, 1)) == [
        ("CC3", *RDC), ("CC3", 0x41, 0),
    ]  # fmt: skip
    assert heard(pair(0x53, 0x74, 1)) == []  # of no channel that was named


def test_parity_is_counted() -> None:
    pairs = Pairs()
    assert list(pairs.of(Fraction(0), b"\xfc\x14\x20" + pair(0x41, 0x42))) == [("CC1", *RCL), ("CC1", 0x41, 0x42)]
    assert pairs.wrong == 1  # 0x20 has an odd number of ones
