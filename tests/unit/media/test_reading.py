"""What FFmpeg refuses is an error of the source or damage, whatever code it has, and no call goes around that."""

from __future__ import annotations

import ast
import errno
import io
import random
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import av
import av.error
import pytest
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

import streamify
from streamify.errors import SourceError
from streamify.media.source.opening import open_media
from streamify.media.source.reading import UnreadableError, decode, read_packets, rewind, seek_to

MEDIA = Path(streamify.__file__).parent / "media"
READING, OPENING = MEDIA / "source" / "reading.py", MEDIA / "source" / "opening.py"
WRITERS = {MEDIA / "video" / "encode.py", MEDIA / "audio" / "piece.py", MEDIA / "testcard.py"}

PERMISSION, PATCHES, ARGUMENT, MEMORY = -errno.EPERM, -0x45574150, -errno.EINVAL, -errno.ENOMEM
CODES = [PERMISSION, PATCHES, ARGUMENT, -errno.EIO, -errno.ENOENT, -0x41444E49, -0x21475542, -12345]
"""EPERM, PATCHWELCOME, EINVAL, EIO, ENOENT, INVALIDDATA, BUG, and one that nobody knows."""


class Refusing:
    """Stands for a container or a decoder that refuses with an error of FFmpeg's."""

    format = SimpleNamespace(name="avi")

    def __init__(self, code: int) -> None:
        self._code = code

    def demux(self, *_: Any) -> Iterator[Any]:
        yield "packet"
        av.error.err_check(self._code)

    def seek(self, *_: Any, **__: Any) -> None:
        av.error.err_check(self._code)

    def decode(self, _: Any) -> list[Any]:
        av.error.err_check(self._code)
        return []


@pytest.mark.parametrize("code", CODES)
def test_every_refusal_is_an_error_of_the_source_or_damage(code: int) -> None:
    container = cast("InputContainer", Refusing(code))
    packets = read_packets(container, cast("Any", None))
    assert next(packets) == cast("Any", "packet")
    with pytest.raises(UnreadableError) as caught:
        next(packets)
    assert (caught.value.code, caught.value.exit_code) == ("source-unreadable", 3)
    assert caught.value.reason in caught.value.message
    assert not seek_to(container, 0, cast("Any", None))
    assert not rewind(container)
    refused: list[str] = []
    assert decode(cast("VideoCodecContext", Refusing(code)), None, refused.append) == []
    assert refused == [f"packet at the end: {caught.value.reason}"]


def test_memory_that_is_lacking_is_no_damage() -> None:
    with pytest.raises(MemoryError):
        list(read_packets(cast("InputContainer", Refusing(MEMORY)), cast("Any", None)))
    with pytest.raises(MemoryError):
        decode(cast("VideoCodecContext", Refusing(MEMORY)), None)


def test_any_number_of_packets_of_late_streams_is_passed_over() -> None:
    class Late:
        format, left = SimpleNamespace(name="avi"), 5000

        def demux(self, *_: Any) -> Iterator[Any]:
            while self.left:
                self.left -= 1
                if self.left % 5:
                    raise IndexError("list index out of range")  # as PyAV does, once for each such packet
                yield self.left

    found = list(read_packets(cast("InputContainer", Late()), cast("Any", None)))
    assert len(found) == 1000


def film() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        stream = target.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        for number in range(100):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.planes[0].update(random.Random(number).randbytes(frame.planes[0].buffer_size))
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


class Failing(io.BytesIO):
    """A file whose disk fails behind some byte."""

    def __init__(self, data: bytes, behind: int) -> None:
        super().__init__(data)
        self.behind = behind

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > self.behind:
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("behind", [-1, 100_000])
def test_a_disk_that_fails_is_no_damage(behind: int) -> None:
    file = Failing(film(), behind)

    def read() -> None:
        with open_media(file) as container:
            list(read_packets(container, container.streams.video[0]))

    with pytest.raises(SourceError) as caught:
        read()
    assert not isinstance(caught.value, UnreadableError)
    assert caught.value.code == "source-unreadable"
    assert caught.value.transient
    assert "Input/output error" in caught.value.message


def calls(path: Path) -> Iterator[tuple[int, str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.lineno, node.func.attr, node


def test_nothing_goes_around_the_place_that_turns_ffmpegs_errors_into_ours() -> None:
    """FFmpeg's `demux`, `decode` and `seek` stand in reading.py, `av.open` in opening.py and where media is written."""
    around = []
    for path in sorted(MEDIA.rglob("*.py")):
        for line, name, node in calls(path):
            text = ast.unparse(node)
            # Of bytes, `decode` is called with the name of an encoding, or with keywords.
            of_bytes = bool(node.keywords) or len(node.args) == 2 or "text/encoding.py" in str(path)
            of_bytes |= bool(node.args) and isinstance(node.args[0], (ast.Constant, ast.IfExp))
            direct = name == "demux" or (name == "decode" and not of_bytes)
            direct |= name == "seek" and ("stream=" in text or "container" in ast.unparse(node.func))
            opens = text.startswith("av.open(") and path not in WRITERS | {OPENING}
            if (direct and path != READING) or opens:
                around.append(f"{path.relative_to(MEDIA)}:{line}: {text}")
    assert around == []


def test_only_that_place_knows_what_ffmpeg_raises() -> None:
    named = [path for path in MEDIA.rglob("*.py") if "FFmpegError" in path.read_text()]
    assert sorted(named) == sorted([READING, OPENING])
