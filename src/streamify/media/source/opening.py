"""Opening untrusted media: known demuxers only, one Python file object, no second file, no network."""

from __future__ import annotations

import errno
import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO, cast

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Stream

from streamify.errors import SourceError
from streamify.media.source.encrypted import encrypted, encrypted_tracks, is_locked, looks_encrypted
from streamify.media.source.metadata import too_complex
from streamify.media.source.no_media import ENCODE, no_media
from streamify.media.source.plausible import FEWER, claims_too_much
from streamify.media.source.reading import UnreadableError, refusal, unread
from streamify.media.source.timed_file import TimedFile
from streamify.model.limits import OPEN_SECONDS, STREAMS
from streamify.mp4.boxes import BoxError
from streamify.mp4.edits import Patch, TooManyEditsError, corrections
from streamify.mp4.movie import count_tracks, read_layout

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

_UNSEEN = [{"skip_frame": "all"}]
"""For the first stream: FFmpeg otherwise decodes some of its pictures as it opens a file, which takes up to 40 ms."""

UNEDITED = "ffmpeg -ignore_editlist 1 -i SOURCE -map 0 -c copy OUT.mp4"
"""What leaves the edit lists out."""

_MOVIE = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
"""Boxes with which an MP4 or MOV begins."""


def open_media(
    file: BinaryIO,
    *,
    format: str | None = None,  # noqa: A002 - PyAV's own word
    edited: bool = True,
    decoded: bool = True,
) -> InputContainer:
    """Open `file`, positioned anywhere, for demuxing.

    Args:
        file: Readable and seekable; the caller closes it, after the container.
        format: Name of the demuxer; ``None`` finds it out from the bytes.
        edited: Whether FFmpeg applies the edit lists of an MP4 or MOV.
        decoded: Whether anything is decoded. Where it is not, the first stream may lack what no packet tells, such as
            its pixel format.

    Raises:
        SourceError: ``source-empty``, ``source-not-media``, ``source-format``, ``source-no-moov``,
            ``source-too-complex``, ``source-unreadable``.
    """
    patches = _patches(file) if format is None and edited else ()
    options = OPTIONS if edited else {**OPTIONS, "ignore_editlist": "1"}
    try:
        return _opened_or_explained(file, patches, format, options, () if decoded else _UNSEEN)
    except OSError as error:
        raise unread(error) from error


def _opened_or_explained(
    file: BinaryIO,
    patches: tuple[Patch, ...],
    demuxer: str | None,
    options: Mapping[str, str],
    streams: Sequence[Mapping[str, str]],
) -> InputContainer:
    try:
        return _opened(file, patches, demuxer, options, streams)
    except (av.error.FFmpegError, ValueError) as error:
        torn = _torn_fragment(file) if demuxer is None else ()
        if not torn:
            raise _explain(file, error) from error
        try:
            return _opened(file, (*patches, *torn), demuxer, options, streams)
        except (av.error.FFmpegError, ValueError) as again:
            raise _explain(file, again) from again


def _opened(
    file: BinaryIO,
    patches: tuple[Patch, ...],
    demuxer: str | None,
    options: Mapping[str, str],
    streams: Sequence[Mapping[str, str]],
) -> InputContainer:
    file.seek(0)
    timed = TimedFile(file, OPEN_SECONDS)
    given = _Nameless(timed, patches)
    try:
        container = av.open(
            given,
            "r",
            format=demuxer,
            container_options=dict(options),
            stream_options=cast("list[str]", [dict(one) for one in streams]),  # as PyAV's types say; it takes mappings
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, ValueError):
        timed.check("open")
        raise
    timed.check("open")
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
    except TooManyEditsError as error:
        raise too_complex(f"it has {error}", f"leave it out: {UNEDITED}") from error
    except BoxError:
        return ()
    except OSError as error:
        raise unread(error) from error


def _torn_fragment(file: BinaryIO) -> tuple[Patch, ...]:
    """Return what hides the header of a last fragment that reaches beyond the file, for which FFmpeg refuses it all."""
    try:
        boxes = read_layout(file, file.seek(0, io.SEEK_END)).boxes
    except BoxError:
        return ()
    except OSError as error:
        raise unread(error) from error
    last = boxes[-1] if boxes and boxes[0].kind in _MOVIE else None
    if last is None or last.kind != b"moof" or last.end <= file.seek(0, io.SEEK_END):
        return ()
    return (Patch(last.start + 4, b"free"),)


class _Nameless:
    """A file without a name: FFmpeg can neither guess by extension nor resolve relative references.

    Args:
        file: The file.
        patches: What is read in place of some of its bytes.
    """

    def __init__(self, file: TimedFile, patches: tuple[Patch, ...]) -> None:
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
    other = no_media(head)
    if other is not None:
        return SourceError("source-not-media", f"the source is {other.what}", other.remedy)
    if is_locked(file) or (head[4:8] in _MOVIE and _encrypted(file, size)):
        return encrypted("it is")
    if head[4:8] in _MOVIE and not _has_moov(file, size):
        return SourceError(
            "source-no-moov",
            f"the MP4/MOV of {size} bytes has no readable index (moov box)",
            "the upload or recording was cut off: copy or upload it again from the original",
        )
    if getattr(error, "errno", None) == errno.EINVAL:
        if looks_encrypted(file, size):
            return _noise()
        return SourceError(
            "source-format",
            "the source is in a container format that is not accepted",
            f"convert it first: {ENCODE}",
        )
    if getattr(error, "errno", None) == errno.ENOMEM:  # FFmpeg's own limits of streams and of tables
        if head[4:8] in _MOVIE and _tracks(file, size) <= STREAMS:
            return claims_too_much("its index claims more than can be read")
        return SourceError("source-too-many-streams", "it holds more streams than can be read", FEWER)
    if looks_encrypted(file, size):
        return _noise()
    return UnreadableError(getattr(error, "strerror", None) or type(error).__name__)


def _noise() -> SourceError:
    return encrypted("its bytes are noise, as of a segment of HLS (AES-128) or another file that is")


def _encrypted(file: BinaryIO, size: int) -> bool:
    """Whether tracks of an MP4 are encrypted; FFmpeg may not open fragmented ones."""
    try:
        return bool(encrypted_tracks(file, size))
    except BoxError:
        return False


def _tracks(file: BinaryIO, size: int) -> int:
    """Return how many tracks the index of an MP4 has."""
    try:
        return count_tracks(file, read_layout(file, size))
    except BoxError:
        return 0


def _has_moov(file: BinaryIO, size: int) -> bool:
    try:
        moov = read_layout(file, size).first(b"moov")
    except BoxError:
        return False
    return moov is not None and moov.end <= size
