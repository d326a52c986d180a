"""Loudness before sound is encoded: what is still to be measured, and what follows of it.

The gain of a track is known only when all of it was measured. So measuring is a stage of its own, whose result is one
small file for each track; the tasks that encode it read that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext

from streamify.dest.layout import loudness_key, loudness_piece_key
from streamify.jobs.segments import SegmentList
from streamify.jobs.work import audio_task, missing_pieces
from streamify.model.loudness import Loudness, LoudnessPiece
from streamify.model.plan import Plan, Segment
from streamify.model.source import Note
from streamify.model.task import LoudnessTask, PieceTask
from streamify.model.track import AudioTrack
from streamify.planning.loudness import PEAK, blocks, settled
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved


def unsettled(plan: Plan, media: Storage) -> tuple[AudioTrack, ...]:
    """Return the tracks that have a target and whose gain is not known yet."""
    return tuple(
        track for track in plan.audio if track.recipe.loudness is not None and read_loudness(media, track) is None
    )


def loudness_tasks(plan: Plan, media: Storage, known: SegmentList | None = None) -> Iterator[LoudnessTask]:
    """Yield a task for each piece that has to be measured; `known`: the segments, where they were read before."""
    tracks = unsettled(plan, media)
    if not tracks:
        return
    with nullcontext(known) if known is not None else closing(SegmentList(plan, media)) as segments:
        for track in tracks:
            for first, stop in _pieces(plan, track):
                if _read_piece(media, track, first) is None:
                    yield loudness_task(plan, track, [segments[index] for index in range(first, stop)])


def loudness_task(plan: Plan, track: AudioTrack, segments: Sequence[Segment]) -> LoudnessTask:
    """Return the task that measures one piece of an audio track."""
    encoding = audio_task(plan, track, segments)
    begin, end = blocks(track, encoding.cuts[0], encoding.cuts[-1])
    same = {name: getattr(encoding, name) for name in PieceTask.model_fields if name != "key"}
    return LoudnessTask(key=f"loudness/{track.id}/{segments[0].index:05d}", first=begin, last=end, **same)


def settle(plan: Plan, media: Storage) -> None:
    """Write the gain of each track whose pieces were all measured; the same for the same pieces, whoever calls."""
    for track in unsettled(plan, media):
        found = [_read_piece(media, track, first) for first, _ in _pieces(plan, track)]
        pieces = [piece for piece in found if piece is not None]
        if len(pieces) == len(found):
            momentary = (value for piece in pieces for value in piece.momentary)
            result = settled(track, momentary, max(piece.peak for piece in pieces))
            media.put(loudness_key(track.id), result.to_json())


def read_loudness(media: Storage, track: AudioTrack) -> Loudness | None:
    """Return what was measured of a track; ``None``: not all of it was."""
    key = loudness_key(track.id)
    data = media.get(key)
    found = parse_saved(Loudness, data, key) if data is not None else None
    return found if found is not None and (found.track, found.target) == (track.id, track.recipe.loudness) else None


def loudness_notes(track: AudioTrack, found: Loudness | None) -> Iterator[Note]:
    """Yield what the target made of a track."""
    what = f"audio stream {track.stream}" + (" in 5.1" if track.recipe.channels > 2 else "")
    if found is None:
        return
    if found.integrated is None:
        yield Note(kind="info", what=f"{what}: loudness", why="it is silent: its level is left alone")
        return
    peak = f"true peak {found.true_peak:.1f} dBTP" if found.true_peak is not None else "no peak"
    why = f"{found.integrated:.1f} LUFS and {peak} in the source; "
    if found.limited:
        reached, wanted = found.integrated + found.gain, found.target - found.integrated
        why += f"a gain of {found.gain:+.1f} dB, not {wanted:+.1f}, keeps the peak at {PEAK:g} dBTP: {reached:.1f} LUFS"
    else:
        why += f"a gain of {found.gain:+.1f} dB brings it to {found.target:g} LUFS"
    yield Note(kind="converted", what=f"{what}: loudness", why=why)


def _pieces(plan: Plan, track: AudioTrack) -> Iterator[tuple[int, int]]:
    return missing_pieces(plan, track, frozenset())


def _read_piece(media: Storage, track: AudioTrack, first: int) -> LoudnessPiece | None:
    key = loudness_piece_key(track.id, first)
    data = media.get(key)
    found = parse_saved(LoudnessPiece, data, key) if data is not None else None
    return found if found is not None and (found.track, found.segment) == (track.id, first) else None
