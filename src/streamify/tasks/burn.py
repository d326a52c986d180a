"""What is drawn into pictures, of subtitles: written once by the split, read by every task that draws."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import groupby

from streamify.dest.layout import burn_key
from streamify.errors import SourceError
from streamify.media.bitmaps.read import BitmapStream
from streamify.media.drawn.stream import DrawnText, fonts_of
from streamify.media.text.embedded import read_embedded
from streamify.media.text.files import read_file
from streamify.media.text.read import Words
from streamify.media.text.teletext import read_teletext
from streamify.model.burn import PART_BYTES, PART_SEGMENTS, BurnPart, BurnPlan, Shown
from streamify.model.cue import SourceCue
from streamify.model.plan import Plan, Timeline
from streamify.model.source import Note, SourceRef, VideoFacts
from streamify.planning.cues import place_cues
from streamify.planning.grid import Window
from streamify.planning.words import stream_name
from streamify.storage.base import Storage, Stores
from streamify.storage.saved import damaged, parse_saved
from streamify.tasks.given import read_given

MARGIN = 1
"""Seconds on both sides of some segments for which what is shown is kept with them: times are rounded, and of a
variable rate."""


def collect_burn(plan: Plan, windows: Sequence[Window], ref: SourceRef, stores: Stores) -> tuple[BurnPlan, list[Note]]:
    """Read the subtitles that a plan draws, and write them below DEST, some segments at a time.

    Returns:
        What of the plan says where they are, and what was met.

    Raises:
        SourceError: ``burn-in-too-much``.
        UsageError: ``burn-in-font``.
    """
    assert plan.burn is not None
    assert plan.source.video is not None
    opened = partial(stores.open_source, ref)
    stretches = list(_stretches(windows, plan.timeline, plan.source.video))
    first, last = stretches[0][1] + MARGIN, stretches[-1][2] - MARGIN
    stream: BitmapStream | DrawnText
    notes: list[Note] = []
    if plan.burn.is_text:
        fonts, notes = _fonts(plan.burn, ref, stores)
        words, name = _words(plan, plan.burn, first, ref, stores)
        assert plan.burn.canvas is not None
        stream = DrawnText(words, fonts, name, plan.burn.canvas, first, last)
        notes += place_cues(words.cues, first, last - first, name, plan.source.cut).notes
    else:
        stream = BitmapStream(opened, plan.burn, plan.source.video, plan.source.breaks)
    burn = plan.burn.model_copy(update={"id": burn_id(plan, plan.burn, windows, ref)})
    feed, seen = Feed(stream.shown(), stream.name), False
    for number, start, end in stretches:
        part = BurnPart(shown=tuple(feed.between(start, end)))
        seen = seen or any(one.start < last and (one.end is None or one.end > first) for one in part.shown)
        stores.media.put(burn_key(burn.id, number), part.to_json())
    feed.drain()
    notes += stream.notes()
    if feed.count and not seen:
        why = "what it shows is outside the part of the film" if plan.source.cut else "what it shows is beside the film"
        notes.append(Note(kind="info", what=f"{stream.name}: nothing is drawn", why=why))
    return burn.model_copy(update={"shown": feed.count}), notes


def burn_id(plan: Plan, burn: BurnPlan, windows: Sequence[Window], ref: SourceRef) -> str:
    """Return the name of the folder: of all that decides what is in its files.

    Another part of the film has other files, though its segments begin at 0, too: those of a plan that may go on stay.
    """
    given = (burn, plan.timeline, plan.source.video, plan.source.cut)
    digest = hashlib.sha256(ref.identity.encode())
    for one in given:
        digest.update(one.to_json() if one is not None else b"-")
    digest.update(b"".join(b"%d " % window.start for window in windows))
    return digest.hexdigest()[:16]


def _fonts(burn: BurnPlan, ref: SourceRef, stores: Stores) -> tuple[list[bytes], list[Note]]:
    given = read_given(burn.font, "the font", stores.media) if burn.font is not None else None
    return fonts_of(partial(stores.open_source, ref), given, found=burn.font_found)


def _words(plan: Plan, burn: BurnPlan, first: Fraction, ref: SourceRef, stores: Stores) -> tuple[Words, str]:
    """Return the words to be drawn, with times on the clock of the source, and their name."""
    if burn.stream is not None:
        name = stream_name(burn.stream, burn.page)
        if burn.page:
            pages = read_teletext(partial(stores.open_source, ref), burn.stream, {burn.page: name})
            return pages[burn.page], name
        hints, codecs = {burn.stream: burn.encoding}, {burn.stream: burn.codec}
        streams = read_embedded(partial(stores.open_source, ref), {burn.stream: name}, hints, codecs)
        return streams[burn.stream], name
    words = read_file(read_given(burn.file or "", burn.name, stores.media), burn.name, burn.encoding)
    # A file's times count from where a player begins, whatever the clock of the film says.
    late = first - (plan.source.cut.start if plan.source.cut is not None else 0)
    words.cues = [
        SourceCue(cue.start + late, cue.end + late if cue.end is not None else None, cue.text, cue.settings)
        for cue in words.cues
    ]
    return words, burn.name


def _stretches(
    windows: Sequence[Window], timeline: Timeline, video: VideoFacts
) -> Iterator[tuple[int, Fraction, Fraction]]:
    """Yield number, start and end of each run of segments, seconds on the clock of the source."""
    origin = timeline.origin * timeline.time_base + video.late - Fraction(timeline.lead, timeline.timescale)
    for number, group in groupby(windows, key=lambda window: window.index // PART_SEGMENTS):
        some = list(group)
        start, end = (origin + Fraction(tick, timeline.timescale) for tick in (some[0].start, some[-1].end))
        yield number, start - MARGIN, end + MARGIN


class Feed:
    """Gives what is shown in one stretch of time after another; holds no more than one of them."""

    def __init__(self, shown: Iterator[Shown], name: str) -> None:
        self._shown, self._name = shown, name
        self._held: list[Shown] = []
        self.count = 0

    def between(self, start: Fraction, end: Fraction) -> Iterator[Shown]:
        """Yield what is shown in a stretch that does not end before the one that was asked for last.

        Raises:
            SourceError: ``burn-in-too-much``.
        """
        self._held = [one for one in self._held if one.end is None or one.end > start]
        size = sum(map(_size, self._held))
        while not self._held or self._held[-1].start < end:
            if size > PART_BYTES:
                raise SourceError(
                    "burn-in-too-much",
                    f"{self._name} has more than {PART_BYTES} bytes of bitmaps between {float(start):.0f} s and "
                    f"{float(end):.0f} s",
                    "leave out --burn-in: the stream is damaged, or it is no subtitles",
                )
            following = next(self._shown, None)
            if following is None:
                break
            self.count += 1
            if following.end is None or following.end > start:
                self._held.append(following)
                size += _size(following)
        found = [one for one in self._held if one.start < end]
        yield from found

    def drain(self) -> None:
        """Read what is left, which is shown behind the stream."""
        self.count += sum(1 for _ in self._shown)


def _size(shown: Shown) -> int:
    return sum(len(bitmap.data) for bitmap in shown.bitmaps)


def read_part(key: str, media: Storage) -> BurnPart:
    """Return what is drawn into the pictures of some segments.

    Raises:
        DestinationError: ``state-damaged``, it is not there, or cannot be read.
    """
    data = media.get(key)
    part = parse_saved(BurnPart, data, key) if data is not None else None
    if part is None:
        raise damaged(f"{key} at DEST", "it is missing" if data is None else "it cannot be read")
    return part
