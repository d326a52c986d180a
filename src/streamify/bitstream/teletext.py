"""Pages of teletext in DVB (ETSI EN 300 472, EN 300 706): level 1, and the characters of level 1.5."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

ROWS, COLUMNS = 25, 40
_UNIT = 46
"""Bytes of a data unit of a line: id, length, two of the line, and 42 of the packet."""
_REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
_START_BOX, _END_BOX, _ESCAPE = 0x0B, 0x0A, 0x1B

_PLACES = (0x23, 0x24, 0x40, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x7B, 0x7C, 0x7D, 0x7E)
"""Codes at which languages differ (EN 300 706, table 36)."""
_ENGLISH, _GERMAN, _SWEDISH, _ITALIAN = "£$@←½→↑#—¼‖¾÷", "#$§ÄÖÜ^_°äöüß", "#¤ÉÄÖÅÜ_éäöåü", "£$é°ç→↑#ùàòèì"
_FRENCH, _SPANISH, _CZECH, _POLISH = "éïàëêùî#èâôûç", "ç$¡áéíóú¿üñèà", "#ůčťžýířéáěúš", "#ńąŻŚŁćóężśłź"
_TURKISH, _RUMANIAN, _CROATIAN = "₺ğİŞÖÇÜĞışöçü", "#¤ŢÂŞĂÎıţâşăî", "#ËČĆŽĐŠëčćžđš"
_ESTONIAN, _LATVIAN = "#õŠÄÖŽÜÕšäöžü", "#$ŠėęŽčūšąųžį"
_WESTERN = {0: _ENGLISH, 1: _GERMAN, 2: _SWEDISH, 3: _ITALIAN, 4: _FRENCH, 5: _SPANISH, 6: _CZECH}
_SUBSETS: Final = {
    0: _WESTERN,
    1: _WESTERN | {0: _POLISH},
    2: _WESTERN | {6: _TURKISH},
    3: _WESTERN | {5: _CROATIAN, 7: _RUMANIAN},
    4: {1: _GERMAN, 2: _ESTONIAN, 3: _LATVIAN, 6: _CZECH},
    6: _WESTERN | {3: _TURKISH},
}
"""National options by region and by the bits C12, C13, C14 (table 33)."""
_RUSSIAN = "ЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЪЗШЭЩЧЫюабцдефгхийклмнопярстужвьъзшэщч■"
_UKRAINIAN = "ЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬІЗШЄЩЧЇюабцдефгхийклмнопярстужвьізшєщч■"
_SERBIAN = "ЧАБЦДЕФГХИЈКЛМНОПЌРСТУВЃЉЊЗЋЖЂШЏчабцдефгхијклмнопќрстувѓљњзћжђш■"
_GREEK = "ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ΄ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώ■"  # noqa: RUF001
_OTHER: Final = {(4, 0): _SERBIAN, (4, 4): _RUSSIAN, (4, 5): _UKRAINIAN, (6, 7): _GREEK}
"""Alphabets from 0x40 on, by region and option."""
_SIGNS: Final = {(4, 4): {0x26: "ы"}, (4, 5): {0x26: "ї"}, (6, 7): {0x3C: "«", 0x3E: "»"}}
_MORE: Final = (
    " ¡¢£$¥#§¤‘“«←↑→↓°±²³×µ¶·÷’”»¼½¾¿ `´ˆ~¯˘˙¨.˚¸_˝˛ˇ―¹®©™♪₠‰∝   ⅛⅜⅝⅞"  # noqa: RUF001
    "ΩÆĐªĦ ĲĿŁØŒºÞŦŊŉĸæđðħıĳŀłøœßþŧŋ■"
)
"""Characters of the set G2 from 0x20 on (table 37)."""
_MARKS: Final = " \u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0323\u030a\u0327\u0332\u030b\u0328\u030c"
"""Diacritical marks by the low bits of a mode of X/26 (table 29)."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows from a time on; nothing where it has no rows."""

    number: str
    """Magazine and page, such as ``888``."""
    at: Fraction
    """Seconds on the clock of the packets."""
    rows: tuple[tuple[int, tuple[tuple[str, int], ...]], ...]
    """Number of each row that shows something, from 1 at the top to 24, and its parts: text and colour, 0 (black) to 7
    (white), of which bit 0 is red, 1 green and 2 blue."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A page that is being received."""

    number: str
    at: Fraction
    option: int
    boxed: bool
    rows: dict[int, bytes] = field(default_factory=dict)
    more: dict[tuple[int, int], str] = field(default_factory=dict)
    """Characters of level 1.5 by row and column."""
    region: int | None = None


class TeletextReader:
    """Reads the packets of one stream, in order.

    Args:
        pages: Numbers of the pages that are wanted.
    """

    def __init__(self, pages: Collection[str]) -> None:
        self._wanted = frozenset(pages)
        self._open: dict[int, _Open] = {}
        self._last: dict[str, _Open] = {}
        self._regions: dict[int, int] = {}
        self.damaged = 0
        """Characters and addresses that parity or Hamming bits say are wrong."""

    def read(self, data: bytes, at: Fraction) -> Iterator[Page]:
        """Yield the pages that a PES packet completes.

        Args:
            data: From its data identifier on (EN 300 472, 4.2).
            at: Its presentation time, seconds.
        """
        if not data or not 0x10 <= data[0] <= 0x1F:
            return
        for begin in range(1, len(data) - _UNIT + 1, _UNIT):
            if data[begin] in (2, 3) and data[begin + 1] == _UNIT - 2:
                yield from self._packet(data[begin + 4 : begin + _UNIT].translate(_REVERSED), at)

    def finish(self) -> Iterator[Page]:
        """Yield what was not complete when the stream ended."""
        for magazine in sorted(self._open):
            yield from self._close(magazine)

    def _packet(self, packet: bytes, at: Fraction) -> Iterator[Page]:
        first, second = _hamming(packet[0]), _hamming(packet[1])
        if first is None or second is None:
            self.damaged += 1
            return
        magazine, row = first & 7 or 8, first >> 3 | second << 1
        if row == 0:
            yield from self._header(magazine, packet, at)
        elif row <= 24 and magazine in self._open:
            self._open[magazine].rows[row] = packet[2:]
        elif row in (26, 28, 29):
            self._extension(magazine, row, packet)

    def _header(self, magazine: int, packet: bytes, at: Fraction) -> Iterator[Page]:
        digits = [_hamming(byte) for byte in packet[2:10]]
        if None in digits:
            self.damaged += 1
            return
        told = [one or 0 for one in digits]
        for other in list(self._open) if told[7] & 1 else [magazine]:  # C11: one magazine after the other
            yield from self._close(other)
        number = f"{magazine}{told[1]:x}{told[0]:x}"
        if number not in self._wanted:
            return
        option = (told[7] & 2) << 1 | (told[7] & 4) >> 1 | told[7] >> 3
        opened = _Open(number, at, option, boxed=bool(told[5] & 0x0C))
        before = self._last.get(number)
        if before is not None and not told[3] & 8:  # C4: erase
            opened = replace(opened, rows=dict(before.rows), more=dict(before.more), region=before.region)
        self._open[magazine] = opened

    def _close(self, magazine: int) -> Iterator[Page]:
        page = self._open.pop(magazine, None)
        if page is not None:
            self._last[page.number] = page
            region = page.region if page.region is not None else self._regions.get(magazine, 0)
            made = ((row, self._row(page, row, region)) for row in sorted(page.rows))
            yield Page(page.number, page.at, tuple((row, parts) for row, parts in made if parts))

    def _extension(self, magazine: int, row: int, packet: bytes) -> None:
        """Take characters of level 1.5 (X/26, 12.2), and the alphabet of a page or magazine (X/28/0, M/29/0, 9.4.2)."""
        triplets = [_triplet(packet[at : at + 3]) for at in range(3, 40, 3)]
        if row == 26 and magazine in self._open:
            self._characters(self._open[magazine], triplets)
            return
        first = triplets[0]
        if _hamming(packet[2]) != 0 or first is None or first & 0x0F:
            return
        region = first >> 10 & 0x0F
        if row == 29:
            self._regions[magazine] = region
        elif magazine in self._open:
            self._open[magazine] = replace(self._open[magazine], region=region)

    def _characters(self, page: _Open, triplets: list[int | None]) -> None:
        row = 0
        for triplet in triplets:
            if triplet is None:
                self.damaged += 1
                continue
            address, mode, data = triplet & 0x3F, triplet >> 6 & 0x1F, triplet >> 11
            if address >= COLUMNS:
                if mode == 0x1F:  # the end
                    return
                row = (address - 40 or 24) if mode == 4 else row
            elif mode == 0x0F and data >= 0x20:
                page.more[row, address] = _MORE[data - 0x20]
            elif mode == 0x10 and data >= 0x20:
                page.more[row, address] = "@" if data == 0x2A else chr(data)
            elif mode > 0x10 and data >= 0x20:
                page.more[row, address] = unicodedata.normalize("NFC", chr(data) + _MARKS[mode & 0x0F])

    def _row(self, page: _Open, row: int, region: int) -> tuple[tuple[str, int], ...]:
        """Return what of a row is to be seen: in boxes, where the page has them, without mosaics (12.2)."""
        table = _table(region, page.option)
        parts: list[tuple[str, int]] = []
        colour, graphics, boxed, second = 7, False, not page.boxed, False
        for column, byte in enumerate(page.rows[row]):
            code = byte & 0x7F
            if byte.bit_count() % 2 == 0:
                self.damaged += 1
                char = "\ufffd"
            elif code < 0x20:
                char = " "
                if code < 8 or 0x10 <= code < 0x18:
                    colour, graphics = code & 7, code >= 0x10
                elif code == _START_BOX:
                    boxed = True
                elif code == _END_BOX:
                    boxed = not page.boxed
                elif code == _ESCAPE:
                    second = not second
            else:
                mosaic = graphics and not 0x40 <= code < 0x60
                char = " " if mosaic else chr(code) if second else table[code - 0x20]
            char = page.more.get((row, column), char)
            if boxed:
                parts.append((char, colour))
        return tuple(parts) if any(char.strip() for char, _ in parts) else ()


def _table(region: int, option: int) -> str:
    """Return the 96 characters of the set G0 of a page from 0x20 on."""
    other = _OTHER.get((region, option))
    chars = [chr(code) for code in range(0x20, 0x7F)] + ["■"]
    if other is not None:
        chars[0x20:] = other
        for code, char in _SIGNS.get((region, option), {}).items():
            chars[code - 0x20] = char
        return "".join(chars)
    subset = _SUBSETS.get(region, _WESTERN).get(option, _ENGLISH)
    for code, char in zip(_PLACES, subset, strict=True):
        chars[code - 0x20] = char
    return "".join(chars)


def _coded(value: int) -> int:
    """Return four bits with their Hamming bits (8.2)."""
    d1, d2, d3, d4 = (value >> bit & 1 for bit in range(4))
    p1, p2, p3 = 1 ^ d1 ^ d3 ^ d4, 1 ^ d1 ^ d2 ^ d4, 1 ^ d1 ^ d2 ^ d3
    p4 = 1 ^ p1 ^ d1 ^ p2 ^ d2 ^ p3 ^ d3 ^ d4
    return sum(bit << place for place, bit in enumerate((p1, d1, p2, d2, p3, d3, p4, d4)))


_HAMMING: Final = {
    _coded(value) ^ wrong: value for value in range(16) for wrong in (0, *(1 << bit for bit in range(8)))
}


def _hamming(byte: int) -> int | None:
    """Return the four bits of a byte, of which one may be wrong; ``None``: more are."""
    return _HAMMING.get(byte)


def _triplet(data: bytes) -> int | None:
    """Return the 18 bits of three bytes, of which one may be wrong; ``None``: more are (8.3)."""
    value = int.from_bytes(data, "little")
    tests = 0
    for bit in range(23):
        tests ^= (value >> bit & 1) * (bit + 0x21)
    tests ^= (value >> 23 & 1) * 0x20
    if tests & 0x1F != 0x1F:
        place = 0x1E - (tests & 0x1F)
        if tests & 0x20 or not 0 <= place < 23:
            return None
        value ^= 1 << place
    return (value & 0x04) >> 2 | (value & 0x70) >> 3 | (value & 0x7F00) >> 4 | (value & 0x7F0000) >> 5
