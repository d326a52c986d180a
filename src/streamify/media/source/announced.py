"""How long a container says that its film is, read from its header: a film that ends before is not complete."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

from av.stream import Discard

from streamify.media.source.ebml import CLUSTER, INFO, SEGMENT, element
from streamify.media.source.extent import BROADCAST, PROPERTIES
from streamify.media.source.opening import open_media
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.model.source import Gap
from streamify.mp4.boxes import BoxError, boxes, find, well_formed
from streamify.mp4.movie import Layout, children, read_exactly, read_layout, read_track
from streamify.mp4.tables import entries_of

LEAST = Fraction(1, 2)
"""Seconds by which a header may announce more than there is; of films above 50 s a hundredth."""
MOST = 2
"""Seconds that the hundredth reaches at most."""
CUT = Fraction(1, 10)
"""The same of a file whose end is missing."""
HEAD = 1 << 20
"""Bytes of a file in which a header is looked for."""


@dataclass(frozen=True)
class Announced:
    """What a header says."""

    seconds: Fraction
    by: str
    """Where it says so."""
    own: bool = False
    """Whether it speaks of the video alone, else of the longest stream."""
    held: Fraction | None = None
    """Seconds that the container's own tables add up to, where they do; else the pictures and the sound tell."""


def announcements(
    file: BinaryIO, size: int, format_name: str, track: int, video: Fraction | None, missing: int = 0
) -> list[Announced]:
    """Return what a container's header says of its length.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.
        format_name: FFmpeg's name of the demuxer.
        track: Of an MP4: id of the video's.
        video: Length that the container gives its video stream, seconds.
        missing: Bytes that it lacks.
    """
    kind = format_name.split(",")[0]
    if kind == "avi" and missing:  # without its index FFmpeg takes the length from what is there
        file.seek(0)
        video = _avi(bytes(file.read(HEAD)))
    if kind in ("avi", "mxf", "rm"):
        return [Announced(video, "the header of its video stream", own=True)] if video else []
    try:
        with well_formed():
            if kind == "mov":
                return list(_mp4(file, size, track))
            found = _matroska(file, size) if kind == "matroska" else None
    except BoxError:
        return []
    if kind in ("flv", "asf"):
        file.seek(0)
        head = bytes(file.read(HEAD))
        found = _flv(head) if kind == "flv" else _asf(head)
    return [Announced(found, "its header")] if found else []


def missing_end(
    announced: list[Announced],
    start: Fraction,
    end: Fraction,
    other_end: Callable[[], Fraction],
    least: Fraction = LEAST,
) -> tuple[Gap, ...]:
    """Return the end of a film that is missing, if any.

    Args:
        announced: What the header says.
        start: Time of the first picture, seconds.
        end: End of the last picture.
        other_end: Returns the end of the last sample of all other streams; asked for only in doubt.
        least: Seconds by which a header may announce more than there is; `CUT` in a file that is known to be cut off.
    """
    for one in announced:
        held = max(end, end - start, one.held or 0)  # some lengths count from 0, some from the first picture
        last, allowed = end, least if least < LEAST else max(least, min(one.seconds / 100, Fraction(MOST)))
        if one.seconds - held > allowed and not one.own:
            last = max(end, other_end())
            held = max(held, last)
        if one.seconds - held > allowed:
            why = f"{one.by} announces {float(one.seconds):.3f} s"
            return (Gap(start=last - start, seconds=one.seconds - held, why=why),)
    return ()


def last_sample(open_source: Callable[[], BinaryIO], video: int) -> Fraction:
    """Return the end of the last sample of all streams but one, seconds; 0 where there is none. Reads them through."""
    end = Fraction(0)
    with open_source() as file, open_media(file) as container:
        container.streams[video].discard = Discard.all
        others = [one for one in container.streams if one.index != video and one.type in ("audio", "video", "subtitle")]
        if not others:
            return end
        try:
            for packet in read_packets(container, *others):
                if packet.pts is not None and packet.time_base is not None:
                    end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        except UnreadableError:
            return end  # so far it was read
    return end


def _mp4(file: BinaryIO, size: int, number: int) -> Iterator[Announced]:
    """Yield what mdhd says of the track, and what mvhd or mehd say of the movie (ISO/IEC 14496-12, 8.2 and 8.8.2)."""
    layout = read_layout(file, size)
    track = read_track(file, layout, number) if layout.first(b"moov") is not None else None
    if track is None:
        moov = layout.first(b"moov")
        if moov is not None and moov.size <= HEAD:
            yield from _fragmented(read_exactly(file, moov.body, moov.end))
        yield from _indexed(file, layout, number)
        return
    media = children(track.trak, "mdia")
    timescale, duration = _times(track.trak, media[b"mdhd"].body)
    table = children(track.trak, "mdia/minf/stbl")[b"stts"]
    count, at = entries_of(track.trak, table, 8, "stts")
    held = sum(run * step for run, step in struct.iter_unpack(">II", track.trak[at : at + 8 * count]))
    if timescale and duration:
        yield Announced(Fraction(duration, timescale), "mdhd", own=True, held=Fraction(held, timescale))
    movie = _times(track.mvhd, 8)
    edited = any(True for _ in find(track.trak, "edts/elst"))
    if movie[0] and movie[1] and not edited:
        yield Announced(Fraction(movie[1], movie[0]), "mvhd")


def _fragmented(moov: bytes) -> Iterator[Announced]:
    timescale, whole = 0, 0
    for box in boxes(moov):
        if box.kind == b"mvhd":
            timescale, whole = _times(moov, box.body)
    for box in find(moov, "mvex/mehd"):
        wide = moov[box.body]
        (whole,) = struct.unpack_from(">Q" if wide else ">I", moov, box.body + 4)
        if timescale and whole:
            yield Announced(Fraction(whole, timescale), "mehd")
        return
    if timescale and whole:
        yield Announced(Fraction(whole, timescale), "mvhd")


def _indexed(file: BinaryIO, layout: Layout, number: int) -> Iterator[Announced]:
    """Yield what segment indexes in front of the fragments say of a track (ISO/IEC 14496-12, 8.16.3)."""
    for box in layout.boxes:
        if box.kind == b"moof":
            return
        if box.kind != b"sidx" or box.size > HEAD:
            continue
        data = read_exactly(file, box.body, box.end)
        wide = data[0]
        _, timescale = struct.unpack_from(">II", data, 4)
        (earliest,) = struct.unpack_from(">Q" if wide else ">I", data, 12)
        at = 28 if wide else 20
        (count,) = struct.unpack_from(">H", data, at + 2)
        durations = (duration for _, duration, _ in struct.iter_unpack(">III", data[at + 4 : at + 4 + 12 * count]))
        if timescale and struct.unpack_from(">I", data, 4)[0] == number:
            yield Announced(Fraction(earliest + sum(durations), timescale), "sidx", own=True)


def _times(data: bytes, body: int) -> tuple[int, int]:
    """Return timescale and duration of an mvhd or mdhd box; 0: not known."""
    if data[body]:
        timescale, duration = struct.unpack_from(">IQ", data, body + 20)
        return timescale, 0 if duration == (1 << 64) - 1 else duration
    timescale, duration = struct.unpack_from(">II", data, body + 12)
    return timescale, 0 if duration == (1 << 32) - 1 else duration


SCALE, DURATION = 0x2AD7B1, 0x4489


def _matroska(file: BinaryIO, size: int) -> Fraction | None:
    """Read Duration and TimestampScale of Info (RFC 9559, 5.1.2)."""
    at, scale, ticks = 0, 1_000_000, 0.0
    limit = size
    while at < limit:
        kind, body, end = element(file, at, limit)
        at = end
        if kind in (SEGMENT, INFO):
            at = body
            limit = end if kind == INFO else limit
        elif kind == CLUSTER:
            return None
        elif kind in (SCALE, DURATION):
            file.seek(body)
            data = bytes(file.read(min(end - body, 8)))
            if kind == SCALE:
                scale = int.from_bytes(data, "big")
            elif len(data) in (4, 8):
                (ticks,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
    return Fraction(ticks) * scale / 1_000_000_000 if 0 < ticks < 1e15 else None


def _avi(head: bytes) -> Fraction | None:
    """Read scale, rate and length of the first video stream's strh (AVISTREAMHEADER)."""
    at = head.find(b"strh")
    while at >= 0 and head[at + 8 : at + 12] != b"vids":
        at = head.find(b"strh", at + 4)
    if at < 0 or at + 44 > len(head):
        return None
    scale, rate, _, length = struct.unpack_from("<4I", head, at + 28)
    return Fraction(length * scale, rate) if scale and rate and length else None


def _flv(head: bytes) -> Fraction | None:
    """Read the duration of onMetaData (FLV 10.1, annex E.5)."""
    data = head[: head.find(b"onMetaData") + 4096] if b"onMetaData" in head else b""
    at = data.find(b"\0\x08duration\0")
    if at < 0 or at + 19 > len(data):
        return None
    (seconds,) = struct.unpack_from(">d", data, at + 11)
    known = 0 < seconds < 1e9
    return Fraction(seconds).limit_denominator(1_000_000) if known else None


def _asf(head: bytes) -> Fraction | None:
    """Read the play duration, less the preroll (ASF 01.20.03, 3.2); of what is broadcast none is known."""
    at = head.find(PROPERTIES)
    if at < 0 or at + 92 > len(head):
        return None
    play, _, preroll, flags = struct.unpack_from("<QQQI", head, at + 64)
    seconds = Fraction(play, 10_000_000) - Fraction(preroll, 1000)
    return seconds if seconds > 0 and not flags & BROADCAST else None
