"""Words that lie in a source beside its pictures: all streams of them are read in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import SEEK_END
from types import MappingProxyType
from typing import BinaryIO

from av.container import InputContainer
from av.stream import Disposition, Stream

from streamify.errors import counted
from streamify.media.source.choice import has_decoder
from streamify.media.source.left_out import Tracks
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.media.source.titles import audio_language, audio_title
from streamify.media.text.captions import says
from streamify.media.text.packets import CAPTIONS, ENTRIES, TEXT_CODECS, Piece, cues_of
from streamify.media.text.read import Words
from streamify.media.text.teletext import CODEC as TELETEXT
from streamify.media.text.vtt import block_notes
from streamify.model.cue import CUES
from streamify.model.source import Note, TextFacts
from streamify.mp4.boxes import BoxError
from streamify.mp4.handlers import webvtt_headers
from streamify.mp4.movie import read_layout

BYTES = 64 << 20
"""Bytes of all packets of words of a stream that are kept at most."""


def text_codec(stream: Stream, entry: str | None) -> str | None:
    """Return the codec of a stream of words; ``None``: it is none that can be read.

    Args:
        stream: Of the source.
        entry: Code of its sample entry, in MP4.
    """
    if has_decoder(stream):
        name = stream.codec_context.codec.canonical_name
        return name if stream.type == "subtitle" and name in TEXT_CODECS else None
    return entry if entry in ENTRIES else None


def text_facts(
    container: InputContainer, elsewhere: frozenset[int], tracks: Tracks, teletext: Mapping[int, Sequence[str]]
) -> tuple[TextFacts, ...]:
    """Return what a container says of its streams of words.

    Args:
        container: The source, opened.
        elsewhere: Indices of streams of other programmes.
        tracks: Of an MP4: those that hold chapters are no subtitles.
        teletext: Pages with subtitles by PID, as `streamify.media.source.transport` gives them.
    """
    pages = (
        _page(stream, page)
        for stream in container.streams
        if stream.index not in elsewhere and stream.type == "subtitle" and not has_decoder(stream)
        for page in dict.fromkeys(teletext.get(stream.id, ()))
    )
    return (*_streams(container, elsewhere, tracks), *pages)


def _page(stream: Stream, page: str) -> TextFacts:
    number, _, rest = page.partition(" ")
    language, _, heard = rest.partition(", ")
    return TextFacts(stream=stream.index, codec=TELETEXT, language=language, sdh=bool(heard), page=number)


def _streams(container: InputContainer, elsewhere: frozenset[int], tracks: Tracks) -> tuple[TextFacts, ...]:
    return tuple(
        _facts(stream, codec)
        for stream in container.streams
        if stream.index not in elsewhere
        and stream.id not in tracks.chapters
        and (codec := text_codec(stream, tracks.kinds.get(stream.id))) is not None
    )


def _facts(stream: Stream, codec: str) -> TextFacts:
    flags = stream.disposition
    return TextFacts(
        stream=stream.index,
        codec=codec,
        language=audio_language(stream.metadata),
        title=audio_title(stream.metadata),
        forced=bool(flags & Disposition.forced),
        sdh=bool(flags & Disposition.hearing_impaired) or codec == CAPTIONS,
        commentary=bool(flags & Disposition.comment),
        packets=stream.frames or None,
    )


def _webvtt_blocks(
    container: InputContainer, file: BinaryIO, streams: Sequence[Stream], names: Mapping[int, str]
) -> dict[int, list[Note]]:
    """Return what is said of style sheets and regions of tracks of ``wvtt``, by index."""
    if not streams or not container.format.name.startswith("mov"):
        return {}
    at = file.tell()
    size = file.seek(0, SEEK_END)
    try:
        headers = webvtt_headers(file, read_layout(file, size))
    except BoxError:
        return {}
    finally:
        file.seek(at)
    texts = {one.index: headers.get(one.id, b"").decode("utf-8", "replace") for one in streams}
    return {index: list(block_notes(text.replace("\r", ""), names[index])) for index, text in texts.items()}


def read_embedded(
    open_source: Callable[[], BinaryIO],
    names: Mapping[int, str],
    hints: Mapping[int, str] = MappingProxyType({}),
    codecs: Mapping[int, str] = MappingProxyType({}),
) -> dict[int, Words]:
    """Return the cues of streams of a source, by their indices.

    Args:
        open_source: Opens the source.
        names: Of the streams to read, by index, for notes.
        hints: As of `streamify.media.text.encoding.decode`, by index.
        codecs: By index, of those that FFmpeg has no decoder for.
    """
    pieces: dict[int, list[Piece]] = {index: [] for index in names}
    sizes, beyond = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    damage: UnreadableError | None = None
    with open_source() as file, open_media(file) as container:
        streams = [container.streams[index] for index in names]
        decoded = [one for one in streams if has_decoder(one)]
        headers = {one.index: bytes(one.codec_context.extradata or b"") for one in decoded}
        codecs = {**codecs, **{one.index: one.codec_context.codec.canonical_name for one in decoded}}
        blocks = _webvtt_blocks(container, file, [one for one in streams if codecs.get(one.index) == "wvtt"], names)
        keep_only(container, *streams)
        try:
            for packet in read_packets(container, *streams):
                index = packet.stream_index
                if codecs.get(index) == CAPTIONS and not says(bytes(packet)):
                    continue
                if packet.size and len(pieces[index]) <= 2 * CUES and sizes[index] <= BYTES:
                    pieces[index].append(Piece.of(packet))
                    sizes[index] += packet.size
                elif packet.size:
                    beyond[index] += 1
        except UnreadableError as error:
            damage = error
    found = {
        index: cues_of(pieces[index], codecs[index], headers.get(index, b""), name, hints.get(index, ""))
        for index, name in names.items()
    }
    for index, words in found.items():
        words.notes += blocks.get(index, [])
        words.found += beyond[index]
        why = f"of a stream {BYTES} bytes are kept, in {2 * CUES} packets"
        what = f"{names[index]}: {counted(beyond[index], 'packet')} at its end"
        words.leave_out(beyond[index], Note(kind="dropped", what=what, why=why))
        if damage is not None:
            words.notes.append(Note(kind="damaged", what=f"{names[index]}: not read to its end", why=damage.message))
    return found
