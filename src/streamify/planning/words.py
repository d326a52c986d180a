"""Which words become subtitle tracks, and what people and players are told of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from streamify.model.burn import BurnIn
from streamify.model.caption import (
    CHANNELS,
    CODEC,
    SERVICE_CODEC,
    CaptionChannel,
    CaptionTrack,
    is_service,
    parse_caption_tracks,
)
from streamify.model.plan import Plan, Timeline
from streamify.model.recipe import TextRecipe
from streamify.model.settings import MediaSettings
from streamify.model.source import Note, SourceFacts, TextFacts
from streamify.model.subtitle import SubtitleFile, TextRole
from streamify.model.text import clean, unique
from streamify.model.track import TextLabels, TextTrack
from streamify.planning.identity import track_hash
from streamify.planning.languages import autonym, bcp47, iso_639_2

WORDS: Final = MappingProxyType[TextRole, str](
    {"main": "", "forced": "forced", "sdh": "SDH", "commentary": "commentary"}
)
"""In names for people."""

_TITLES: Final = MappingProxyType[TextRole, re.Pattern[str]](
    {
        "forced": re.compile(r"\bforced\b|\bsigns\b", re.IGNORECASE),
        "sdh": re.compile(
            r"\bsdh\b|^subtitles cc[1-4]$|\bhearing[- ]impaired\b|\bhard of hearing\b|^cc$|\[cc\]|\(cc\)", re.IGNORECASE
        ),
        "commentary": re.compile(r"\bcommentar|\bkommentar", re.IGNORECASE),
    }
)
"""Of streams without a flag; many tools know only titles."""


_ENCODINGS = {
    "cp1250": "cs hr hu pl ro sk sl sq bs",
    "cp1251": "be bg mk ru sr uk",
    "cp1252": "af ca da de en es eu fi fr ga gl is it nb nl nn no pt sv",
    "cp1253": "el",
    "cp1254": "az tr",
    "cp1255": "he yi",
    "cp1256": "ar fa ur",
    "cp1257": "et lt lv",
    "cp1258": "vi",
    "cp874": "th",
    "cp932": "ja",
    "cp949": "ko",
}
_ENCODING_OF: Final = MappingProxyType({tag: name for name, tags in _ENCODINGS.items() for tag in tags.split()})


def old_encoding(language: str | None) -> str:
    """Return the encoding in which Windows wrote a language before UTF-8; empty: it is not known, or there were two."""
    return _ENCODING_OF.get((language or "").partition("-")[0], "")


def stream_name(stream: int, page: str) -> str:
    """Return the name of a stream of words, or of a page of teletext in it."""
    return f"subtitle stream {stream}, page {page}" if page else f"subtitle stream {stream}"


def text_tracks(
    facts: SourceFacts, settings: MediaSettings, timeline: Timeline, build: str, burn: BurnIn | None = None
) -> tuple[TextTrack, ...]:
    """Return the tracks of words of a stream: those of the source, then those of files, then captions.

    Args:
        facts: Of the source.
        settings: Say which words are wanted; files have their hashes by now.
        timeline: From source time to output time.
        build: Exact codec build.
        burn: What is drawn into the pictures, and would stand there twice.
    """
    files = [
        one
        for one in (settings.subtitles if isinstance(settings.subtitles, tuple) else ())
        if one.sha256 is not None and (burn is None or one.sha256 != burn.file)
    ]
    words = facts.text if settings.subtitles != "off" else ()
    embedded = [one for one in words if burn is None or (one.stream, one.page) != (burn.stream, burn.page)]
    late = facts.video.late if facts.video is not None else Fraction(0)
    shown = timeline.origin * timeline.time_base - Fraction(timeline.lead, timeline.timescale)
    origin = shown + late
    streams = [
        (
            TextRecipe(stream=one.stream, codec=one.codec, origin=origin, page=one.page),
            stream_name(one.stream, one.page),
        )
        for one in embedded
    ]
    # A file's times count from where a player begins, whatever the clock of the film says.
    start = facts.cut.start if facts.cut is not None else Fraction(0)
    given = [
        (
            TextRecipe(codec=PurePosixPath(one.name).suffix.lower(), file=one.sha256, origin=start),
            clean(one.name),
        )
        for one in files
    ]
    channels = caption_tracks(facts, settings)
    inside = [
        (
            TextRecipe(codec=SERVICE_CODEC if is_service(one.channel) else CODEC, channel=one.channel, origin=shown),
            f"captions {one.channel}",
        )
        for one in channels
    ]
    labels = text_labels(embedded, files, channels)
    tracks: list[TextTrack] = []
    for (plain, source), label in zip((*streams, *given, *inside), labels, strict=True):
        recipe = plain.model_copy(update={"encoding": old_encoding(label.language)})
        parts = [(label.language or "und").partition("-")[0], *([] if label.role == "main" else [label.role])]
        name = f"{'-'.join(parts)}-{track_hash(facts, settings, timeline, recipe, build)}"
        used = {track.id for track in tracks}
        if name in used and label.language is not None:  # the same words as pt-BR and as pt-PT
            name = "-".join([label.language, *parts[1:], name.rpartition("-")[2]])
        if name not in used:  # the same file given twice
            tracks.append(TextTrack(id=name, recipe=recipe, labels=label, source=source))
    return tuple(tracks)


def caption_tracks(facts: SourceFacts, settings: MediaSettings) -> tuple[CaptionTrack, ...]:
    """Return the channels of captions that become tracks."""
    if settings.caption_tracks is None or facts.video is None:
        return ()
    told, seen = dict(facts.caption_languages), facts.captions or ()
    named = parse_caption_tracks(settings.caption_tracks)
    if named is not None:
        return tuple(one.model_copy(update={"language": one.language or told.get(one.channel)}) for one in named)
    # Nearly all streams carry the same words in both; those of CEA-608 were written for it, and are read twice.
    taken = [name for name in CHANNELS if name in seen] or [name for name in seen if is_service(name)]
    return tuple(CaptionTrack(channel=name, language=told.get(name)) for name in taken)


def declared_captions(plan: Plan) -> tuple[CaptionChannel, ...]:
    """Return the channels inside the pictures that are declared, in the languages that setting or source tell."""
    told = dict(plan.source.caption_languages)
    languages = {track.recipe.channel: track.labels.language for track in plan.text}
    found = []
    for name in plan.captions:
        language = languages.get(name) or bcp47(told.get(name))
        found.append(CaptionChannel(name, language, iso_639_2(language) if language is not None else "und"))
    return tuple(found)


def text_labels(
    streams: Sequence[TextFacts], files: Sequence[SubtitleFile], captions: Sequence[CaptionTrack] = ()
) -> tuple[TextLabels, ...]:
    """Return the labels of all tracks of words, in order; names are unique.

    No stream of a source is the default: containers mark the first one, or all, as such without meaning it
    (RFC 9559, 5.1.4.1.5, has it as the default value of the flag).
    """
    told = [*map(_of_stream, streams), *map(_of_file, files), *map(_of_channel, captions)]
    roles = [(language, role) for language, role, _, _ in told]
    default = next((number for number, one in enumerate(told) if one[3]), None)
    used: set[str] = set()
    found = []
    for number, (language, role, title, _) in enumerate(told):
        shared = roles.count((language, role)) > 1 or language is None
        name = _name(language, role, title, number, shared=shared)
        found.append(
            TextLabels(name=unique(clean(name), used), language=language, role=role, default=number == default)
        )
    return tuple(found)


def text_notes(facts: SourceFacts, settings: MediaSettings, burn: BurnIn | None = None) -> Iterator[Note]:
    """Yield what is said of words that are not wanted or cannot be read, and of files that are left out."""
    yield from _caption_notes(facts, settings)
    if settings.subtitles == "off":
        for one in facts.text:
            if burn is not None and (one.stream, one.page) == (burn.stream, burn.page):
                continue
            yield Note(kind="dropped", what=f"{stream_name(one.stream, one.page)} ({one.codec})", why="--subtitles off")
        return
    for file in settings.subtitles if isinstance(settings.subtitles, tuple) else ():
        if file.left_out is not None:
            yield Note(kind="dropped", what=clean(file.name), why=clean(file.left_out, 500))


def _caption_notes(facts: SourceFacts, settings: MediaSettings) -> Iterator[Note]:
    if settings.caption_tracks is None:
        return
    taken = [one.channel for one in caption_tracks(facts, settings)]
    services = [name for name in facts.captions or () if is_service(name) and name not in taken]
    if services:
        why = f"kept in the pictures; --caption-tracks {','.join(services)} makes subtitles of them"
        yield Note(kind="info", what=f"captions {', '.join(services)} (CEA-708)", why=why)
    if not taken:
        none = "there are no pictures"
        if facts.video is not None:
            none = "split saw none in the pictures; --caption-tracks CC1 looks in all of the film"
        yield Note(kind="info", what="no captions are made into subtitle tracks", why=none)


_Told = tuple[str | None, TextRole, str, bool]
"""Language, role, title, and whether it is to be the default."""


def _of_stream(facts: TextFacts) -> _Told:
    flags: tuple[tuple[TextRole, bool], ...] = (
        ("forced", facts.forced), ("sdh", facts.sdh), ("commentary", facts.commentary),
    )  # fmt: skip
    title = clean(facts.title or "")
    flagged = [role for role, given in flags if given]
    titled = [role for role, words in _TITLES.items() if words.search(title)]
    found: list[TextRole] = [*flagged, *titled, "main"]
    return bcp47(facts.language), found[0], title, False


def _of_file(file: SubtitleFile) -> _Told:
    return bcp47(file.language), file.role, "", file.default


def _of_channel(track: CaptionTrack) -> _Told:
    # Not as the captions themselves are called: hls.js writes these into a text track of the same name.
    return bcp47(track.language), track.role, f"Subtitles {track.channel}", track.default


def _name(language: str | None, role: TextRole, title: str, number: int, *, shared: bool) -> str:
    base = autonym(language) if language is not None else f"Subtitles {number + 1}"
    word = WORDS[role]
    if title and shared:
        told = title if not word or _TITLES[role].search(title) else f"{title}, {word}"
        return told if language is None else f"{base} ({told})"
    return f"{base} ({word})" if word else base


_SEGMENT_MS, _MEGABYTE_MS = 7, 1.3
_PART_MS = 10_000


def caption_parts(segments: int, size: int) -> int:
    """Return in how many parts captions are read, each by a task of about 10 CPU seconds.

    Args:
        segments: Of the plan.
        size: Of the source, bytes.
    """
    takes = segments * _SEGMENT_MS + size / 1_000_000 * _MEGABYTE_MS
    return max(1, min(segments, round(takes / _PART_MS)))
