from __future__ import annotations

import struct

import pytest

from streamify.manifests.codecs import CodecError, brands, codecs_of, init_facts
from streamify.mp4.boxes import BoxError, box, first, full_box

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
    assert codecs_of(init(entry)) == codecs


def test_unknown_codec_is_named() -> None:
    with pytest.raises(CodecError, match="'hvc1'"):
        codecs_of(init(visual(b"hvc1")))


@pytest.mark.parametrize("wide", [False, True])
def test_facts_of_video(wide: bool) -> None:
    facts = init_facts(init(visual(), wide=wide))
    assert (facts.codecs, facts.track_id, facts.handler, facts.timescale) == ("avc1.640028", 7, "vide", 30_000)
    assert (facts.width, facts.height, facts.edits, facts.media_time) == (1280, 720, 1, 2002)
    assert facts.brands == ("cmfc", "iso6", "cmfc")


def test_facts_of_audio() -> None:
    facts = init_facts(init(sound(esds(0x40, bytes.fromhex("1190"))), b"soun", edit=None))
    assert (facts.handler, facts.channels, facts.sample_rate) == ("soun", 2, 48_000)
    assert (facts.edits, facts.media_time) == (0, 0)


def test_two_tracks_are_refused() -> None:
    one = init(visual())
    moov = first(one, "moov")
    with pytest.raises(BoxError, match="has 2"):
        init_facts(box(b"moov", one[moov.body : moov.end] * 2))


@pytest.mark.parametrize("entry", [visual(), sound(esds(0x40, bytes.fromhex("1190")))])
def test_cut_off_anywhere_is_a_box_error(entry: bytes) -> None:
    whole = init(entry, b"vide" if entry[4:8] == b"avc1" else b"soun")
    for length in range(8, len(whole)):
        with pytest.raises(BoxError):
            init_facts(whole[:length])


def test_brands_of_nothing() -> None:
    assert brands(b"") == ()
    assert brands(box(b"moof")) == ()
