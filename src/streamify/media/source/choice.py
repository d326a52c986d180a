"""Which streams of a source are transcoded: one video stream, and the sound that belongs to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from streamify.errors import UsageError
from streamify.media.source.transport import Programme, read_programmes
from streamify.model.source import Note

PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails
"""Of video streams that hold cover art or chapter pictures, not a film."""
PART = Disposition.dependent
"""Of streams that are decoded together with another."""


@dataclass(frozen=True)
class Choice:
    """The streams that are transcoded, and what is said of the others."""

    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    """In the order of the container."""
    programme: int | None
    """Which one of several they belong to."""
    elsewhere: frozenset[int]
    """Indices of the streams of other programmes."""
    notes: tuple[Note, ...]
    """About those programmes."""
    types: Mapping[int, int] = field(default_factory=dict)
    """Stream types in the tables of a transport stream, by PID."""
    teletext: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Pages of teletext with subtitles, by PID."""
    captions: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Languages of captions inside the pictures, by PID and channel."""


def choose(container: InputContainer, file: BinaryIO, wanted: int | None) -> Choice:
    """Choose the streams of a source.

    Of several video streams that which the container marks as the default is taken, and of those the one with the
    largest picture. Of several programmes of a transport stream it is the one with that picture, or the one that is
    wanted, and its own sound alone.

    Args:
        container: The source, opened.
        file: The same file; the container does not mind that it is moved.
        wanted: Number of a programme.

    Raises:
        UsageError: ``program-unknown``.
    """
    programmes: tuple[Programme, ...] = ()
    if container.format.name == "mpegts":
        at = file.tell()
        programmes = tuple(one for one in read_programmes(file) if _streams_of(container, one))
        file.seek(at)
    if wanted is not None:
        _check(wanted, programmes)
    chosen = _programme(container, programmes, wanted) if len(programmes) > 1 else None
    types = {pid: kind for one in programmes for pid, kind in one.types.items()}
    teletext = {pid: pages for one in programmes for pid, pages in one.teletext.items()}
    captions = {pid: told for one in programmes for pid, told in one.captions.items()}
    if chosen is None:
        video, sound = _best(container.streams), _sound(container.streams)
        return Choice(video, sound, None, frozenset(), (), types, teletext, captions)
    own = _streams_of(container, chosen)
    others = tuple(one for one in programmes if one.number != chosen.number)
    elsewhere = {stream.index for one in others for stream in _streams_of(container, one)}
    video = _best(own)
    why = _why(chosen, wanted, "with the largest picture" if video is not None else "the first with sound")
    return Choice(
        video,
        _sound(own),
        chosen.number,
        frozenset(elsewhere - {stream.index for stream in own}),
        tuple(Note(kind="dropped", what=_described(container, one), why=why) for one in others),
        types,
        teletext,
        captions,
    )


def has_decoder(stream: Stream) -> bool:
    """Return whether FFmpeg can decode a stream; PyAV's types do not know that it may not."""
    context: object = stream.codec_context
    return context is not None


def size_of(stream: VideoStream) -> str:
    """Return the size of a stream's pictures for people."""
    return f"{stream.codec_context.width}x{stream.codec_context.height}"


def _best(streams: Iterable[Stream]) -> VideoStream | None:
    films = [one for one in streams if isinstance(one, VideoStream) and has_decoder(one) and not _is_picture(one)]
    return max(films, key=_rank, default=None)


def _is_picture(stream: Stream) -> bool:
    return bool(stream.disposition & PICTURE)


def _rank(stream: VideoStream) -> tuple[bool, bool, int, int]:
    flags, context = stream.disposition, stream.codec_context
    area = context.width * context.height
    return not flags & PART and area > 0, bool(flags & Disposition.default), area, -stream.index


def _sound(streams: Iterable[Stream]) -> tuple[AudioStream, ...]:
    found = [one for one in streams if isinstance(one, AudioStream) and has_decoder(one)]
    return tuple(one for one in found if one.codec_context.sample_rate)


def _streams_of(container: InputContainer, programme: Programme) -> list[Stream]:
    return [stream for stream in container.streams if stream.id in programme.pids]


def _programme(container: InputContainer, programmes: Sequence[Programme], wanted: int | None) -> Programme | None:
    if wanted is not None:
        return next(one for one in programmes if one.number == wanted)
    video = _best(container.streams)
    if video is None:
        sound = _sound(container.streams)
        return next((one for one in programmes if sound and sound[0].id in one.pids), None)
    return next((one for one in programmes if video.id in one.pids), None)


def _check(wanted: int, programmes: Sequence[Programme]) -> None:
    if any(one.number == wanted for one in programmes):
        return
    present = ", ".join(f"{one.number} ({one.name})" if one.name else str(one.number) for one in programmes)
    word = "programme" if len(programmes) == 1 else "programmes"
    raise UsageError(
        "program-unknown",
        f"program {wanted}: the source has {f'{word} {present}' if present else 'no programmes'}",
        f"give the number of the {word}, or leave out --program" if present else "leave out --program",
    )


def _why(chosen: Programme, wanted: int | None, reason: str) -> str:
    if wanted is not None:
        return f"programme {chosen.number} was asked for"
    return f"one programme is transcoded: {chosen.number}, {reason}; --program takes another"


def _described(container: InputContainer, programme: Programme) -> str:
    name = f" ({programme.name})" if programme.name else ""
    return f"programme {programme.number}{name}: {', '.join(_kinds(_streams_of(container, programme)))}"


def _kinds(streams: Iterable[Stream]) -> Iterator[str]:
    for stream in streams:
        codec = stream.codec_context.codec.canonical_name if has_decoder(stream) else "unknown codec"
        shape = f" {size_of(stream)}" if isinstance(stream, VideoStream) and has_decoder(stream) else ""
        yield f"{stream.type} {codec}{shape}"
