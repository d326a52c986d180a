"""Which subtitles are drawn into the pictures, and what people are told of it. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeVar

from streamify.dest.layout import burn_key
from streamify.errors import UsageError
from streamify.model.burn import (
    BITMAP_CODECS,
    DRAWN_BY,
    PART_SEGMENTS,
    BitmapFacts,
    BurnChoice,
    BurnIn,
    BurnPlan,
    parse_burn_in,
)
from streamify.model.settings import MediaSettings
from streamify.model.source import Note, SourceFacts, TextFacts
from streamify.model.subtitle import SubtitleFile
from streamify.model.text import clean
from streamify.planning.ladder import Size
from streamify.planning.languages import bcp47
from streamify.planning.words import old_encoding

UNDECODED = ("stpp", "wvtt", "dvb_teletext")
"""Codecs of text for which FFmpeg has no decoder."""


def burn_in(facts: SourceFacts, settings: MediaSettings) -> BurnPlan | None:
    """Return what is drawn into the pictures; ``None``: nothing.

    A subtitle file of a language comes first, then a stream of bitmaps, then one of text.

    Raises:
        UsageError: ``burn-in-unknown``, there are no such subtitles.
    """
    if settings.burn_in is None:
        return None
    choice = parse_burn_in(settings.burn_in)
    if facts.video is None:
        raise _unknown(choice, "the source has no pictures", "leave out --burn-in")
    files = _files(settings)
    given = _file(choice, files)
    if given is not None:
        suffix = PurePosixPath(given.name).suffix.lower()
        return _text(settings, given.language, codec=suffix, file=given.sha256, name=clean(given.name))
    wanted = _matching(choice, facts.bitmaps) if not choice.page else []
    if wanted:
        # Of a language it is the stream that is forced, where that is wanted, and else one that is not.
        found = next((one for one in wanted if one.forced == choice.forced), wanted[0])
        if choice.forced and not found.forced and found.codec == "dvb_subtitle":
            raise _unknown(choice, f"subtitle stream {found.stream} is DVB, which marks nothing as forced",
                           f"--burn-in {found.stream} draws all of it")  # fmt: skip
        return BurnPlan(stream=found.stream, codec=found.codec, forced=choice.forced and not found.forced)
    words = [one for one in _matching(choice, facts.text) if choice.page in ("", one.page.upper())]
    if not words:
        raise _unknown(choice, f"there are no such subtitles; there are {_listed(facts, files)}",
                       "`streamify probe` shows the streams; a subtitle file: --subtitles LANGUAGE:FILE")  # fmt: skip
    text = next((one for one in words if one.forced == choice.forced), words[0])
    if choice.forced and not text.forced:
        raise _unknown(choice, f"subtitle stream {text.stream} is text, of which no part is marked as forced",
                       f"--burn-in {text.stream} draws all of it")  # fmt: skip
    return _text(settings, text.language, codec=text.codec, stream=text.stream, page=text.page)


def _text(settings: MediaSettings, language: str | None, **of: Any) -> BurnPlan:
    font = settings.burn_in_font
    return BurnPlan(
        **of,
        encoding=old_encoding(bcp47(language)),
        font=font.sha256 if font is not None else None,
        font_found=font is not None and font.found,
        shaper=_shaper(),
    )


def _shaper() -> str:
    """Return what decides directions, breaks and shapes: Python's tables of Unicode are those of its own version."""
    versions = {**DRAWN_BY, "Unicode": unicodedata.unidata_version}
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def with_canvas(burn: BurnPlan | None, largest: Size) -> BurnPlan | None:
    """Return what is drawn with the size for which it is: text is drawn once, for the largest rendition.

    It is in the recipe, for the other rungs of a ladder would change the pixels else.
    """
    if burn is None or not burn.is_text:
        return burn
    return burn.model_copy(update={"canvas": (largest.width, largest.height)})


def recipe_of(burn: BurnPlan | None) -> BurnIn | None:
    """Return what of that decides pixels, all of which belongs to the recipe of a rendition."""
    return BurnIn.model_validate({name: getattr(burn, name) for name in BurnIn.model_fields}) if burn else None


def _files(settings: MediaSettings) -> list[SubtitleFile]:
    given = settings.subtitles if isinstance(settings.subtitles, tuple) else ()
    return [one for one in given if one.sha256 is not None]


def _file(choice: BurnChoice, files: Sequence[SubtitleFile]) -> SubtitleFile | None:
    """Return the file of a language; one that is forced is another one than that of all words."""
    if choice.stream is not None:
        return None
    fitting = [one for one in files if (one.role == "forced") == choice.forced]
    return next(iter(_of_language(choice.language, fitting)), None)


F = TypeVar("F", BitmapFacts, TextFacts)
L = TypeVar("L", BitmapFacts, TextFacts, SubtitleFile)


def _matching(choice: BurnChoice, streams: Sequence[F]) -> list[F]:
    if choice.stream is not None:
        return [one for one in streams if one.stream == choice.stream]
    return _of_language(choice.language, streams)


def _of_language(language: str | None, streams: Sequence[L]) -> list[L]:
    wanted = bcp47(language)
    exact = [one for one in streams if wanted is not None and bcp47(one.language) == wanted]
    return exact or [one for one in streams if wanted is not None and _primary(bcp47(one.language)) == wanted]


def _primary(tag: str | None) -> str | None:
    return tag.partition("-")[0] if tag is not None else None


def _listed(facts: SourceFacts, files: Iterable[SubtitleFile]) -> str:
    streams = [*map(described, facts.bitmaps), *map(described, facts.text)]
    return ", ".join([*streams, *(f"{clean(one.name)} ({one.language or 'und'})" for one in files)]) or "none"


def described(one: BitmapFacts | TextFacts) -> str:
    """Return a stream in words."""
    page = f"page {one.page}" if isinstance(one, TextFacts) and one.page else ""
    parts = [BITMAP_CODECS.get(one.codec, one.codec), *filter(None, (page, one.language, clean(one.title or "")))]
    return f"{one.stream} ({', '.join([*parts, *(['forced'] if one.forced else [])])})"


def _unknown(choice: BurnChoice, why: str, hint: str) -> UsageError:
    return UsageError("burn-in-unknown", f"burn-in {choice}: {why}", hint)


def source_notes(notes: Iterable[Note], burn: BurnIn | None) -> Iterator[Note]:
    """Yield the notes of a source but for the one that a stream is left out which is drawn."""
    start = f"stream {burn.stream} (" if burn is not None and burn.stream is not None else None
    yield from (note for note in notes if start is None or not (note.kind == "dropped" and note.what.startswith(start)))


def burn_notes(facts: SourceFacts, burn: BurnPlan | None) -> Iterator[Note]:
    """Yield what is said of subtitles that are drawn."""
    why = "drawn into the pictures of every rendition"
    if burn is not None and burn.file is not None:
        yield Note(kind="converted", what=burn.name, why=why)
    of = {(one.stream, ""): described(one) for one in facts.bitmaps}
    of |= {(one.stream, one.page): described(one) for one in facts.text}
    if burn is not None and burn.stream is not None:
        only = "; only what is marked as forced" if burn.forced else ""
        yield Note(kind="converted", what=f"subtitle stream {of[burn.stream, burn.page]}", why=f"{why}{only}")


def part_key(burn: BurnPlan | None, segment: int) -> str:
    """Return the key of what is drawn into the pictures of a segment; empty: nothing is."""
    return burn_key(burn.id, segment // PART_SEGMENTS) if burn is not None else ""
