"""HEVC with Dolby Vision metadata of our choice: flat patches of known codes, and RPUs by hand (ETSI TS 103 572)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame

from streamify.media.video.tonemap import PQ, Hdr, tone_map

SIZE = (128, 64)
PATCH = 32
"""Pixels along each side: eight patches a picture, row by row."""

CODES = ((60, 512, 512), (250, 500, 520), (400, 512, 512), (450, 560, 500), (500, 470, 560), (620, 512, 505),
         (350, 440, 470), (300, 540, 580))  # fmt: skip
"""10-bit components of each patch, of full range."""

DENOMINATOR = 23
"""Binary logarithm of that of coefficients."""
IPT = (1.0, 799 / 8192, 1681 / 8192, 1.0, -933 / 8192, 1091 / 8192, 1.0, 267 / 8192, -5545 / 8192)
CROSSTALK = (17081 / 16384, -349 / 16384, -349 / 16384, -349 / 16384, 17081 / 16384, -349 / 16384,
             -349 / 16384, -349 / 16384, 17081 / 16384)  # fmt: skip

Polynomial = tuple[float, ...]
Regression = tuple[float, tuple[tuple[float, ...], ...]]


@dataclass(frozen=True)
class Metadata:
    """Of a picture; by default, samples mean what they are."""

    curves: tuple[tuple[tuple[int, ...], tuple[Polynomial | Regression, ...]], ...] = (((0, 1023), ((0.0, 1.0),)),) * 3
    """Of each component: pivots, and for each piece the coefficients of a polynomial, or a constant and rows."""
    to_lms: tuple[float, ...] = IPT
    crosstalk: tuple[float, ...] = CROSSTALK
    greatest: int = 3079
    """PQ signal of the display's brightest light, 12 bit: 1,000 cd/m2."""
    profile: int = 0
    full_range: bool = True


BENT = ((0, 149, 405, 614, 1023),
        ((0.02, 1.25, -0.5), (0.05136, 0.926, 0.2461), (0.08352, 0.863, 0.2), (0.16936, 0.78, 0.1)))  # fmt: skip
"""Of brightness: parabolas that join, as encoders write them."""
POLYNOMIAL = Metadata((BENT, ((0, 1023), ((-0.2707, 1.7039 - 0.15),)), ((0, 1023), ((-0.3544, 1.7027),))))
REGRESSION = Metadata((
    BENT,
    ((0, 1023), ((-0.02, ((0.05, 0.95, 0.02, 0.03, -0.02, 0.01, 0.04), (0.01, 0.02, -0.01, 0.02, 0.01, -0.03, 0.02),
                          (-0.01, 0.03, 0.01, -0.02, 0.02, 0.01, -0.03))),)),
    ((0, 512, 1023), ((0.01, ((-0.03, 0.02, 0.97, 0.02, 0.05, -0.03, 0.02),)), (0.0, 1.0))),
))  # fmt: skip
"""Chroma by all three components, up to their third powers; one component has a piece of each kind."""
NONE = Metadata()


JUDGED: dict[str, tuple[tuple[float, float, float], ...]] = {
    "none": (
        (0.0587, 0.0587, 0.0582), (0.2396, 0.2494, 0.2374), (0.3909, 0.3909, 0.3904),
        (0.4610, 0.4227, 0.4499), (0.4776, 0.5087, 0.4507), (0.6038, 0.6043, 0.6100),
        (0.2726, 0.3518, 0.3688), (0.3269, 0.2971, 0.2434),
    ),
    "polynomial": (
        (0.0944, 0.0893, 0.0927), (0.2883, 0.2978, 0.2834), (0.4538, 0.4487, 0.4520),
        (0.5344, 0.4708, 0.5208), (0.5414, 0.5820, 0.4906), (0.6779, 0.6738, 0.6886),
        (0.2700, 0.4071, 0.4449), (0.3999, 0.3474, 0.2595),
    ),
    "regression": (
        (0.0756, 0.0976, 0.0914), (0.2812, 0.3000, 0.2850), (0.4519, 0.4511, 0.4493),
        (0.5258, 0.4838, 0.5092), (0.5478, 0.5708, 0.5156), (0.6873, 0.6730, 0.6809),
        (0.3247, 0.4080, 0.4228), (0.3761, 0.3493, 0.2942),
    ),
}  # fmt: skip
"""PQ signals of BT.2020, R'G'B', of each patch.

By libplacebo 4.208 in FFmpeg 5.1 on Mesa's software Vulkan: ``ffmpeg -init_hw_device vulkan=v:0 -filter_hw_device v -i
CLIP.hevc -frames:v 1 -vf format=yuv420p10le,hwupload,libplacebo=format=yuv444p16le:colorspace=bt2020nc:
color_primaries=bt2020:color_trc=smpte2084:range=pc:peak_detect=0,hwdownload,format=yuv444p16le -f rawvideo OUT``.
"""


@dataclass
class _Bits:
    bits: list[int] = field(default_factory=list)

    def u(self, value: int, count: int) -> None:
        self.bits += [(value >> number) & 1 for number in range(count - 1, -1, -1)]

    def ue(self, value: int) -> None:
        self.u(0, (value + 1).bit_length() - 1)
        self.u(value + 1, (value + 1).bit_length())

    def coefficient(self, value: float) -> None:
        whole, part = divmod(round(value * (1 << DENOMINATOR)), 1 << DENOMINATOR)
        self.ue(2 * whole - 1 if whole > 0 else -2 * whole)
        self.u(part, DENOMINATOR)

    def fixed(self, values: Sequence[float], point: int, count: int) -> None:
        for value in values:
            self.u(round(value * (1 << point)) & ((1 << count) - 1), count)

    def data(self) -> bytes:
        bits = self.bits + [0] * (-len(self.bits) % 8)
        return bytes(int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8))


def rpu(metadata: Metadata) -> bytes:
    """Return an RPU as the NAL unit (type 62) that ends an access unit of HEVC."""
    bits = _Bits()
    for value, count in ((2, 6), (18, 11), (metadata.profile, 4), (0, 4), (1, 1), (0, 1), (0, 2)):
        bits.u(value, count)
    bits.ue(DENOMINATOR)
    bits.u(1, 2)
    bits.u(metadata.full_range, 1)
    for depth in (10, 10, 12):
        bits.ue(depth - 8)
    for value, count in ((0, 1), (0, 3), (0, 1), (1, 1), (1, 1), (0, 1)):
        bits.u(value, count)
    for _ in range(3):
        bits.ue(0)
    for pivots, _ in metadata.curves:
        bits.ue(len(pivots) - 2)
        for before, pivot in zip((0, *pivots), pivots, strict=False):
            bits.u(pivot - before, 10)
    bits.ue(0)
    bits.ue(0)
    for _, pieces in metadata.curves:
        for piece in pieces:
            _piece(bits, piece)
    for value in (0, 0, 1):
        bits.ue(value)
    bits.fixed(metadata.to_lms, 13, 16)
    bits.fixed((0.0, 0.5, 0.5), 28, 32)
    bits.fixed(metadata.crosstalk, 14, 16)
    for value, count in ((65535, 16), (0, 16), (0, 16), (0, 32), (12, 5), (2, 2), (0, 2), (1, 2), (62, 12),
                         (metadata.greatest, 12), (42, 10)):  # fmt: skip
        bits.u(value, count)
    bits.ue(0)
    body = bits.data()
    return b"\x7c\x01" + _escaped(b"\x19" + body + _crc(body).to_bytes(4, "big") + b"\x80")


def _piece(bits: _Bits, piece: Polynomial | Regression) -> None:
    first, second, *_ = piece
    if isinstance(second, tuple):
        bits.ue(1)
        bits.u(len(second) - 1, 2)
        coefficients = [first, *(one for row in second for one in row)]
    else:
        bits.ue(0)
        bits.ue(len(piece) - 2)
        if len(piece) == 2:
            bits.u(0, 1)
        coefficients = [*piece]
    for value in coefficients:
        assert isinstance(value, float)
        bits.coefficient(value)


def _crc(data: bytes) -> int:
    """Return the CRC-32 of MPEG-2."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


def _escaped(data: bytes) -> bytes:
    out, zeros = bytearray(), 0
    for byte in data:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes(out)


def patches() -> VideoFrame:
    """Return a picture of the patches."""
    frame = VideoFrame(*SIZE, "yuv420p10le")
    for number, plane in enumerate(frame.planes):
        side = PATCH if number == 0 else PATCH // 2
        grid = np.array([code[number] for code in CODES], "<u2").reshape(2, 4)
        rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
        rows[:, : plane.width] = np.kron(grid, np.ones((side, side), "<u2"))
        plane.update(rows.tobytes())
    return frame


def write_clip(path: Path, metadata: Sequence[Metadata | None], rate: int = 24) -> Path:
    """Write HEVC of pictures of the patches, without loss, each with its metadata; ``None``: without.

    A name that ends in ``.hevc`` gets the bare stream, others are made of it by ffmpeg.
    """
    bare = path.with_suffix(".hevc")
    with av.open(bare, "w", format="hevc") as container:
        stream = container.add_stream("libx265", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p10le"
        stream.options = {
            "preset": "ultrafast",
            "x265-params": "lossless=1:range=full:log-level=none:keyint=12:bframes=0",
        }
        picture = patches()
        packets = []
        for number in range(len(metadata)):
            picture.pts, picture.time_base = number, Fraction(1, rate)
            packets += stream.encode(picture)
        packets += stream.encode()
    units = zip(packets, metadata, strict=True)
    bare.write_bytes(b"".join(bytes(unit) + (b"\0\0\0\1" + rpu(one) if one else b"") for unit, one in units))
    return path if path == bare else contained(bare, path, rate)


def contained(bare: Path, path: Path, rate: int) -> Path:
    """Put a bare stream of pictures in order of decoding into the container that a name says."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-r", str(rate), "-i", str(bare), "-c", "copy", str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path


def patch(frame: VideoFrame, number: int) -> tuple[int, int, int]:
    """Return the samples in the middle of a patch."""
    found = []
    for plane in frame.planes:
        side = PATCH if plane.width == SIZE[0] else PATCH // 2
        row, column = number // 4 * side + side // 2, number % 4 * side + side // 2
        found.append(bytes(plane)[row * plane.line_size + column])
    return found[0], found[1], found[2]


def wanted(signal: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the SDR samples of a PQ signal, limited range (BT.709, items 3.2 to 3.4)."""
    red, green, blue = tone_map(signal, Hdr(PQ, peak=1001))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748
