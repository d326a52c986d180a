"""Which bitmap subtitles are drawn into the pictures, and what people are told of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from streamify.dest.layout import burn_key
from streamify.errors import UsageError
from streamify.model.burn import BITMAP_CODECS, PART_SEGMENTS, BitmapFacts, BurnChoice, BurnIn, BurnPlan, parse_burn_in
from streamify.model.settings import MediaSettings
from streamify.model.source import Note, SourceFacts, TextFacts
from streamify.model.text import clean
from streamify.planning.languages import bcp47


def burn_in(facts: SourceFacts, settings: MediaSettings) -> BurnIn | None:
    """Return what is drawn into the pictures; ``None``: nothing.

    Raises:
        UsageError: ``burn-in-unknown``, the source has no such stream; ``burn-in-text``, it is of words.
    """
    if settings.burn_in is None:
        return None
    choice = parse_burn_in(settings.burn_in)
    if facts.video is None:
        raise _unknown(choice, "the source has no pictures", "leave out --burn-in")
    wanted = _matching(choice, facts.bitmaps)
    if not wanted:
        words = _matching(choice, facts.text)
        if words:
            raise UsageError(
                "burn-in-text",
                f"burn-in {choice}: subtitle stream {words[0].stream} ({words[0].codec}) is text, and only bitmaps are "
                "drawn",
                "leave out --burn-in: players show it as subtitles; to have it in the pictures, "
                "ffmpeg -i SOURCE -vf subtitles=SOURCE -c:v libx264 -crf 16 -c:a copy OUT.mkv",
            )
        raise _unknown(choice, f"the source has no such bitmap subtitles; it has {_listed(facts)}",
                       "`streamify probe` shows the streams")  # fmt: skip
    # Of a language it is the stream that is forced, where that is wanted, and else one that is not.
    found = next((one for one in wanted if one.forced == choice.forced), wanted[0])
    if choice.forced and not found.forced and found.codec == "dvb_subtitle":
        raise _unknown(choice, f"subtitle stream {found.stream} is DVB, which marks nothing as forced",
                       f"--burn-in {found.stream} draws all of it")  # fmt: skip
    return BurnIn(stream=found.stream, codec=found.codec, forced=choice.forced and not found.forced)


F = TypeVar("F", BitmapFacts, TextFacts)


def _matching(choice: BurnChoice, streams: Sequence[F]) -> list[F]:
    if choice.stream is not None:
        return [one for one in streams if one.stream == choice.stream]
    wanted = bcp47(choice.language)
    exact = [one for one in streams if wanted is not None and bcp47(one.language) == wanted]
    return exact or [one for one in streams if wanted is not None and _primary(bcp47(one.language)) == wanted]


def _primary(tag: str | None) -> str | None:
    return tag.partition("-")[0] if tag is not None else None


def _listed(facts: SourceFacts) -> str:
    return ", ".join(map(described, facts.bitmaps)) or "none"


def described(one: BitmapFacts) -> str:
    """Return a stream in words."""
    parts = [BITMAP_CODECS.get(one.codec, one.codec), *filter(None, (one.language, clean(one.title or "")))]
    return f"{one.stream} ({', '.join([*parts, *(['forced'] if one.forced else [])])})"


def _unknown(choice: BurnChoice, why: str, hint: str) -> UsageError:
    return UsageError("burn-in-unknown", f"burn-in {choice}: {why}", hint)


def source_notes(notes: Iterable[Note], burn: BurnIn | None) -> Iterator[Note]:
    """Yield the notes of a source but for the one that a stream is left out which is drawn."""
    start = f"stream {burn.stream} (" if burn is not None else None
    yield from (note for note in notes if start is None or not (note.kind == "dropped" and note.what.startswith(start)))


def burn_notes(facts: SourceFacts, burn: BurnIn | None) -> Iterator[Note]:
    """Yield what is said of subtitles that are drawn."""
    for one in facts.bitmaps:
        if burn is not None and one.stream == burn.stream:
            only = "; only what is marked as forced" if burn.forced else ""
            yield Note(kind="converted", what=f"subtitle stream {described(one)}",
                       why=f"drawn into the pictures of every rendition{only}")  # fmt: skip


def part_key(burn: BurnPlan | None, segment: int) -> str:
    """Return the key of what is drawn into the pictures of a segment; empty: nothing is."""
    return burn_key(burn.id, segment // PART_SEGMENTS) if burn is not None else ""
