"""Pages of teletext as words, beside what FFmpeg with libzvbi reads; the rest by the tables of EN 300 706."""

from __future__ import annotations

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from clips.teletext import _coded as coded
from clips.teletext import _header, _odd, _row, _unit, with_teletext
from streamify.bitstream.teletext import Page, TeletextReader, _triplet
from streamify.media.text.teletext import read_teletext, witnessed_teletext


def judged(path: Path) -> list[tuple[float, float, str]]:
    """Return start, end and words that libzvbi reads of page 888."""
    command = ["ffmpeg", "-v", "error", "-fix_sub_duration", "-txt_format", "text", "-txt_page", "888", "-copyts"]
    text = subprocess.run(
        [*command, "-i", str(path), "-map", "0:1", "-f", "srt", "-"], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"(\d+):(\d+):(\d+),(\d+) --> (\d+):(\d+):(\d+),(\d+)\n(.*?)\n\n", text, re.DOTALL)
    return [(seconds(one[:4]), seconds(one[4:8]), re.sub("<[^>]*>", "", one[8])) for one in found]


def seconds(told: tuple[str, ...]) -> float:
    hours, minutes, whole, thousandths = map(int, told)
    return hours * 3600 + minutes * 60 + whole + thousandths / 1000


@pytest.mark.parametrize(
    ("text", "option", "region", "marks", "words"),
    [
        ("Gr}~e aus K|ln", 1, None, [], "Grüße aus Köln"),
        ("{a va? o` @tes-vous?", 4, None, [], "âa va? oè àtes-vous?"),
        ("plain # $ @ [ ]", 0, None, [], "plain £ $ @ ← →"),
        ("Cafe nino", 0, None, [(20, 5, 0x12, "e"), (20, 9, 0x14, "n")], "Café niño"),
        ("a stroke", 0, None, [(20, 2, 0x0F, "x")], "ł stroke"),
    ],
)
def test_words_are_those_of_libzvbi(
    tmp_path: Path, text: str, option: int, region: int | None, marks: list[tuple[int, int, int, str]], words: str
) -> None:
    film = with_teletext(tmp_path / "a.ts", {"888": ("deu", 2)}, text, option, marks, region)
    [cue] = read_teletext(lambda: film.open("rb"), 1, {"888": "page"})["888"].cues
    [(start, end, theirs)] = judged(film)
    assert (cue.text, theirs.strip()) == (words, words)
    assert cue.end is not None
    assert float(cue.end - cue.start) == pytest.approx(end - start, abs=0.01)


def read(*units: bytes, pages: tuple[str, ...] = ("888",)) -> list[Page]:
    """Return the pages of packets that are 1 s apart."""
    reader = TeletextReader(pages)
    found = [page for at, unit in enumerate(units) for page in reader.read(b"\x10" + unit, Fraction(at))]
    return [*found, *reader.finish()]


def shown(pages: list[Page]) -> list[tuple[int, str]]:
    return [(int(one.at), "|".join("".join(char for char, _ in row).strip() for _, row in one.rows)) for one in pages]


def page(text: str = "", row: int = 20, number: str = "888", option: int = 0) -> bytes:
    return _unit(number, 0, _header(number, option)) + (_unit(number, row, _row(text)) if text else b"")


@pytest.mark.parametrize(
    ("region", "option", "codes", "words"),
    [
        (4, 4, "pRIWET", "пРИВЕТ"),
        (4, 5, "kIyV", "кИіЖ"),
        (6, 7, "aBCd", "αΒΓδ"),
        (1, 0, "[\\]", "ŻŚŁ"),
        (2, 6, "{", "ş"),
    ],
)
def test_alphabets_by_region(region: int, option: int, codes: str, words: str) -> None:
    designation = bytes((0x15,)) + coded(region << 10 | option << 7) + coded(0) * 12
    header = _unit("888", 0, _header("888", option))
    found = read(header + _unit("888", 28, designation) + _unit("888", 20, _row(codes)))
    assert shown(found) == [(0, words)]
    magazine = read(_unit("888", 29, designation) + header + _unit("888", 20, _row(codes)))
    assert shown(magazine) == [(0, words)]


def test_pages_end_with_the_next_of_their_magazine_and_keep_what_is_not_erased() -> None:
    other, elsewhere = page("other", number="801"), page("elsewhere", number="777")
    kept = bytearray(_header("888"))
    kept[3] = 0x15  # no erase
    more = _unit("888", 0, bytes(kept)) + _unit("888", 22, _row("second"))
    assert shown(read(page("first"), elsewhere, other, more, other, page(), other)) == [
        (0, "first"), (3, "first|second"), (5, ""),
    ]  # fmt: skip


def test_boxes_colours_and_mosaics() -> None:
    row = b"out\x0b\x0bin\x01red\x12ab@C\x07w\x0a\x0aout"
    found = read(_unit("888", 0, _header("888")) + _unit("888", 20, bytes(map(_odd, row.ljust(40)))))
    ((number, parts),) = found[0].rows
    assert number == 20
    assert "".join(char for char, _ in parts) == "  in red   @C w"
    assert [colour for char, colour in parts if char in "indC@w"] == [7, 7, 1, 2, 2, 7]


def test_wrong_bits_are_mended_or_counted() -> None:
    reader = TeletextReader(["888"])
    unit = bytearray(page("words"))
    unit[4] ^= 0x10  # one bit of the address
    list(reader.read(b"\x10" + bytes(unit), Fraction(0)))
    assert shown(list(reader.finish())) == [(0, "words")]
    assert reader.damaged == 0
    unit[46 + 10] ^= 0x10  # one bit of a character, whose parity is then wrong
    list(reader.read(b"\x10" + bytes(unit), Fraction(0)))
    [bad] = list(reader.finish())
    assert "\ufffd" in shown([bad])[0][1]
    assert reader.damaged == 1


@pytest.mark.parametrize("value", [0, 1, 0x3FFFF, 0x2A5A5])
def test_triplets(value: int) -> None:
    data = int.from_bytes(coded(value), "little")
    assert _triplet(data.to_bytes(3, "little")) == value
    for bit in range(23):
        assert _triplet((data ^ 1 << bit).to_bytes(3, "little")) == value
    assert _triplet((data ^ 0b11).to_bytes(3, "little")) is None


def test_whatever_comes_nothing_breaks() -> None:
    reader = TeletextReader(["888"])
    data = bytes(value * 89 + value // 7 & 255 for value in range(4000))
    for at in range(0, 3000, 46):
        list(reader.read(b"\x10\x03\x2c" + data[at : at + 900], Fraction(at)))
        list(reader.read(data[at : at + 3], Fraction(at)))
    list(reader.finish())


def test_the_witness_finds_other_words(tmp_path: Path) -> None:
    film = with_teletext(tmp_path / "a.ts", {"888": ("deu", 2)})
    [cue] = read_teletext(lambda: film.open("rb"), 1, {"888": "page"})["888"].cues
    start = round(cue.start * 1000)

    def told(text: str, at: int) -> list[str]:
        return list(witnessed_teletext(lambda: film.open("rb"), 1, Fraction(0), [(at, text)]))

    assert told("Guten Abend", start) == []
    assert told("Guten Morgen", start) == [f"the stream says 'Morgen' at {start / 1000:.3f} s, the source does not"]
    assert len(told("Guten Abend", start + 5000)) == 1
