"""MPEG-2 whose pictures are coded field by field (ISO/IEC 13818-2, 6.3.10, `picture_structure`), made of half pictures.

FFmpeg writes no field pictures. An intra picture of half the height has the slices of an intra field, so that only
headers differ.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from clips.fields import HEIGHT, WIDTH, moments

PICTURE, SEQUENCE, EXTENSION, GROUP = 0x00, 0xB3, 0xB5, 0xB8
CODING = 8
"""Id of the picture coding extension."""
TOP, BOTTOM = 1, 2


def write_fields(out: Path, pictures: int, *, apart: bool = False, single: bool = False) -> Path:
    """Write a film at 25 pictures a second, of which each is two field pictures, the top one first.

    Args:
        out: Its extension names the container.
        pictures: How many.
        apart: Whether each field is a packet of its own, with a time of its own.
        single: Whether it ends with the first field of the last picture.
    """
    halves = [_half(out.with_suffix(f".{parity}.m2v"), pictures, parity) for parity in (0, 1)]
    packets: list[tuple[Fraction, bytes]] = []
    for number, (top, bottom) in enumerate(zip(*halves, strict=True)):
        heads = (unit for unit in top if unit[3] in (SEQUENCE, EXTENSION, GROUP) and not _coding(unit))
        first = b"".join(map(_header, heads)) + _field(top, TOP)
        at, second = Fraction(number, 25), _field(bottom, BOTTOM)
        if single and number == pictures - 1:
            packets += [(at, first)]
        else:
            packets += [(at, first), (at + Fraction(1, 50), second)] if apart else [(at, first + second)]
    plain = out.with_suffix(".all.m2v")
    plain.write_bytes(b"".join(data for _, data in packets))
    with av.open(str(plain), "r", format="mpegvideo") as given, av.open(str(out), "w") as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        for at, data in packets:
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 90_000)
            packet.pts = packet.dts = int((at + 1) * 90_000)
            packet.is_keyframe = True
            target.mux(packet)
    return out


def _half(path: Path, pictures: int, parity: int) -> list[list[bytes]]:
    """Return the pictures of one field, each as its units, coded as whole pictures of half the height."""
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}"]
    command += [
        "-r",
        "50",
        "-i",
        "pipe:",
        "-vf",
        f"select='eq(mod(n\\,2)\\,{parity})',setpts=N/25/TB,scale={WIDTH}:{HEIGHT // 2}:flags=neighbor",
    ]
    command += ["-r", "25", "-c:v", "mpeg2video", "-g", "1", "-q:v", "3", "-f", "mpeg2video", str(path)]
    subprocess.run(command, input=moments(2 * pictures), check=True, timeout=60)
    data = path.read_bytes()
    starts = [found.start() for found in re.finditer(b"\0\0\1", data)]
    units = [data[at:end] for at, end in zip(starts, [*starts[1:], len(data)], strict=True)]
    found: list[list[bytes]] = []
    for unit in units:
        if unit[3] == SEQUENCE:
            found.append([])
        if unit[3] != 0xB7:
            found[-1].append(unit)
    assert len(found) == pictures
    return found


def _coding(unit: bytes) -> bool:
    return unit[3] == EXTENSION and unit[4] >> 4 == CODING


def _header(unit: bytes) -> bytes:
    """Return a header with the height of the whole picture, and not as a progressive sequence (6.2.2.1, 6.2.2.3)."""
    changed = bytearray(unit)
    if unit[3] == SEQUENCE:
        size = int.from_bytes(unit[4:7], "big")
        changed[4:7] = ((size >> 12 << 12) | HEIGHT).to_bytes(3, "big")
    elif unit[3] == EXTENSION and unit[4] >> 4 == 1:
        changed[5] &= ~0x08
    return bytes(changed)


def _field(units: Sequence[bytes], structure: int) -> bytes:
    """Return a picture as a field (6.2.3.1): its structure, no frame prediction, and nothing progressive."""
    data = bytearray()
    for unit in units:
        if unit[3] in (SEQUENCE, GROUP) or (unit[3] == EXTENSION and not _coding(unit)):
            continue
        changed = bytearray(unit)
        if _coding(unit):
            changed[6] = changed[6] & ~0x03 | structure
            changed[7] &= ~(0x80 | 0x40 | 0x02)  # top_field_first, frame_pred_frame_dct, repeat_first_field
            changed[8] &= ~0x80  # progressive_frame
        data += changed
    return bytes(data)
