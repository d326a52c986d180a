"""Opening untrusted media: known demuxers only, one Python file object, no second file, no network."""

from __future__ import annotations

import errno
import io
from typing import BinaryIO

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Stream

from streamify.errors import SourceError
from streamify.media.source.plausible import FEWER
from streamify.media.source.reading import UnreadableError, refusal, unread
from streamify.mp4.boxes import BoxError
from streamify.mp4.edits import Patch, corrections
from streamify.mp4.movie import read_layout

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,asf,mxf,gxf,rm,wtv,ogg,dv,ivf,"
    "wav,w64,mp3,aac,flac,aiff,caf,amr,ac3,eac3"
)
"""Self-contained formats with timestamps. Playlists (hls, dash, concat, sdp), images and raw streams are not."""

OPTIONS = {
    "format_whitelist": DEMUXERS,
    # No protocol has this name: whatever a file names beside itself is never opened.
    "protocol_whitelist": "none",
    # A transport stream whose PIDs change midway goes on in the same streams.
    "merge_pmt_versions": "1",
}

ENCODE = "ffmpeg -i SOURCE -c:v libx264 -crf 16 OUT.mp4"
"""What makes an orderly file of whatever FFmpeg can play."""

_OTHERS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", "give a video; a picture alone is none"),
    (b"\xff\xd8\xff", "a JPEG picture", "give a video; a picture alone is none"),
    (b"II*\0", "a TIFF picture", "give a video; a picture alone is none"),
    (b"MM\0*", "a TIFF picture", "give a video; a picture alone is none"),
    (b"8BPS", "a Photoshop picture", "give a video; a picture alone is none"),
    (b"PK\3\4", "a ZIP archive", "unpack it, and give the video in it"),
    (b"\x1f\x8b", "compressed by gzip", "unpack it: gunzip"),
    (b"Rar!", "a RAR archive", "unpack it, and give the video in it"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it, and give the video in it"),
    (b"%PDF", "a PDF document", "give the video file itself"),
    (b"\x7fELF", "a program", "give the video file itself"),
)
"""First bytes of what is no media, what it is, and what to do."""

_TEXTS = (
    (b"#EXTM3U", "an HLS playlist, not the media it names"),
    (b"ffconcat", "an FFmpeg concat script, not media"),
    (b"<MPD", "a DASH manifest, not the media it names"),
    (b"<?xml", "an XML document"),
    (b"<!doctype", "an HTML page, often the error page of a download that failed"),
    (b"<html", "an HTML page, often the error page of a download that failed"),
)

_MOVIE = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
"""Boxes with which an MP4 or MOV begins."""


def open_media(
    file: BinaryIO,
    *,
    format: str | None = None,  # noqa: A002 - PyAV's own word
    edited: bool = True,
) -> InputContainer:
    """Open `file`, positioned anywhere, for demuxing.

    Args:
        file: Readable and seekable; the caller closes it, after the container.
        format: Name of the demuxer; ``None`` finds it out from the bytes.
        edited: Whether FFmpeg applies the edit lists of an MP4 or MOV.

    Raises:
        SourceError: ``source-empty``, ``source-not-media``, ``source-format``, ``source-no-moov``,
            ``source-unreadable``.
    """
    patches = _patches(file) if format is None and edited else ()
    options = OPTIONS if edited else {**OPTIONS, "ignore_editlist": "1"}
    file.seek(0)
    try:
        container = av.open(
            _Nameless(file, patches), "r", format=format, container_options=dict(options), metadata_errors="replace"
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise _explain(file, error) from error
    except OSError as error:
        raise unread(error) from error
    if not isinstance(container, InputContainer):
        raise TypeError("av.open did not return an input")
    return container


def open_text(text: str, demuxer: str, codec: str) -> InputContainer:
    """Open the text of a subtitle file, for a demuxer that gives packets of one codec.

    Raises:
        UnreadableError: FFmpeg cannot.
    """
    options = {"format_whitelist": demuxer, "protocol_whitelist": "none", "codec_whitelist": codec}
    try:
        container = av.open(io.BytesIO(text.encode()), "r", format=demuxer, container_options=options)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise refusal(error) from error
    assert isinstance(container, InputContainer)
    return container


def _patches(file: BinaryIO) -> tuple[Patch, ...]:
    """Return what is to be read in place of an MP4's or MOV's own bytes."""
    try:
        file.seek(0)
        if bytes(file.read(8))[4:] not in _MOVIE:
            return ()
        return corrections(file, file.seek(0, io.SEEK_END))
    except BoxError:
        return ()
    except OSError as error:
        raise unread(error) from error


class _Nameless:
    """A file without a name: FFmpeg can neither guess by extension nor resolve relative references.

    Args:
        file: The file.
        patches: What is read in place of some of its bytes.
    """

    def __init__(self, file: BinaryIO, patches: tuple[Patch, ...]) -> None:
        self._file, self._patches = file, patches
        self.tell, self.seekable = file.tell, file.seekable
        self.read = self._read if patches else file.read

    def _read(self, size: int = -1) -> bytes:
        at = self._file.tell()
        data = bytearray(self._file.read(size))
        for patch in self._patches:
            first, stop = max(patch.offset, at), min(patch.offset + len(patch.data), at + len(data))
            if first < stop:
                data[first - at : stop - at] = patch.data[first - patch.offset : stop - patch.offset]
        return bytes(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; where a damaged index names a place before the file, FFmpeg is told so, and no one else."""
        try:
            return self._file.seek(offset, whence)
        except (ValueError, OverflowError):
            return -errno.EINVAL
        except OSError as error:
            if error.errno == errno.EINVAL:
                return -errno.EINVAL
            raise


def keep_only(container: InputContainer, *streams: Stream) -> None:
    """Have the demuxer pass over all other streams; those of MP4 are not even read."""
    kept = {stream.index for stream in streams}
    for other in container.streams:
        if other.index not in kept:
            other.discard = Discard.all


def _explain(file: BinaryIO, error: Exception) -> SourceError:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = bytes(file.read(1024))
    if not size:
        return SourceError("source-empty", "the source is empty (0 bytes)", "copy or upload it again")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, what in _TEXTS:
        if start[: len(mark)].lower() == mark.lower():
            return SourceError("source-not-media", f"the source is {what}", "give the video file itself")
    for mark, what, remedy in _OTHERS:
        if head.startswith(mark):
            return SourceError("source-not-media", f"the source is {what}", remedy)
    if _is_text(head):
        return SourceError("source-not-media", "the source is a text file", "give the video file itself")
    if head[4:8] in _MOVIE and not _has_moov(file, size):
        return SourceError(
            "source-no-moov",
            f"the MP4/MOV of {size} bytes has no readable index (moov box)",
            "the upload or recording was cut off: copy or upload it again from the original",
        )
    if getattr(error, "errno", None) == errno.EINVAL:
        return SourceError(
            "source-format",
            "the source is in a container format that is not accepted",
            f"convert it first: {ENCODE}",
        )
    if getattr(error, "errno", None) == errno.ENOMEM:  # FFmpeg's own limits of streams and of tables
        return SourceError(
            "source-too-many-streams",
            "it has more streams, or a larger index, than can be read",
            FEWER,
        )
    return UnreadableError(getattr(error, "strerror", None) or type(error).__name__)


def _has_moov(file: BinaryIO, size: int) -> bool:
    try:
        moov = read_layout(file, size).first(b"moov")
    except BoxError:
        return False
    return moov is not None and moov.end <= size


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else only the last character was cut
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\r\n\t\f" for character in text)
