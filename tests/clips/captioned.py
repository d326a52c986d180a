"""Films with captions written by hand, byte by byte, and what FFmpeg's own reading of them is.

cc_data is made after ATSC A/53 part 4 and CEA-608-E; nothing here uses the package's own code.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import av

ENCODERS = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "12", "-x264-params", "open-gop=1"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "keyint=12:bframes=2:open-gop=1:log-level=1"),
    "mpeg2": ("-c:v", "mpeg2video", "-q:v", "4", "-bf", "2", "-g", "12"),
}
CcData = Callable[[int], bytes]
"""Triples of a picture, by its number in order of presentation."""


def odd(value: int) -> int:
    """Return a byte of line 21 with its parity bit (CEA-608-E, 7.1)."""
    return value | (0x80 if value.bit_count() % 2 == 0 else 0)


def pair(first: int, second: int, field: int = 0) -> bytes:
    """Return a triple with a pair of a field: marker bits, cc_valid, cc_type."""
    return bytes((0xFC | field, odd(first), odd(second)))


NULL = pair(0, 0)
PADDING = b"\xfa\x00\x00"
"""A triple of CEA-708 that is not valid."""


def pop_on(text: str, channel: int = 0, field: int = 0) -> list[bytes]:
    """Return the pairs that show a line: RCL, ENM, RCL, row 15, the characters, EOC. Control codes stand twice."""
    control = 0x14 | channel << 3 | field
    line = text if len(text) % 2 == 0 else f"{text} "
    codes = [(control, 0x20), (control, 0x2E), (control, 0x20), (0x14 | channel << 3, 0x70)]
    doubled = [code for code in codes for _ in range(2)]
    return [
        pair(*code, field)
        for code in (*doubled, *((ord(a), ord(b)) for a, b in zip(line[::2], line[1::2], strict=True)),
                     (control, 0x2F), (control, 0x2F))
    ]  # fmt: skip


def numbered(number: int) -> bytes:
    """Return triples that no other picture has: control codes of CC1, characters, padding; up to four triples."""
    letters = pair(0x20 + number % 90, 0x20 + number // 90)
    return (pair(0x14, 0x20) + letters + PADDING + pair(0x41, 0x42, 1))[: 3 * (1 + number % 4)]


def film(path: Path, codec: str, frames: int, rate: str | Fraction, *options: str, size: str = "96x64") -> Path:
    """Write a transport stream of `frames` pictures without captions."""
    picture = f"testsrc2=size={size}:rate={rate}"
    inputs = ["-f", "lavfi", "-i", picture, "-frames:v", str(frames), "-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-v", "error", "-y", *inputs, *ENCODERS[codec], *options, str(path)]
    subprocess.run(command, check=True)
    return path


def _escaped(data: bytes) -> bytes:
    return re.sub(b"\0\0(?=[\0-\3])", b"\0\0\3", data)


def message(codec: str, triples: bytes) -> bytes:
    """Return what carries triples in a byte stream: an SEI message, or user data of MPEG-2."""
    body = b"GA94\x03" + bytes((0xC0 | len(triples) // 3, 0xFF)) + triples + b"\xff"
    if codec == "mpeg2":
        return b"\x00\x00\x01\xb2" + body
    head = b"\x06" if codec == "h264" else b"\x4e\x01"
    registered = b"\xb5\x00\x31" + body
    return b"\x00\x00\x00\x01" + head + _escaped(b"\x04" + bytes((len(registered),)) + registered + b"\x80")


def dvd(triples: bytes) -> bytes:
    """Return user data of a DVD with triples of field 1 and 2 in turn: the first byte says that field 1 comes first."""
    pairs = (triples[at : at + 3] for at in range(0, len(triples), 3))
    fields = b"".join(bytes((0xFF if one[0] & 3 == 0 else 0xFE,)) + one[1:] for one in pairs)
    return b"\x00\x00\x01\xb2CC\x01\xf8\x80" + fields


def inject(
    source: Path, path: Path, codec: str, cc_data: CcData, muxer: str, carry: Callable[[bytes], bytes] | None = None
) -> Path:
    """Copy a film and give its pictures captions; `carry` makes user data of triples."""
    with av.open(str(source)) as reading, av.open(str(path), "w", format=muxer) as writing:
        stream = writing.add_stream_from_template(reading.streams.video[0])
        packets = [packet for packet in reading.demux(video=0) if packet.size]
        order = sorted(packet.pts for packet in packets if packet.pts is not None)
        for packet in packets:
            assert packet.pts is not None
            data, triples = bytes(packet), cc_data(order.index(packet.pts))
            if triples:
                at = data.index(b"\x00\x00\x01\x01") if codec == "mpeg2" else 0
                data = data[:at] + (carry(triples) if carry is not None else message(codec, triples)) + data[at:]
            changed = av.Packet(data)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.duration, changed.is_keyframe, changed.stream = packet.duration, packet.is_keyframe, stream
            writing.mux(changed)
    return path


def read_back(path: Path) -> Mapping[Fraction, bytes]:
    """Return the triples of each picture of a film that has some, by its time, as the system's ffmpeg reads them."""
    command = ["ffprobe", "-v", "error", "-f", "lavfi", "-i", f"movie={path}[out+subcc]", "-select_streams", "s"]
    command += ["-show_packets", "-show_data", "-of", "json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    read: dict[Fraction, bytes] = {}
    for packet in found["packets"]:
        lines = packet["data"].strip().splitlines()
        digits = "".join(line[10:49].replace(" ", "") for line in lines)
        read[Fraction(packet["pts_time"])] = bytes.fromhex(digits)
    return read


def text_of(path: Path) -> str:
    """Return the captions of channel 1 as SubRip, as the system's ffmpeg decodes them."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        f"movie={path}[out+subcc]",
        "-map",
        "0:s",
        "-f",
        "srt",
        "-",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def joined(dest: Path, folder: str, path: Path, segments: slice = slice(None)) -> Path:
    """Write the init and some segments of a track as one file."""
    parts = sorted((dest / folder).glob("*.m4s"))[segments]
    path.write_bytes((dest / folder / "init.mp4").read_bytes() + b"".join(part.read_bytes() for part in parts))
    return path


def packets(*blocks: tuple[int, bytes], sequence: int = 0) -> list[bytes]:
    """Return the triples of a DTVCC packet with service blocks (CTA-708-E, 5 and 6.2), ended by a null block."""
    body = b"".join(
        (bytes((service << 5 | len(data),)) if service < 7 else bytes((0xE0 | len(data), service))) + data
        for service, data in blocks
    )
    body += b"\0" * (1 - len(body) % 2)
    whole = bytes((sequence % 4 << 6 | (len(body) + 1) // 2 % 64,)) + body
    return [bytes((0xFF if at == 0 else 0xFE,)) + whole[at : at + 2] for at in range(0, len(whole), 2)]


def window(
    number: int = 0, *, visible: bool = False, rows: int = 2, columns: int = 32, down: int = 74, across: int = 105,
    point: int = 7, style: int = 1,
) -> bytes:  # fmt: skip
    """Return DefineWindow (CTA-708-E, 8.10.5.2), by default at the bottom in the middle; lengths are those meant."""
    return bytes((0x98 + number, visible << 5, down, across, point << 4 | rows - 1, columns - 1, style << 3 | 1))
