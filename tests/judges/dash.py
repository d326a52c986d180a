"""CMAF and DASH rules of the conformance list, 19 to 24 (ISO/IEC 23000-19, ISO/IEC 23009-1). Each yields faults."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from judges.isobmff import brands, whole
from judges.stream import DASH, Stream, Track

Faults = Iterator[str]
# 23000-19, annex A: brand, highest level, widest, highest, colours. All are 4:2:0 8 bit up to High profile, 60 fps.
VIDEO_BRANDS = (
    ("cfsd", 31, 864, 576, {1, 5, 6}),
    ("cfhd", 40, 1920, 1080, {1}),
    ("chdf", 42, 1920, 1080, {1}),
)


CICP = "urn:mpeg:mpegB:cicp:ChannelConfiguration"
DOLBY = "tag:dolby.com,2014:dash:audio_channel_configuration:2011"
DOLBY_MASKS = {2: "A000", 6: "F801"}
"""ETSI TS 102 366, annex I.1.2.1: L C R Ls Rs from the highest bit on, LFE the lowest."""


def rule_19_decode_times(stream: Stream) -> Faults:
    """baseMediaDecodeTime is the sum of all earlier durations; same timescale and fragment times in a switching set."""
    for track in stream.tracks:
        total = 0
        for fragment in track.fragments:
            if fragment.decode_time != total:
                yield f"{track.name}: tfdt {fragment.decode_time}, sum of earlier durations {total}"
            total += sum(fragment.durations)
    if len({track.header.timescale for track in stream.video}) > 1:
        yield "video tracks differ in timescale"
    times = {tuple(fragment.decode_time for fragment in track.fragments) for track in stream.video}
    if len(times) > 1:
        yield "video tracks differ in fragment times"


def _trun_versions(track: Track) -> set[int]:
    return {trun.version for segment in track.segments for trun in whole(segment.data).all("moof", "traf", "trun")}


def rule_20_access(stream: Stream) -> Faults:
    """Video uses trun v1 or an edit list, not both; every fragment independently accessible (SAP type 1)."""
    for track in stream.video:
        if 1 in _trun_versions(track) and track.header.media_time:
            yield f"{track.name}: trun version 1 and an edit list"
    for track in stream.tracks:
        if track.header.edits > 1:
            yield f"{track.name}: {track.header.edits} edits"
        for fragment in track.fragments:
            if not fragment.sync or fragment.offsets[0] != _earliest(fragment.durations, fragment.offsets):
                yield f"{track.name}: fragment at tfdt {fragment.decode_time} does not start with SAP type 1"


def _earliest(durations: tuple[int, ...], offsets: tuple[int, ...]) -> int:
    at, found = 0, []
    for duration, offset in zip(durations, offsets, strict=True):
        found.append(at + offset)
        at += duration
    return min(found)


def _profiles(track: Track) -> tuple[set[str], set[str]]:
    """Media profiles that the pictures satisfy, and those that they do if their unspecified colour is the usual one."""
    true, maybe = set(), set()
    colours = {part for colour in track.decoded.colours for part in colour}
    for brand, level, width, height, allowed in VIDEO_BRANDS:
        fits = all(wide <= width and high <= height for wide, high in track.decoded.sizes)
        if track.decoded.extradata[3] <= level and fits:
            if colours <= allowed:
                true.add(brand)
            elif colours <= allowed | {2}:
                maybe.add(brand)
    return true, maybe


def rule_21_brands(stream: Stream) -> Faults:
    """Brands cmfc/cmf2 and cfhd/caac where they apply."""
    for track in stream.tracks:
        own = set(brands(track.init))
        if not own & {"cmfc", "cmf2"}:
            yield f"{track.name}: init brands {sorted(own)} without cmfc or cmf2"
        if track.video and "cmf2" in own and track.header.edits:
            yield f"{track.name}: cmf2 forbids the edit list"
        if track.video:
            true, maybe = _profiles(track)
            claimed = own & {brand for brand, *_ in VIDEO_BRANDS}
            if claimed - true - maybe or (true and not claimed):
                yield f"{track.name}: claims {sorted(claimed)}, is {sorted(true)}"
        elif ("caac" in own) != (
            track.codec == "mp4a.40.2" and track.decoded.sample_rate <= 48_000 and track.decoded.channels <= 2
        ):
            yield f"{track.name}: caac is claimed wrongly or not at all"
        for segment in track.segments:
            kinds = [box.kind for box in whole(segment.data).children()]
            if kinds[0] != "styp" or not set(brands(segment.data)) & {"msdh", "cmfs", "cmff", "cmfl"}:
                yield f"{segment.uri}: no styp with a segment brand"
            if "moov" in kinds:
                yield f"{segment.uri}: holds a moov"


def _seconds(text: str | None) -> Fraction:
    match = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", text or "")
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def rule_22_mpd(stream: Stream) -> Faults:
    """MPD valid; profiles, minBufferTime, mediaPresentationDuration, Representation@bandwidth present and true."""
    root = stream.mpd
    if root.tag != f"{DASH}MPD" or root.get("type", "static") != "static":
        yield f"root is {root.tag} of type {root.get('type')}"
    if "urn:mpeg:dash:profile:isoff-live:2011" not in root.get("profiles", "").split(","):
        yield f"profiles {root.get('profiles')!r}"
    length = _seconds(root.get("mediaPresentationDuration"))
    truth = (stream.video or stream.audio)[0].end
    frame = (stream.video or stream.audio)[0].frame
    if not -Fraction(1, 10**6) <= length - truth < frame and stream.video:
        yield f"mediaPresentationDuration {float(length)}, video {float(truth)}"
    if len(stream.representations) != len(stream.tracks):
        yield f"{len(stream.representations)} Representations, {len(stream.tracks)} HLS tracks"
    for parent, own in stream.representations:
        both = {**parent.attrib, **own.attrib}
        missing = {"id", "bandwidth", "codecs", "mimeType", "contentType", "segmentAlignment", "startWithSAP"}
        missing |= (
            {"width", "height", "frameRate", "sar", "par"}
            if both.get("contentType") == "video"
            else {"audioSamplingRate"}
        )
        if missing - set(both):
            yield f"Representation {own.get('id')}: no {sorted(missing - set(both))}"
        track = stream.by_folder(_folder(own))
        if abs(int(both.get("bandwidth", 0)) - track.peak) > track.peak / 10:
            yield f"Representation {own.get('id')}: bandwidth {both.get('bandwidth')}, measured {int(track.peak)}"
        needed = _buffer(track, int(both.get("bandwidth", 0)) or 1)
        if needed > _seconds(root.get("minBufferTime")):
            yield f"Representation {own.get('id')}: minBufferTime is {root.get('minBufferTime')}, needs {float(needed)}"
        if both.get("codecs") != track.codec:
            yield f"Representation {own.get('id')}: codecs {both.get('codecs')}, media {track.codec}"


def _buffer(track: Track, bandwidth: int) -> Fraction:
    """Seconds of delivery at a bandwidth before playback may start at any segment and never stop (5.3.5.2, Table 9).

    A sample must have arrived when it is decoded; a segment is a random access point (startWithSAP).
    """
    needed = lead = Fraction(0)  # lead: seconds by which delivery is behind decoding, from the worst point so far
    for segment in track.segments:
        lead = max(lead, Fraction(0))
        headers = len(segment.data) - sum(sum(fragment.sizes) for fragment in segment.fragments)
        lead += Fraction(8 * headers, bandwidth)
        for fragment in segment.fragments:
            for size, duration in zip(fragment.sizes, fragment.durations, strict=True):
                lead += Fraction(8 * size, bandwidth)
                needed = max(needed, lead)
                lead -= Fraction(duration, track.header.timescale)
    return needed


def _template(representation: ET.Element) -> ET.Element:
    found = representation.find(f"{DASH}SegmentTemplate")
    if found is None:
        raise ValueError(f"Representation {representation.get('id')}: no SegmentTemplate")
    return found


def _folder(representation: ET.Element) -> str:
    return _template(representation).get("initialization", "").rpartition("/")[0]


def _timeline(representation: ET.Element) -> list[tuple[int, int]]:
    """Start and duration of every segment, ticks (5.3.9.6)."""
    found: list[tuple[int, int]] = []
    for entry in _template(representation).iter(f"{DASH}S"):
        at = int(entry.get("t", sum(found[-1]) if found else 0))
        for _ in range(int(entry.get("r", 0)) + 1):
            found.append((at, int(entry.attrib["d"])))
            at += int(entry.attrib["d"])
    return found


def rule_23_timeline(stream: Stream) -> Faults:
    """SegmentTimeline t and d equal tfdt and trun; no gaps; presentationTimeOffset right; alignment and SAP true."""
    for parent, own in stream.representations:
        track, template, timeline = stream.by_folder(_folder(own)), _template(own), _timeline(own)
        if int(template.get("timescale", 1)) != track.header.timescale:
            yield f"{track.name}: timescale {template.get('timescale')}, media {track.header.timescale}"
        if timeline != [(segment.start, segment.duration) for segment in track.segments]:
            yield f"{track.name}: SegmentTimeline is not that of tfdt and trun"
        if any(sum(one) != other[0] for one, other in pairwise(timeline)):
            yield f"{track.name}: gap in the SegmentTimeline"
        # Presentation times, the edit list applied, start at 0 (rule 4); so nothing is left to take off.
        if int(template.get("presentationTimeOffset", 0)) != 0:
            yield f"{track.name}: presentationTimeOffset {template.get('presentationTimeOffset')}"
        if parent.get("segmentAlignment") != "true" or parent.get("startWithSAP") != "1":
            yield f"{track.name}: segmentAlignment or startWithSAP missing"
    for parent in stream.mpd.iter(f"{DASH}AdaptationSet"):
        lines = {tuple(_timeline(own)) for own in parent.iter(f"{DASH}Representation")}
        if len(lines) > 1:
            yield f"AdaptationSet {parent.get('id')}: segmentAlignment is not true in fact"


def _files(representation: ET.Element) -> list[str]:
    template = _template(representation)
    first = int(template.get("startNumber", 1))
    names = range(first, first + len(_timeline(representation)))
    media = template.get("media", "")
    return [template.get("initialization", ""), *(media.replace("$Number%05d$", f"{n:05d}") for n in names)]


def rule_24_true_of_media(stream: Stream) -> Faults:
    """sar, frameRate, AudioChannelConfiguration true; ids unique; HLS and DASH name the very same files."""
    for parent, own in stream.representations:
        track = stream.by_folder(_folder(own))
        if _files(own) != [track.playlist.map, *(segment.uri for segment in track.segments)]:
            yield f"{track.name}: HLS and DASH name different files"
        if track.video:
            sar = Fraction(own.get("sar", "0:1").replace(":", "/"))
            if {sar} != track.decoded.aspects:
                yield f"{track.name}: sar {own.get('sar')}, bitstream {set(track.decoded.aspects)}"
            if track.decoded.sizes != {(int(own.get("width", 0)), int(own.get("height", 0)))}:
                yield f"{track.name}: width and height are not those of the pictures"
            rate = track.samples / sum(track.durations, Fraction())
            if abs(Fraction(own.get("frameRate", "0")) - rate) > Fraction(1, 1000):
                yield f"{track.name}: frameRate {own.get('frameRate')}, measured {float(rate)}"
            width, height = max(track.decoded.sizes)
            par = Fraction(parent.get("par", "0:1").replace(":", "/"))
            if abs(width * sar - height * par) > 2:
                yield f"{track.name}: par {parent.get('par')}, pictures {width}x{height}"
        else:
            layout = own.find(f"{DASH}AudioChannelConfiguration")
            dolby = track.codec in ("ac-3", "ec-3")
            scheme = DOLBY if dolby else CICP
            value = DOLBY_MASKS[track.decoded.channels] if dolby else str(track.decoded.channels)
            if layout is None or (layout.get("schemeIdUri"), layout.get("value")) != (scheme, value):
                yield f"{track.name}: AudioChannelConfiguration is not {scheme} {value}"
            if int(own.get("audioSamplingRate", 0)) != track.decoded.sample_rate:
                yield f"{track.name}: audioSamplingRate {own.get('audioSamplingRate')}"
    for kind in ("AdaptationSet", "Representation"):
        ids = [element.get("id") for element in stream.mpd.iter(f"{DASH}{kind}")]
        if len(set(ids)) != len(ids) or None in ids:
            yield f"{kind}@id not unique"


RULES = tuple(value for name, value in sorted(globals().items()) if name.startswith("rule_"))
