"""Reading a finished DEST for the judge: media by its boxes and by FFmpeg."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import av

from judges.isobmff import Fragment, Header, read_fragments, read_header
from judges.playlist import Playlist, attributes

DASH = "{urn:mpeg:dash:schema:mpd:2011}"


@dataclass(frozen=True)
class Segment:
    """One media file."""

    uri: str
    data: bytes
    fragments: tuple[Fragment, ...]

    @property
    def duration(self) -> int:
        return sum(sum(fragment.durations) for fragment in self.fragments)

    @property
    def start(self) -> int:
        return self.fragments[0].decode_time


@dataclass(frozen=True)
class Decoded:
    """What FFmpeg makes of a whole track."""

    extradata: bytes
    frames: int
    start: Fraction
    """Presentation time of the first picture or sample, seconds, edit list applied."""
    sizes: frozenset[tuple[int, int]]
    aspects: frozenset[Fraction]
    interlaced: int
    colours: frozenset[tuple[int, int, int]]
    """Primaries, transfer, matrix by ITU-T H.273; 2 is unspecified."""
    channels: int
    sample_rate: int
    profile: str
    damaged: int
    tag: str = ""
    """Sample entry."""


class Track:
    """One media playlist with its bytes."""

    def __init__(self, root: Path, uri: str, about: dict[str, str]) -> None:
        self.root = root
        self.about = about
        """Attributes of its EXT-X-STREAM-INF or EXT-X-MEDIA."""
        self.playlist = Playlist(root, uri)
        if self.playlist.map is None:
            raise ValueError(f"{uri}: no EXT-X-MAP")
        self.init = (root / self.playlist.map).read_bytes()
        self.header: Header = read_header(self.init)
        self.segments = []
        for entry in self.playlist.entries:
            data = (root / entry.uri).read_bytes()
            self.segments.append(Segment(entry.uri, data, read_fragments(data, self.header)))

    @property
    def name(self) -> str:
        return self.playlist.folder

    @property
    def video(self) -> bool:
        return self.header.handler == "vide"

    @property
    def codec(self) -> str:
        """RFC 6381 string out of what FFmpeg reads: avcC as it stands, or AudioSpecificConfig; of Dolby's, its tag."""
        extra = self.decoded.extradata
        if self.decoded.tag in ("ac-3", "ec-3"):
            return self.decoded.tag
        return f"avc1.{extra[1:4].hex()}" if self.video else f"mp4a.40.{extra[0] >> 3}"

    @property
    def fragments(self) -> list[Fragment]:
        return [fragment for segment in self.segments for fragment in segment.fragments]

    @property
    def durations(self) -> list[Fraction]:
        return [Fraction(segment.duration, self.header.timescale) for segment in self.segments]

    @property
    def samples(self) -> int:
        return sum(len(fragment.durations) for fragment in self.fragments)

    @property
    def frame(self) -> Fraction:
        """Length of the longest picture or access unit, seconds."""
        return Fraction(max(max(fragment.durations) for fragment in self.fragments), self.header.timescale)

    @property
    def start(self) -> Fraction:
        """Earliest presentation time, edit list applied, seconds."""
        first = self.fragments[0]
        times, at = [], first.decode_time
        for duration, offset in zip(first.durations, first.offsets, strict=True):
            times.append(at + offset)
            at += duration
        return Fraction(min(times) - self.header.media_time, self.header.timescale)

    @property
    def end(self) -> Fraction:
        return self.start + sum(self.durations, Fraction())

    @property
    def peak(self) -> Fraction:
        """Measured peak segment bit rate (RFC 8216, section 4.1)."""
        found = []
        low, high = Fraction(self.playlist.target, 2), Fraction(3 * self.playlist.target, 2)
        for a in range(len(self.segments)):
            for b in range(a + 1, len(self.segments) + 1):
                length = sum(self.durations[a:b], Fraction())
                if low <= length <= high:
                    found.append(sum(len(s.data) for s in self.segments[a:b]) * 8 / length)
                elif length > high:
                    break
        return max(found, default=self.average)

    @property
    def average(self) -> Fraction:
        return sum(len(segment.data) for segment in self.segments) * 8 / sum(self.durations, Fraction())

    @cached_property
    def decoded(self) -> Decoded:
        return decode(self.init + b"".join(segment.data for segment in self.segments))


def decode(data: bytes) -> Decoded:
    """Decode a whole track with FFmpeg and say what came out."""
    with av.open(io.BytesIO(data), "r") as container:
        stream: Any = container.streams[0]
        extradata, profile = bytes(stream.codec_context.extradata or b""), str(stream.profile)
        frames = list(container.decode(stream))
        first = min(frame.pts * frame.time_base for frame in frames)
        if stream.type == "audio":
            channels, empty = stream.codec_context.channels, frozenset[Any]()
            damaged = sum(frame.is_corrupt for frame in frames)
            rate = stream.codec_context.sample_rate
            return Decoded(extradata, len(frames), first, empty, empty, 0, empty, channels, rate, profile, damaged,
                           stream.codec_context.codec_tag)  # fmt: skip
        return Decoded(
            extradata,
            len(frames),
            first,
            frozenset((frame.width, frame.height) for frame in frames),
            frozenset([Fraction(stream.codec_context.sample_aspect_ratio or 1) or Fraction(1)]),
            sum(frame.interlaced_frame for frame in frames),
            frozenset((int(f.color_primaries), int(f.color_trc), int(f.colorspace)) for f in frames),
            0,
            0,
            profile,
            sum(frame.is_corrupt for frame in frames),
        )


class Stream:
    """A finished DEST."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.master = Playlist(root, "master.m3u8")
        renditions = [attributes(tag) for tag in self.master.tags.get("EXT-X-MEDIA", [])]
        found = [(Track(root, unquote(about["URI"]), about), about) for about in renditions if "URI" in about]
        self.audio = list({track.name: track for track, _ in reversed(found)}.values())[::-1]
        """Each once, with its first EXT-X-MEDIA."""
        self.groups: dict[str, list[Track]] = {}
        for track, about in found:
            self.groups.setdefault(about.get("GROUP-ID", ""), []).append(self.by_name(track.name))
        known = {track.playlist.uri for track in self.audio}
        pictures = [(uri, about) for about, uri in self.master.variants if uri not in known]
        self.video = [Track(root, uri, about) for uri, about in dict(reversed(pictures)).items()][::-1]
        """Each once, with its first EXT-X-STREAM-INF."""
        self.variants = [
            (about, track, self.groups.get(about.get("AUDIO", ""), []))
            for uri, about in pictures for track in self.video if track.playlist.uri == uri
        ]  # fmt: skip
        """Every EXT-X-STREAM-INF of a video rendition, and the sound of its group."""
        self.audio_variants = [about for about, uri in self.master.variants if uri in known]
        self.iframes = {
            unquote(about["URI"]): about
            for about in map(attributes, self.master.tags.get("EXT-X-I-FRAME-STREAM-INF", []))
        }
        self.mpd = ET.fromstring((root / "manifest.mpd").read_bytes())

    @property
    def tracks(self) -> list[Track]:
        return [*self.video, *self.audio]

    @property
    def representations(self) -> list[tuple[ET.Element, ET.Element]]:
        """AdaptationSet and Representation of each track of the MPD; images are none."""
        sets = [one for one in self.mpd.iter(f"{DASH}AdaptationSet") if one.get("contentType") != "image"]
        return [(parent, child) for parent in sets for child in parent.iter(f"{DASH}Representation")]

    def by_name(self, name: str) -> Track:
        return next(track for track in self.audio if track.name == name)

    def by_folder(self, folder: str) -> Track:
        return next(track for track in self.tracks if track.name == folder)
