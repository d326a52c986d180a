"""HLS playlists (RFC 8216 and its successor draft; Apple's authoring rules) as text. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from streamify.dest.layout import IFRAMES, INIT, PLAYLIST, segment_name, words_name
from streamify.manifests.audio import AudioGroup, AudioNames, characteristics, groups
from streamify.manifests.base import (
    TrackManifest,
    frame_rate,
    peak_rate,
    variant_order,
)
from streamify.manifests.captions import GROUP as CAPTIONS
from streamify.manifests.captions import captions_media
from streamify.manifests.chapters import DATA_ID
from streamify.manifests.images import image_stream
from streamify.manifests.words import GROUP, TextManifest, media_tags
from streamify.model.caption import CaptionChannel
from streamify.model.images import StoryboardReport
from streamify.model.track import VideoTrack

_VERSION = 7
"""EXT-X-MAP outside I-frame playlists needs 6; 7 is what players know as the first with fMP4."""
_MICRO = 1_000_000


def media_playlist(manifest: TrackManifest, target_duration: int, *, ended: bool = True) -> str:
    """Return a track's media playlist.

    Args:
        manifest: Of the track, as far as it is published.
        target_duration: Of the stream, seconds; never changes.
        ended: Nothing follows (VOD); else players ask again, and only lines at the end may be new (EVENT).

    Raises:
        ValueError: A segment is longer than `target_duration` allows.
    """
    lines = _head(target_duration, ended=ended)
    for number, length in enumerate(extinf(manifest.durations, target_duration)):
        lines += [f"#EXTINF:{length},", segment_name(number)]
    return _text([*lines, *_end(ended)])


def words_playlist(manifest: TextManifest, target_duration: int, *, ended: bool = True) -> str:
    """Return the media playlist of a track of words; arguments and errors as of `media_playlist`."""
    lines = _head(target_duration, ended=ended, init=False)
    for number, length in enumerate(extinf(manifest.durations, target_duration)):
        lines += [f"#EXTINF:{length},", words_name(number)]
    return _text([*lines, *_end(ended)])


def iframe_playlist(manifest: TrackManifest, target_duration: int, *, ended: bool = True) -> str:
    """Return a video track's I-frame playlist: every IDR picture as a byte range that includes its moof.

    Args:
        manifest: As of `media_playlist`.
        target_duration: As of `media_playlist`.
        ended: As of `media_playlist`.

    Raises:
        ValueError: The track has no IDR picture at 0, or two are further apart than `target_duration` allows.
    """
    lines = _head(target_duration, "#EXT-X-I-FRAMES-ONLY", ended=ended)
    lengths = extinf([length for length, _, _ in manifest.iframes], target_duration)
    for text, (_, name, iframe) in zip(lengths, manifest.iframes, strict=True):
        lines += [f"#EXTINF:{text},", f"#EXT-X-BYTERANGE:{iframe.size}@{iframe.offset}", name]
    return _text([*lines, *_end(ended)])


def master(
    videos: Sequence[TrackManifest],
    audios: Sequence[TrackManifest],
    chapters: str | None = None,
    thumbnails: StoryboardReport | None = None,
    words: Sequence[TextManifest] = (),
    *,
    ended: bool = True,
    captions: Sequence[CaptionChannel] = (),
) -> str:
    """Return the master playlist: every video rendition once for each group of audio tracks, stereo first.

    The variant to start on stands first (`variant_order`), the others follow in ladder order. Without video the
    default audio track of each group is the variant, and the group offers the others.

    Args:
        videos: Video renditions in ladder order.
        audios: Audio tracks.
        chapters: Relative URL of the chapters as JSON, named as session data (RFC 8216, 4.3.4.4).
        thumbnails: Of the stream.
        words: Subtitles, offered beside every variant.
        ended: Of the media playlists, as of `media_playlist`.
        captions: Channels of captions inside the pictures, one group of every variant.
    """
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS", *_start(ended)]
    if chapters is not None:
        lines.append(_tag("EXT-X-SESSION-DATA", f'DATA-ID="{DATA_ID}"', f'URI="{chapters}"'))
    sound: tuple[AudioGroup | None, ...] = groups(audios) or (None,)
    for group in sound:
        lines += [_audio_media(audio, names, group.id) for audio, names in group.members] if group is not None else []
    shown = captions if videos else ()
    lines += captions_media(shown)
    lines += media_tags(words)
    for group in sound:
        for video in variant_order(videos):
            lines += [_variant(video, group, captioned=bool(shown), subtitled=bool(words)), video.url(PLAYLIST)]
        for audio, names in group.members if group is not None and not videos else ():
            if names.default:
                lines += [_variant(None, group, captioned=False, subtitled=bool(words)), audio.url(PLAYLIST)]
    lines += [_iframe_stream(video) for video in videos if video.has_iframes]
    lines += [image_stream(thumbnails)] if thumbnails is not None else []
    return _text(lines)


def extinf(durations: Iterable[Fraction], target_duration: int) -> Iterator[str]:
    """Yield EXTINF values in microseconds, so that every run of them sums to the truth within one microsecond.

    Each is the difference of two rounded sums, never a rounded duration: errors do not add up. A value just below
    target + 0.5 s is not rounded up to it, for the integer it rounds to must not exceed the target (RFC 8216, 4.3.3.1).

    Raises:
        ValueError: A duration rounds to more than `target_duration`.
    """
    limit = target_duration * _MICRO + _MICRO // 2
    total, published = Fraction(), 0
    for number, duration in enumerate(durations):
        if duration * _MICRO >= limit:
            raise ValueError(f"segment {number} lasts {float(duration)} s, above the target of {target_duration} s")
        total += duration
        length = min(int(total * _MICRO + Fraction(1, 2)) - published, limit - 1)
        published += length
        yield f"{length // _MICRO}.{length % _MICRO:06d}"


def _end(ended: bool) -> list[str]:
    return ["#EXT-X-ENDLIST"] if ended else []


def _start(ended: bool) -> list[str]:
    """Return where a player is to begin a stream that grows: at 0, where it would begin near the end (4.3.5.2)."""
    return [] if ended else ["#EXT-X-START:TIME-OFFSET=0,PRECISE=YES"]


def _head(target_duration: int, *more: str, ended: bool, init: bool = True) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        *more,
        "#EXT-X-INDEPENDENT-SEGMENTS",
        *_start(ended),
        *([f'#EXT-X-MAP:URI="{INIT}"'] if init else []),
    ]


def _variant(video: TrackManifest | None, group: AudioGroup | None, *, captioned: bool, subtitled: bool) -> str:
    """Return the tag of a video rendition with the sound of a group, or of that alone."""
    tracks = group.tracks if group is not None else ()
    peak = max((audio.bandwidth for audio in tracks), default=0)
    average = max((audio.average_bandwidth for audio in tracks), default=0)
    codecs = sorted({audio.codecs for audio in tracks})
    pictures = []
    if video is not None:
        track = _video(video)
        peak, average, codecs = peak + video.bandwidth, average + video.average_bandwidth, [video.codecs, *codecs]
        pictures = [
            f"RESOLUTION={track.width}x{track.height}",
            f"FRAME-RATE={frame_rate(track.frame_rate)}",
            f"VIDEO-RANGE={track.recipe.range}",
        ]
    return _tag(
        "EXT-X-STREAM-INF",
        f"BANDWIDTH={peak}",
        f"AVERAGE-BANDWIDTH={average}",
        f'CODECS="{",".join(codecs)}"',
        *pictures,
        *([f'AUDIO="{group.id}"'] if group is not None else []),
        *([f'SUBTITLES="{GROUP}"'] if subtitled else []),
        f'CLOSED-CAPTIONS="{CAPTIONS}"' if captioned else "CLOSED-CAPTIONS=NONE",
    )


def _audio_media(audio: TrackManifest, names: AudioNames, group: str) -> str:
    return _tag(
        "EXT-X-MEDIA",
        "TYPE=AUDIO",
        f'GROUP-ID="{group}"',
        f'NAME="{names.name}"',
        f'LANGUAGE="{names.language or "und"}"',  # Apple's rules demand a value
        f"DEFAULT={'YES' if names.default else 'NO'}",
        f"AUTOSELECT={'YES' if names.autoselect else 'NO'}",
        *([f'CHARACTERISTICS="{",".join(described)}"'] if (described := characteristics(names)) else []),
        f'CHANNELS="{names.channels}"',
        f'URI="{audio.url(PLAYLIST)}"',
    )


def _iframe_stream(video: TrackManifest) -> str:
    track = _video(video)
    durations = [length for length, _, _ in video.iframes]
    sizes = [iframe.size for _, _, iframe in video.iframes]
    average = -int(-(8 * sum(sizes)) / video.duration // 1)
    return _tag(
        "EXT-X-I-FRAME-STREAM-INF",
        f"BANDWIDTH={peak_rate(durations, sizes, video.target)}",
        f"AVERAGE-BANDWIDTH={average}",
        f'CODECS="{video.codecs}"',
        f"RESOLUTION={track.width}x{track.height}",
        f"VIDEO-RANGE={track.recipe.range}",
        f'URI="{video.url(IFRAMES)}"',
    )


def _video(manifest: TrackManifest) -> VideoTrack:
    if not isinstance(manifest.track, VideoTrack):
        raise ValueError(f"track {manifest.track.id} is no video track")
    return manifest.track


def _tag(name: str, *attributes: str) -> str:
    return f"#{name}:" + ",".join(attributes)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
