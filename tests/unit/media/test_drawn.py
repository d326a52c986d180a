"""How words become bitmaps. Expected orders and places by hand; widths by FFmpeg's `drawtext`, which has FreeType."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from streamify.media.bitmaps.shown import Account, pixels_of, stretches
from streamify.media.drawn.block import Box, Sheet
from streamify.media.drawn.displays import DrawnCount, displays
from streamify.media.drawn.fonts import Faces, FontError, Fonts, check_font
from streamify.media.drawn.lines import rows
from streamify.media.drawn.marks import Line, read_marks
from streamify.media.drawn.stream import fitting_fonts
from streamify.media.text.spans import PLAIN
from streamify.model.cue import SourceCue

FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
CANVAS = (1280, 720)


@pytest.fixture(scope="module")
def data() -> bytes:
    return FONT.read_bytes()


@pytest.fixture(scope="module")
def sheet(data: bytes) -> Sheet:
    return Sheet([data], CANVAS)


def line(text: str) -> Line:
    return Line(text, [PLAIN] * len(text))


def drawn_text(text: str, data: bytes, size: float = 40) -> str:
    """Return the characters of a line from left to right, by their glyphs."""
    fonts = Fonts(Faces([data]), size)
    (row,), _ = rows(line(text), fonts, 10_000)
    font = fonts.font(0, bold=False, italic=False)
    names = {font.get_nominal_glyph(ord(char)): char for char in text}
    ordered = sorted(row.glyphs, key=lambda glyph: glyph.x)
    return "".join(names.get(glyph.number, "?") for glyph in ordered)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("abc", "abc"),
        ("שלום", "םולש"),
        ("אב 12 גד", "דג 12 בא"),  # numbers from left to right
        ("say אבג now", "say גבא now"),
        ("אב (ok) גד", "דג (ok) בא"),  # brackets are mirrored
    ],
)
def test_from_right_to_left(data: bytes, text: str, wanted: str) -> None:
    assert drawn_text(text, data) == wanted


def test_letters_are_joined_and_kerned(data: bytes) -> None:
    fonts = Fonts(Faces([data]), 40)
    (joined,), _ = rows(line("ببب"), fonts, 10_000)
    isolated = fonts.font(0, bold=False, italic=False).get_nominal_glyph(ord("ب"))
    assert isolated not in {glyph.number for glyph in joined.glyphs}  # initial, medial and final forms
    (pair,), _ = rows(line("AV"), fonts, 10_000)
    (a,), _ = rows(line("A"), fonts, 10_000)
    (v,), _ = rows(line("V"), fonts, 10_000)
    assert pair.width < a.width + v.width


def test_the_width_is_that_of_freetype(tmp_path: Path, data: bytes) -> None:
    text = "Hello world of words"
    (row,), _ = rows(line(text), Fonts(Faces([data]), 40), 10_000)
    shown = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=black:s=800x100:d=0.04", "-vf",
         f"drawtext=fontfile={FONT}:fontsize=40:fontcolor=white:x=10:y=20:text={text}", "-pix_fmt", "gray", "-f",
         "rawvideo", "-"], capture_output=True, check=True).stdout  # fmt: skip
    columns = np.where(np.frombuffer(shown, np.uint8).reshape(-1, 800).max(axis=0) > 100)[0]
    assert row.width == pytest.approx(columns[-1] - columns[0] + 1, rel=0.03)


def test_lines_are_broken_evenly_and_nowhere_else_than_allowed(data: bytes) -> None:
    fonts = Fonts(Faces([data]), 40)
    text = "one two three four five six seven eight nine ten eleven twelve"
    found, _ = rows(line(text), fonts, 800)
    assert len(found) == 2
    assert max(row.width for row in found) - min(row.width for row in found) < 200
    whole, _ = rows(line("W" * 100), fonts, 800)
    assert all(row.width <= 800 for row in whole)
    assert sum(len(row.glyphs) for row in whole) == 100
    _, missing = rows(line("a漢b字"), fonts, 800)
    assert missing == ["漢", "字"]


def test_marks_of_cues() -> None:
    found = read_marks("<c.yellow>a<i>b</i></c>&lt;<ruby>c<rt>d</rt></ruby>\n<v Bob>e</v>\n \n")
    assert [one.text for one in found.lines] == ["ab<c(d)", "e"]
    assert [(style.colour, style.italic) for style in found.lines[0].styles[:3]] == [
        ("yellow", False), ("yellow", True), (None, False),
    ]  # fmt: skip
    assert found.ruby


@pytest.mark.parametrize(
    ("settings", "across", "down"),
    [
        ("", 640, "bottom"),
        ("line:0", 640, "top"),
        ("line:50%", 640, "middle"),
        ("position:0% align:left", 64, "bottom"),
        ("position:100% align:right", 1216, "bottom"),
    ],
)
def test_places(sheet: Sheet, settings: str, across: int, down: str) -> None:
    drawn = sheet.draw(read_marks("some words"), settings, [])
    assert drawn is not None
    box = drawn.box
    at = {"left": box.left, "right": box.right}.get(settings[-4:].lstrip(":"), (box.left + box.right) // 2)
    at = box.right if settings.endswith("right") else at
    assert at == pytest.approx(across, abs=2)
    assert {"top": box.top == 36, "bottom": box.bottom == 720 - 36, "middle": abs(box.top + box.bottom - 720) < 4}[down]


def test_cues_of_one_time_stand_above_each_other(sheet: Sheet) -> None:
    first = sheet.draw(read_marks("first"), "", [])
    assert first is not None
    second = sheet.draw(read_marks("second"), "", [first.box])
    assert second is not None
    assert second.box.bottom <= first.box.top
    assert not Box(0, 0, 5, 5).meets(Box(5, 0, 9, 5))


def test_a_page_of_words_is_drawn_smaller_and_at_last_cut(sheet: Sheet) -> None:
    much = sheet.draw(read_marks("\n".join(["words"] * 9)), "", [])
    more = sheet.draw(read_marks("\n".join(["words"] * 99)), "", [])
    assert much is not None
    assert more is not None
    assert (much.cut, more.cut) == (False, True)
    assert much.box.bottom - much.box.top <= 720 * 0.45
    assert more.box.top >= 0


def test_what_is_shown_when_and_in_which_colours(sheet: Sheet) -> None:
    cues = [
        SourceCue(Fraction(1), Fraction(3), "white"),
        SourceCue(Fraction(2), Fraction(4), "<c.red>red</c> <c.lime>lime</c>"),
        SourceCue(Fraction(6), None, "to the next"),
        SourceCue(Fraction(7), Fraction(7), "never"),
        SourceCue(Fraction(99), Fraction(100), "behind"),
    ]
    found = list(stretches(displays(cues, sheet, CANVAS, DrawnCount(), Fraction(0), Fraction(9)), Account()))
    times = [(float(one.start), float(one.end or 0)) for one in found]
    assert times == [(1, 2), (2, 3), (3, 4), (6, 7)]
    _, white = pixels_of(found[0].bitmaps[0])
    assert {(255, 255, 255, 255), (0, 0, 0, 255), (0, 0, 0, 0)} <= set(white)
    solid = [{colour[:3] for colour in pixels_of(one)[1] if colour[3] == 255} for one in found[2].bitmaps]
    assert solid == [{(0, 0, 0)}, {(0, 255, 0)}, {(255, 0, 0)}]


def test_a_font_that_moves_backwards_does_no_harm(data: bytes) -> None:
    """AV is kerned by -131 units; with -32768 a line has less than no width."""
    table, bad = data.index(b"GPOS"), bytearray(data)
    start, size = struct.unpack(">II", data[table + 8 : table + 16])
    bad[start : start + size] = data[start : start + size].replace(struct.pack(">h", -131), struct.pack(">h", -32768))
    (row,), _ = rows(line("AVAV"), Fonts(Faces([bytes(bad)]), 40), 10_000)
    assert row.width < -1000
    drawn = Sheet([bytes(bad)], (320, 180)).draw(read_marks("AVAV <u>AVAV</u>"), "", [])
    assert drawn is not None
    assert all(0 <= one.x < one.x + one.width <= 320 and one.y + one.height <= 180 for one in drawn.bitmaps)


def test_fonts_of_a_source_that_are_too_many_or_too_large_are_named() -> None:
    many, notes = fitting_fonts((str(number), b"1") for number in range(18))
    assert ([name for name, _ in many], [note.what for note in notes]) == (
        [str(number) for number in range(16)], ["2 more fonts of the source: not used"],
    )  # fmt: skip
    large = [("a", 30), ("b", 33), ("c", 30), ("d", 5), ("e", 4)]
    some, notes = fitting_fonts((name, bytes(1_000_000 * size)) for name, size in large)
    assert [name for name, _ in some] == ["a", "c", "e"]
    assert [(note.what, note.why) for note in notes] == [
        ("font b of the source is not used", "it has more than 32 MB"),
        ("1 more font of the source: not used", "16 of 64 MB together are used at most"),
    ]


@pytest.mark.parametrize("keep", [0, 3, 100, 5000])
def test_damaged_fonts_are_refused(data: bytes, keep: int) -> None:
    with pytest.raises(FontError):
        check_font(data[:keep] + b"\xff" * 50)
    assert check_font(data) == "DejaVu Sans"


def test_fonts_with_flipped_bytes_do_no_harm(data: bytes) -> None:
    """What HarfBuzz does not refuse, it draws somehow, within the canvas."""
    for seed in range(12):
        bad = bytearray(data)
        for at in range(300 + seed * 977, len(bad), 40_009):
            bad[at] ^= 0xFF
        try:
            check_font(bytes(bad))
            drawn = Sheet([bytes(bad)], (320, 180)).draw(read_marks("Words <b>of</b> <i>harm</i>"), "", [])
        except FontError:
            continue
        if drawn is not None:
            assert all(one.x + one.width <= 320 and one.y + one.height <= 180 for one in drawn.bitmaps)
