"""Which streams of a source are transcoded: one video stream, and the sound that belongs to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from streamify.errors import SourceError, UsageError
from streamify.media.source.encrypted import encrypted, encrypted_streams
from streamify.media.source.no_media import VIDEO
from streamify.media.source.transport import Programme, read_programmes
from streamify.model.source import Note

PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails
"""Of video streams that hold cover art or chapter pictures, not a film."""
ENCRYPTED = "it is encrypted: decrypt it first, and --program takes it"
"""Why a programme is left out."""
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
    """About those programmes, and about what of the streams is encrypted."""
    types: Mapping[int, int] = field(default_factory=dict)
    """Stream types in the tables of a transport stream, by PID."""
    teletext: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Pages of teletext with subtitles, by PID."""
    captions: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Languages of captions inside the pictures, by PID and channel."""
    encrypted: Collection[int] = ()
    """Indices of the streams that cannot be read without a key."""
    layers: Collection[int] = ()
    """PIDs of the enhancement layers of Dolby Vision."""


def choose(container: InputContainer, file: BinaryIO, wanted: int | None) -> Choice:
    """Choose the streams of a source.

    Of several video streams that which the container marks as the default is taken, and of those the one with the
    largest picture; a still beside a film (image sequences of HEIF and AVIF) only where there is no film. Of several
    programmes of a transport stream it is the one with that picture, or the one that is wanted, and its own sound
    alone. What is encrypted is left out.

    Args:
        container: The source, opened.
        file: The same file; the container does not mind that it is moved.
        wanted: Number of a programme.

    Raises:
        SourceError: ``source-encrypted``; ``source-not-media``: all that it holds are tiles of a still.
        UsageError: ``program-unknown``.
    """
    programmes: tuple[Programme, ...] = ()
    if container.format.name == "mpegts":
        at = file.tell()
        programmes = tuple(one for one in read_programmes(file) if _streams_of(container, one))
        file.seek(at)
    if wanted is not None:
        _check(wanted, programmes)
    types = {pid: kind for one in programmes for pid, kind in one.types.items()}
    layers = {pid for one in programmes for pid in one.layers}
    locked, partly = encrypted_streams(container, file, types)
    chosen = _programme(container, programmes, wanted, locked) if len(programmes) > 1 else None
    teletext = {pid: pages for one in programmes for pid, pages in one.teletext.items()}
    captions = {pid: told for one in programmes for pid, told in one.captions.items()}
    own = list(container.streams) if chosen is None else _streams_of(container, chosen)
    _refuse_encrypted(own, locked)
    readable = [stream for stream in own if stream.index not in locked]
    video, sound = _best(readable), _sound(readable)
    parts = tuple(
        Note(
            kind="damaged",
            what=f"parts of stream {stream.index} ({stream.type})",
            why="they are encrypted: decrypt them first, and they are carried over",
        )
        for stream in (video, *sound)
        if stream is not None and stream.index in partly
    )
    if chosen is None:
        _refuse_tiles(video, own)
        return Choice(video, sound, None, frozenset(), parts, types, teletext, captions, locked, layers)
    others = tuple(one for one in programmes if one.number != chosen.number)
    elsewhere = {stream.index for one in others for stream in _streams_of(container, one)}
    why = _why(chosen, wanted, "with the largest picture" if video is not None else "the first with sound")
    return Choice(
        video,
        sound,
        chosen.number,
        frozenset(elsewhere - {stream.index for stream in own}),
        parts
        + tuple(
            Note(
                kind="dropped",
                what=_described(container, one),
                why=ENCRYPTED if _encrypted_kind(_streams_of(container, one), locked) else why,
            )
            for one in others
        ),
        types,
        teletext,
        captions,
        locked,
        layers,
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


def is_still(stream: Stream) -> bool:
    """Return whether a stream is an item of a HEIF or AVIF file.

    FFmpeg gives it one picture, ticks of a second and, unlike a track, no length.
    """
    of_mov = stream.container.format.name.startswith("mov") and stream.type == "video"
    return of_mov and stream.frames == 1 and stream.time_base == 1 and stream.duration is None


def _refuse_encrypted(streams: Iterable[Stream], locked: Collection[int]) -> None:
    """Refuse a source whose pictures, or whose sound where it has no pictures, are all encrypted."""
    kind = _encrypted_kind(streams, locked)
    if kind:
        raise encrypted(f"the {kind} is")


def _encrypted_kind(streams: Iterable[Stream], locked: Collection[int]) -> str:
    """Return which streams, that without which nothing is made, are all encrypted; empty: none."""
    kinds = {kind: [stream for stream in streams if stream.type == kind] for kind in ("video", "audio")}
    films = [stream for stream in kinds["video"] if not _is_picture(stream) and not is_still(stream)]
    for name, group in (("video", films), ("sound", kinds["audio"])):
        if group:
            return name if all(stream.index in locked for stream in group) else ""
    return ""


def _refuse_tiles(video: VideoStream | None, streams: Iterable[Stream]) -> None:
    """Refuse a still that is put together of tiles, as those of phones: each is a stream of its own."""
    count = sum(is_still(one) and bool(one.disposition & PART) for one in streams)
    if video is None or not is_still(video) or not count or video.disposition & Disposition.default:
        return  # the default is the whole picture; what is none of tiles, either, is a smaller one beside it
    raise SourceError("source-not-media", f"the source is a HEIF or AVIF picture of {count} tiles", VIDEO)


def _rank(stream: VideoStream) -> tuple[bool, bool, bool, int, int]:
    flags, context = stream.disposition, stream.codec_context
    area = context.width * context.height
    whole = not flags & PART and area > 0
    return whole, not is_still(stream), bool(flags & Disposition.default), area, -stream.index


def _sound(streams: Iterable[Stream]) -> tuple[AudioStream, ...]:
    found = [one for one in streams if isinstance(one, AudioStream) and has_decoder(one)]
    return tuple(one for one in found if one.codec_context.sample_rate)


def _streams_of(container: InputContainer, programme: Programme) -> list[Stream]:
    return [stream for stream in container.streams if stream.id in programme.pids]


def _programme(
    container: InputContainer, programmes: Sequence[Programme], wanted: int | None, locked: Collection[int]
) -> Programme | None:
    if wanted is not None:
        return next(one for one in programmes if one.number == wanted)
    readable = [stream for stream in container.streams if stream.index not in locked]
    video = _best(readable)
    if video is None:
        sound = _sound(readable)
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
