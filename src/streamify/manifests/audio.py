"""How audio tracks are named and offered, the same in HLS and DASH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamify.manifests.base import TrackManifest, clean
from streamify.manifests.language import bcp47
from streamify.model.track import AudioTrack


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
    """Whether a player may choose it by language alone: the first of each language that is no commentary."""
    commentary: bool
    channels: int


def describe(audios: Sequence[TrackManifest]) -> tuple[AudioNames, ...]:
    """Return names and roles for all audio tracks of a stream, in order.

    The default is the first track that the source marks as such and that is no commentary; failing that the first
    that is no commentary; failing that the first. Two tracks of one language must not both be AUTOSELECT=YES
    (RFC 8216, section 4.3.4.1.1), and the default one must be.
    """
    tracks = [audio_track(audio) for audio in audios]
    if not tracks:
        return ()
    default = min(range(len(tracks)), key=lambda n: (_commentary(tracks[n]), not tracks[n].labels.default, n))
    taken = {bcp47(tracks[default].labels.language)}
    used: set[str] = set()
    found = []
    for number, track in enumerate(tracks):
        language = bcp47(track.labels.language)
        auto = number == default or (not _commentary(track) and language not in taken)
        if auto:
            taken.add(language)
        name = _unique(clean(track.labels.name) or _fallback(track, language, number), used)
        found.append(AudioNames(name, language, number == default, auto, _commentary(track), track.recipe.channels))
    return tuple(found)


def audio_track(manifest: TrackManifest) -> AudioTrack:
    """Return the track of an audio manifest.

    Raises:
        ValueError: It is a video track.
    """
    if not isinstance(manifest.track, AudioTrack):
        raise ValueError(f"track {manifest.track.id} is no audio track")
    return manifest.track


def _commentary(track: AudioTrack) -> bool:
    return track.labels.role == "commentary"


def _fallback(track: AudioTrack, language: str | None, number: int) -> str:
    name = language or f"Audio {number + 1}"
    return f"{name} (commentary)" if _commentary(track) else name


def _unique(name: str, used: set[str]) -> str:
    candidate, count = name, 1
    while candidate in used:
        count += 1
        candidate = f"{name} ({count})"
    used.add(candidate)
    return candidate
