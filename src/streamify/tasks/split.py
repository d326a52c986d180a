"""The split task: range reads of the source in, the plan out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from streamify.errors import SourceError
from streamify.media.audio import window as piece_window
from streamify.media.audio_index import audio_slices
from streamify.media.build import codec_build
from streamify.media.index import VideoIndex
from streamify.media.probe import probe_source
from streamify.model.plan import AudioSlice, Plan, Segment
from streamify.model.source import SourceFacts, SourceRef
from streamify.model.task import SplitResult, SplitTask
from streamify.planning.audio import cuts
from streamify.planning.build import build_plan
from streamify.planning.grid import Window
from streamify.planning.rate import fit_rate
from streamify.storage.base import Stores, sha256
from streamify.tasks.plan_file import PLAN


def run_split(task: SplitTask, stores: Stores) -> SplitResult:
    """Plan a source. The plan is written last, so that one that can be read has its segments beside it."""
    facts, index = look(task.source, stores, task.max_scan)
    plan, windows = build_plan(facts, index.pts if index is not None else (), task.settings, codec_build())
    if task.write:
        parts = tuple(windows)
        lines = b"".join(
            segment.to_json() + b"\n" for segment in _segments(parts, index, _sound(plan, parts, task, stores))
        )
        plan = plan.model_copy(update={"segment_list": f".streamify/segments-{sha256(lines)[:16]}.ndjson"})
        stores.media.put(plan.segment_list, lines)
        stores.media.put(PLAN, plan.to_json())
    return SplitResult(plan=plan.to_json().decode())


def look(ref: SourceRef, stores: Stores, max_scan: int | None = None) -> tuple[SourceFacts, VideoIndex | None]:
    """Return the facts about a source and the index of its pictures."""
    try:
        return probe_source(partial(stores.open_source, ref), ref, fit_rate, max_scan)
    except SourceError as error:
        if ref.key in error.message:
            raise
        raise SourceError(error.code, f"{ref.key}: {error.message}", error.hint) from error


def _segments(
    windows: Sequence[Window], index: VideoIndex | None, sound: dict[int, tuple[AudioSlice, ...]]
) -> Iterator[Segment]:
    for window in windows:
        entries, splice = index.locate(window.source_start, window.source_end) if index is not None else ((), None)
        yield Segment(
            index=window.index,
            start=window.start,
            end=window.end,
            source_start=window.source_start,
            source_end=window.source_end,
            frames=window.frames,
            first=window.first,
            next=window.next,
            weight=index.weight(window.source_start, window.source_end) if index is not None else 0,
            keyframes=window.keyframes,
            entries=entries,
            splice=splice,
            audio=sound.get(window.index, ()),
        )


def _sound(plan: Plan, windows: Sequence[Window], task: SplitTask, stores: Stores) -> dict[int, tuple[AudioSlice, ...]]:
    """Return the audio slices by the segment that their piece starts with; none for tracks of a single piece."""
    found: dict[int, tuple[AudioSlice, ...]] = {}
    borders = [one.start for one in windows] + [plan.timeline.end]
    for track in plan.audio:
        size = track.piece_segments
        if not size or len(windows) <= size:
            continue
        units = cuts(borders, plan.timeline.timescale, track.sample_rate, track.samples, at_start=True, at_end=True)
        firsts = range(0, len(windows), size)
        needs = [piece_window(track, units[first], units[min(first + size, len(windows))]) for first in firsts]
        with stores.open_source(task.source) as file:
            slices = audio_slices(file, task.source.size, track.stream, needs)
        for first, one in zip(firsts, slices, strict=True):
            if one is not None:
                found[first] = (*found.get(first, ()), one)
    return found
