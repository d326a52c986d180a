"""Words of a source or of a subtitle file as what is shown when, drawn with its own fonts or one that was given."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO

from av.container import InputContainer
from av.stream import AttachmentStream

from streamify.errors import SourceError, UsageError, counted
from streamify.media.bitmaps.shown import Account, TooManyError, stretches
from streamify.media.drawn.block import Sheet
from streamify.media.drawn.displays import TOGETHER, DrawnCount, displays
from streamify.media.drawn.fonts import FontError, check_font
from streamify.media.source.opening import open_media
from streamify.media.text.read import Words
from streamify.model.burn import FONT_BYTES, SHOWN, Shown
from streamify.model.source import Note

ATTACHED = 16
"""Fonts of a source that are used at most."""
ATTACHED_BYTES = 64_000_000
"""Bytes of all of them at most."""
_NAMED = 12
"""Characters that a note names."""


class DrawnText:
    """Draws the words of one stream or file.

    Args:
        words: Its cues, with times on the clock of the source.
        fonts: Bytes of fonts, the first of which is used for all that it has.
        name: Of the stream or file, for notes.
        canvas: Width and height of the largest rendition, pixels.
        first: When the stream begins, seconds on the clock of the source.
        last: When it ends.
    """

    def __init__(
        self,
        words: Words,
        fonts: Sequence[bytes],
        name: str,
        canvas: tuple[int, int],
        first: Fraction,
        last: Fraction,
    ) -> None:
        self._words, self._fonts, self._canvas = words, fonts, canvas
        self._first, self._last = first, last
        self._account, self._count = Account(), DrawnCount()
        self.name = name

    def shown(self) -> Iterator[Shown]:
        """Yield what is shown when, in order.

        Raises:
            SourceError: ``burn-in-too-much``.
        """
        sheet = Sheet(self._fonts, self._canvas)
        drawn = displays(self._words.cues, sheet, self._canvas, self._count, self._first, self._last)
        try:
            yield from stretches(drawn, self._account, packing="zlib")
        except TooManyError as error:
            raise SourceError(
                "burn-in-too-much",
                f"{self.name} shows something more than {SHOWN} times",
                "leave out --burn-in: players show text as subtitles",
            ) from error

    def notes(self) -> Iterator[Note]:
        """Yield what was met; call it when all was drawn."""
        count, name = self._count, self.name
        yield from self._words.all_notes(name)
        if count.missing:
            yield self._missing()
        if count.crowded:
            yield Note(
                kind="dropped",
                what=f"{name}: {counted(count.crowded, 'cue')}",
                why=f"{TOGETHER} others are shown at their time",
            )
        if count.cut:
            yield Note(
                kind="dropped",
                what=f"{name}: lines of {counted(count.cut, 'cue')}",
                why="they have more lines than the picture has room for",
            )
        if count.ruby:
            yield Note(
                kind="converted",
                what=f"{name}: ruby of {counted(count.ruby, 'cue')}",
                why="small words beside others stand in brackets behind them",
            )
        if count.upright:
            yield Note(
                kind="converted",
                what=f"{name}: upright text of {counted(count.upright, 'cue')}",
                why="its lines are drawn from left to right",
            )
        if not self._account.shown:
            yield Note(kind="info", what=f"{name}: nothing is drawn", why="it shows nothing")

    def _missing(self) -> Note:
        chars = self._count.missing
        shown = "".join(sorted(chars)[:_NAMED])
        more = f" and {len(chars) - _NAMED} more" if len(chars) > _NAMED else ""
        kinds = ", ".join(sorted({unicodedata.name(char, "unnamed").split(" ")[0] for char in chars})[:5])
        many = counted(sum(chars.values()), "character")
        why = f"no font has them ({kinds}): give one that does with --burn-in-font"
        return Note(kind="damaged", what=f"{self.name}: {many} drawn as boxes: {shown}{more}", why=why)


def fonts_of(
    open_source: Callable[[], BinaryIO], given: bytes | None, *, found: bool
) -> tuple[list[bytes], list[Note]]:
    """Return the fonts to draw with, in order, and what is said of those that cannot be used.

    Args:
        open_source: Opens the source, which may have fonts attached.
        given: Bytes of a font file.
        found: Whether nobody named it; fonts of the source come before such a one.

    Raises:
        UsageError: ``burn-in-font``, there is none, or it cannot be used.
    """
    if given is not None:
        try:
            check_font(given)
        except FontError as error:
            raise UsageError("burn-in-font", f"burn-in-font: {error}", "give a TrueType or OpenType file") from error
    attached = list[bytes]()
    with open_source() as file, open_media(file) as container:
        fitting, notes = fitting_fonts(_attached(container))
    for name, data in fitting:
        try:
            check_font(data)
        except FontError as error:
            notes.append(_unused(name, str(error)))
        else:
            attached.append(data)
    named = [given] if given is not None else []
    fonts = [*attached, *named] if found else [*named, *attached]
    if not fonts:
        raise UsageError(
            "burn-in-font",
            "there is no font to draw text with",
            "--burn-in-font FILE gives one; on Debian and Ubuntu, apt-get install fonts-dejavu-core",
        )
    return fonts, notes


def fitting_fonts(fonts: Iterable[tuple[str, bytes]]) -> tuple[list[tuple[str, bytes]], list[Note]]:
    """Return the fonts of a source that are not too many or too large, and what is said of the others.

    Args:
        fonts: Name and bytes of each.
    """
    found, notes = list[tuple[str, bytes]](), list[Note]()
    held = further = 0
    for name, data in fonts:
        if len(data) > FONT_BYTES:
            notes.append(_unused(name, f"it has more than {FONT_BYTES // 1_000_000} MB"))
        elif len(found) == ATTACHED or held + len(data) > ATTACHED_BYTES:
            further += 1
        else:
            found.append((name, data))
            held += len(data)
    if further:
        why = f"{ATTACHED} of {ATTACHED_BYTES // 1_000_000} MB together are used at most"
        notes.append(Note(kind="info", what=f"{counted(further, 'more font')} of the source: not used", why=why))
    return found, notes


def _unused(name: str, why: str) -> Note:
    return Note(kind="info", what=f"font {name[:100]} of the source is not used", why=why)


def _attached(container: InputContainer) -> Iterator[tuple[str, bytes]]:
    for stream in container.streams:
        if isinstance(stream, AttachmentStream):
            name = stream.metadata.get("filename", "")
            mime = (stream.mimetype or "").lower()
            if "font" in mime or "truetype" in mime or name.lower().endswith((".ttf", ".otf", ".ttc")):
                yield name or f"of stream {stream.index}", bytes(stream.data)
