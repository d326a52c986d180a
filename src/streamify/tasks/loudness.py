"""The loudness task: measures a piece of one audio track."""

from __future__ import annotations

from functools import partial

from streamify.dest.layout import loudness_key, loudness_piece_key
from streamify.media.audio.loudness import measure
from streamify.media.audio.samples import AudioLog, AudioSource
from streamify.model.loudness import Loudness, LoudnessPiece
from streamify.model.progress import OnProgress
from streamify.model.result import LoudnessResult
from streamify.model.task import LoudnessTask
from streamify.model.track import AudioTrack
from streamify.storage.base import Storage, Stores
from streamify.storage.saved import damaged, read_saved


def run_loudness(task: LoudnessTask, stores: Stores, progress: OnProgress | None = None) -> LoudnessResult:
    """Measure a piece and write what was found. See `run_task` for errors.

    What the source has of damage is named by the task that encodes the piece.
    """
    opened = partial(stores.open_source, task.source)
    source = AudioSource(opened, task.slice, task.breaks, task.joined, piece=task.piece)
    found = measure(source, task.track, task.first, task.last, AudioLog(), progress)
    piece = LoudnessPiece(
        track=task.track.id, segment=task.first_segment, momentary=found.momentary, peak=found.peak
    )  # fmt: skip
    stores.media.put(loudness_piece_key(task.track.id, task.first_segment), piece.to_json())
    return LoudnessResult(key=task.key)


def known_gain(media: Storage, track: AudioTrack) -> float:
    """Return the gain of a track, dB: 0 without a target, else what was measured before.

    Raises:
        DestinationError: ``state-damaged``, it was not measured.
    """
    if track.recipe.loudness is None:
        return 0.0
    key = loudness_key(track.id)
    found = read_saved(media, key, Loudness, at="DEST")
    if found is None or (found.track, found.target) != (track.id, track.recipe.loudness):
        raise damaged(f"{key} at DEST", "it does not say how loud the sound is")
    return found.gain
