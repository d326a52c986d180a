"""Recordings of sound alone joined with films.

Their sound comes at the time of the films', and where both use one number, sound of one is taken for pictures of the
other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from typing import BinaryIO

from streamify.bitstream.packets import NONE
from streamify.media.source.audio_packets import WRAP, StreamPackets
from streamify.media.source.mixed import FLV, PLACES, mixed
from streamify.media.source.mixed_links import refuse_other_links
from streamify.media.source.mixed_matroska import refuse_other_tracks_at, refuse_unread
from streamify.media.source.mixed_packets import refuse_file_between
from streamify.media.source.mixed_transport import refuse_other_sound
from streamify.media.source.transport import TS_PACKET
from streamify.media.source.unreadable import unreadable_tail
from streamify.model.source import ClockBreak

LAYOUTS = ((188, 0), (192, 0), (192, 4), (204, 0))
"""Bytes from packet to packet of a transport stream, and from where FFmpeg says that one is to its first byte."""
AHEAD = 256 * 1024
"""Bytes in which the first picture of a recording comes."""
FALLS = Fraction(1, 2)
"""Seconds by which times of sound fall where its clock is set anew."""
LEAST = Fraction(1, 2)
"""Seconds of sound without a picture among it that are a recording of their own."""
REST = 16
"""Pictures that a recording may have behind the last of its sound."""
NEAR = 60
"""Seconds by which a fall may differ from one with which the clock of a transport stream begins anew by itself."""


def refuse_sound_as_pictures(file: BinaryIO, places: Iterable[int]) -> None:
    """Refuse a transport stream in which the PID of the pictures carries sound later.

    Args:
        file: The source; its position is moved.
        places: Byte offsets of the first packets behind breaks of the clock of the pictures; -1: not known.

    Raises:
        SourceError: ``source-joined``.
    """
    for place in places:
        if place >= 0 and next(_carried(file, place, TS_PACKET), "") == "sound":
            raise mixed(f"its stream of pictures has sound from byte {place} on")


def refuse_late_pictures(
    file: BinaryIO,
    format_name: str,
    size: int,
    sounds: Iterable[StreamPackets],
    elsewhere: Collection[int] = (),
) -> None:
    """Refuse a source of sound alone in which pictures come where the clock is set anew, or of which a part is unread.

    Args:
        file: The source; its position is moved.
        format_name: Of its container.
        size: Its size, bytes.
        sounds: Packets of each audio stream, in the order of the file.
        elsewhere: PIDs of the streams of other programmes.

    Raises:
        SourceError: ``source-joined``.
    """
    sounds = tuple(sounds)
    refuse_file_between(file, format_name, ((), ()), ((sound.positions, sound.sizes) for sound in sounds))
    for sound in sounds:
        refuse_other_links(file, size, format_name, sound.positions, sound.sizes, sound.coded.sums)
        anew = _restarts(sound, wraps=True, lasting=False) if sound.counted else ()
        places = [max(sound.positions[: number + 1]) for number in islice(anew, PLACES)]
        if format_name.startswith("matroska"):
            refuse_other_tracks_at(file, size, places)
            refuse_unread(file, size, max(sound.positions, default=0))
        elif format_name == "flv" and sound.sizes:
            tail = unreadable_tail(file, size, format_name, sound.positions[-1], sound.sizes[-1])
            file.seek(size if tail is None else tail.position)
            if tail is not None and file.read(len(FLV)) == FLV:
                raise mixed(f"what begins at byte {tail.position} is not read")
        elif format_name == "mpegts":
            known = (one for one in places if one >= 0)
            late = next((one for one in known if "pictures" in _carried(file, one, AHEAD, elsewhere)), None)
            if late is not None:
                raise mixed(f"pictures begin behind byte {late}")
            refuse_other_sound(file, sound.positions, sound.coded.sums)


def _carried(file: BinaryIO, place: int, length: int, elsewhere: Collection[int] = ()) -> Iterator[str]:
    """Yield what the PES packets hold that begin behind a place of a transport stream (ISO/IEC 13818-1, 2.4.3.7).

    Those of the PIDs `elsewhere` are passed over.
    """
    file.seek(place)
    data = bytes(file.read(length + 2 * TS_PACKET))
    for width, lead in LAYOUTS:
        if data[lead : lead + 1] != b"G" or (length > width and data[lead + width : lead + width + 1] != b"G"):
            continue
        for first in range(lead, length, width):
            packet = data[first : first + TS_PACKET]
            if len(packet) < TS_PACKET or packet[0] != 0x47 or not packet[1] & 0x40:
                continue
            if int.from_bytes(packet[1:3]) & 0x1FFF in elsewhere:
                continue
            at = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
            if packet[at : at + 3] == b"\0\0\1" and at + 3 < TS_PACKET:
                yield "sound" if packet[at + 3] >> 5 == 6 else "pictures" if packet[at + 3] >> 4 == 14 else "other"
        return


def refuse_sound_alone(
    sounds: Iterable[StreamPackets], pictures: Sequence[int], breaks: Sequence[ClockBreak], *, wraps: bool
) -> None:
    """Refuse a source in which a recording of sound alone is joined with one that has pictures.

    Its sound comes at the time of theirs: its clock is set anew, or that of the sound behind it, and no picture is in
    it.

    Args:
        sounds: Packets of each audio stream, in the order of the file.
        pictures: Byte offsets of the packets of pictures, in that order; -1: not known.
        breaks: Where the clock of the pictures does not go on.
        wraps: Whether the container's clock is one of 33 bits.

    Raises:
        SourceError: ``source-joined``.
    """
    places = sorted(place for place in pictures if place >= 0)
    anew = sorted(one.position for one in breaks)
    for sound in sounds:
        starts = [0, *_restarts(sound, wraps=wraps)] if places and sound.counted else [0]
        for first, stop in pairwise([*starts, len(sound.times)] if len(starts) > 1 else ()):
            heard = sum((length for _, length in sound.lengths(first, stop)), Fraction(0))
            if heard >= LEAST and _alone(sound.positions, first, stop, places, anew):
                where = f"from byte {max(sound.positions[first], 0)} on"
                raise mixed(f"{float(heard):.3f} s of sound {where} have a clock of their own, and no picture")


def _alone(positions: Sequence[int], first: int, stop: int, pictures: Sequence[int], breaks: Sequence[int]) -> bool:
    """Whether the packets of sound from `first` to `stop` (exclusive) are of a recording without pictures."""
    begin = next((one for one in positions[first:stop] if one >= 0), -1)
    end = max(positions[first:stop])
    before = max(positions[:first], default=-1)  # some pictures of the recording in front may be behind it
    if begin < 0 or _between(pictures, begin, end) or (not first and pictures[0] < begin):
        return False
    return not _between(breaks, before, begin) and (not first or _between(pictures, before, begin) <= REST)


def _between(places: Sequence[int], begin: int, end: int) -> int:
    return bisect_right(places, end) - bisect_left(places, begin)


def _restarts(sound: StreamPackets, *, wraps: bool, lasting: bool = True) -> Iterator[int]:
    """Yield the packets with which the clock of a stream of sound is set anew, and with `lasting` goes on."""
    known = [time for time in sound.times if time != NONE]
    least = -int(FALLS / sound.time_base) // 2
    if all(after - before > least for before, after in pairwise(known)):
        return  # as in nearly all films, whose packets are many
    expected: Fraction | None = None
    for number, length in sound.lengths(0, len(sound.times)):
        if sound.times[number] == NONE:
            expected = None if expected is None else expected + length
            continue
        time = sound.times[number] * sound.time_base
        fall = Fraction(0) if expected is None else expected - time
        if fall > FALLS and not (wraps and abs(fall - WRAP) < NEAR) and (not lasting or sound.lasts(number)):
            yield number
        expected = time + length
