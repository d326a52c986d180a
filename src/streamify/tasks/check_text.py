"""The check of words: all files of a track as they are published, and where a source is given, its own words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import partial

from streamify.dest.layout import all_words_key, words_key
from streamify.manifests import webvtt
from streamify.media.text.packets import CAPTIONS
from streamify.media.text.witness import witnessed
from streamify.media.text.witness_captions import witnessed_captions
from streamify.model.cue import Cue
from streamify.model.result import CheckResult
from streamify.model.task import TextCheckTask
from streamify.storage.base import Stores, sha256


def run_check_text(task: TextCheckTask, stores: Stores) -> CheckResult:
    """Check every file of a track of words: its bytes, and that each cue is in all segments in which it is shown."""
    record, columns, media = task.record, task.record.segments, stores.media
    faults: list[str] = []
    keys = [all_words_key(task.folder), *(words_key(task.folder, index) for index in range(len(columns.size)))]
    sizes, sums = (record.size, *columns.size), (record.sha256, *columns.sha256)
    held: list[list[Cue]] = []
    for key, data, size, digest in zip(keys, media.get_many(keys), sizes, sums, strict=True):
        fault = _differs(key, data, size, digest)
        if fault is None:
            try:
                held.append(list(webvtt.read_back((data or b"").decode())))
            except ValueError as error:
                fault = f"{key}: {error}"
        if fault is not None:
            faults.append(fault)
    if not faults:
        faults += check_cues(task.folder, held[0], held[1:], record.cues, columns.cues, task.borders)
    if not faults and task.source is not None and task.track is not None:
        open_source = partial(stores.open_source, task.source)
        recipe = task.track.recipe
        carrier = task.video if recipe.channel is not None else recipe.stream
        if carrier is not None and (recipe.channel is not None or recipe.codec == CAPTIONS):
            found = witnessed_captions(open_source, task.track, carrier, held[0])
        else:
            found = witnessed(open_source, task.track, held[0], record.left_out)
        faults += (f"{task.folder}: {fault}" for fault in found)
    return CheckResult(key=task.key, faults=tuple(faults[:50]), frames=len(held[0]) if held else 0)


def _differs(key: str, data: bytes | None, size: int, digest: str) -> str | None:
    if data is None:
        return f"{key} is missing"
    if len(data) != size:
        return f"{key}: {len(data)} bytes, not {size}"
    return f"{key}: checksum differs" if sha256(data) != digest else None


def check_cues(
    folder: str,
    whole: Sequence[Cue],
    parts: Sequence[Sequence[Cue]],
    promised: int,
    counts: Sequence[int],
    borders: Sequence[Fraction],
) -> Iterator[str]:
    """Yield where the segments of a track do not hold what its whole file holds.

    Args:
        folder: Of the track.
        whole: Cues of the whole file.
        parts: Cues of each segment.
        promised: How many cues the track has.
        counts: How many each segment has.
        borders: Starts of the segments and the end of the last, seconds; empty: not known.
    """
    if len(whole) != promised:
        yield f"{all_words_key(folder)}: {len(whole)} cues, {promised} were made"
    for index, (part, count) in enumerate(zip(parts, counts, strict=True)):
        if len(part) != count:
            yield f"{words_key(folder, index)}: {len(part)} cues, {count} were made"
    shown = {cue: list[int]() for cue in whole}
    for index, part in enumerate(parts):
        for cue in part:
            if cue not in shown:
                yield f"{words_key(folder, index)}: cue {cue.number} is not the one of the whole file"
            else:
                shown[cue].append(index)
    for cue, places in shown.items():
        if not places or places != list(range(places[0], places[-1] + 1)):
            yield f"{folder}: cue {cue.number} is in segments {places}"
        elif borders and not (
            borders[places[0]] * 1000 <= cue.start < borders[places[0] + 1] * 1000
            and borders[places[-1]] * 1000 < cue.end <= borders[places[-1] + 1] * 1000
        ):
            yield f"{folder}: cue {cue.number}, {cue.start} to {cue.end} ms, is in segments {places[0]} to {places[-1]}"
