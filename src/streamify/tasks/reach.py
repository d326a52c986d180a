"""What each kind of task reads and writes: the whole of it, so that a worker gets nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import assert_never

from streamify.dest.layout import (
    PLAN,
    POSTER_RECORD,
    PREVIEW,
    PREVIEW_RECORD,
    all_words_key,
    captions_part_key,
    init_key,
    ledger_key,
    loudness_key,
    loudness_piece_key,
    poster_key,
    segment_key,
    sheet_key,
    sheet_record_key,
    text_file_key,
    text_record_key,
    words_key,
)
from streamify.model.settings import MediaSettings
from streamify.model.task import (
    AnyTask,
    AudioTask,
    CheckTask,
    InitTask,
    LoudnessTask,
    PosterTask,
    PreviewTask,
    SheetTask,
    SoundCheckTask,
    SourceCheckTask,
    SplitTask,
    StreamsCheckTask,
    TextCheckTask,
    TextTask,
    VideoTask,
)
from streamify.model.track import AudioTrack, VideoTrack
from streamify.storage.serving import Reach


def reach_of(task: AnyTask) -> Reach:
    """Return the source that a task reads, and its keys below DEST."""
    match task:
        case SplitTask():
            writes = frozenset({PLAN} if task.write else ())
            return Reach(task.source, _given(task.settings), writes, segment_list=task.write, burn=task.write)
        case InitTask():
            return Reach(writes=frozenset(init_key(track.folder) for track in task.tracks))
        case VideoTask():
            shown = frozenset({task.burn_part} if task.burn_part else ())
            return Reach(task.source, shown, _made(task.renditions, [task.segment.index]))
        case AudioTask():
            indices = range(task.first_segment, task.first_segment + len(task.cuts) - 1)
            loudness = frozenset({loudness_key(task.track.id)})
            return Reach(task.source, loudness, _made([task.track], indices))
        case LoudnessTask():
            return Reach(task.source, writes=frozenset({loudness_piece_key(task.track.id, task.first_segment)}))
        case SheetTask():
            reads = frozenset(_read(task.track, (one.segment for one in task.moments), certified=task.certified))
            board = task.storyboard
            made = {sheet_key(board.folder, task.number), sheet_record_key(board.id, task.number)}
            return Reach(reads=reads, writes=frozenset(made))
        case PosterTask():
            places = {moment.segment for moment in (*task.candidates, *task.more)}
            seen = (_read(track, places, certified=task.certified) for track in (task.track, task.scout))
            stills = {poster_key(width, kind) for width, _ in task.plan.sizes for kind in ("jpg", "webp")}
            return Reach(reads=frozenset(chain.from_iterable(seen)), writes=frozenset({POSTER_RECORD, *stills}))
        case PreviewTask():
            shown = frozenset(_files(task.track, dict.fromkeys(moment.segment for moment in task.moments)))
            return Reach(reads=shown, writes=frozenset({PREVIEW, PREVIEW_RECORD}))
        case TextTask():
            given = {text_file_key(track.recipe.file) for track in task.tracks if track.recipe.file is not None}
            whole = {key for track in task.tracks for key in (all_words_key(track.folder), text_record_key(track.id))}
            folders = frozenset(track.folder for track in task.tracks)
            numbers = range(task.parts if task.collected else 0)
            kept = [captions_part_key(task.collected, part, task.parts) for part in numbers]
            own = kept[task.part : task.part + 1]
            needed = frozenset({task.segment_list, *given, *kept})
            return Reach(task.source, needed, frozenset({*whole, *own}), words=folders)
        case TextCheckTask():
            parts = (words_key(task.folder, index) for index in range(len(task.record.segments.size)))
            return Reach(task.source, frozenset({all_words_key(task.folder), *parts}))
        case CheckTask():
            checked = {task.record.init.key, task.record.media.key, *([task.burn_part] if task.burn_part else [])}
            return Reach(task.source, frozenset(checked))
        case SourceCheckTask():
            compared = range(task.first, task.first + task.segments)
            return Reach(task.source, frozenset([*_files(task.track, {0, *compared}), *task.burn_parts]))
        case SoundCheckTask():
            return Reach(task.source, frozenset(_files(task.track, range(task.segments))))
        case StreamsCheckTask():
            return Reach(task.source, frozenset(task.burn_parts))
        case _:
            assert_never(task)


def _given(settings: MediaSettings) -> frozenset[str]:
    """Return the keys of what text is drawn with, and of the files of which one may be drawn."""
    files = settings.subtitles if isinstance(settings.subtitles, tuple) and settings.burn_in is not None else ()
    given = [one.sha256 for one in (*files, settings.burn_in_font) if one is not None]
    return frozenset(text_file_key(digest) for digest in given if digest is not None)


def _made(tracks: Iterable[VideoTrack | AudioTrack], indices: Iterable[int]) -> frozenset[str]:
    """Return the keys of segments, of their inits and of their ledger entries."""
    segments = tuple(indices)
    return frozenset(
        key
        for track in tracks
        for key in (*_files(track, segments), *(ledger_key(track.id, index) for index in segments))
    )


def _read(track: VideoTrack, indices: Iterable[int], *, certified: bool) -> Iterator[str]:
    """Yield the keys of what an image is made from: with the ledger entries of segments that are not certified yet."""
    segments = tuple(dict.fromkeys(indices))
    yield from _files(track, segments)
    if not certified:
        yield from (ledger_key(track.id, index) for index in segments)


def _files(track: VideoTrack | AudioTrack, indices: Iterable[int]) -> Iterator[str]:
    yield init_key(track.folder)
    for index in indices:
        yield segment_key(track.folder, index)
