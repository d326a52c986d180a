from __future__ import annotations

import struct

import pytest

from streamify.codecs.base import CodecError
from streamify.codecs.registry import AUDIO, VIDEO, audio_codec, audio_codec_of, codecs_string, video_codec
from streamify.mp4.boxes import BoxError, box, full_box

AVCC = bytes.fromhex("01640028ffe1")
"""14496-15, 5.3.3.1: version 1, High, no constraints, level 4.0."""


def esds(object_type: int, config: bytes) -> bytes:
    """As FFmpeg writes it: sizes in four bytes."""
    specific = b"\x05\x80\x80\x80" + bytes([len(config)]) + config
    decoder = bytes([object_type, 0x15]) + bytes(11) + specific
    body = b"\x00\x01\x00" + b"\x04\x80\x80\x80" + bytes([len(decoder)]) + decoder + b"\x06\x80\x80\x80\x01\x02"
    return full_box(b"esds", 0, 0, b"\x03\x80\x80\x80" + bytes([len(body)]) + body)


def visual(kind: bytes = b"avc1", config: bytes = AVCC) -> bytes:
    head = bytes(24) + struct.pack(">HH", 1280, 720) + bytes(50)
    return box(kind, head, box(b"avcC", config))


def sound(config: bytes) -> bytes:
    head = bytes(16) + struct.pack(">HH", 2, 16) + bytes(4) + struct.pack(">I", 48_000 << 16)
    return box(b"mp4a", head, config)


def init(entry: bytes, handler: bytes = b"vide", wide: bool = False, edit: int | None = 2002) -> bytes:
    pad = 16 if wide else 8
    elst = struct.pack(">Qq", 0, edit or 0) if wide else struct.pack(">Ii", 0, edit or 0)
    trak = box(
        b"trak",
        full_box(b"tkhd", int(wide), 3, bytes(pad), struct.pack(">I", 7), bytes(60)),
        b"" if edit is None else box(b"edts", full_box(b"elst", int(wide), 0, struct.pack(">I", 1), elst, bytes(4))),
        box(
            b"mdia",
            full_box(b"mdhd", int(wide), 0, bytes(pad), struct.pack(">I", 30_000), bytes(8)),
            full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(13)),
            box(b"minf", box(b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry))),
        ),
    )
    return box(b"ftyp", b"cmfc", bytes(4), b"iso6cmfc") + box(b"moov", trak)


def handler_of(entry: bytes) -> bytes:
    return b"soun" if entry[4:8] == b"mp4a" else b"vide"


@pytest.mark.parametrize(
    ("entry", "codecs"),
    [
        (visual(), "avc1.640028"),
        (visual(b"avc3"), "avc3.640028"),
        (visual(config=bytes.fromhex("0142c01effe1")), "avc1.42c01e"),  # Constrained Baseline, level 3.0
        (sound(esds(0x40, bytes.fromhex("1190"))), "mp4a.40.2"),  # AAC-LC, 48 kHz, stereo
        (sound(esds(0x40, bytes.fromhex("2b11"))), "mp4a.40.5"),  # SBR
        (sound(esds(0x40, bytes.fromhex("f94a"))), "mp4a.40.42"),  # escape: 31, then 10 in six bits: xHE-AAC
        (sound(esds(0x6B, b"\0\0")), "mp4a.6b"),  # MP3
    ],
)
def test_codecs(entry: bytes, codecs: str) -> None:
    assert codecs_string(init(entry, handler_of(entry))) == codecs


def test_unknown_codec_is_named() -> None:
    with pytest.raises(CodecError, match="'hvc1'"):
        codecs_string(init(visual(b"hvc1")))


@pytest.mark.parametrize("entry", [visual(), sound(esds(0x40, bytes.fromhex("1190")))])
def test_cut_off_anywhere_is_a_box_error(entry: bytes) -> None:
    whole = init(entry, handler_of(entry))
    for length in range(8, len(whole)):
        with pytest.raises(BoxError):
            codecs_string(whole[:length])


def test_names_and_entries_are_unique() -> None:
    names = [codec.name for codec in (*VIDEO, *AUDIO)]
    entries = [kind for codec in (*VIDEO, *AUDIO) for kind in codec.entries]
    assert len(set(names)) == len(names)
    assert len(set(entries)) == len(entries)
    assert [video_codec(codec.name) for codec in VIDEO] == list(VIDEO)
    assert [audio_codec(codec.name) for codec in AUDIO] == list(AUDIO)


@pytest.mark.parametrize(("codecs", "name"), [("mp4a.40.2", "aac"), ("opus", None), ("avc1.640028", None), ("", None)])
def test_of_a_codecs_string(codecs: str, name: str | None) -> None:
    found = audio_codec_of(codecs)
    assert (found.name if found is not None else None) == name
