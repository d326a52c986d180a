"""HLS rules of the conformance list that are about variants and renditions, 11 to 18. Each yields faults."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate

from judges.playlist import Playlist, attributes
from judges.stream import Stream, Track, decode

Faults = Iterator[str]


def rule_11_codecs(stream: Stream) -> Faults:
    """9.1 CODECS always, equal to what avcC/esds say; 1.10 avc1/hvc1."""
    for about, track, group in stream.variants:
        sound = {one.codec for one in group}
        if set(about.get("CODECS", "").split(",")) != {track.codec, *sound}:
            yield f"{track.name}: CODECS {about.get('CODECS')!r}, media {track.codec} and {sorted(sound)}"
        extra = track.decoded.extradata
        length = int.from_bytes(extra[6:8], "big")
        if extra[1:4] != extra[9 : 8 + length][:3]:
            yield f"{track.name}: avcC does not repeat profile and level of its SPS"
    for about in stream.audio_variants:
        sound = {one.codec for one in stream.groups.get(about.get("AUDIO", ""), [])}
        if set(about.get("CODECS", "").split(",")) != sound:
            yield f"audio variant: CODECS {about.get('CODECS')!r}, media {sorted(sound)}"


def rule_12_true_of_bitstream(stream: Stream) -> Faults:
    """9.2 RESOLUTION, 9.15 FRAME-RATE, 9.14 AVERAGE-BANDWIDTH, all true of the bitstream."""
    for about, track, _ in stream.variants:
        width, _, height = about.get("RESOLUTION", "0x0").partition("x")
        if track.decoded.sizes != {(int(width), int(height))}:
            yield f"{track.name}: RESOLUTION {width}x{height}, pictures {set(track.decoded.sizes)}"
        rate = track.samples / sum(track.durations, Fraction())
        stated = about.get("FRAME-RATE", "0")
        if abs(Fraction(stated) - rate) > Fraction(1, 1000) or len(stated.partition(".")[2]) != 3:
            yield f"{track.name}: FRAME-RATE {stated}, measured {float(rate)}"
    for about in [about for about, _, _ in stream.variants] + stream.audio_variants:
        if int(about.get("AVERAGE-BANDWIDTH", 0)) <= 0:
            yield f"no AVERAGE-BANDWIDTH: {about}"


def _loudest(group: list[Track]) -> tuple[Fraction, Fraction]:
    peak = max((track.peak for track in group), default=Fraction())
    return peak, max((track.average for track in group), default=Fraction())


def rule_13_measured_bandwidth(stream: Stream) -> Faults:
    """1.26/1.27 measured average within 10 % of AVERAGE-BANDWIDTH, measured peak within 10 % of BANDWIDTH."""
    for about, track, group in stream.variants:
        peak, average = _loudest(group)
        for key, truth in (("BANDWIDTH", track.peak + peak), ("AVERAGE-BANDWIDTH", track.average + average)):
            stated = int(about.get(key, 0))
            if abs(stated - truth) > truth / 10:
                yield f"{track.name}: {key} {stated}, measured {int(truth)}"


def rule_14_bandwidth_with_audio(stream: Stream) -> Faults:
    """9.13 BANDWIDTH includes the audio group."""
    for about, track, group in stream.variants:
        least = track.peak + _loudest(group)[1]
        if int(about["BANDWIDTH"]) < int(least) or (stream.audio and "AUDIO" not in about):
            yield f"{track.name}: BANDWIDTH {about['BANDWIDTH']} is less than video and audio, {int(least)}"


def rule_15_iframes(stream: Stream) -> Faults:
    """6.1/6.8/9.3 I-frame playlists with EXT-X-I-FRAMES-ONLY, CODECS, RESOLUTION; 6.10 byte ranges include the moof."""
    by_folder = {uri.rpartition("/")[0]: uri for uri in stream.iframes}
    for track in stream.video:
        if track.name not in by_folder:
            yield f"{track.name}: no EXT-X-I-FRAME-STREAM-INF"
            continue
        uri = by_folder[track.name]
        about, playlist = stream.iframes[uri], Playlist(stream.root, uri)
        if about.get("CODECS") != track.codec or about.get("RESOLUTION") != track.about["RESOLUTION"]:
            yield f"{uri}: CODECS or RESOLUTION wrong"
        if playlist.one("EXT-X-I-FRAMES-ONLY") is None or playlist.map != track.playlist.map:
            yield f"{uri}: no EXT-X-I-FRAMES-ONLY, or another EXT-X-MAP"
        truth = [
            (segment.uri, (fragment.data + fragment.sizes[0] - fragment.start, fragment.start), fragment.decode_time)
            for segment in track.segments
            for fragment in segment.fragments
        ]
        if [(entry.uri, entry.byterange) for entry in playlist.entries] != [one[:2] for one in truth]:
            yield f"{uri}: ranges are not moof to end of first picture of every fragment"
            continue
        stated = [Fraction(), *accumulate(entry.extinf for entry in playlist.entries)]
        times = [Fraction(one[2], track.header.timescale) for one in truth] + [sum(track.durations, Fraction())]
        if any(abs(a - b) >= track.frame for a, b in zip(stated, times, strict=True)):
            yield f"{uri}: EXTINF is not the time to the next I-frame"
        files = {segment.uri: segment.data for segment in track.segments}
        for file, (length, offset), _ in truth:
            if decode(track.init + files[file][offset : offset + length]).frames != 1:
                yield f"{uri}: {file} {length}@{offset} does not decode to one picture"


def rule_16_audio(stream: Stream) -> Faults:
    """8.9/9.6 audio through EXT-X-MEDIA with LANGUAGE; 2.3 a stereo AAC rendition always."""
    media = [attributes(tag) for tag in stream.master.tags.get("EXT-X-MEDIA", [])]
    for about in media:
        missing = {"TYPE", "GROUP-ID", "NAME", "LANGUAGE", "CHANNELS", "DEFAULT", "AUTOSELECT"} - set(about)
        if missing:
            yield f"{about.get('URI')}: EXT-X-MEDIA without {sorted(missing)}"
    for key in ("GROUP-ID", "NAME"), ("GROUP-ID", "URI"):
        values = [tuple(about.get(name) for name in key) for about in media]
        if len(set(values)) != len(values):
            yield f"EXT-X-MEDIA: {key} not unique"
    needs = ("public.accessibility.describes-video", "public.accessibility.enhances-speech-intelligibility")
    groups = {about.get("GROUP-ID") for about in media}
    members = []
    for group in sorted(map(str, groups)):
        own = [about for about in media if about.get("GROUP-ID") == group]
        auto = [
            (about.get("LANGUAGE"), *(need for need in needs if need in about.get("CHARACTERISTICS", "")))
            for about in own
            if about.get("AUTOSELECT") == "YES"
        ]
        default = [about for about in own if about.get("DEFAULT") == "YES"]
        if len(default) != 1 or default[0].get("AUTOSELECT") != "YES" or len(set(auto)) != len(auto):
            yield f"{group}: not one DEFAULT that is AUTOSELECT, or two AUTOSELECT of one language and kind"
        members.append([{k: v for k, v in about.items() if k not in ("GROUP-ID", "URI", "CHANNELS")} for about in own])
    if any(own != members[0] for own in members):
        yield "EXT-X-MEDIA: groups differ in more than URI and CHANNELS"  # RFC 8216, section 4.3.4.1.1
    for about, uri in stream.master.variants:
        if media and about.get("AUDIO") not in groups:
            yield f"{uri}: names no audio group"
    stereo = [t for t in stream.audio if t.decoded.channels == 2 and t.codec == "mp4a.40.2"]
    if stream.audio and not stereo:
        yield "no stereo AAC-LC rendition"
    for track in stream.audio:
        if track.about.get("CHANNELS") != str(track.decoded.channels):
            yield f"{track.name}: CHANNELS {track.about.get('CHANNELS')}, decoded {track.decoded.channels}"


def rule_17_video_range(stream: Stream) -> Faults:
    """9.16 VIDEO-RANGE unless everything is SDR; an SDR variant always."""
    for about, track, _ in stream.variants:
        stated = about.get("VIDEO-RANGE", "SDR")
        transfers = {transfer for _, transfer, _ in track.decoded.colours}
        truth = "PQ" if 16 in transfers else "HLG" if 18 in transfers else "SDR"
        if stated != truth:
            yield f"{track.name}: VIDEO-RANGE {stated}, bitstream {truth}"
    if stream.video and not any(track.about.get("VIDEO-RANGE", "SDR") == "SDR" for track in stream.video):
        yield "no SDR variant"


def rule_18_pictures(stream: Stream) -> Faults:
    """1.14 deinterlaced, 1.19 at most 60 fps, 1.33 one aspect ratio over the ladder."""
    shapes: list[tuple[Fraction, int, str]] = []
    for track in stream.video:
        if track.decoded.interlaced:
            yield f"{track.name}: {track.decoded.interlaced} interlaced pictures"
        if track.samples / sum(track.durations, Fraction()) > Fraction(601, 10):
            yield f"{track.name}: more than 60 frames per second"
        (width, height), (aspect,) = max(track.decoded.sizes), track.decoded.aspects
        shapes.append((width * aspect, height, track.name))
    for wide, height, name in shapes:
        widest, highest, _ = shapes[0]
        if abs(wide - height * widest / highest) > 2 and abs(height - wide * highest / widest) > 2:
            yield f"{name}: {float(wide)}x{height} is of another aspect than {widest}x{highest}"


RULES = tuple(value for name, value in sorted(globals().items()) if name.startswith("rule_"))
