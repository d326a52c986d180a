"""Sources, or streams of them, that are encrypted: FFmpeg reads their packets and decodes them to noise, or nothing."""

from __future__ import annotations

import io
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import BinaryIO

from av.container import InputContainer

from streamify.errors import SourceError
from streamify.media.source.ebml import CLUSTER, EBML, SEGMENT, TRACKS, children, element
from streamify.media.source.transport import TS_PACKET, plain
from streamify.mp4.boxes import BoxError
from streamify.mp4.handlers import sample_kinds, unprotected_tracks
from streamify.mp4.movie import read_layout

ENTRIES = frozenset({"encv", "enca", "enct", "encs", "drmi", "drms", "aavd"})
"""Sample entries of encrypted tracks: of Common Encryption (ISO/IEC 14496-12, 8.12), of iTunes, and of Audible."""
TYPES = frozenset({0xDB, 0xCF, 0xC1, 0xC2})
"""Stream types of H.264, AAC, AC-3 and E-AC-3 in HLS's SAMPLE-AES (MPEG-2 Stream Encryption Format, 2.3)."""
LOOKED_AT = 1 << 20
"""Bytes in which packets of a transport or program stream are looked at."""
PES = re.compile(rb"\x00\x00\x01([\xc0-\xef])(.{2})([\x80-\xbf])", re.DOTALL)
"""A packet in a program stream (ISO/IEC 13818-1, 2.4.3.6): its id, its length, and how it is scrambled."""
START = b"\0\0\1"
"""Of start codes."""
CLEAR = 128
"""Bytes of a sector of a DVD that are never scrambled."""
CODES = 4
"""Start codes behind those that tell pictures from noise."""
HEADER = 256 * 1024
"""Bytes of a list of tracks of Matroska that are looked at."""
ELEMENTS = 100
"""Elements looked at in front of it."""
ENTRY, TYPE, CODEC, ENCODINGS, ENCODING, ENCRYPTION = 0xAE, 0x83, 0x86, 0x6D80, 0x6240, 0x5035
"""TrackEntry, TrackType, CodecID, ContentEncodings, ContentEncoding and ContentEncryption (RFC 9559, 5.1.4.1)."""
STREAMS = frozenset({1, 2, 17, 33})
"""Types of tracks: pictures, sound, subtitles, metadata."""
ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
"""GUID of ASF's header."""
LOCKS = frozenset(
    bytes.fromhex(guid) for guid in ("fbb3112223bdd211b4b700a0c955fc6e", "14e68a292226174cb935dae07ee9289c")
)
"""GUIDs of ASF's objects of encryption, and of extended encryption."""
RANDOM = 1 << 16
"""Bytes by which a file that is nothing known is taken for an encrypted one."""
ODD = 1 << 12
"""Bytes of the smallest one."""
EVEN = 400
"""Chi-square of the counts of the 256 values of noise, at most: 255 is expected."""
MAGIC = (
    EBML.to_bytes(4), ASF, b"OggS", b"RIFF", b"RF64", b"RIFX", b"FORM", b"riff.\x91\xcf\x11", b"caff", b"fLaC",
    b"FLV\1", b"ID3", b".RMF", b"DKIF", b"#!AMR", b"\x06\x0e+4", b"\xb7\xd8\0\x20", b"MSCF", b"\x89LZO", b"]\0\0",
)  # fmt: skip
"""First bytes of media, and of archives: what follows may be damaged, or compressed, and is not encrypted."""
BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"sidx", b"pnot", b"uuid")
"""Kinds of the boxes with which an MP4 or MOV, or a part of one, begins."""
REMEDY = "decrypt it first, with the key that belongs to it, or give a copy without DRM"


def encrypted(what: str) -> SourceError:
    """Return the error of a source that cannot be read because it, or its pictures, are encrypted."""
    return SourceError("source-encrypted", f"{what} encrypted", REMEDY)


def encrypted_streams(
    container: InputContainer, file: BinaryIO, types: Mapping[int, int]
) -> tuple[Collection[int], Collection[int]]:
    """Return the indices of the streams that are encrypted, and of those of which parts are.

    Args:
        container: The source, opened.
        file: The same file; it is left where it was.
        types: Stream types in the tables of a transport stream, by PID.
    """
    at, name = file.tell(), container.format.name
    size = file.seek(0, io.SEEK_END)
    partly = set[int]()
    try:
        if name.startswith("mov"):
            ids: Collection[int] = encrypted_tracks(file, size)
        elif name.startswith("matroska"):
            return _of_matroska(file, size), ()
        elif name == "mpegts":
            scrambled, partly = scrambled_pids(file, size)
            ids = scrambled.union(pid for pid, kind in types.items() if kind in TYPES)
        elif name == "asf":
            return range(len(container.streams)) if is_locked(file) else (), ()
        else:
            ids = _of_program(file) if name == "mpeg" else ()
    except BoxError:
        return (), ()  # damaged
    finally:
        file.seek(at)
    # Stills of HEIF, which have no length, have numbers of their own.
    still = {stream.index for stream in container.streams if stream.time_base == 1 and stream.duration is None}
    found = {stream.index for stream in container.streams if stream.id in ids} - still
    return found, {stream.index for stream in container.streams if stream.id in partly} - found


def encrypted_tracks(file: BinaryIO, size: int) -> set[int]:
    """Return the ids of the tracks of an MP4 that are encrypted.

    Raises:
        BoxError: It is damaged.
    """
    layout = read_layout(file, size)
    found = {number for number, kind in sample_kinds(file, layout).items() if kind in ENTRIES}
    return found - unprotected_tracks(file, layout) if found else found


def is_locked(file: BinaryIO) -> bool:
    """Return whether the header of an ASF has an object of encryption (ASF 01.20.03, 3.14 to 3.15)."""
    file.seek(0)
    head = bytes(file.read(HEADER))
    if not head.startswith(ASF):
        return False
    at, end = 30, min(len(head), int.from_bytes(head[16:24], "little"))
    while at + 24 <= end:
        if head[at : at + 16] in LOCKS:
            return True
        at += max(24, int.from_bytes(head[at + 16 : at + 24], "little"))
    return False


def looks_encrypted(file: BinaryIO, size: int) -> bool:
    """Return whether a file has no structure at all: each value of a byte is as frequent as any other, in no order.

    So it is in some bitstreams of pictures, but for their start codes, and in media that is damaged behind its first
    bytes, which name it.
    """
    if size < ODD:
        return False
    file.seek(0)
    data = bytes(file.read(RANDOM))
    if data.startswith(MAGIC) or data[4:8] in BOXES:
        return False
    expected = len(data) / 256
    spread = sum((data.count(value) - expected) ** 2 / expected for value in range(256))
    return spread < EVEN and START not in data and len(zlib.compress(data, 1)) >= len(data)


def _of_matroska(file: BinaryIO, size: int) -> Collection[int]:
    """Return the indices of the tracks of a Matroska or WebM file whose content is encrypted.

    FFmpeg makes streams of tracks of the known types in the order of the list.

    Raises:
        BoxError: It is damaged.
    """
    head, _, at = element(file, 0, size)
    kind, at, end = element(file, at, size)
    if head != EBML or kind != SEGMENT:
        return ()
    for _ in range(ELEMENTS):
        kind, body, after = element(file, at, end)
        if kind == CLUSTER:
            break
        if kind == TRACKS:
            file.seek(body)
            entries = children(bytes(file.read(min(after - body, HEADER))))
            said = [dict(children(payload)) for kind, payload in entries if kind == ENTRY]
            streams = [one for one in said if int.from_bytes(one.get(TYPE, b"")[:8]) in STREAMS and CODEC in one]
            return {index for index, one in enumerate(streams) if _is_encrypted(one)}
        at = after
    return ()


def _is_encrypted(entry: Mapping[int, bytes]) -> bool:
    encodings = children(entry.get(ENCODINGS, b""))
    return any(kind == ENCODING and ENCRYPTION in dict(children(payload)) for kind, payload in encodings)


def scrambled_pids(file: BinaryIO, size: int) -> tuple[set[int], set[int]]:
    """Return the PIDs whose packets are scrambled (ISO/IEC 13818-1, 2.4.3.2), and not only marked so: all, and in part.

    Recordings often begin before the receiver has the key: what is in the clear at the start, in the middle or at the
    end is read.
    """
    clear, scrambled = set[int](), set[int]()
    for place in sorted({0, max(0, size - LOOKED_AT) // 2, max(0, size - LOOKED_AT)}):
        file.seek(place)
        packets = _beginnings(plain(bytes(file.read(LOOKED_AT))))
        here = _mostly(packets)
        if not place and not here:
            break  # all is read from its start
        scrambled |= here
        clear |= {pid for pid, _ in packets} - here
    return scrambled - clear, scrambled & clear


def _beginnings(data: bytes) -> list[tuple[int, bool]]:
    """Return the PIDs of the transport packets in which PES packets begin, and whether their header is scrambled."""
    found = list[tuple[int, bool]]()
    for at in range(0, len(data) - TS_PACKET + 1, TS_PACKET):
        if data[at + 1] & 0x40:
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            marked = bool(data[at + 3] & 0xC0) and data[begin : begin + 3] != START
            found.append((int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF, marked))
    return found


def _of_program(file: BinaryIO) -> set[int]:
    """Return the ids, as FFmpeg has them, of the streams of a DVD that are scrambled, and not only marked so.

    The first 128 bytes of a sector are not. Pictures behind them have start codes, in nearly each sector of a DVD and
    in few where slices are long; noise has one in 16 MiB.
    """
    file.seek(0)
    data = bytes(file.read(LOOKED_AT))
    marked = list[tuple[int, bool]]()
    noise, codes = list[bool](), 0
    for one in PES.finditer(data):
        begin, end = one.end() + CLEAR, one.start() + 6 + int.from_bytes(one[2])
        flagged = bool(one[3][0] & 0x30)
        marked.append((0x100 | one[1][0], flagged))
        if flagged and one[1][0] >= 0xE0 and end - begin > CLEAR:
            found = data.count(START, begin, end)
            noise.append(not found)
            codes += found
    return _mostly(marked) if codes < CODES and 2 * sum(noise) > len(noise) else set()


def _mostly(packets: Iterable[tuple[int, bool]]) -> set[int]:
    """Return the streams of which at least half of the packets are scrambled."""
    count, scrambled = Counter[int](), Counter[int]()
    for number, is_scrambled in packets:
        count[number] += 1
        scrambled[number] += is_scrambled
    return {number for number in count if 2 * scrambled[number] >= count[number]}
