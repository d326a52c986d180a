"""The text task: all segments of tracks of words."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from typing import BinaryIO

from streamify.dest.layout import all_words_key, text_record_key, words_key
from streamify.errors import SourceError
from streamify.manifests import webvtt
from streamify.media.text.embedded import read_embedded
from streamify.media.text.files import read_file
from streamify.media.text.read import Words
from streamify.media.text.teletext import read_teletext
from streamify.model.cue import Cue
from streamify.model.cut import Cut
from streamify.model.plan import Timeline
from streamify.model.result import TextResult
from streamify.model.source import Note
from streamify.model.task import TextTask
from streamify.model.track import TextTrack
from streamify.model.words import TextRecord, TextSegments
from streamify.planning.cues import MOST_PLACES, Placed, place_cues, segment_cues
from streamify.storage.base import Storage, Stores, sha256
from streamify.storage.saved import damaged
from streamify.tasks.captions import Captions
from streamify.tasks.given import read_given


def run_text(task: TextTask, stores: Stores) -> TextResult:
    """Read the words, cut them where the segments are, write them, and last what is known of each track.

    See `run_task` for errors.

    Raises:
        SourceError: ``subtitles-incomplete``, with `TextTask.strict`, and something of them cannot be kept.
    """
    began = time.process_time()
    borders = _borders(task, stores.media)
    records = []
    for track, words in _read(task, stores):
        record = _made(track, words, task.timeline, borders, stores.media, task.cut, strict=task.strict)
        spent, began = time.process_time() - began, time.process_time()
        record = record.model_copy(update={"cpu_seconds": round(spent, 4)})
        stores.media.put(text_record_key(track.id), record.to_json())
        records.append(record)
    return TextResult(key=task.key, records=tuple(records))


def _read(task: TextTask, stores: Stores) -> Iterator[tuple[TextTrack, Words]]:
    opened = partial(stores.open_source, task.source)
    recipes = {
        track.source: track.recipe for track in task.tracks if track.recipe.stream is not None and not track.recipe.page
    }
    names = {recipe.stream: name for name, recipe in recipes.items() if recipe.stream is not None}
    hints = {index: recipes[name].encoding for index, name in names.items()}
    codecs = {index: recipes[name].codec for index, name in names.items()}
    streams = read_embedded(opened, names, hints, codecs) if names else {}
    captions = Captions(task, stores).words() if any(track.recipe.channel for track in task.tracks) else {}
    teletext = _teletext(task, opened)
    for track in task.tracks:
        if track.recipe.stream is not None:
            yield track, teletext[track.source] if track.recipe.page else streams[track.recipe.stream]
        elif track.recipe.channel is not None:
            if captions is not None:  # else another task finds all parts read
                yield track, captions[track.recipe.channel]
        else:
            data = read_given(track.recipe.file or "", track.source, stores.media)
            yield track, read_file(data, track.source, track.recipe.encoding)


def _teletext(task: TextTask, opened: Callable[[], BinaryIO]) -> dict[str, Words]:
    """Return the words of pages of teletext, by the names of their tracks: each stream is read once."""
    paged = [track for track in task.tracks if track.recipe.page and track.recipe.stream is not None]
    found: dict[str, Words] = {}
    for stream in dict.fromkeys(track.recipe.stream or 0 for track in paged):
        names = {track.recipe.page: track.source for track in paged if track.recipe.stream == stream}
        found |= {names[page]: words for page, words in read_teletext(opened, stream, names).items()}
    return found


def _borders(task: TextTask, media: Storage) -> list[Fraction]:
    """Return starts of the segments and the end of the last, seconds."""
    lines = media.get(task.segment_list)
    if lines is None:
        raise damaged(f"{task.segment_list} at DEST", "it is missing")
    try:
        ticks = [int(json.loads(line)["start"]) for line in lines.splitlines()]
    except (ValueError, KeyError, TypeError):
        raise damaged(f"{task.segment_list} at DEST", "a line of it cannot be read") from None
    return [Fraction(tick, task.timeline.timescale) for tick in (*ticks, task.timeline.end)]


def _made(
    track: TextTrack,
    words: Words,
    timeline: Timeline,
    borders: Sequence[Fraction],
    media: Storage,
    cut: Cut | None,
    *,
    strict: bool,
) -> TextRecord:
    """Write the files of a track; return what is known of them."""
    name = track.source
    placed = place_cues(words.cues, track.recipe.origin, Fraction(timeline.end, timeline.timescale), name, cut)
    parts = segment_cues(placed.cues, borders)
    notes = [*words.all_notes(name), *placed.notes]
    left_out = words.left_out + placed.left_out
    if parts is None:
        why = f"its cues overlap so much that segments would hold more than {MOST_PLACES} of them"
        notes.append(Note(kind="dropped", what=f"{name}: all of its {len(placed.cues)} cues", why=why))
        left_out, placed, parts = left_out + len(placed.cues), Placed((), (), 0), [[] for _ in borders[1:]]
    if strict:
        silent = Note(kind="dropped", what=name, why="it holds no cue that can be shown")
        _refuse(name, notes if words.found or track.recipe.file is None else [*notes, silent])
    whole = webvtt.whole(placed.cues).encode()
    media.put_new(all_words_key(track.folder), whole)
    return TextRecord(
        track=track.id,
        found=words.found,
        cues=len(placed.cues),
        left_out=left_out,
        split=words.split,
        triples=words.triples,
        size=len(whole),
        sha256=sha256(whole),
        segments=_segments(track, parts, media),
        notes=tuple(notes),
    )


def _segments(track: TextTrack, parts: Sequence[Sequence[Cue]], media: Storage) -> TextSegments:
    sizes, sums = list[int](), list[str]()

    def files() -> Iterator[tuple[str, bytes]]:
        for index, cues in enumerate(parts):
            data = webvtt.segment(cues).encode()
            sizes.append(len(data))
            sums.append(sha256(data))
            yield words_key(track.folder, index), data

    media.put_new_many(files())
    return TextSegments(cues=tuple(map(len, parts)), size=tuple(sizes), sha256=tuple(sums))


def _refuse(name: str, notes: Sequence[Note]) -> None:
    bad = [note for note in notes if note.kind in ("dropped", "damaged")]
    if bad:
        raise SourceError(
            "subtitles-incomplete",
            f"{name} cannot be kept whole: {bad[0].what}, {bad[0].why}",
            "mend it, or leave out --strict: the rest is then kept, and what is not is named",
        )
