"""The DASH manifest (ISO/IEC 23009-1, static, profile for CMAF content) as text. Pure functions."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import gcd
from urllib.parse import quote

from streamify.codecs.registry import audio_codec
from streamify.dest.layout import INIT, SEGMENT_TEMPLATE
from streamify.manifests.audio import (
    STEREO_CHANNELS,
    SURROUND,
    AudioNames,
    audio_track,
    dash_accessibility,
    dash_roles,
    groups,
)
from streamify.manifests.base import TrackManifest
from streamify.manifests.captions import dash_captions
from streamify.manifests.chapters import add_events
from streamify.manifests.images import add_thumbnails
from streamify.manifests.words import TextManifest, add_text_sets
from streamify.model.caption import CaptionChannel
from streamify.model.chapter import Chapter
from streamify.model.images import StoryboardReport
from streamify.model.track import VideoTrack

_PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
_ROLE = "urn:mpeg:dash:role:2011"
_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"
_MICRO = 1_000_000


@dataclass(frozen=True)
class Growing:
    """When a stream that grows was published.

    Players take such a stream for a live one, and would wait at a clock that it does not have. So the clock is set such
    that all of the film is in the past (segments that are listed are available, however fast they are made), its length
    is told, and the delay that is suggested is as long as what there is: that leads to 0.
    """

    since: datetime
    """The first version."""
    now: datetime
    """This version."""
    update: Fraction
    """Seconds after which players ask for the next version."""


def mpd(
    videos: Sequence[TrackManifest],
    audios: Sequence[TrackManifest],
    duration: Fraction,
    growing: Growing | None = None,
    chapters: Sequence[Chapter] = (),
    thumbnails: StoryboardReport | None = None,
    captions: Sequence[CaptionChannel] = (),
    words: Sequence[TextManifest] = (),
    *,
    subtitles: Sequence[str] | None = None,
    illustrated: bool = True,
) -> str:
    """Return the MPD of a stream.

    Args:
        videos: Video renditions in ladder order; one AdaptationSet, between which players switch.
        audios: Audio tracks; an AdaptationSet each, for languages and commentary are chosen, not switched.
        duration: Length of the presentation, seconds: of the video where there is one.
        growing: More segments follow (dynamic); ``None``: it has ended (static).
        chapters: Of the stream, as events of the period.
        thumbnails: Of the stream, as an AdaptationSet behind all others.
        captions: Channels of captions inside the pictures.
        words: Subtitles, an AdaptationSet each.
        subtitles: Ids of all tracks that `words` can come to have: AdaptationSets are numbered by them, for an id stays
            the same in all versions of an MPD (ISO/IEC 23009-1, 5.4); ``None``: `words` has them all.
        illustrated: All thumbnails exist.

    Raises:
        ValueError: There is no track at all, or `duration` is not positive.
    """
    if duration <= 0 or not (videos or audios):
        raise ValueError("an MPD needs a track and a duration")
    published = max(manifest.duration for manifest in (*videos, *audios))
    longest = max(max(manifest.durations) for manifest in (*videos, *audios))
    root = ET.Element(
        "MPD",
        {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            "profiles": _PROFILES,
            **_times(duration, growing, published),
            "maxSegmentDuration": iso_duration(longest),
            # @bandwidth holds from any segment on where one whole segment has arrived before playback starts (ISO/IEC
            # 23009-1, 5.3.5.2). No player waits for it: dash.js 5.2 and Shaka Player 5.2 read it for live delays alone.
            "minBufferTime": iso_duration(longest),
        },
    )
    period = ET.SubElement(root, "Period", id="0", start="PT0S")
    if chapters:
        add_events(period, chapters)
    if videos:
        _video_set(period, videos, captions)
    for number, (audio, names, priority) in enumerate(_offered(audios), start=1):
        _audio_set(period, number, audio, names, priority)
    known = subtitles if subtitles is not None else [manifest.track.id for manifest in words]
    numbers = {track: number for number, track in enumerate(known, start=1 + len(audios))}
    add_text_sets(period, numbers, words)
    if thumbnails is not None:
        add_thumbnails(period, 1 + len(audios) + len(known), thumbnails, ended=illustrated)
    if growing is not None:
        # dash.js looks for the delay here first; and no player is to hurry. No time server is asked.
        service = ET.Element("ServiceDescription", id="0")
        ET.SubElement(service, "Latency", target=str(-int(-duration * 1000 // 1)))
        ET.SubElement(service, "PlaybackRate", min="1", max="1")
        root.insert(0, service)
        _descriptor(root, "UTCTiming", "urn:mpeg:dash:utc:direct:2014", _moment(growing.now))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _times(duration: Fraction, growing: Growing | None, published: Fraction) -> dict[str, str]:
    """Return the attributes that say whether the presentation has ended, and how long it is."""
    length = {"mediaPresentationDuration": iso_duration(duration)}
    if growing is None:
        return {"type": "static", **length}
    return {
        "type": "dynamic",
        **length,
        "availabilityStartTime": _moment(growing.since - timedelta(seconds=math.ceil(duration) + 1)),
        "publishTime": _moment(growing.now),
        "minimumUpdatePeriod": iso_duration(growing.update),
        "suggestedPresentationDelay": iso_duration(published),
    }


def _moment(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso_duration(seconds: Fraction) -> str:
    """Return an xs:duration in microseconds, rounded up.

    Up, because players derive the append window's end from it, and MSE drops a whole picture that ends a
    microsecond later (dash.js 5.2.1 and Shaka 5.2.12 add 0.01 and 0.1 s of slack, others may not).
    """
    micro = -int(-seconds * _MICRO // 1)
    text = f"{micro // _MICRO}.{micro % _MICRO:06d}".rstrip("0").rstrip(".")
    return f"PT{text}S"


def runs(durations: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return a SegmentTimeline's entries: start, duration and repeats beyond the first, in ticks."""
    found: list[tuple[int, int, int]] = []
    start = 0
    for duration in durations:
        if found and found[-1][1] == duration:
            found[-1] = (found[-1][0], duration, found[-1][2] + 1)
        else:
            found.append((start, duration, 0))
        start += duration
    return found


def _video_set(period: ET.Element, videos: Sequence[TrackManifest], captions: Sequence[CaptionChannel]) -> None:
    tracks = [video.track for video in videos if isinstance(video.track, VideoTrack)]
    if len(tracks) != len(videos):
        raise ValueError("an audio track was given as video")
    largest = max(tracks, key=lambda track: track.width * track.height)
    adaptation = ET.SubElement(
        period,
        "AdaptationSet",
        id="0",
        contentType="video",
        mimeType="video/mp4",
        segmentAlignment="true",
        startWithSAP="1",
        par=_ratio(largest.width, largest.height),
        maxWidth=str(max(track.width for track in tracks)),
        maxHeight=str(max(track.height for track in tracks)),
        maxFrameRate=_rational(max(track.frame_rate for track in tracks)),
    )
    for scheme, value in dash_captions(captions):
        _descriptor(adaptation, "Accessibility", scheme, value)
    _descriptor(adaptation, "Role", _ROLE, "main")
    for video, track in zip(videos, tracks, strict=True):
        representation = ET.SubElement(
            adaptation,
            "Representation",
            id=track.id,
            bandwidth=str(video.bandwidth),
            codecs=video.codecs,
            width=str(track.width),
            height=str(track.height),
            frameRate=_rational(track.frame_rate),
            sar="1:1",
            scanType="progressive",
        )
        _segments(representation, video)


def _offered(audios: Sequence[TrackManifest]) -> Iterator[tuple[TrackManifest, AudioNames, int | None]]:
    """Yield each audio track with its names and its @selectionPriority; surround, where there is any, comes second."""
    found = groups(audios)
    for group in found:
        for audio, names in group.members:
            if group.id != SURROUND:
                yield audio, names, 2 if len(found) > 1 else None
            elif names.channels > STEREO_CHANNELS:
                yield audio, replace(names, name=f"{names.name} (5.1)"), 1


def _audio_set(period: ET.Element, number: int, audio: TrackManifest, names: AudioNames, priority: int | None) -> None:
    track = audio_track(audio)
    adaptation = ET.SubElement(
        period,
        "AdaptationSet",
        id=str(number),
        contentType="audio",
        mimeType="audio/mp4",
        segmentAlignment="true",
        startWithSAP="1",
    )
    if priority is not None:
        adaptation.set("selectionPriority", str(priority))
    if names.language:
        adaptation.set("lang", names.language)
    ET.SubElement(adaptation, "Label").text = names.name
    if (purpose := dash_accessibility(names)) is not None:
        _descriptor(adaptation, "Accessibility", _PURPOSE, purpose)
    for role in dash_roles(names):
        _descriptor(adaptation, "Role", _ROLE, role)
    representation = ET.SubElement(
        adaptation,
        "Representation",
        id=track.id,
        bandwidth=str(audio.bandwidth),
        codecs=audio.codecs,
        audioSamplingRate=str(track.sample_rate),
    )
    configuration = audio_codec(track.recipe.codec).channel_configuration(names.channels)
    _descriptor(representation, "AudioChannelConfiguration", *configuration)
    _segments(representation, audio)


def _segments(representation: ET.Element, manifest: TrackManifest) -> None:
    # S@t and S@d are tfdt and the sum of trun durations, so that a player finds in the file what the timeline says.
    # No @presentationTimeOffset: it is taken off presentation times, which start at 0 already, for MSE and FFmpeg apply
    # the edit list themselves: the reorder delay of video and the priming of audio alike. With 1024 for audio, Shaka
    # 5.2.12 and dash.js 5.2.1 in Chromium removed the priming twice: sound ended at 16.000 s instead of 16.021. So S@t
    # of audio lies 1024 samples after the segment's first presented one; players place by the media, look up by S@t.
    track = manifest.track
    folder = quote(track.folder)  # also '$', which would start a template identifier
    template = ET.SubElement(
        representation,
        "SegmentTemplate",
        timescale=str(track.timescale),
        initialization=f"{folder}/{INIT}",
        media=f"{folder}/{SEGMENT_TEMPLATE}",
        startNumber="0",
    )
    timeline = ET.SubElement(template, "SegmentTimeline")
    for start, duration, repeat in runs([line.duration for line in manifest.segments]):
        entry = ET.SubElement(timeline, "S", t=str(start), d=str(duration))
        if repeat:
            entry.set("r", str(repeat))


def _descriptor(parent: ET.Element, name: str, scheme: str, value: str) -> None:
    ET.SubElement(parent, name, schemeIdUri=scheme, value=value)


def _ratio(width: int, height: int) -> str:
    divisor = gcd(width, height)
    return f"{width // divisor}:{height // divisor}"


def _rational(value: Fraction) -> str:
    return str(value)
