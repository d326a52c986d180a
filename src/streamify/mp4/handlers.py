"""What kinds of tracks an MP4 or MOV has, also those that FFmpeg has no name for (ISO/IEC 14496-12, 8.5.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from streamify.model.limits import STREAMS
from streamify.mp4.boxes import Box, BoxError
from streamify.mp4.description import at_path, entries_of
from streamify.mp4.movie import Layout, read_exactly, track_id_of

LONGEST = 1 << 16
"""Bytes of a header of WebVTT that are read at most."""
WHOLE = 64 << 20
"""Bytes of a trak that are looked through at most."""
EVENTS, SCHEME = 64, 100
"""Event messages that are looked at, and bytes of what one says of its kind."""
LAYER = "Dolby Vision enhancement layer"
AUXILIARY = "transparency or depth"
"""Of pictures that belong to others, whose kind is not told."""


def sample_kinds(file: BinaryIO, layout: Layout) -> dict[int, str]:
    """Return the four-character code of each track's first sample entry, by track id; none where it is damaged."""
    moov = layout.first(b"moov")
    if moov is None:
        return {}
    try:
        return dict(_kinds(file, moov.body, moov.end))
    except BoxError:
        return {}


def unprotected_tracks(file: BinaryIO, layout: Layout) -> set[int]:
    """Return the ids of the tracks whose entry is that of an encrypted one, and whose samples are all in the clear.

    So they are by default (ISO/IEC 23001-7, 8.2, ``tenc``), where no group of samples says otherwise. Films in
    fragments have none: each of those may.
    """
    moov, found = layout.first(b"moov"), set[int]()
    try:
        if moov is None or any(at_path(file, moov.body, moov.end, (b"mvex",))):
            return found
        for body, stop in at_path(file, moov.body, moov.end, (b"trak",)):
            if stop - body <= WHOLE and is_unprotected(read_exactly(file, body, stop)):
                found.add(track_id_of(file, body, stop))
    except BoxError:
        pass
    return found


def is_unprotected(trak: bytes) -> bool:
    """Return whether a trak says of all its samples that they are in the clear."""
    says = [trak[at.end() + 6 : at.end() + 7] == b"\0" for at in re.finditer(b"schi.{4}tenc", trak, re.DOTALL)]
    return bool(says) and all(says) and not any(kind in trak for kind in (b"seig", b"senc", b"saiz"))


def has_samples(file: BinaryIO, moov: Box) -> bool:
    """Whether a moov lists samples of its own (8.7.3), and none in fragments; not where it is damaged."""
    try:
        if any(at_path(file, moov.body, moov.end, (b"mvex",))):
            return False
        return any(
            int.from_bytes(read_exactly(file, start + 8, start + 12))
            for table in (b"stsz", b"stz2")
            for start, end in at_path(file, moov.body, moov.end, (b"trak", b"mdia", b"minf", b"stbl", table))
            if end - start >= 12
        )
    except BoxError:
        return False


def webvtt_headers(file: BinaryIO, layout: Layout) -> dict[int, bytes]:
    """Return what stands before the cues of each track of ``wvtt``, by track id (ISO/IEC 14496-30, 6.3, ``vttC``).

    None where it is damaged.
    """
    moov = layout.first(b"moov")
    try:
        return {
            track_id_of(file, body, stop): read_exactly(file, start, min(end, start + LONGEST))
            for body, stop in (at_path(file, moov.body, moov.end, (b"trak",)) if moov is not None else ())
            for entries, last in at_path(file, body, stop, (b"mdia", b"minf", b"stbl", b"stsd"))
            for entry, size in at_path(file, entries + 8, last, (b"wvtt",))
            for start, end in at_path(file, entry + 8, size, (b"vttC",))
        }
    except BoxError:
        return {}


def chapter_tracks(file: BinaryIO, layout: Layout) -> frozenset[int]:
    """Return the ids of the tracks that hold the chapters of others, by ``tref`` (QuickTime, chapter lists).

    None where it is damaged.
    """
    moov = layout.first(b"moov")
    if moov is None:
        return frozenset()
    try:
        return frozenset(
            int.from_bytes(listed[at : at + 4], "big")
            for body, end in at_path(file, moov.body, moov.end, (b"trak", b"tref", b"chap"))
            for listed in (read_exactly(file, body, min(end, body + 4 * STREAMS)),)
            for at in range(0, len(listed) - 3, 4)
        )
    except BoxError:
        return frozenset()


def auxiliary_tracks(file: BinaryIO, layout: Layout) -> dict[int, str]:
    """Return what tracks of auxiliary pictures hold, by track id (12.1.1, ``auxv``; ISO/IEC 23008-12, 7.5.3, ``auxi``).

    None where it is damaged.
    """
    moov, found = layout.first(b"moov"), dict[int, str]()
    try:
        for body, stop in at_path(file, moov.body, moov.end, (b"trak",)) if moov is not None else ():
            for start, end in at_path(file, body, stop, (b"mdia", b"hdlr")):
                kind = read_exactly(file, start + 8, start + 12) if end - start >= 12 else b""
                if kind in (b"auxv", b"vide"):
                    number = track_id_of(file, body, stop)
                    entries = entries_of(file, body, stop)
                    if any(_is_layer(entry.boxes.get(b"dvcC", b"")) for entry in entries):
                        found[number] = LAYER
                    elif kind == b"auxv":
                        says = b"".join(entry.boxes.get(b"auxi", b"") for entry in entries)
                        words = {b":alpha": "transparency", b":depth": "depth"}
                        found[number] = next((said for urn, said in words.items() if urn in says), AUXILIARY)
    except BoxError:
        return {}
    return found


def event_schemes(file: BinaryIO, layout: Layout) -> tuple[str, ...]:
    """Return the schemes of the event messages between fragments, each once (ISO/IEC 23009-1, 5.10.3.3, ``emsg``).

    None of those that are damaged; of many, the first `EVENTS` are looked at.
    """
    found = dict[str, None]()
    for box in [box for box in layout.boxes if box.kind == b"emsg"][:EVENTS]:
        file.seek(box.body)
        data = bytes(file.read(min(box.end - box.body, LONGEST)))
        scheme, end, _ = data[24 if data[:1] == b"\1" else 4 :].partition(b"\0")
        if end:
            text = scheme[:SCHEME].decode("utf-8", "replace")
            found[text if text.isprintable() else scheme[:SCHEME].hex()] = None
    return tuple(found)


def _is_layer(record: bytes) -> bool:
    """Whether a DOVIDecoderConfigurationRecord says of an enhancement layer that no base layer is with it (3.2)."""
    return len(record) >= 5 and record[3] & 3 == 2


def auxiliary_items(file: BinaryIO, layout: Layout) -> frozenset[int]:
    """Return the ids of the items that are no picture by themselves (ISO/IEC 23008-12, 6.4.4, ``auxl``).

    None where it is damaged.
    """
    meta, found = layout.first(b"meta"), set[int]()
    try:
        for start, end in at_path(file, meta.body + 4, meta.end, (b"iref",)) if meta is not None else ():
            width = 4 if read_exactly(file, start, start + 1) != b"\0" else 2
            found.update(
                int.from_bytes(read_exactly(file, item, item + width))
                for item, _ in at_path(file, start + 4, end, (b"auxl",))
            )
    except BoxError:
        return frozenset()
    return frozenset(found)


def _kinds(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, str]]:
    for body, stop in at_path(file, start, end, (b"trak",)):
        for entries, last in at_path(file, body, stop, (b"mdia", b"minf", b"stbl", b"stsd")):
            if last - entries >= 16:
                kind = read_exactly(file, entries + 12, entries + 16).decode("latin-1")
                yield track_id_of(file, body, stop), kind if kind.isprintable() else kind.encode("latin-1").hex()
            break
