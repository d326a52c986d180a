"""What Dolby Vision's metadata says of a picture: how its samples are reshaped, and which matrices lead to light.

FFmpeg's decoders read it (ETSI TS 103 572, 5) and give it with each picture as AVDOVIMetadata. Its layout here is that
of libavutil 60; offsets inside it are stated by itself.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from av.video.frame import VideoFrame

from streamify.media.source.sidedata import SideDataType, first_of

Nine = tuple[float, float, float, float, float, float, float, float, float]
"""A matrix, row by row."""

_PIECES = 8
_MMR = 1
"""Mapping method: multivariate multiple regression; 0: polynomial."""


@dataclass(frozen=True)
class Piece:
    """How samples between two pivots are reshaped."""

    polynomial: tuple[float, ...] = ()
    """Coefficients of the component's own powers, from the constant on; empty: the others count."""
    constant: float = 0.0
    regression: tuple[tuple[float, ...], ...] = ()
    """For the first, second and third power: coefficients of the components x, y, z and of xy, xz, yz, xyz."""


@dataclass(frozen=True)
class Curve:
    """How one component is reshaped; signal from 0 to 1, of full range."""

    pivots: tuple[float, ...]
    """Rising; the first and the last one bound what comes out."""
    pieces: tuple[Piece, ...]
    """One fewer."""


@dataclass(frozen=True)
class Reshaping:
    """What leads from the samples of a picture to light."""

    curves: tuple[Curve, Curve, Curve]
    """Of the components as they are coded."""
    to_lms: Nine
    """From reshaped components, `offset` subtracted, to PQ signals of the cones L, M and S."""
    offset: tuple[float, float, float]
    crosstalk: Nine
    """Undoes that in the light of the cones."""


STRAIGHT = Curve((0.0, 1.0), (Piece((0.0, 1.0)),))
NEUTRAL = Reshaping(
    (STRAIGHT, STRAIGHT, STRAIGHT),
    (1.0, 799 / 8192, 1681 / 8192, 1.0, -933 / 8192, 1091 / 8192, 1.0, 267 / 8192, -5545 / 8192),
    (0.0, 0.5, 0.5),
    (17081 / 16384, -349 / 16384, -349 / 16384, -349 / 16384, 17081 / 16384, -349 / 16384,
     -349 / 16384, -349 / 16384, 17081 / 16384),
)  # fmt: skip
"""For pictures that lost their metadata: the matrices of IPT-PQ-C2, and samples as they are."""


class _Rational(ctypes.Structure):
    _fields_ = (("numerator", ctypes.c_int), ("denominator", ctypes.c_int))


class _Offsets(ctypes.Structure):
    _fields_ = (("header", ctypes.c_size_t), ("mapping", ctypes.c_size_t), ("colour", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("rpu_type", ctypes.c_uint8),
        ("rpu_format", ctypes.c_uint16),
        ("vdr_rpu_profile", ctypes.c_uint8),
        ("vdr_rpu_level", ctypes.c_uint8),
        ("chroma_resampling", ctypes.c_uint8),
        ("coefficient_type", ctypes.c_uint8),
        ("coefficient_log2_denominator", ctypes.c_uint8),
        ("normalized", ctypes.c_uint8),
        ("full_range", ctypes.c_uint8),
        ("bit_depth", ctypes.c_uint8),
    )


class _Curve(ctypes.Structure):
    _fields_ = (
        ("num_pivots", ctypes.c_uint8),
        ("pivots", ctypes.c_uint16 * (_PIECES + 1)),
        ("method", ctypes.c_int * _PIECES),
        ("order", ctypes.c_uint8 * _PIECES),
        ("polynomial", (ctypes.c_int64 * 3) * _PIECES),
        ("mmr_order", ctypes.c_uint8 * _PIECES),
        ("mmr_constant", ctypes.c_int64 * _PIECES),
        ("mmr", ((ctypes.c_int64 * 7) * 3) * _PIECES),
    )


class _Mapping(ctypes.Structure):
    _fields_ = (
        ("rpu_id", ctypes.c_uint8),
        ("colour_space", ctypes.c_uint8),
        ("chroma_format", ctypes.c_uint8),
        ("curves", _Curve * 3),
    )


class _Colour(ctypes.Structure):
    _fields_ = (
        ("metadata_id", ctypes.c_uint8),
        ("scene_refresh", ctypes.c_uint8),
        ("ycc_to_rgb", _Rational * 9),
        ("offset", _Rational * 3),
        ("rgb_to_lms", _Rational * 9),
        ("eotf", ctypes.c_uint16 * 3),
        ("eotf_third", ctypes.c_uint32),
        ("bit_depth", ctypes.c_uint8),
        ("colour_space", ctypes.c_uint8),
        ("chroma_format", ctypes.c_uint8),
        ("full_range", ctypes.c_uint8),
        ("least", ctypes.c_uint16),
        ("greatest", ctypes.c_uint16),
    )


def _parts(frame: VideoFrame) -> tuple[_Header, _Mapping, _Colour] | None:
    """Return the metadata of a picture that cannot be shown without it: IPT-PQ-C2, of full range."""
    data = first_of(frame, SideDataType.DOVI_METADATA)
    if data is None:
        return None
    offsets = _Offsets.from_buffer_copy(data)
    header = _Header.from_buffer_copy(data, offsets.header)
    if header.vdr_rpu_profile != 0 or not header.full_range:
        return None  # its base layer is HDR10, HLG or SDR
    return header, _Mapping.from_buffer_copy(data, offsets.mapping), _Colour.from_buffer_copy(data, offsets.colour)


def needs_metadata(frame: VideoFrame) -> bool:
    """Return whether a picture is one of Dolby Vision that is not HDR10, HLG or SDR by itself (profiles 5, 10.0)."""
    return _parts(frame) is not None


def left_over(frame: VideoFrame, codec: str) -> bool:
    """Return whether a picture has no metadata itself: FFmpeg's decoder of HEVC gives it those of an earlier one."""
    return codec == "hevc" and first_of(frame, SideDataType.DOVI_RPU_BUFFER) is None


def greatest_light(frame: VideoFrame) -> int | None:
    """Return the PQ signal (12 bit) of the brightest light of the display that such a picture was graded on."""
    parts = _parts(frame)
    return None if parts is None else int(parts[2].greatest)


def reshaping_of(frame: VideoFrame) -> Reshaping | None:
    """Return what leads from the samples of a picture to light; ``None``: nothing of the kind comes with it."""
    parts = _parts(frame)
    if parts is None:
        return None
    header, mapping, colour = parts
    first, second, third = (_curve(one, header) for one in mapping.curves)
    return Reshaping((first, second, third), _nine(colour.ycc_to_rgb),
                     (_value(colour.offset[0]), _value(colour.offset[1]), _value(colour.offset[2])),
                     _nine(colour.rgb_to_lms))  # fmt: skip


def _curve(curve: _Curve, header: _Header) -> Curve:
    whole, largest = float(1 << header.coefficient_log2_denominator), float((1 << header.bit_depth) - 1)
    pieces = []
    for number in range(curve.num_pivots - 1):
        if curve.method[number] == _MMR:
            rows = curve.mmr[number][: curve.mmr_order[number]]
            regression = tuple(tuple(value / whole for value in row) for row in rows)
            pieces.append(Piece((), curve.mmr_constant[number] / whole, regression))
        else:
            terms = curve.polynomial[number][: curve.order[number] + 1]
            pieces.append(Piece(tuple(value / whole for value in terms)))
    return Curve(tuple(value / largest for value in curve.pivots[: curve.num_pivots]), tuple(pieces))


def _nine(matrix: ctypes.Array[_Rational]) -> Nine:
    a, b, c, d, e, f, g, h, i = (_value(one) for one in matrix)
    return a, b, c, d, e, f, g, h, i


def _value(rational: _Rational) -> float:
    return float(rational.numerator / (rational.denominator or 1))
