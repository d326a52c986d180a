"""How audio tracks are named and offered, the same in HLS and DASH."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
    """Whether a player may choose it by the language and by what its user needs: of the film's own sound, and of each
    kind for those who see or hear badly, the first of each language (HLS authoring rule 2.13)."""
    role: Role
    original: bool
    channels: int


@dataclass(frozen=True)
class AudioGroup:
    """Renditions between which people choose; all groups have the same members, in other encodings."""

    id: str
    members: tuple[tuple[TrackManifest, AudioNames], ...]

    @property
    def tracks(self) -> tuple[TrackManifest, ...]:
        """Its tracks, in order."""
        return tuple(track for track, _ in self.members)


STEREO, SURROUND = "audio", "surround"


def groups(audios: Sequence[TrackManifest]) -> tuple[AudioGroup, ...]:
    """Return stereo and, where a track has more channels, surround; none without sound.

    Each group must have the same members, with the same attributes but for URI and CHANNELS (RFC 8216, section
    4.3.4.1.1): what has no surround of its own is in that group as it is in the other.
    """
    stereo = [audio for audio in audios if audio_track(audio).recipe.channels <= STEREO_CHANNELS]
    wide = {_programme(audio): audio for audio in audios if audio_track(audio).recipe.channels > STEREO_CHANNELS}
    if not audios:
        return ()
    found = [AudioGroup(STEREO, tuple(zip(stereo, describe(stereo), strict=True)))]
    if wide:
        members = []
        for audio, names in found[0].members:
            best = wide.get(_programme(audio), audio)
            members.append((best, replace(names, channels=audio_track(best).recipe.channels)))
        found.append(AudioGroup(SURROUND, tuple(members)))
    return tuple(found)


STEREO_CHANNELS = 2


def _programme(audio: TrackManifest) -> tuple[int, str]:
    """Return what stereo and surround of the same sound have in common."""
    track = audio_track(audio)
    return track.stream, track.labels.name


def describe(audios: Sequence[TrackManifest]) -> tuple[AudioNames, ...]:
    """Return names and roles for all audio tracks of a group, in order.

    Two tracks of one language and of the same characteristics must not both be AUTOSELECT=YES (RFC 8216, section
    4.3.4.1.1), and the default one must be. Names must differ in a group (the same section): they are made to after
    cleaning and shortening, for a plan of an earlier version holds names that only differ behind the limit.
    """
    tracks = [audio_track(audio) for audio in audios]
    taken = {(track.labels.language, _need(track.labels.role)) for track in tracks if track.labels.default}
    used: set[str] = set()
    found = []
    for track in tracks:
        labels = track.labels
        chosen_by = labels.language, _need(labels.role)
        auto = labels.default or (chosen_by[1] is not None and chosen_by not in taken)
        if auto:
            taken.add(chosen_by)
        name = unique(clean(labels.name), used)
        found.append(
            AudioNames(name, labels.language, labels.default, auto, labels.role, labels.original, track.recipe.channels)
        )
    return tuple(found)


def _need(role: Role) -> str | None:
    """Return what a player may choose a track for; ``None``: only its user may."""
    return {"main": "own", "dub": "own", "description": "description", "speech": "speech"}.get(role)


def characteristics(names: AudioNames) -> tuple[str, ...]:
    """Return the uniform type identifiers of HLS, in the words of AVFoundation (HLS authoring rules 2.12 and 2.28)."""
    found = {
        "description": ("public.accessibility.describes-video",),
        "speech": ("public.accessibility.enhances-speech-intelligibility",),
        "commentary": ("public.auxiliary-content",),
        "dub": ("public.translation", "public.translation.dubbed"),
    }.get(names.role, ())
    return (*found, *(("public.original-content",) if names.original else ()))


def dash_roles(names: AudioNames) -> tuple[str, ...]:
    """Return the values of ``urn:mpeg:dash:role:2011`` (ISO/IEC 23009-1, 5.8.5.5)."""
    own = {
        "description": "description",
        "speech": "enhanced-audio-intelligibility",
        "commentary": "commentary",
        "dub": "dub",
        "karaoke": "karaoke",
    }.get(names.role)
    found = (*(("main",) if names.default else ()), *((own,) if own else ()))
    return found or ("alternate",)


def dash_accessibility(names: AudioNames) -> str | None:
    """Return the term of ``urn:tva:metadata:cs:AudioPurposeCS:2007`` for those who see (1) or hear (2) badly."""
    return {"description": "1", "speech": "2"}.get(names.role)


def audio_track(manifest: TrackManifest) -> AudioTrack:
    """Return the track of an audio manifest.

    Raises:
        ValueError: It is a video track.
    """
    if not isinstance(manifest.track, AudioTrack):
        raise ValueError(f"track {manifest.track.id} is no audio track")
    return manifest.track
