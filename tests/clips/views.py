"""HEVC with a second view (ITU-T H.265, annex G) beside the pictures of a film: NAL units of a layer of their own."""

from __future__ import annotations

import struct
from pathlib import Path

import av

LAYER = 1


def _units(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _moved(unit: bytes) -> bytes:
    """Return a NAL unit as one of the second layer (7.3.1.2)."""
    return bytes((unit[0], unit[1] | LAYER << 3)) + unit[2:]


_MESSAGE = bytes((39 << 1, LAYER << 3 | 1, 5, 16)) + b"another view, 16" + b"\x80"
LAYERED = b"\1\xf0\0\xfc\xcb\1" + bytes((0x80 | 39,)) + struct.pack(">HH", 1, len(_MESSAGE)) + _MESSAGE
"""An LHEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 9.6.3) with a message for the second layer."""


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body


EYES = _box(b"eyes", _box(b"stri", b"\0\0\0\0\3") + _box(b"hero", b"\0\0\0\0\1"))
"""Both eyes are there, and the left one is for flat screens (Apple, "Stereo video - ISOBMFF extensions", 0.9)."""


def projection(kind: bytes) -> bytes:
    """Return the box that says how pictures are mapped, for the body of a ``vexu`` (as above)."""
    return _box(b"proj", _box(b"prji", b"\0\0\0\0" + kind))


def two_views(left: Path, right: Path, out: Path, muxer: str) -> Path:
    """Write a film whose samples hold the picture of `left`, and that of `right` as a second layer.

    Both are MP4s of HEVC with as many samples in the same order and equal parameter sets, which the second layer takes
    from the first (F.7.4.1.4.1). An MP4 gets an ``lhvC`` box, and what phones write of two eyes.
    """
    with av.open(str(left)) as one, av.open(str(right)) as two, av.open(str(out), "w", format=muxer) as container:
        stream = container.add_stream_from_template(one.streams.video[0])
        pairs = zip(one.demux(video=0), two.demux(video=0), strict=True)
        for base, beside in ((a, b) for a, b in pairs if a.size):
            more = b"".join(struct.pack(">I", len(unit)) + _moved(unit) for unit in _units(bytes(beside)))
            packet = av.Packet(bytes(base) + more)
            packet.stream, packet.time_base = stream, base.time_base
            packet.pts, packet.dts, packet.duration = base.pts, base.dts, base.duration
            packet.is_keyframe = base.is_keyframe
            container.mux(packet)
    if muxer in ("mp4", "mov"):
        add_box(out, b"lhvC", LAYERED)
        add_box(out, b"vexu", EYES + projection(b"rect"))
    return out


def add_box(film: Path, kind: bytes, body: bytes) -> None:
    """Put a box behind the ``hvcC`` or ``avcC`` of an MP4 whose index is at its end."""
    data = bytearray(film.read_bytes())
    at = max(data.find(b"hvcC"), data.find(b"avcC")) - 4
    assert at > data.index(b"mdat")
    end = at + int.from_bytes(data[at : at + 4])
    box = _box(kind, body)
    start = data.index(b"moov") - 4
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"hvc1", b"hev1", b"avc1"):
        place = data.find(name, start)
        if 0 <= place < at:
            size = int.from_bytes(data[place - 4 : place])
            data[place - 4 : place] = struct.pack(">I", size + len(box))
    data[end:end] = box
    film.write_bytes(data)
