"""Notes about the streams of a source that are not transcoded, each by what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from av.container import InputContainer
from av.stream import AttachmentStream, Disposition, Stream
from av.video.stream import VideoStream

from streamify.media.bitmaps.streams import is_bitmaps
from streamify.media.source.choice import Choice, has_decoder, is_still, size_of
from streamify.model.source import Note, TextFacts
from streamify.mp4.boxes import BoxError
from streamify.mp4.handlers import (
    AUXILIARY,
    LAYER,
    auxiliary_items,
    auxiliary_tracks,
    chapter_tracks,
    event_schemes,
    sample_kinds,
)
from streamify.mp4.movie import read_layout

_SAMPLES = MappingProxyType(
    {
        "tmcd": "timecode",
        "mebx": "timed metadata",
        "mett": "timed metadata",
        "metx": "timed metadata",
        "urim": "timed metadata",
        "gpmd": "GoPro telemetry",
        "fdsc": "GoPro file description",
        "camm": "camera motion",
        "rtmd": "camera metadata",
        "CTMD": "camera metadata",
        "djmd": "DJI telemetry",
        "dbgi": "DJI debugging data",
        "c708": "captions (CEA-708)",
        "evte": "events",
        "rtp ": "RTP hints",
        "text": "text",
    }
)
"""Four-character codes of sample entries that FFmpeg has no decoder for."""

_CODECS = MappingProxyType(
    {
        "scte_35": "SCTE-35 cues",
        "timed_id3": "ID3 metadata",
        "klv": "KLV metadata",
        "epg": "programme guide",
        "smpte_436m_anc": "ancillary data (captions, timecode)",
        "smpte_2038": "ancillary data (captions, timecode)",
        "hdmv_text_subtitle": "text subtitles of Blu-ray",
        "lcevc": "LCEVC enhancement layer",
        "dvd_nav_packet": "DVD navigation",
        "arib_caption": "captions (ARIB)",
        "dvb_teletext": "teletext",
        "dvb_subtitle": "DVB subtitles",
    }
)
"""FFmpeg's names of codecs that few people know."""

_TRANSPORT = MappingProxyType(
    {
        0x05: "private sections",
        0x06: "private data",
        0x0B: "DSM-CC",
        0x0C: "DSM-CC",
        0x0D: "DSM-CC",
        0x15: "timed metadata",
        0x86: "SCTE-35 cues",
        0xC0: "DigiCipher text",
    }
)
"""Stream types of a programme's table (ISO/IEC 13818-1, 2.4.4.9, and SCTE 35) that FFmpeg makes nothing of."""

_LAYERS = MappingProxyType({0x1F: "scalable layer (SVC)", 0x20: "second view for 3D (MVC)"})
"""Stream types of pictures that add to those of another stream (ISO/IEC 13818-1, table 2-34)."""
_SCHEMES = MappingProxyType(
    {
        "urn:scte:scte35:2013:bin": "SCTE-35 cues",
        "urn:scte:scte35:2014:xml+bin": "SCTE-35 cues",
        "https://aomedia.org/emsg/ID3": "ID3 metadata",
    }
)
"""Of event messages, what few people know."""
_OBJECTS = ("Atmos", "DTS:X")
"""Of FFmpeg's names of profiles: sounds with places of their own, beside channels for other players."""
_FONT = re.compile(r"font|truetype|opentype|x-ttf|x-otf", re.IGNORECASE)


def left_out(
    container: InputContainer, tracks: Tracks, choice: Choice, text: Sequence[TextFacts] = ()
) -> Iterator[Note]:
    """Yield a note for each stream of the chosen programme that is not transcoded.

    Args:
        container: The source, opened.
        tracks: As `read_tracks` gives them.
        choice: What is transcoded.
        text: The streams that become subtitles.
    """
    used = {one.index for one in (choice.video, *choice.audio) if one is not None} | {one.stream for one in text}
    titles = tracks.chapters
    for stream in container.streams:
        of_chapters = stream.id in titles and stream.type in ("data", "subtitle", "unknown")
        if stream.index not in used and stream.index not in choice.elsewhere and not of_chapters:
            yield Note(kind="dropped", what=_what(stream, tracks, choice), why=_why(stream, tracks, choice))
    for scheme in tracks.events:
        messages = f"event messages ({_SCHEMES.get(scheme, scheme)})"
        yield Note(kind="dropped", what=messages, why="messages between fragments are not carried over")
    main = choice.video
    if main is not None and is_still(main):
        yield Note(kind="info", what="a still picture", why="the file is an image and holds no film: it stands for 1 s")
    for sound in choice.audio:
        profile = sound.profile or ""
        if any(mark in profile for mark in _OBJECTS):
            objects = f"audio stream {sound.index}: objects of {profile.rpartition('+ ')[2]}"
            yield Note(kind="dropped", what=objects, why="its channels are what is heard, which hold all sounds")
    timecode = None if main is None else main.metadata.get("timecode") or container.metadata.get("timecode")
    if timecode:
        yield Note(kind="dropped", what=f"timecode {timecode}", why="the stream's time begins at 0")
    if main is not None and main.metadata.get("alpha_mode") == "1":
        yield Note(kind="dropped", what="transparency", why="H.264 has none")


class Tracks(NamedTuple):
    """What an MP4 says of its tracks, by their ids; of other containers nothing."""

    kinds: Mapping[int, str]
    """Codes of their sample entries."""
    chapters: frozenset[int]
    """Those that hold chapters."""
    auxiliary: Mapping[int, str]
    """Those that hold no film, but what belongs to one, and what it is."""
    items: frozenset[int]
    """Ids of the pictures of HEIF of which the same holds."""
    events: tuple[str, ...]
    """Schemes of the messages between fragments."""


def read_tracks(container: InputContainer, file: BinaryIO, size: int) -> Tracks:
    """Return what an MP4 says of its tracks."""
    nothing = Tracks({}, frozenset(), {}, frozenset(), ())
    if not container.format.name.startswith("mov"):
        return nothing
    at = file.tell()
    try:
        layout = read_layout(file, size)
        titles, items = chapter_tracks(file, layout), auxiliary_items(file, layout)
        events = event_schemes(file, layout)
        return Tracks(sample_kinds(file, layout), titles, auxiliary_tracks(file, layout), items, events)
    except BoxError:
        return nothing
    finally:
        file.seek(at)


def _what(stream: Stream, tracks: Tracks, choice: Choice) -> str:
    pages = choice.teletext.get(stream.id, ())  # which name the languages, too
    parts = [_type(stream), "teletext" if pages else _codec(stream, tracks.kinds, choice.types)]
    if isinstance(stream, VideoStream) and has_decoder(stream):
        parts.append(size_of(stream))
        parts += ["a still"] if is_still(stream) else []
        of_item = AUXILIARY if stream.id in tracks.items else None
        parts += [LAYER] if stream.id in choice.layers else []
        parts += filter(None, [_LAYERS.get(choice.types.get(stream.id, 0))])
        parts += filter(None, [of_item if is_still(stream) else tracks.auxiliary.get(stream.id)])
    if isinstance(stream, AttachmentStream):
        parts = ["attachment", "font" if _FONT.search(stream.mimetype or "") else stream.mimetype or "unknown type"]
    keys = ("filename", "title") if pages else ("filename", "language", "title")
    named = (stream.metadata.get(key, "") for key in keys)
    parts += [f"page {one}" for one in pages] + [text for text in named if text and text != "und"]
    return f"stream {stream.index} ({', '.join(parts)})"


def _codec(stream: Stream, kinds: Mapping[int, str], types: Mapping[int, int]) -> str:
    name = stream.codec_context.codec.canonical_name if has_decoder(stream) else getattr(stream, "name", None)
    kind = kinds.get(stream.id, "")
    if kind in _SAMPLES and name in (None, "none", "bin_data"):
        return f"{_SAMPLES[kind]}, {kind.strip()}"
    if name is not None and name in _CODECS:
        return _CODECS[name]
    if name not in (None, "none", "bin_data"):
        return str(name)
    if kind:
        return f"code {kind.strip()}"
    if stream.id in types:
        return _TRANSPORT.get(types[stream.id], f"stream type 0x{types[stream.id]:02x}")
    return "of a kind that FFmpeg has no name for"


def _why(stream: Stream, tracks: Tracks, choice: Choice) -> str:
    if stream.index in choice.encrypted:
        return "it is encrypted: decrypt it first, and it is carried over"
    if stream.type == "video":
        if stream.disposition & Disposition.attached_pic:
            return "a cover picture, no video"
        if not has_decoder(stream):
            return "no decoder"
        if stream.id in choice.layers or tracks.auxiliary.get(stream.id) == LAYER:
            return "its compatible base layer is what is shown"
        if stream.disposition & Disposition.dependent or choice.types.get(stream.id) in _LAYERS:
            return "it adds to another stream, which plays without it"
        return "one video stream is transcoded"
    if stream.type == "audio":
        return "no decoder" if not has_decoder(stream) else "its sample rate is not known"
    if is_bitmaps(stream):
        return f"pictures, no text: --burn-in {stream.index} draws them into those of the film"
    return f"{_type(stream)} streams are not carried over"


def _type(stream: Stream) -> str:
    return "data" if stream.type == "unknown" else stream.type
