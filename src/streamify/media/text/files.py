"""Subtitle files as cues: FFmpeg's demuxers take them apart, after the lines of times were looked at here; not TTML.

FFmpeg passes over what it cannot read without a word, and reads ``-00:00:01,000`` as one second. So blocks whose times
are not as they must be are taken out first and named, and so are those that end before they begin: FFmpeg has them end
with the start of the next one.
"""

from __future__ import annotations

import re

from streamify.errors import counted
from streamify.media.source.opening import open_text
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.media.text.documents import decode_xml, document_words, is_ttml
from streamify.media.text.packets import Piece, cues_of
from streamify.media.text.read import Words, encoding_notes, places
from streamify.media.text.vtt import block_notes
from streamify.model.source import Note

_SRT = re.compile(r"\s*(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})(\s.*)?")
_LIKE_SRT = re.compile(r"\s*-?\d+\s*:.*-->")
_VTT = re.compile(r"\s*(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}\s+-->\s+(?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3}(\s.*)?")
_EVENT = re.compile(r"Dialogue:\s*[^,]*,\s*\d+:\d{1,2}:\d{1,2}[.:]\d{1,3}\s*,\s*\d+:\d{1,2}:\d{1,2}[.:]\d{1,3}\s*,")

_TIME = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.:](\d{1,3})")

_DEMUXERS = {"srt": "subrip", "webvtt": "webvtt", "ass": "ass"}
"""FFmpeg's demuxers of subtitle files, and the codecs of what they give."""


def read_file(data: bytes, name: str, hint: str = "") -> Words:
    """Return the cues of a subtitle file.

    Args:
        data: Its bytes.
        name: Of the file, for notes.
        hint: As of `decode`.
    """
    decoded = decode_xml(data, hint)
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    kind = kind_of(text)
    if kind is None:
        words = Words(notes=[*encoding_notes(decoded, name)])
        words.notes.append(Note(kind="dropped", what=name, why="it is not SubRip, WebVTT, ASS, SSA or TTML"))
        return words
    if kind == "ttml":
        words = document_words(text, name)
        words.notes[:0] = encoding_notes(decoded, name)
        return words
    good, timed, bad, backwards = _checked(text, kind)
    read = _demuxed(good, kind, name)
    read.notes[:0] = encoding_notes(decoded, name)
    if kind == "webvtt":
        read.notes += block_notes(text.partition("-->")[0], name)
    gone = timed - len(bad) - len(backwards) - read.found
    read.found = timed
    unread = f"{name}: {counted(len(bad), 'cue')}, line {places(dict.fromkeys(bad))}"
    read.leave_out(len(bad), Note(kind="dropped", what=unread, why="their times cannot be read"))
    ending = f"{name}: {counted(len(backwards), 'cue')}, line {places(dict.fromkeys(backwards))}"
    read.leave_out(len(backwards), Note(kind="dropped", what=ending, why="they end before they begin"))
    why = "they hold no words, or stand there twice"
    read.leave_out(max(0, gone), Note(kind="dropped", what=f"{name}: {counted(gone, 'cue')}", why=why))
    return read


def kind_of(text: str) -> str | None:
    """Return FFmpeg's name of the format of a subtitle file, or ``ttml``; ``None``: it is none that is read."""
    start = text.lstrip("\ufeff \t\n")
    if re.match(r"WEBVTT(?=[ \t\n]|$)", start):
        return "webvtt"
    if re.match(r"\[script info\]", start, re.IGNORECASE) or re.search(r"^Dialogue:", start, re.MULTILINE):
        return "ass"
    if is_ttml(start):
        return "ttml"
    return "srt" if "-->" in text else None


def _checked(text: str, kind: str) -> tuple[str, int, list[int], list[int]]:
    """Return a text without blocks whose times cannot be used, and how many times there are.

    Then the lines of those that cannot be read, and of those that end before they begin.
    """
    good, bad, backwards, timed, skipping = list[str](), list[int](), list[int](), 0, False
    before = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if kind == "ass":
            is_time, fits = line.startswith("Dialogue:"), _EVENT.match(line) is not None
        else:
            # In WebVTT neither the text of a cue nor a NOTE can hold "-->" (4.1); in SubRip they can.
            is_time = "-->" in line and (kind == "webvtt" or _LIKE_SRT.match(line) is not None)
            fits = (_VTT if kind == "webvtt" else _SRT).fullmatch(line) is not None
        if is_time:
            timed += 1
            skipping = not fits or _is_backwards(line, 100 if kind == "ass" else 1000)
            if skipping:
                (backwards if fits else bad).append(number)
                if good and (before.strip().isdecimal() or (kind == "webvtt" and before.strip())):
                    good.pop()  # the number or the name of the cue
                continue
        elif not line.strip() or kind == "ass":
            skipping = False
        if not skipping:
            good.append(line)
        before = line
    return "\n".join(good), timed, bad, backwards


def _is_backwards(line: str, parts: int) -> bool:
    """Return whether the second time of a line is before the first.

    Args:
        line: With times.
        parts: Of a second, in which FFmpeg's demuxer counts the digits behind it, however many there are.
    """
    start, end, *_ = (
        ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * parts + int(digits)
        for hours, minutes, seconds, digits in _TIME.findall(line)
    )
    return end < start


def _demuxed(text: str, kind: str, name: str) -> Words:
    try:
        with open_text(text, kind, _DEMUXERS[kind]) as container:
            stream = container.streams[0]
            header = bytes(stream.codec_context.extradata or b"")
            pieces = [Piece.of(packet) for packet in read_packets(container, stream) if packet.size]
    except UnreadableError as error:
        return Words(notes=[Note(kind="dropped", what=name, why=f"it cannot be read: {error.reason}")])
    return cues_of(pieces, _DEMUXERS[kind], header, name)
