"""Captions inside pictures (CEA-608/708): read from coded pictures, and written into those of H.264. Pure.

What they are is cc_data: triples of a byte with flags and type (0, 1: a pair of line 21, field 1 or 2; 2, 3: of a
DTVCC packet) and two bytes (ATSC A/53 part 4, 6.2.3; CEA-708-E, 4.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

A53 = b"GA94\x03"
"""ATSC identifier and user data type of cc_data (ATSC A/53 part 4, 6.2.2), in user data of MPEG-2 and in ITU-T T.35
messages of H.264, HEVC and AV1."""
T35 = b"\xb5\x00\x31" + A53
"""United States, ATSC."""
USER_DATA = b"\x00\x00\x01\xb2"
DVD = USER_DATA + b"CC\x01\xf8"
"""Line 21 data of DVDs."""

TRIPLE = 3
"""Bytes."""
MOST = 31
"""Triples of one message: cc_count has five bits."""
_READ = 2 + TRIPLE * MOST
"""Bytes behind a mark: flags and count, em_data, and as many triples as there can be."""

ESCAPED = frozenset({"h264", "hevc"})
"""Codecs that put a 3 behind two zeros where a start code would begin (ITU-T H.264, 7.4.1.1)."""


TEXT = frozenset({0x2A, 0x2B})
"""Second bytes of the control codes that begin a text."""
CAPTION = frozenset({0x20, 0x25, 0x26, 0x27, 0x29, 0x2F})
"""Those of the codes that begin a caption: pop-on, roll-up, paint-on."""


def cc_data(data: bytes, *, escaped: bool) -> bytes:
    """Return the triples of a packet of video, in the order in which they are stored; empty: it has none.

    Args:
        data: Of one or more coded pictures, framed in any way.
        escaped: Whether its codec is one of `ESCAPED`.
    """
    return b"".join(messages(data, escaped=escaped))


def messages(data: bytes, *, escaped: bool) -> list[bytes]:
    """Return the triples of each message of a packet of video, as of `cc_data`."""
    found = [*_after(data, T35, escaped=escaped)]
    if not escaped:  # no start code stands inside of what these codecs code
        found += [*_after(data, USER_DATA + A53, escaped=False), *_dvd(data)]
    return [triples for _, triples in sorted(found)]


def line21(triples: bytes) -> bytes:
    """Return those triples that are pairs of line 21 (types 0 and 1)."""
    places = range(0, len(triples) - TRIPLE + 1, TRIPLE)
    return b"".join(triples[at : at + TRIPLE] for at in places if not triples[at] & 2)


FRAME = Fraction(1001, 30000)
"""Seconds of a frame of line 21, which has a pair in each field."""


def each_frame(triples: bytes) -> Iterator[bytes]:
    """Yield the triples of each frame of line 21 data of DVDs: a group of pictures has those of all of its frames."""
    return (triples[at : at + 2 * TRIPLE] for at in range(0, len(triples), 2 * TRIPLE))


def _after(data: bytes, mark: bytes, *, escaped: bool) -> Iterator[tuple[int, bytes]]:
    at = data.find(mark)
    while at >= 0:
        start = at + len(mark)
        # Where each third byte is one that was put in, half as many more are read.
        read = unescaped(data[start : start + _READ * 3 // 2]) if escaped else data[start : start + _READ]
        if len(read) > 2 and read[0] & 0x40:  # process_cc_data_flag
            size = TRIPLE * (read[0] & 0x1F)
            if 0 < size <= len(read) - 2:
                yield at, read[2 : 2 + size]
        at = data.find(mark, start)


def _dvd(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield line 21 data of DVDs as triples: a byte that says which field comes first, then two fields in turn."""
    at = data.find(DVD)
    while at >= 0:
        place = at + len(DVD)
        odd_first = bool(data[place : place + 1] and data[place] & 0x80)
        place += 1
        triples = bytearray()
        while place + 6 <= len(data) and data[place] & data[place + 3] & 0xFE == 0xFE:
            for field, odd in ((place, odd_first), (place + 3, not odd_first)):
                triples += bytes((0xFC if data[field] == 0xFF and odd else 0xFD, data[field + 1], data[field + 2]))
            place += 6
        if place + 3 <= len(data) and data[place] == 0xFF:
            triples += bytes((0xFC if odd_first else 0xFD, data[place + 1], data[place + 2]))  # one field more
        if triples:
            yield at, bytes(triples)
        at = data.find(DVD, at + len(DVD))


def unescaped(data: bytes) -> bytes:
    """Return a payload without its emulation prevention bytes (ITU-T H.264, 7.3.1)."""
    return data.replace(b"\0\0\3", b"\0\0")


def _escaped(data: bytes) -> bytes:
    return re.sub(b"\0\0(?=[\0-\3])", b"\0\0\3", data)


def h264_sei(triples: bytes) -> bytes:
    """Return an SEI NAL unit of H.264 (7.3.2.3, D.1.6) that carries triples, without start code.

    One message holds `MOST` of them; more, as of several source pictures that became one, are so many messages.
    """
    payload = bytearray()
    for start in range(0, len(triples), TRIPLE * MOST):
        part = triples[start : start + TRIPLE * MOST]
        message = T35 + bytes((0xC0 | len(part) // TRIPLE, 0xFF)) + part + b"\xff"
        payload += bytes((4, len(message))) + message
    return b"\x06" + _escaped(bytes(payload) + b"\x80")


def with_sei(unit: bytes, triples: bytes) -> bytes:
    """Return an access unit of H.264 in byte stream format (annex B) with triples in front of its first slice.

    Raises:
        ValueError: It has no slice.
    """
    at = unit.find(b"\0\0\1")
    while at >= 0:
        if at + 3 < len(unit) and 1 <= unit[at + 3] & 0x1F <= 5:
            at -= at > 0 and unit[at - 1] == 0  # its start code has four bytes
            return unit[:at] + b"\0\0\0\1" + h264_sei(triples) + unit[at:]
        at = unit.find(b"\0\0\1", at + 3)
    raise ValueError("an access unit without a slice")
