"""HLS rules of the conformance list that are about time and segments, 1 to 10. Each yields faults."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from judges.playlist import Playlist
from judges.stream import Stream

Faults = Iterator[str]
HALF = Fraction(1, 2)


def _playlists(stream: Stream) -> list[Playlist]:
    return [track.playlist for track in stream.tracks] + [Playlist(stream.root, uri) for uri in stream.iframes]


def rule_01_target_duration(stream: Stream) -> Faults:
    """7.7 no segment longer than the target by more than 0.5 s; EXTINF rounded never above EXT-X-TARGETDURATION."""
    for playlist in _playlists(stream):
        for entry in playlist.entries:
            if int(entry.extinf + HALF) > playlist.target:
                yield f"{entry.uri}: EXTINF {float(entry.extinf)} above target {playlist.target}"
    for track in stream.tracks:
        for segment, duration in zip(track.segments, track.durations, strict=True):
            if duration > track.playlist.target + HALF:
                yield f"{segment.uri}: lasts {float(duration)} s, target {track.playlist.target}"


def rule_02_same_target(stream: Stream) -> Faults:
    """8.2 the same target in all audio and video playlists."""
    targets = {playlist.uri: playlist.target for playlist in _playlists(stream)}
    if len(set(targets.values())) != 1 or min(targets.values()) < 1:
        yield f"targets differ: {targets}"


def rule_03_extinf_sums(stream: Stream) -> Faults:
    """8.3 sum of EXTINF over any run within one frame of the truth."""
    for track in stream.tracks:
        errors = [Fraction()]
        for entry, duration in zip(track.playlist.entries, track.durations, strict=True):
            errors.append(errors[-1] + entry.extinf - duration)
        if max(errors) - min(errors) >= track.frame:
            yield f"{track.name}: a run of EXTINF is {float(max(errors) - min(errors))} s off"


def rule_04_same_range(stream: Stream) -> Faults:
    """8.3/8.7 all playlists cover the same media time range; first segments start together."""
    for track in stream.video:
        if track.start != 0 or track.decoded.start != 0:
            yield f"{track.name}: pictures start at {float(track.start)} s, decoded {float(track.decoded.start)} s"
        if track.end != stream.video[0].end:
            yield f"{track.name}: ends at {float(track.end)} s, not {float(stream.video[0].end)} s"
    for track in stream.audio:
        if not -2 * track.frame < track.start <= 0:
            yield f"{track.name}: sound starts at {float(track.start)} s"
        over = track.end - stream.video[0].end if stream.video else track.end - stream.audio[0].end
        if not (0 <= over < track.frame if stream.video else abs(over) < track.frame):
            yield f"{track.name}: outlasts the video by {float(over)} s"


def rule_05_vod(stream: Stream) -> Faults:
    """8.6 EXT-X-PLAYLIST-TYPE:VOD and EXT-X-ENDLIST when finished."""
    for playlist in _playlists(stream):
        if playlist.one("EXT-X-PLAYLIST-TYPE") != "VOD" or playlist.one("EXT-X-ENDLIST") is None:
            yield f"{playlist.uri}: not VOD with ENDLIST"


def rule_06_continuous(stream: Stream) -> Faults:
    """7.1/7.3 media is continuous: tfdt = previous tfdt + duration."""
    for track in stream.tracks:
        fragments = track.fragments
        for one, other in pairwise(fragments):
            expected = one.decode_time + sum(one.durations)
            if other.decode_time != expected:
                yield f"{track.name}: tfdt {other.decode_time}, expected {expected}"


def _nal_types(data: bytes, start: int, size: int) -> list[int]:
    """Types of the H.264 NAL units of one sample with 4-byte lengths (ISO/IEC 14496-15)."""
    found, at = [], start
    while at < start + size:
        found.append(data[at + 4] & 31)
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    return found


def rule_07_idr(stream: Stream) -> Faults:
    """7.4 every video segment starts with an IDR; 1.13 an IDR every 2 s (should)."""
    for track in stream.video:
        times: list[Fraction] = []
        for segment in track.segments:
            number = 0
            for fragment in segment.fragments:
                at, time = fragment.data, fragment.decode_time
                for size, duration in zip(fragment.sizes, fragment.durations, strict=True):
                    if 5 in _nal_types(segment.data, at, size):
                        times.append(Fraction(time, track.header.timescale))
                    elif number == 0:
                        yield f"{segment.uri}: does not start with an IDR"
                    at, time, number = at + size, time + duration, number + 1
        end = Fraction(track.segments[-1].start + track.segments[-1].duration, track.header.timescale)
        gaps = [b - a for a, b in zip(times, [*times[1:], end], strict=True)]
        if max(gaps, default=end) > 2 + track.frame:
            yield f"{track.name}: {float(max(gaps, default=end))} s without an IDR"


def rule_08_independent(stream: Stream) -> Faults:
    """9.11 EXT-X-INDEPENDENT-SEGMENTS."""
    for playlist in [stream.master, *_playlists(stream)]:
        if playlist.one("EXT-X-INDEPENDENT-SEGMENTS") is None:
            yield f"{playlist.uri}: tag is missing"


def rule_09_aligned(stream: Stream) -> Faults:
    """8.22 boundaries aligned over all variants; of audio as near as its access units allow."""
    starts = {t.name: [Fraction(s.start, t.header.timescale) for s in t.segments] for t in stream.tracks}
    reference = starts[stream.tracks[0].name]
    for track in stream.tracks:
        slack = Fraction(0) if track.video else 2 * track.frame
        own = starts[track.name]
        if len(own) != len(reference) or any(abs(a - b) > slack for a, b in zip(own, reference, strict=True)):
            yield f"{track.name}: segments are not those of {stream.tracks[0].name}"


def rule_10_map_and_version(stream: Stream) -> Faults:
    """8.20 EXT-X-MAP for fMP4, and a high enough EXT-X-VERSION (6; RFC 8216, section 7)."""
    for playlist in [stream.master, *_playlists(stream)]:
        if int(playlist.one("EXT-X-VERSION") or 1) < 6:
            yield f"{playlist.uri}: version below 6"
        if playlist is not stream.master and playlist.map is None:
            yield f"{playlist.uri}: no EXT-X-MAP"


RULES = tuple(value for name, value in sorted(globals().items()) if name.startswith("rule_"))
