"""Which reader a codec has."""

from __future__ import annotations

from collections.abc import Callable

from streamify.bitstream.base import Coded, Reader
from streamify.bitstream.dirac import DiracReader
from streamify.bitstream.h264 import H264Reader
from streamify.bitstream.hevc import HevcReader
from streamify.bitstream.mpeg import Mpeg4Reader, Mpeg12Reader
from streamify.bitstream.theora import TheoraReader
from streamify.bitstream.vpx import Av1Reader, Vp8Reader, Vp9Reader


class PlainReader:
    """Of codecs that are not read: each packet is a picture, shown in the order of decoding."""

    reorders: bool | None = None

    def __init__(self) -> None:
        self._count = 0

    def read(self, data: bytes) -> list[Coded]:
        """Return one picture for a packet that is not empty."""
        if not data:
            return []
        self._count += 1
        return [Coded(0, self._count)]


_READERS: dict[str, Callable[[bytes], Reader]] = {
    "h264": H264Reader,
    "hevc": HevcReader,
    "mpeg1video": Mpeg12Reader,
    "mpeg2video": Mpeg12Reader,
    "mpeg4": Mpeg4Reader,
    "vp8": Vp8Reader,
    "libvpx": Vp8Reader,
    "vp9": Vp9Reader,
    "libvpx-vp9": Vp9Reader,
    "av1": Av1Reader,
    "libdav1d": Av1Reader,
    "libaom-av1": Av1Reader,
    "dirac": DiracReader,
    "theora": TheoraReader,
}

INTRA = frozenset({
    "mjpeg", "mjpegb", "prores", "dnxhd", "dvvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "v210",
    "v410", "png", "jpeg2000", "cfhd", "hap", "qtrle", "rpza", "cinepak", "vp6", "vp6f", "flv", "h263", "h263p",
    "svq1",
})  # fmt: skip
"""Codecs without pictures that are shown later than others decoded after them."""
UNORDERED = frozenset({"dirac"})
"""Codecs of which is read what holds a picture, but not when it is shown."""


def reader(codec: str, extradata: bytes) -> Reader:
    """Return what reads the packets of a stream.

    Args:
        codec: FFmpeg's name of codec or decoder.
        extradata: Of the stream.
    """
    make = _READERS.get(codec)
    return PlainReader() if make is None else make(extradata)


def is_read(codec: str) -> bool:
    """Return whether the bitstream says what a packet holds."""
    return codec in _READERS


def knows(codec: str) -> bool:
    """Return whether the order in which pictures are shown can be read, or cannot differ from that of decoding."""
    return (codec in _READERS and codec not in UNORDERED) or codec in INTRA
