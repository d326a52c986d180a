"""MP4 files with tracks of ``stpp`` and ``wvtt`` beside their pictures (ISO/IEC 14496-12 and -30), built by hand."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from clips.joined_sound import ffmpeg
from streamify.mp4.boxes import box, boxes, full_box

Sample = tuple[float, float, bytes]
"""Start and end, seconds, and the bytes."""
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ID = 9


def with_samples(film: Path, path: Path, entry: str, samples: Sequence[Sample], *, fragments: bool) -> Path:
    """Make a copy of the pictures of a film with one track of words.

    Args:
        film: With pictures.
        path: Of the copy.
        entry: Code of the sample entry.
        samples: Side by side, from 0 on.
        fragments: Whether the file is fragmented, each sample in a fragment of its own.
    """
    flags = ["-movflags", "frag_keyframe+empty_moov+default_base_moof"] if fragments else []
    ffmpeg("-i", film, "-map", "0:v", "-c", "copy", *flags, path)
    data = path.read_bytes()
    top = list(boxes(data))
    moov = next(one for one in top if one.kind == b"moov")
    lengths = [round((end - start) * 1000) for start, end, _ in samples]
    contents = [sample for _, _, sample in samples]
    inside = b"".join(data[one.start : one.end] for one in boxes(data, moov.body, moov.end) if one.kind != b"mvex")
    # In a file without fragments FFmpeg writes the index last, so that nothing behind it moves but the words.
    assert fragments or moov.end == len(data)
    place = moov.start
    track = _track(entry, [] if fragments else lengths, contents, place + 8)
    extends = next((data[one.body : one.end] for one in boxes(data, moov.body, moov.end) if one.kind == b"mvex"), None)
    if extends is not None:
        inside += box(b"mvex", extends, full_box(b"trex", 0, 0, struct.pack(">5I", _ID, 1, 0, 0, 0)))
    words = b"" if fragments else box(b"mdat", *contents)
    path.write_bytes(data[:place] + words + box(b"moov", inside, track) + data[moov.end :])
    if fragments:
        with path.open("ab") as file:
            at = 0
            for length, sample in zip(lengths, contents, strict=True):
                file.write(_fragment(at, length, sample))
                at += length
    return path


def _track(entry: str, lengths: Sequence[int], contents: Sequence[bytes], offset: int) -> bytes:
    sizes = [len(one) for one in contents[: len(lengths)]]
    stbl = box(
        b"stbl",
        full_box(b"stsd", 0, 0, struct.pack(">I", 1), box(entry.encode(), bytes(6), b"\0\1", _configuration(entry))),
        full_box(b"stts", 0, 0, struct.pack(">I", len(lengths)), *(struct.pack(">2I", 1, one) for one in lengths)),
        full_box(b"stsc", 0, 0, struct.pack(">4I", 1, 1, len(lengths), 1) if lengths else bytes(4)),
        full_box(b"stsz", 0, 0, struct.pack(">2I", 0, len(sizes)), *(struct.pack(">I", one) for one in sizes)),
        full_box(b"stco", 0, 0, struct.pack(">2I", 1, offset) if lengths else bytes(4)),
    )
    handler = b"text" if entry == "wvtt" else b"subt"
    length = sum(lengths)
    media = box(
        b"mdia",
        full_box(b"mdhd", 0, 0, struct.pack(">4I2H", 0, 0, 1000, length, 0x15C7, 0)),  # eng
        full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"\0"),
        box(b"minf", full_box(b"nmhd", 0, 0), stbl),
    )
    header = struct.pack(">5I", 0, 0, _ID, 0, length) + bytes(16) + _MATRIX + bytes(8)
    return box(b"trak", full_box(b"tkhd", 0, 3, header), media)


def _configuration(entry: str) -> bytes:
    return (
        box(b"vttC", b"WEBVTT\n\nSTYLE\n::cue(.a) { color: red }\n\nREGION\nid:fred\n")
        if entry == "wvtt"
        else b"http://www.w3.org/ns/ttml\0\0\0"
    )


def _fragment(at: int, length: int, sample: bytes) -> bytes:
    def moof(offset: int) -> bytes:
        return box(
            b"moof",
            full_box(b"mfhd", 0, 0, struct.pack(">I", 1000 + at)),
            box(
                b"traf",
                full_box(b"tfhd", 0, 0x020000, struct.pack(">I", _ID)),
                full_box(b"tfdt", 0, 0, struct.pack(">I", at)),
                full_box(b"trun", 0, 0x301, struct.pack(">IiII", 1, offset, length, len(sample))),
            ),
        )

    return moof(len(moof(0)) + 8) + box(b"mdat", sample)


EMPTY = box(b"vtte")


def vttc(text: str, settings: str = "", name: str = "") -> bytes:
    """Return a cue as a sample of ``wvtt`` holds it (ISO/IEC 14496-30, 6.4)."""
    parts = ((b"iden", name), (b"sttg", settings), (b"payl", text))
    return box(b"vttc", *(box(kind, value.encode()) for kind, value in parts if value))
