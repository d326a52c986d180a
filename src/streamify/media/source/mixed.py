"""Recordings joined into one file although they do not have the same streams: FFmpeg takes them for one film.

A file of sound alone behind, before or between films is an example. Its sound comes at the time of theirs, and where
both use one number, sound of one is taken for pictures of the other.
"""

from __future__ import annotations

import io
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, pairwise
from typing import BinaryIO, NamedTuple

from streamify.bitstream.base import units
from streamify.bitstream.packets import NONE
from streamify.errors import SourceError
from streamify.media.source.audio_packets import StreamPackets
from streamify.media.source.ebml import CLUSTER, EBML, SEGMENT, TRACKS, children, element, vint
from streamify.media.source.opening import open_media
from streamify.media.source.transport import TS_PACKET
from streamify.model.limits import TOP_BOXES
from streamify.model.source import ClockBreak
from streamify.mp4.boxes import Box, BoxError, find, header
from streamify.mp4.boxes import box as build
from streamify.mp4.description import at_path
from streamify.mp4.handlers import has_samples, sample_kinds
from streamify.mp4.movie import Layout, read_exactly

HEADER = 256 * 1024
"""Bytes of a list of tracks that is looked at."""
FILES = 2
"""Files joined in Matroska that FFmpeg reads; it ends at the third (seen in 8.1)."""
ELEMENTS = 100
"""Elements looked at in front of a list of tracks."""
ENTRY, NUMBER, TYPE, CODEC = 0xAE, 0xD7, 0x83, 0x86
"""TrackEntry, TrackNumber, TrackType and CodecID (RFC 9559, 5.1.4)."""
PRIVATE, AUDIO, RATE, CHANNELS, DEPTH = 0x63A2, 0xE1, 0xB5, 0x9F, 0x6264
"""CodecPrivate, Audio, and of that SamplingFrequency, Channels and BitDepth."""
PARAMETERS = {b"V_MPEG4/ISO/AVC": {7, 8}, b"V_MPEGH/ISO/HEVC": {32, 33, 34}}
"""NAL units that decoding needs, by codec: FFmpeg takes those of the first file where a picture brings none."""
MESSAGES = {39, 40}
"""NAL units of HEVC that decoding does not need, but name the encoder's options."""
BLOCKS, UNITS = 1000, 32
"""Elements looked at for the first block of a track, and units of that."""
NAME, WIDEST = 32, 8
"""Bytes of a codec's name that are shown, and of an integer."""
LAYOUTS = ((188, 0), (192, 0), (192, 4), (204, 0))
"""Bytes from packet to packet of a transport stream, and from where FFmpeg says that one is to its first byte."""
AHEAD = 256 * 1024
"""Bytes in which the first picture of a recording comes."""
PLACES = 100
"""Places at which it is looked for."""
KINDS = {1: "pictures", 2: "sound"}
FALLS = Fraction(1, 2)
"""Seconds by which times of sound fall where its clock is set anew."""
LEAST = Fraction(1, 2)
"""Seconds of sound without a picture among it that are a recording of their own."""
REST = 16
"""Pictures that a recording may have behind the last of its sound."""
WRAP, NEAR = Fraction(1 << 33, 90_000), 60
"""Seconds after which the clock of a transport stream begins anew by itself, and how near to that a fall is one."""

INDEX = 1 << 20
"""Bytes of an index of fragments that are looked at: it has no samples."""
SAME = {"avc3": "avc1", "hev1": "hvc1"}
"""Sample entries that differ in where parameters may stand."""

SETS = {"h264": (4, 0, 31, {7, 8}), "hevc": (21, 1, 63, {32, 33, 34})}
"""By decoder: byte of the configuration with the width of lengths, shift and mask of the kind in the header of a unit,
and kinds of the parameter sets that a picture needs."""

_Tracks = dict[int, tuple[int, bytes]]
"""Kind and codec of tracks by their numbers."""


class _Described(NamedTuple):
    kind: str
    time_base: object
    name: str
    fixed: bytes
    """Extradata: what decoders need to begin."""
    rate: int
    defaults: bytes
    """The trex (ISO/IEC 14496-12, 8.8.3)."""


def mixed(what: str) -> SourceError:
    """Return the error for a source of recordings that do not have the same streams."""
    hint = "take it apart where one recording ends and the next begins, and give each by itself"
    return SourceError("source-joined", f"it was joined of recordings that cannot be read as one: {what}", hint)


def refuse_other_tracks(file: BinaryIO, size: int) -> None:
    """Refuse a Matroska file that is joined of some whose tracks of one number are not of one kind and codec.

    Args:
        file: The source, positioned anywhere.
        size: Its size, bytes.

    Raises:
        SourceError: ``source-joined``.
    """
    try:
        parts = list(_parts(file, size))
    except BoxError:
        return  # damaged: FFmpeg says of what it can make anything
    for other in parts[1:]:
        _compare(file, size, parts[0], other)


def refuse_other_tracks_at(file: BinaryIO, size: int, places: Iterable[int]) -> None:
    """Refuse such a file whose size was left open, so that only its clock tells where the next one begins.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        places: Byte offsets of the first packets behind breaks of a stream's clock; -1: not known.

    Raises:
        SourceError: ``source-joined``.
    """
    mark = EBML.to_bytes(4, "big")
    for place in places:
        file.seek(start := max(0, place - HEADER))
        at = bytes(file.read(max(0, place - start))).rfind(mark)
        if at < 0 or start + at == 0:
            continue
        try:
            first, other = next(_parts(file, size)), next(_parts(file, size, start + at))
        except (BoxError, StopIteration):
            continue  # what looks like a header is none
        _compare(file, size, first, other)


class _Part(NamedTuple):
    """A file that was joined with others."""

    begin: int
    tracks: _Tracks
    private: Mapping[int, bytes]
    """How tracks are decoded, of codecs that do not say so themselves, by their numbers."""
    behind: int
    """Byte behind the list of tracks."""


def _compare(file: BinaryIO, size: int, first: _Part, other: _Part) -> None:
    if not first.tracks:
        return  # its list of tracks stands behind what is looked at
    for number, (kind, codec) in other.tracks.items():
        before = first.tracks.get(number)
        if before is None and kind in KINDS:
            raise mixed(f"track {number}, {KINDS[kind]} from byte {other.begin} on, is not in the first")
        if before is None or (kind not in KINDS and before[0] not in KINDS):
            continue
        if before != (kind, codec):
            raise mixed(f"track {number} is {_named(before[1])}, and {_named(codec)} from byte {other.begin} on")
        if first.private[number] != other.private[number] and not _says_itself(file, size, number, other):
            raise mixed(f"track {number} is described otherwise from byte {other.begin} on")


def _says_itself(file: BinaryIO, size: int, number: int, part: _Part) -> bool:
    """Return whether the first block of a track has the parameters that decoding needs."""
    codec, at = part.tracks[number][1], part.behind
    wanted = PARAMETERS.get(codec, set())
    try:
        for _ in range(BLOCKS if wanted else 0):
            kind, body, after = element(file, at, size)
            if kind in (0xA3, 0xA1):
                file.seek(body)
                data = bytes(file.read(min(after - body, HEADER)))
                of, begin = vint(data, 0, marker=False)
                if of == number:
                    units = _units(codec, part.private[number], data[begin + 3 :])
                    return wanted <= set(islice(units, UNITS))
            at = body if kind in (CLUSTER, 0xA0) else after
    except BoxError:
        pass  # the end, or damaged
    return False


def _units(codec: bytes, private: bytes, picture: bytes) -> Iterator[int]:
    """Yield the types of a picture's NAL units (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1)."""
    long = codec == b"V_MPEGH/ISO/HEVC"
    place = 21 if long else 4
    width = (private[place] & 3) + 1 if len(private) > place else 4
    at = 0
    while at + width < len(picture):
        first = picture[at + width]
        yield first >> 1 & 0x3F if long else first & 0x1F
        at += width + int.from_bytes(picture[at : at + width])


def _private(codec: bytes, said: Mapping[int, bytes]) -> bytes:
    """Return what decoders need of a TrackEntry: not the tags of Vorbis, nor the sum of FLAC."""
    if codec.startswith(b"A_PCM"):
        heard = dict(children(said.get(AUDIO, b"")))
        rate = heard.get(RATE, b"")
        rate = struct.pack(">d", *struct.unpack(">f", rate)) if len(rate) == 4 else rate
        return rate + b"".join(heard.get(one, b"").lstrip(b"\0").rjust(8, b"\0") for one in (CHANNELS, DEPTH))
    private = said.get(PRIVATE, b"")
    if codec == b"V_MPEG4/ISO/AVC" or codec.startswith(b"A_AAC"):
        return private
    if codec != b"V_MPEGH/ISO/HEVC":
        return b""
    kept, at = private[:22], 23
    for _ in range(private[22] if len(private) > 22 else 0):
        begin, count = at, int.from_bytes(private[at + 1 : at + 3])
        at += 3
        for _ in range(count if at < len(private) else 0):
            at += 2 + int.from_bytes(private[at : at + 2])
        kept += private[begin:at] if private[begin : begin + 1] and private[begin] & 0x3F not in MESSAGES else b""
    return kept


def _named(codec: bytes) -> str:
    """Return a codec's name as people read it, which a file may give as any bytes."""
    text = codec[:NAME].decode("ascii", "replace")
    return text if text.isascii() and text.isprintable() else codec[:NAME].hex()


def _parts(file: BinaryIO, size: int, at: int = 0) -> Iterator[_Part]:
    """Yield where each file begins that was joined, and its tracks."""
    for _ in range(FILES):
        if at >= size:
            return
        head, _, after = element(file, at, size)
        if head != EBML:
            return
        segment, body, end = element(file, after, size)
        if segment != SEGMENT:
            return
        yield _part(file, at, body, end)
        at = end


def _part(file: BinaryIO, begin: int, at: int, end: int) -> _Part:
    found: _Tracks = {}
    private: dict[int, bytes] = {}
    for _ in range(ELEMENTS):
        if at >= end:
            break
        kind, body, after = element(file, at, end)
        if kind == TRACKS:
            file.seek(body)
            for entry, payload in children(bytes(file.read(min(after - body, HEADER)))):
                if entry == ENTRY:
                    said = dict(children(payload))
                    number, sort = (int.from_bytes(said.get(one, b"")[:WIDEST]) for one in (NUMBER, TYPE))
                    codec = said.get(CODEC, b"").partition(b"\0")[0]  # a zero ends it (RFC 8794, 13)
                    found[number], private[number] = (sort, codec), _private(codec, said)
            at = after
            break
        at = after
    return _Part(begin, found, private, at)


def refuse_other_movies(file: BinaryIO, size: int, *, fragments: bool) -> None:
    """Refuse an MP4 behind which another begins, and fragmented ones whose tracks of one id are of other kinds.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        fragments: Whether those are looked at, too: there are many, and each takes a read.

    Raises:
        SourceError: ``source-joined``.
    """
    _refuse_movies(file, size, list(_boxes(file, size, fragments=fragments)))


def refuse_other_fragments(
    file: BinaryIO, size: int, pictures: Sequence[int], lengths: Sequence[int], keys: Sequence[int]
) -> None:
    """Refuse such a file, and one of which a later index describes its tracks otherwise: FFmpeg reads the first alone.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        pictures: Byte offsets of the packets of pictures, in the order of the file; -1: not known.
        lengths: Bytes of each.
        keys: Numbers of those that are keyframes.

    Raises:
        SourceError: ``source-joined``.
    """
    found = list(_boxes(file, size, fragments=True))
    _refuse_movies(file, size, found)
    known = dict[bytes, int]()
    before = b""
    for movie in found:
        if movie.kind != b"moov" or movie.end > size:
            continue
        if movie.size <= INDEX:
            file.seek(movie.start)
            if (whole := bytes(file.read(movie.size))) == before:
                continue  # as recorders write it before each fragment
            before = whole
        data = _index(file, movie)
        if data is not None:
            known.setdefault(data, movie.start)
        if not known or len(known) == PLACES:
            break
    if len(known) < 2:
        return
    first, *others = known.items()
    described = _described(first[0])
    for data, start in others if described else ():
        later = _described(data)
        behind = [number for number in keys if pictures[number] > start]
        some = behind[:: -(-len(behind) // PLACES) or 1]
        if later != described and not (
            _but_for_sets(later) == _but_for_sets(described)
            and some
            and all(_has_sets(file, described, pictures[number], lengths[number]) for number in some)
        ):
            raise mixed(f"tracks are described otherwise from byte {start} on")


def _refuse_movies(file: BinaryIO, size: int, found: Sequence[Box]) -> None:
    """Refuse an MP4 that has these top-level boxes."""
    movies = [box for box in found if box.kind == b"moov" and box.end <= size]
    if len(movies) < 2:
        return
    fragment = next((box.start for box in found if box.kind == b"moof"), None)
    begins = [box.start for box in found if box.kind == b"ftyp" and box.start > movies[0].start]
    if fragment is None:
        if begins and any(
            one.start > begins[0] and sample_kinds(file, Layout((one,), size)) for one in movies[:PLACES]
        ):
            raise mixed(f"what begins at byte {begins[0]} is not read")
        begin = None if begins else _second(file, found, movies)
        if begin is not None:
            raise mixed(f"what begins at byte {begin} is not read")
        return
    first: dict[int, str] = {}
    for movie in movies[:PLACES]:
        kinds = sample_kinds(file, Layout((movie,), size))
        first = first or kinds
        before = [one for one in begins if fragment < one < movie.start]
        if before and has_samples(file, movie):
            raise mixed(f"what begins at byte {before[-1]} is not read")
        for number, kind in kinds.items():
            other = first.get(number, "not there")  # FFmpeg takes its samples for those of another track
            if SAME.get(kind, kind) != SAME.get(other, other):
                raise mixed(f"track {number} is {other}, and {kind} from byte {movie.start} on")


def _second(file: BinaryIO, found: Sequence[Box], movies: Sequence[Box]) -> int | None:
    """Return where the second index of QuickTime files is that were joined, which need not say where they begin.

    Samples are in front of each, or behind: an older index that was left there has none of its own.
    """
    own = [box for box in movies[:PLACES] if has_samples(file, box)][:2]
    if len(own) < 2:
        return None
    parts = {sum(box.start > one.start for one in own) for box in found if box.kind == b"mdat" and box.size > 16}
    return own[1].start if len(parts) > 1 else None


def _index(file: BinaryIO, movie: Box) -> bytes | None:
    """Return what an index says of its tracks, without titles and covers.

    ``None``: it is too much, damaged, or not one of fragments.
    """
    try:
        found = [
            (kind, start, end)
            for kind in (b"mvhd", b"trak", b"mvex")
            for start, end in at_path(file, movie.body, movie.end, (kind,))
        ]
        fragments = any(kind == b"mvex" for kind, _, _ in found)
        if not fragments or sum(end - start for _, start, end in found) > INDEX:
            return None
        return build(b"moov", *(build(kind, read_exactly(file, start, end)) for kind, start, end in found))
    except BoxError:
        return None


def _described(movie: bytes) -> Mapping[int, _Described]:
    """Return what decoders and clocks take from an index, by track; nothing where FFmpeg cannot read it."""
    try:
        found = find(movie, "moov/mvex/trex")
        each = {int.from_bytes(movie[one.body + 4 : one.body + 8]): movie[one.start : one.end] for one in found}
        with open_media(io.BytesIO(movie), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
            return {
                stream.id: _Described(stream.type, stream.time_base, one.name, bytes(one.extradata or b""),
                                      getattr(one, "sample_rate", 0), each.get(stream.id & 0xFFFFFFFF, b""))
                for stream in container.streams
                if (one := getattr(stream, "codec_context", None)) is not None
            }  # fmt: skip
    except (SourceError, BoxError):
        return {}


def _but_for_sets(described: Mapping[int, _Described]) -> Mapping[int, _Described]:
    return {number: one._replace(fixed=b"") if one.kind == "video" else one for number, one in described.items()}


def _has_sets(file: BinaryIO, described: Mapping[int, _Described], position: int, length: int) -> bool:
    """Whether a picture comes with parameter sets of its own, in a file with one stream of pictures."""
    films = [one for one in described.values() if one.kind == "video"]
    only = films[0] if len(films) == 1 else None
    if only is None or only.name not in SETS or len(only.fixed) <= 22:
        return False
    at, shift, mask, needed = SETS[only.name]
    file.seek(position)
    data = bytes(file.read(min(length, AHEAD)))
    kinds = {data[start] >> shift & mask for start, end in units(data, (only.fixed[at] & 3) + 1) if start < end}
    return only.fixed[:1] == b"\1" and needed <= kinds


def _boxes(file: BinaryIO, size: int, *, fragments: bool) -> Iterator[Box]:
    """Yield the top-level boxes; without `fragments` up to the first of these."""
    at = 0
    for _ in range(TOP_BOXES):
        if at + 8 > size:
            return
        file.seek(at)
        try:
            box = header(bytes(file.read(16)), 0, size - at)
        except BoxError:
            return  # what follows is damaged
        yield Box(box.kind, at, at + box.body, at + box.end)
        if box.kind == b"moof" and not fragments:
            return
        at += box.end


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
    for sound in sounds:
        anew = _restarts(sound, wraps=True, lasting=False) if sound.counted else ()
        places = [max(sound.positions[: number + 1]) for number in islice(anew, PLACES)]
        if format_name.startswith("matroska"):
            refuse_other_tracks_at(file, size, places)
            _refuse_unread(file, size, max(sound.positions, default=0))
        elif format_name == "mpegts":
            known = (one for one in places if one >= 0)
            late = next((one for one in known if "pictures" in _carried(file, one, AHEAD, elsewhere)), None)
            if late is not None:
                raise mixed(f"pictures begin behind byte {late}")


def _refuse_unread(file: BinaryIO, size: int, last: int) -> None:
    """Refuse a Matroska file behind whose last packet another one begins, which FFmpeg does not read."""
    file.seek(last)
    data = bytes(file.read(HEADER))
    at = last + data.find(EBML.to_bytes(4, "big"))
    if at < last:
        return
    refuse_other_tracks_at(file, size, [last + len(data)])
    try:
        part = next(_parts(file, size, at))
    except (BoxError, StopIteration):
        return  # what looks like a header is none
    if part.tracks:
        raise mixed(f"what begins at byte {at} is not read")


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
