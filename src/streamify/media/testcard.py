"""A test clip that proves what happened to it: every picture says its number, every whole second flashes and beeps.

    python -m streamify.media.testcard OUT.mp4 [--seconds 20] [--size 1280x720] [--rate 30000/1001]

The number stands twice in each picture: in large digits for people, and as a barcode that survives 240p at CRF 30.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from array import array
from collections.abc import Iterator
from fractions import Fraction
from math import ceil, pi, sin
from pathlib import Path

import av

from streamify.media.planes import fill

ROWS, COLUMNS = 2, 12
"""Cells of the barcode: 16 bits of number, then 8 bits that check them, row by row, most significant bit first."""

Area = tuple[Fraction, Fraction, Fraction, Fraction]
"""Left, top, right and bottom, in fractions of the upright picture."""

DIGITS: Area = (Fraction(1, 50), Fraction(1, 20), Fraction(17, 25), Fraction(9, 20))
FLASH: Area = (Fraction(18, 25), Fraction(1, 20), Fraction(49, 50), Fraction(9, 20))
"""Turns white in the picture that is on the screen as a whole second begins."""
MOVING: Area = (Fraction(0), Fraction(1, 2), Fraction(1), Fraction(33, 50))
BARCODE: Area = (Fraction(1, 50), Fraction(7, 10), Fraction(49, 50), Fraction(97, 100))

BEEP_HERTZ = 1000
BEEP_SECONDS = Fraction(1, 10)
BEEP_LEVEL = 0.5

BLACK, WHITE, FIELD = 16, 235, 64
"""Luma of black, white and the background, limited range."""

_FIGURES = 5
_NUMBERS = 1 << 16
_SEGMENTS = (0x77, 0x24, 0x5D, 0x6D, 0x2E, 0x6B, 0x7B, 0x25, 0x7F, 0x6F)
"""Seven-segment digits 0 to 9; bits: top, upper left, upper right, middle, lower left, lower right, bottom."""
_STROKES = ((1, 0, 4, 1), (0, 1, 1, 4), (4, 1, 5, 4), (1, 4, 4, 5), (0, 5, 1, 8), (4, 5, 5, 8), (1, 8, 4, 9))
"""Their left, top, right, bottom in a tile of 6 x 9 units."""


def barcode(number: int) -> tuple[bool, ...]:
    """Return the cells of a picture number (modulo 65536), row by row; True is white."""
    number %= _NUMBERS
    word = number << 8 | zlib.crc32(number.to_bytes(2)) & 0xFF
    return tuple(bool(word >> bit & 1) for bit in reversed(range(ROWS * COLUMNS)))


def number_of(cells: tuple[bool, ...]) -> int | None:
    """Return the number that `barcode` made these cells from; None where the check bits disagree."""
    number = int("".join("01"[cell] for cell in cells), 2) >> 8
    return number if barcode(number) == cells else None


def holds_second(start: Fraction, end: Fraction) -> bool:
    """Whether a picture shown during ``[start, end)`` is on the screen as a whole second begins."""
    return ceil(start) < end


class Card:
    """Paints the pictures of one clip as tightly packed 4:2:0 planes."""

    def __init__(self, width: int, height: int) -> None:
        """Lay out a picture of even `width` and `height`."""
        self.width, self.height = width, height
        self.chroma = bytes([146]) * (width * height // 4), bytes([118]) * (width * height // 4)
        self._luma = bytearray([FIELD]) * (width * height)
        self._ramp = bytes(40 + abs(i % 320 - 160) for i in range(width + 320))
        self._tiles = [self._tile(segments) for segments in _SEGMENTS]

    def luma(self, number: int, flash: bool, phase: int | None = None) -> bytes:
        """Return the luma of a picture; `phase` moves the moving band on its own, 4 pixels a step (for fields)."""
        picture = bytearray(self._luma)
        left, top, right, bottom = self._pixels(FLASH)
        self._fill(picture, left, top, right, bottom, WHITE if flash else BLACK)
        left, top, *_ = self._pixels(DIGITS)
        for place, figure in enumerate(f"{number:0{_FIGURES}d}"[-_FIGURES:]):
            tile = self._tiles[int(figure)]
            begin = top * self.width + left + place * len(tile[0])
            for row, line in enumerate(tile):
                picture[begin + row * self.width : begin + row * self.width + len(line)] = line
        left, top, right, bottom = self._pixels(MOVING)
        for row in range(top, bottom):  # slanted stripes that run to the left
            shift = ((number if phase is None else phase) * 4 + row) % 320
            picture[row * self.width : (row + 1) * self.width] = self._ramp[shift : shift + self.width]
        left, top, right, bottom = self._pixels(BARCODE)
        for index, cell in enumerate(barcode(number)):
            row, column = divmod(index, COLUMNS)
            x = [left + (right - left) * edge // COLUMNS for edge in (column, column + 1)]
            y = [top + (bottom - top) * edge // ROWS for edge in (row, row + 1)]
            self._fill(picture, x[0], y[0], x[1], y[1], WHITE if cell else BLACK)
        return bytes(picture)

    def _pixels(self, area: Area) -> tuple[int, int, int, int]:
        left, top, right, bottom = area
        return int(left * self.width), int(top * self.height), int(right * self.width), int(bottom * self.height)

    def _fill(self, picture: bytearray, left: int, top: int, right: int, bottom: int, value: int) -> None:
        line = bytes([value]) * (right - left)
        for begin in range(top * self.width + left, bottom * self.width + left, self.width):
            picture[begin : begin + len(line)] = line

    def _tile(self, segments: int) -> list[bytes]:
        left, top, right, bottom = self._pixels(DIGITS)
        unit_x, unit_y = (right - left) / _FIGURES / 6, (bottom - top) / 9
        width, height = int(unit_x * 6), bottom - top
        rows = [bytearray([FIELD]) * width for _ in range(height)]
        for bit, (x0, y0, x1, y1) in enumerate(_STROKES):
            if segments >> bit & 1:
                for row in rows[int(y0 * unit_y) : int(y1 * unit_y)]:
                    row[int(x0 * unit_x) : int(x1 * unit_x)] = bytes([WHITE]) * (int(x1 * unit_x) - int(x0 * unit_x))
        return [bytes(row) for row in rows]


def picture(width: int, height: int, planes: tuple[bytes, bytes, bytes]) -> av.VideoFrame:
    """Return a frame made of tightly packed 4:2:0 planes."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, data in zip(frame.planes, planes, strict=True):
        fill(plane, data)
    return frame


def beep(rate: int) -> array[float]:
    """Return the samples of one beep at `rate` samples per second."""
    return array("f", (BEEP_LEVEL * sin(2 * pi * BEEP_HERTZ * i / rate) for i in range(int(BEEP_SECONDS * rate))))


def sound(rate: int, samples: int) -> Iterator[av.AudioFrame]:
    """Yield silence in which a beep starts at the first sample of every second, as stereo frames."""
    second = beep(rate)
    second.extend(array("f", [0.0]) * (rate - len(second)))
    track = (second * -(-samples // rate)).tobytes() if samples else b""
    for start in range(0, samples, 1024):
        count = min(1024, samples - start)
        frame = av.AudioFrame("fltp", "stereo", count, align=1)
        for plane in frame.planes:
            plane.update(track[start * 4 : (start + count) * 4])
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        yield frame


def write(out: Path, seconds: Fraction, width: int, height: int, rate: Fraction) -> int:
    """Write a clip of H.264 and AAC at `rate` pictures per second to `out`; return its number of pictures."""
    count = max(1, round(seconds * rate))
    card = Card(width, height)
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "23"})
        audio = container.add_stream("aac", rate=48000, options={"b": "128k"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = 1 / rate
        video.codec_context.gop_size = round(rate * 5)  # unlike any grid of ours: seams fall inside its GOPs
        audio.layout = "stereo"
        frames = sound(48000, ceil(count / rate * 48000))
        pending = next(frames, None)
        for number in range(count):
            flash = holds_second(number / rate, (number + 1) / rate)
            frame = picture(width, height, (card.luma(number, flash), *card.chroma))
            frame.pts, frame.time_base, frame.duration = number, 1 / rate, 1
            container.mux(video.encode(frame))
            while pending is not None and (pending.pts or 0) * rate <= number * 48000:
                container.mux(audio.encode(pending))
                pending = next(frames, None)
        while pending is not None:
            container.mux(audio.encode(pending))
            pending = next(frames, None)
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return count


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if int(width) % 2 or int(height) % 2 or int(width) < 64 or int(height) < 64:
        raise ValueError("both must be even and at least 64")
    return int(width), int(height)


def _positive(text: str) -> Fraction:
    value = Fraction(text)
    if value <= 0:
        raise ValueError("must be positive")
    return value


_size.__name__, _positive.__name__ = "WIDTHxHEIGHT, even, at least 64x64:", "positive number or fraction:"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser("python -m streamify.media.testcard", description="Write a test clip.")
    parser.add_argument("out", type=Path, metavar="OUT.mp4")
    parser.add_argument("--seconds", type=_positive, default=Fraction(20), help="length (default 20)")
    parser.add_argument("--size", type=_size, default=(1280, 720), help="WIDTHxHEIGHT (default 1280x720)")
    parser.add_argument("--rate", type=_positive, default=Fraction(30000, 1001), help="(default 30000/1001)")
    options = parser.parse_args(arguments)
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        count = write(options.out, options.seconds, options.size[0], options.size[1], options.rate)
    except OSError as error:
        parser.exit(5, f"testcard: {options.out}: {error.strerror}\n")
    sys.stderr.write(f"{options.out}: {count} pictures, {float(count / options.rate):.3f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
