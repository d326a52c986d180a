"""How audio tracks are named and offered, the same in HLS and DASH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamify.manifests.base import TrackManifest
from streamify.model.text import clean, unique
from streamify.model.track import AudioTrack, Role


@dataclass(frozen=True)
class AudioNames:
    """What a person and a player are told of one audio track."""

    name: str
    """Unique among the tracks; safe in an HLS quoted string and in XML."""
    language: str | None
    """BCP 47; ``None``: unknown."""
    default: bool
    """Exactly one track is."""
    autoselect: bool
    """Whether a player may choose it by language alone: the first of each language that is the film's own sound."""
    role: Role
    channels: int


def describe(audios: Sequence[TrackManifest]) -> tuple[AudioNames, ...]:
    """Return names and roles for all audio tracks of a stream, in order.

    Two tracks of one language must not both be AUTOSELECT=YES (RFC 8216, section 4.3.4.1.1), and the default one must
    be. Names must differ in a group (the same section): they are made to after cleaning and shortening, for a plan of
    an earlier version holds names that only differ behind the limit.
    """
    tracks = [audio_track(audio) for audio in audios]
    taken = {track.labels.language for track in tracks if track.labels.default}
    used: set[str] = set()
    found = []
    for track in tracks:
        labels = track.labels
        auto = labels.default or (labels.role == "main" and labels.language not in taken)
        if auto:
            taken.add(labels.language)
        name = unique(clean(labels.name), used)
        found.append(AudioNames(name, labels.language, labels.default, auto, labels.role, track.recipe.channels))
    return tuple(found)


def audio_track(manifest: TrackManifest) -> AudioTrack:
    """Return the track of an audio manifest.

    Raises:
        ValueError: It is a video track.
    """
    if not isinstance(manifest.track, AudioTrack):
        raise ValueError(f"track {manifest.track.id} is no audio track")
    return manifest.track
