"""Reads back which picture is which, from bytes that somebody else decodes: PyAV's FFmpeg or /usr/bin/ffmpeg."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from streamify.media import testcard

Luma = npt.NDArray[np.uint8]

EIGHT_BIT = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "gray"})


def luma(frame: av.VideoFrame) -> Luma:
    """Return the upright luma of a picture (its display matrix applied), 8 bits."""
    data: Luma
    if frame.format.name in EIGHT_BIT:
        plane = frame.planes[0]
        data = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    else:
        data = frame.to_ndarray(format="gray").astype(np.uint8)
    return np.rot90(data, round(frame.rotation / 90) % 4)


def read_id(picture: Luma) -> int | None:
    """Return the number in the barcode; None where it cannot be read or its check bits disagree."""
    means = [_mean(picture, _cell(index)) for index in range(testcard.ROWS * testcard.COLUMNS)]
    low, high = min(means), max(means)
    if high - low < 60:
        return None
    middle = (low + high) / 2
    return testcard.number_of(tuple(mean > middle for mean in means))


def read_flash(picture: Luma) -> bool:
    """Whether the flash is on."""
    return _mean(picture, testcard.FLASH) > 128


def read_ids(source: Path | str | IO[bytes] | InputContainer) -> list[int | None]:
    """Decode all pictures in presentation order and return their numbers."""
    return [read_id(picture) for _, picture in pictures(source)]


def pictures(source: Path | str | IO[bytes] | InputContainer) -> Iterator[tuple[Fraction, Luma]]:
    """Decode all pictures; yield when each is shown, in seconds, and its luma."""
    if isinstance(source, InputContainer):
        yield from _decode(source)
        return
    with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
        yield from _decode(container)


def joined(folder: Path) -> io.BytesIO:
    """Return a rendition's init segment and all its media segments as one file, as a player appends them."""
    segments = sorted(folder.glob("*.m4s"), key=lambda path: int(path.stem))
    return io.BytesIO(b"".join(path.read_bytes() for path in (folder / "init.mp4", *segments)))


def decode_track(dest: Path, track_folder: str) -> list[tuple[Fraction, int | None]]:
    """Decode a finished rendition with PyAV: time in seconds and number of every picture."""
    return [(time, read_id(picture)) for time, picture in pictures(joined(dest / track_folder))]


def decode_track_ffmpeg(dest: Path, track_folder: str) -> list[tuple[Fraction, int | None]]:
    """Do the same with the system's ffmpeg on the media playlist: a second judge, of another version."""
    playlist = dest / track_folder / "playlist.m3u8"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-copyts", "-i", str(playlist), "-map", "0:v:0"]
    command += ["-vsync", "passthrough", "-enc_time_base", "-1", "-c:v", "rawvideo", "-f", "nut", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            found = [(time, read_id(picture)) for time, picture in pictures(process.stdout)]
        except av.FFmpegError:
            found = []
        errors = process.stderr.read().decode()
    assert process.returncode == 0, errors
    assert not errors, errors
    return found


def _decode(container: InputContainer) -> Iterator[tuple[Fraction, Luma]]:
    container.streams.video[0].thread_count = 1
    for frame in container.decode(video=0):
        if frame.pts is None or frame.time_base is None:
            raise AssertionError("a decoded picture has no time")
        yield frame.pts * frame.time_base, luma(frame)


def _cell(index: int) -> testcard.Area:
    row, column = divmod(index, testcard.COLUMNS)
    left, top, right, bottom = testcard.BARCODE
    width, height = (right - left) / testcard.COLUMNS, (bottom - top) / testcard.ROWS
    return left + column * width, top + row * height, left + (column + 1) * width, top + (row + 1) * height


def _mean(picture: Luma, area: testcard.Area) -> float:
    height, width = picture.shape
    left, top, right, bottom = area
    inset_x, inset_y = (right - left) / 4, (bottom - top) / 4
    x0, x1 = int((left + inset_x) * width), max(int((right - inset_x) * width), int((left + inset_x) * width) + 1)
    y0, y1 = int((top + inset_y) * height), max(int((bottom - inset_y) * height), int((top + inset_y) * height) + 1)
    return float(picture[y0:y1, x0:x1].mean())
