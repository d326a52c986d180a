"""Which objects below a DEST nobody needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamify.dest.layout import (
    CLAIM,
    DOCTOR,
    INIT,
    LEDGER,
    LOCK,
    LOUDNESS,
    RETIRED,
    RUNS,
    SHEETS,
    TEXT,
    TEXT_FILES,
    burn_folder,
    is_segment_list,
    is_state,
    ledger_track,
    segment_index,
    streamify_track_of,
)
from streamify.model.cleaning import Kind


@dataclass(frozen=True)
class Needed:
    """What is needed of a DEST. An object that none of this names is litter."""

    tracks: Mapping[str, int]
    """Ids of the tracks of plans, report and manifests, each with the number of its segments; -1: not known."""
    named: frozenset[str]
    """Keys of the media files that playlists name."""
    retired: Mapping[str, float]
    """Replaced tracks, and until when viewers may still play them, seconds since the epoch."""
    segment_lists: frozenset[str]
    """Keys of those that plans name."""
    burns: frozenset[str]
    """Ids of the folders of what plans draw into pictures."""
    text_files: frozenset[str]
    """Keys of the subtitle files that plans name."""
    runs: frozenset[str] | None
    """Ids of the runs whose records stay; ``None``: of all."""
    state: bool = True
    """Whether plan, ledger and records are needed at all."""


def litter(key: str, needed: Needed, now: float) -> Kind | None:
    """Return of which kind an object is that nobody needs; ``None``: it is needed, or not of Streamify.

    Args:
        key: Below DEST.
        needed: What is needed there.
        now: Seconds since the epoch.
    """
    if key.startswith(DOCTOR):
        return "temporary"
    if (track := streamify_track_of(key)) is not None:
        kind = _of_track(track, needed, now)
        if kind is None and track in needed.tracks and _beyond(key, needed.tracks[track]) and key not in needed.named:
            return "orphan"
        return kind
    if (track := _state_track(key)) is not None:
        kind = _of_track(track, needed, now)
        if kind is None and not needed.state and track in needed.tracks:
            return "state"
        return kind
    if not needed.state and _is_state(key):
        return "state"
    if key.startswith(f"{TEXT_FILES}/") and key not in needed.text_files:
        return "orphan"
    if (folder := burn_folder(key)) is not None and folder not in needed.burns:
        return "orphan"
    if is_segment_list(key) and key not in needed.segment_lists:
        return "orphan"
    if key.startswith(f"{RUNS}/") and needed.runs is not None:
        return None if key.removeprefix(f"{RUNS}/").partition("/")[0] in needed.runs else "runs"
    return None


def _of_track(track: str, needed: Needed, now: float) -> Kind | None:
    if track in needed.tracks:
        return None
    if track in needed.retired:
        return "replaced" if needed.retired[track] <= now else None
    return "orphan"


def _beyond(key: str, segments: int) -> bool:
    """Return whether a media file lies behind the last segment of its track."""
    index = segment_index(key)
    return segments >= 0 and not key.endswith(f"/{INIT}") and index is not None and index >= segments


def _state_track(key: str) -> str | None:
    """Return the id of the track that a ledger entry, a measurement of loudness, or the record of a sheet is about."""
    if key.startswith(f"{LEDGER}/"):
        return ledger_track(key)
    for folder in (LOUDNESS, SHEETS, TEXT):
        if key.startswith(f"{folder}/"):
            return key.removeprefix(f"{folder}/").split("/")[0].removesuffix(".json")
    return None


def _is_state(key: str) -> bool:
    return is_state(key) and key not in (LOCK, CLAIM, RETIRED)
