"""Packets of words, as FFmpeg's demuxers give them, as cues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from av.packet import Packet

from streamify.errors import counted
from streamify.media.text.ass import AssHeader, AssText, read_event
from streamify.media.text.captions import track_words
from streamify.media.text.documents import sample_words
from streamify.media.text.encoding import decode
from streamify.media.text.read import Words, encoding_notes
from streamify.media.text.srt import read_srt
from streamify.media.text.tx3g import TimedText
from streamify.media.text.vtt import read_vtt
from streamify.media.text.wvtt import vtt_words
from streamify.model.cue import CUE_BYTES, CUES, SourceCue
from streamify.model.source import Note

CAPTIONS = "eia_608"
"""FFmpeg's name of captions in a track of their own (``c608``), whose packets are cc_data."""
TEXT_CODECS = ("subrip", "srt", "text", "ass", "ssa", "webvtt", "mov_text", CAPTIONS)
"""FFmpeg's names of codecs whose packets are words."""
ENTRIES = ("stpp", "wvtt")
"""Sample entries of MP4 whose samples are words that FFmpeg has no decoder for (ISO/IEC 14496-30)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is kept of a packet."""

    start: Fraction | None
    """Seconds; ``None``: it has no time."""
    length: Fraction | None
    """Seconds; ``None``: nothing says; negative where it ends before it begins."""
    data: bytes
    settings: str = ""
    """Of WebVTT."""

    @classmethod
    def of(cls, packet: Packet[Any]) -> Piece:
        """Return what is kept of a packet."""
        base, pts, duration = packet.time_base, packet.pts, packet.duration
        settings = b""
        if packet.has_sidedata("webvtt_settings"):
            settings = bytes(packet.get_sidedata("webvtt_settings"))
        return cls(
            start=pts * base if pts is not None and base else None,
            length=duration * base if duration and base else None,
            data=bytes(packet),
            settings=settings.decode("utf-8", "replace"),
        )


def cues_of(pieces: Iterable[Piece], codec: str, header: bytes, name: str, hint: str = "") -> Words:
    """Return the cues of a stream of words.

    Args:
        pieces: Its packets, in the order of the container.
        codec: FFmpeg's name, or one of `ENTRIES`.
        header: Its extradata.
        name: Of the stream, for notes.
        hint: As of `streamify.media.text.encoding.decode`.
    """
    kept = list(pieces)
    if codec == CAPTIONS:
        return track_words([(one.start, one.data) for one in kept if one.start is not None], name)
    if codec in ENTRIES:
        samples = [
            (one.start, one.start + one.length if one.length else None, one.data)
            for one in kept
            if one.start is not None
        ]
        words = sample_words(samples, name, hint) if codec == "stpp" else vtt_words(samples, name)
        if len(samples) < len(kept):
            what = f"{name}: {counted(len(kept) - len(samples), 'sample')}"
            words.notes.append(Note(kind="dropped", what=what, why="they have no time"))
        return words
    words, timed = Words(), list[Piece]()
    if codec == "mov_text":  # an empty sample says only until when the one before it is shown
        timed = [piece for piece in kept if piece.data[:2] not in (b"", b"\0", b"\0\0")]
    else:
        timed = [piece for piece in kept if piece.data.strip()]
    words.found = len(timed)
    if len(timed) > CUES:
        words.leave_out(
            len(timed),
            Note(kind="dropped", what=f"{name}: all of its {len(timed)} cues", why=f"a track has at most {CUES}"),
        )
        return words
    long = [piece for piece in timed if len(piece.data) > CUE_BYTES]
    words.leave_out(
        len(long),
        Note(kind="dropped", what=f"{name}: {counted(len(long), 'cue')}", why=f"each has more than {CUE_BYTES} bytes"),
    )
    untimed = [piece for piece in timed if piece.start is None]
    words.leave_out(
        len(untimed), Note(kind="dropped", what=f"{name}: {counted(len(untimed), 'cue')}", why="they have no time")
    )
    good = [piece for piece in timed if piece.start is not None and len(piece.data) <= CUE_BYTES]
    read, notes = _reader(codec, header, good, name, hint)
    words.notes += notes
    empty = 0
    for piece in good:
        found = read(piece)
        words.styled(found)
        assert piece.start is not None
        if not found.text:
            empty += 1
            continue
        end = piece.start + piece.length if piece.length is not None else None
        words.cues.append(SourceCue(piece.start, end, found.text, found.settings))
    words.leave_out(empty, Note(kind="dropped", what=f"{name}: {counted(empty, 'cue')}", why="they hold no words"))
    return words


def _reader(
    codec: str, header: bytes, pieces: list[Piece], name: str, hint: str
) -> tuple[Callable[[Piece], AssText], list[Note]]:
    if codec == "mov_text":
        timed = TimedText(header)
        return lambda piece: timed.read(piece.data), []
    whole = decode(b"\n".join(piece.data for piece in pieces), hint)  # one encoding for all of them
    notes = [*encoding_notes(whole, name)]

    def text(piece: Piece) -> str:
        return piece.data.decode(whole.encoding, "replace")

    if codec in ("ass", "ssa"):
        styles = AssHeader.parse(header.decode("utf-8", "replace"))
        return lambda piece: read_event(text(piece), styles), notes
    if codec == "webvtt":
        return lambda piece: read_vtt(text(piece), piece.settings), notes
    return lambda piece: read_srt(text(piece)), notes
