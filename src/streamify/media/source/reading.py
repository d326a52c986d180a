"""The one place where FFmpeg seeks, demuxes and decodes: what it refuses becomes an error of the source, or damage.

Demuxers and decoders refuse with errors of all kinds (EPERM, EINVAL, PATCHWELCOME), because the code of one of them is
whatever went wrong inside. Here they all become `UnreadableError`, which ends a probe as an error of the source and
which tasks count as damage.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar, cast, overload

import av.error
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.bitstream.av1 import with_trailing_bits
from streamify.errors import SourceError
from streamify.machine.usage import memory_is_short
from streamify.media.source.loudspeakers import loudspeakers
from streamify.model.limits import PICTURE_PIXELS

S = TypeVar("S", bound=Stream)

Told = Callable[[tuple[str, ...]], object]
"""Receives the names of a stream's channels."""

Refused = Callable[[str], object]
"""Receives one line about a packet that a decoder refused."""


class UnreadableError(SourceError):
    """FFmpeg cannot open the source, or cannot read on in it."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "source-unreadable",
            f"it cannot be read as media ({reason})",
            "check that it plays on your machine, then copy or upload it again",
        )
        self.args = (reason,)
        self.reason = reason
        """FFmpeg's own words."""


def refusal(error: Exception) -> UnreadableError:
    """Return our error for what FFmpeg raised.

    Raises:
        MemoryError: It is memory that was lacking, which says nothing of the source.
    """
    if getattr(error, "errno", None) == errno.ENOMEM:
        if memory_is_short():
            raise MemoryError(str(error)) from error
        return UnreadableError("it claims more memory than a file of its kind takes")
    return UnreadableError(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def unread(error: OSError) -> SourceError:
    """Return the error of a source whose disk or network share fails, which is no damage."""
    what = f"it cannot be read: {error.strerror or error}"
    return SourceError("source-unreadable", what, "check the disk or share that it lies on", transient=True)


def read_packets(container: InputContainer, *streams: S) -> Iterator[Packet[S]]:
    """Yield the packets of streams from where the container stands, the empty ones at the end included.

    PyAV raises IndexError for a packet of a stream that appeared after opening; the next read goes on behind it.
    Packets of MP4 fragments whose times do not rise, which FFmpeg has no decoder show, come without that mark.

    Raises:
        UnreadableError: The container cannot be read on.
        SourceError: ``source-unreadable``, its file cannot.
    """
    unhide = _Fragments() if container.format.name.startswith("mov") else None
    while True:
        try:
            packets = cast("Iterator[Packet[S]]", container.demux(*streams))
            yield from packets if unhide is None else map(unhide, packets)
        except IndexError:
            continue
        except av.error.FFmpegError as error:
            raise refusal(error) from error
        except OSError as error:  # of the file itself, which FFmpeg's errors only look like
            raise unread(error) from error
        return


def offset_of(packet: Packet[Any]) -> int | None:
    """Return the byte offset of a packet that was read, where FFmpeg says it."""
    return cast("int | None", packet.opaque) if packet.pos is None else packet.pos


def _unhidden(hidden: Packet[S]) -> Packet[S]:
    """Return a packet that a decoder shows, in place of one that it does not."""
    shown = cast("Packet[S]", Packet(bytes(hidden)))
    shown.stream, shown.time_base, shown.opaque = hidden.stream, hidden.time_base, hidden.pos
    shown.pts, shown.dts, shown.duration = hidden.pts, hidden.dts, hidden.duration
    shown.is_keyframe, shown.is_corrupt = hidden.is_keyframe, hidden.is_corrupt
    for data in hidden.iter_sidedata():
        shown.set_sidedata(data)
    return shown


class _Fragments:
    """Tells packets that FFmpeg's demuxer hides for the times of their fragment from those outside of an edit list.

    It marks each sample of a fragment that is decoded no later than the one before it (mov_read_trun): all of a
    recording behind another, where the clock starts anew.
    """

    def __init__(self) -> None:
        self._latest: dict[int, int] = {}

    def __call__(self, packet: Packet[S]) -> Packet[S]:
        time = packet.dts
        if time is None or not packet.size:
            return packet
        latest = self._latest.setdefault(packet.stream_index, time - 1)
        if time > latest:
            self._latest[packet.stream_index] = time
        # A track with samples outside of fragments has an edit list that is applied to them.
        hidden = packet.is_discard and time <= latest and not packet.stream.frames
        return _unhidden(packet) if hidden else packet


def stream_of(streams: Sequence[S]) -> S:
    """Return the first of the streams of a kind.

    Raises:
        UnreadableError: There is none, as in a published segment that was forged.
    """
    if not streams:
        raise UnreadableError("it has no stream of its kind")
    return streams[0]


@overload
def decoder(stream: VideoStream) -> VideoCodecContext: ...
@overload
def decoder(stream: AudioStream, told: Told | None = None) -> AudioCodecContext: ...
def decoder(stream: VideoStream | AudioStream, told: Told | None = None) -> VideoCodecContext | AudioCodecContext:
    """Return the decoder of a stream, set up and not yet used: one thread, and no picture larger than `PICTURE_PIXELS`.

    Call it once, before anything is decoded.

    Args:
        stream: Of pictures or sound.
        told: Is given the names of the channels of sound, which `named` needs.

    Raises:
        UnreadableError: FFmpeg knows no decoder for it.
    """
    context: VideoCodecContext | AudioCodecContext | None = getattr(stream, "codec_context", None)
    if context is None:
        raise UnreadableError(f"no decoder is known for stream {stream.index}")
    if isinstance(context, AudioCodecContext):
        names = loudspeakers(context).names
        if told is not None:
            told(names)
    context.thread_count = 1
    context.options = {"max_pixels": str(PICTURE_PIXELS)}
    return context


@overload
def decode(
    context: VideoCodecContext, packet: Packet[Any] | None, refused: Refused | None = None
) -> list[VideoFrame]: ...
@overload
def decode(
    context: AudioCodecContext, packet: Packet[Any] | None, refused: Refused | None = None
) -> list[AudioFrame]: ...
def decode(
    context: VideoCodecContext | AudioCodecContext, packet: Packet[Any] | None, refused: Refused | None = None
) -> Sequence[VideoFrame | AudioFrame]:
    """Return what a decoder gives for a packet; nothing where it refuses it, which is damage.

    Args:
        context: The decoder.
        packet: ``None``, or an empty one: what it still holds.
        refused: Is told of a packet that was refused.

    Raises:
        MemoryError: It is memory that was lacking.
    """
    given = packet if packet is not None and packet.size else None
    try:
        if given is not None and context.name == "libdav1d":
            # The copy lacks `is_discard`. Its picture comes out of the same call, because one thread has no delay.
            frames = context.decode(_mended(given))
            return [frame for frame in frames if not (given.is_discard and frame.pts == given.pts)]
        return context.decode(given)
    except av.error.EOFError:
        return []  # it gave out all that it held before
    except av.error.FFmpegError as error:
        reason = refusal(error).reason
        if refused is not None:
            refused(f"packet at {packet.pts if packet is not None else 'the end'}: {reason}")
        return []


def _mended(packet: Packet[Any]) -> Packet[Any]:
    """Return a packet of AV1 whose metadata of Dolby Vision the decoder reads; a copy lacks the flag `is_discard`."""
    data = bytes(packet)
    mended = with_trailing_bits(data)
    if mended is data:
        return packet
    copy = cast("Packet[Any]", Packet(mended))
    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
    copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
    return copy


def decode_text(packet: Packet[Any], decoder: SubtitleCodecContext | None = None) -> list[AssSubtitle]:
    """Return the lines of a packet of text subtitles; none where the decoder refuses it.

    Args:
        packet: Of a stream, or of none where a `decoder` is given.
        decoder: Decodes it in place of that of its stream.
    """
    try:
        found = packet.decode() if decoder is None else filter(None, [decoder.decode2(packet)])
    except (av.error.FFmpegError, UnicodeDecodeError):
        return []
    rects = [rect for one in found for rect in getattr(one, "rects", None) or [one]]
    return [rect for rect in rects if isinstance(rect, AssSubtitle)]


def seek_to(container: InputContainer, ticks: int, stream: Stream) -> bool:
    """Seek to the keyframe at or before a time of a stream; return whether FFmpeg could.

    Demuxers refuse with errors of all kinds, EPERM among them, where an index is missing or damaged.
    """
    try:
        container.seek(ticks, stream=stream)
    except (av.error.FFmpegError, OverflowError):
        return False
    return True


def rewind(container: InputContainer) -> bool:
    """Seek to the start; return whether FFmpeg could."""
    try:
        container.seek(0)
    except av.error.FFmpegError:
        return False
    return True
