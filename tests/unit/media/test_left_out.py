"""Everything that is not carried over is named by what it is."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from clips.probing import probe
from clips.teletext import with_teletext
from streamify.media.source.transport import TS_PACKET
from streamify.model.source import SourceFacts
from streamify.mp4.boxes import box, boxes

CC = b"GA94\x03\x42\xff\xfc\x94\x2c\xfd\x80\x80\xff"
"""cc_data with two triplets: a control code of field 1, nothing in field 2 (ATSC A/53 part 4, table 6.7)."""
T35 = b"\xb5\x00\x31" + CC
SEI = b"\x00\x00\x00\x01\x06\x04" + bytes([len(T35)]) + T35 + b"\x80"
USER_DATA = b"\x00\x00\x01\xb2" + CC


def ffmpeg(*arguments: str | Path) -> None:
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)


def dropped(facts: SourceFacts) -> list[str]:
    return [note.what for note in facts.notes if note.kind == "dropped"]


def captions(facts: SourceFacts) -> list[str]:
    return [note.what for note in facts.notes if note.kind == "info" and note.what.startswith("captions")]


FILM = ("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=1")


def film(path: Path, *options: str) -> Path:
    ffmpeg(*FILM, "-c:v", "mpeg4", *options, path)
    return path


def test_timecode_of_a_mov(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mov", "-timecode", "10:00:00:00")
    assert dropped(probe(path)) == ["stream 1 (data, timecode, tmcd, eng)", "timecode 10:00:00:00"]


def test_timecode_of_mxf(tmp_path: Path) -> None:
    path = tmp_path / "a.mxf"
    ffmpeg(*FILM, "-c:v", "mpeg2video", "-timecode", "10:00:00:00", path)
    assert "timecode 10:00:00:00" in dropped(probe(path))


def test_fonts_and_other_attachments(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_bytes(bytes(100))
    options = ["-attach", str(tmp_path / "a.ttf"), "-metadata:s:1", "mimetype=application/x-truetype-font"]
    options += ["-attach", str(tmp_path / "a.ttf"), "-metadata:s:2", "mimetype=text/plain"]
    path = film(tmp_path / "a.mkv", *options)
    assert dropped(probe(path)) == [
        "stream 1 (attachment, font, a.ttf)", "stream 2 (attachment, text/plain, a.ttf)",
    ]  # fmt: skip


def test_subtitles(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,500\nHello\n")
    path = tmp_path / "a.mkv"
    inputs = [*FILM, "-i", str(tmp_path / "a.srt"), "-map", "0", "-map", "1"]
    ffmpeg(
        *inputs,
        "-metadata:s:s:0",
        "language=ger",
        "-metadata:s:s:0",
        "title=Forced",
        "-c:v",
        "mpeg4",
        "-c:s",
        "srt",
        path,
    )
    found = probe(path)
    assert dropped(found) == []
    assert [(one.stream, one.codec, one.language, one.title) for one in found.text] == [(1, "subrip", "ger", "Forced")]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (b"mett", "data, timed metadata, mett"),
        (b"gpmd", "data, GoPro telemetry, gpmd"),
        (b"djmd", "data, DJI telemetry, djmd"),
        (b"xyz1", "data, code xyz1"),
    ],
)
def test_metadata_tracks_of_an_mp4(tmp_path: Path, code: bytes, said: str) -> None:
    """FFmpeg calls them bin_data, or nothing at all."""
    path = film(tmp_path / "a.mov", "-timecode", "10:00:00:00")
    data = path.read_bytes()
    place = data.index(b"tmcd", data.index(b"stsd", data.rindex(b"gmhd")))  # the sample entry
    handler = data.rindex(b"mhlrtmcd") + 4
    data = data[:place] + code + data[place + 4 :]
    path.write_bytes(data[:handler] + b"meta" + data[handler + 4 :])
    assert [one for one in dropped(probe(path)) if one.startswith("stream 1")] == [f"stream 1 ({said}, eng)"]


def crc(section: bytes) -> bytes:
    """ISO/IEC 13818-1, annex A."""
    value = 0xFFFFFFFF
    for byte in section:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ 0x04C11DB7 if value & 1 << 31 else value << 1) & 0xFFFFFFFF
    return value.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("stream_type", "registered", "said"),
    [
        (0x86, b"\x05\x04CUEI", "stream 2 (data, SCTE-35 cues)"),
        (0x86, b"", "stream 2 (data, SCTE-35 cues)"),
        (0xFE, b"", "stream 2 (data, stream type 0xfe)"),
        (0x15, b"", "stream 2 (data, timed metadata)"),
        (0x15, b"\x05\x04KLVA", "stream 2 (data, KLV metadata)"),
        (0x06, b"\x05\x04KLVA", "stream 2 (data, KLV metadata)"),
        (0x06, b"\x05\x04VANC", "stream 2 (data, ancillary data (captions, timecode))"),
        (0x06, b"", "stream 2 (data, private data)"),
    ],
)
def test_data_of_a_transport_stream(tmp_path: Path, stream_type: int, registered: bytes, said: str) -> None:
    """A second tone becomes a stream of another type, with empty packets: FFmpeg would know the sound by its looks."""
    path = tmp_path / "a.ts"
    sound = ("-f", "lavfi", "-i", "sine=duration=1")
    ffmpeg(*FILM, *sound, *sound, "-map", "0", "-map", "1", "-map", "2", "-c:v", "mpeg2video", "-c:a", "mp2", path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        if pid == 0x1000:  # the programme's table, as FFmpeg numbers it
            section = bytearray(data[at + 5 : at + 5 + 3 + data[at + 7] - 4])
            section[section.index(b"\xe1\x02") - 1] = stream_type
            # Of the whole programme, or of the stream: a PMT, 2.4.4.8.
            place = section.index(b"\xe1\x02") + 4 if registered[-4:] in (b"KLVA", b"VANC") else 12
            section[place - 1] += len(registered)
            section[place:place], section[2] = registered, section[2] + len(registered)
            packet = data[at : at + 5] + section + crc(bytes(section))
            data[at : at + TS_PACKET] = packet.ljust(TS_PACKET, b"\xff")
        elif pid == 0x102:
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0) + (14 if data[at + 1] & 0x40 else 0)
            data[begin : at + TS_PACKET] = bytes(at + TS_PACKET - begin)
    path.write_bytes(data)
    assert dropped(probe(path)) == [said]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vp9.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p")),
        ("vp8.webm", ("-c:v", "libvpx", "-auto-alt-ref", "0", "-pix_fmt", "yuva420p")),
        ("prores.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le")),
        ("qtrle.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
        ("ffv1.mkv", ("-c:v", "ffv1", "-pix_fmt", "yuva420p")),
    ],
)
def test_transparency(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "color=red@0.5:size=96x64:rate=25:duration=0.2,format=yuva420p", *options, path)
    assert dropped(probe(path)).count("transparency") == 1


@pytest.mark.parametrize(
    ("version", "scheme", "said"),
    [
        (0, b"urn:scte:scte35:2013:bin", "event messages (SCTE-35 cues)"),
        (1, b"https://aomedia.org/emsg/ID3", "event messages (ID3 metadata)"),
        (1, b"urn:example:of-ours", "event messages (urn:example:of-ours)"),
    ],
)
def test_events_between_fragments(tmp_path: Path, version: int, scheme: bytes, said: str) -> None:
    """In front of each, as streams have them (ISO/IEC 23009-1, 5.10.3.3)."""
    path = film(tmp_path / "a.mp4", "-g", "10", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
    data = path.read_bytes()
    times = bytes(4 * 4) if version == 0 else bytes(5 * 4)
    named = scheme + b"\0" + b"1\0"
    body = named + times if version == 0 else times + named
    message = box(b"emsg", bytes((version, 0, 0, 0)) + body + b"cue")
    count = data.count(b"moof")
    places = [one.start for one in boxes(data) if one.kind == b"moof"]
    assert count > 2
    for place in reversed(places):
        data = data[:place] + message + data[place:]
    path.write_bytes(data)
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, dropped(facts)) == (25, [said])


def test_a_second_view_of_blu_ray(tmp_path: Path) -> None:
    """Stream type 0x20: it adds to the first view, and looks like another film."""
    path = tmp_path / "a.ts"
    ffmpeg(*FILM, "-map", "0", "-map", "0", "-c:v", "libx264", "-preset", "ultrafast", path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 0x1000:
            section = bytearray(data[at + 5 : at + 5 + 3 + data[at + 7] - 4])
            section[section.index(b"\xe1\x01") - 1] = 0x20
            data[at : at + TS_PACKET] = (data[at : at + 5] + section + crc(bytes(section))).ljust(TS_PACKET, b"\xff")
    path.write_bytes(data)
    (note,) = (one for one in probe(path).notes if one.kind == "dropped")
    assert note.what == "stream 1 (video, h264, 96x64, second view for 3D (MVC))"
    assert note.why == "it adds to another stream, which plays without it"


Pictures = Callable[[int], int]
"""How much noise a picture holds, by its number: 0 to 127 steps around grey."""


def flat(number: int) -> int:
    return 0


def noise(number: int) -> int:
    return 127


def shots(number: int) -> int:
    """Change at random, so that pictures of 40 and of 9,000 bytes, with and without headers, stand side by side."""
    return random.Random(number).choice((0, 0, 3, 60, 127))


def picture(number: int, amount: int) -> av.VideoFrame:
    values = np.random.default_rng(number).integers(128 - amount, 129 + amount, (96, 96)).clip(0, 255)
    frame = av.VideoFrame.from_ndarray(values.astype(np.uint8), format="yuv420p")
    frame.pts = number
    return frame


def captioned(
    path: Path, codec: str, muxer: str, begin: int, pictures: Pictures = flat, reordered: int = 0, together: int = 1
) -> float:
    """Write 50 pictures, `together` in each packet; those from `begin` on carry captions. Return when that is shown."""
    extra = SEI if codec == "libx264" else USER_DATA
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.options = {"g": "10", **({"preset": "ultrafast"} if codec == "libx264" else {"bf": str(reordered)})}
        packets = [
            packet for number in range(50) for packet in stream.encode(picture(number, pictures(number)))
        ] + stream.encode(None)
        units = []
        for number, packet in enumerate(packets):
            data = bytes(packet)
            if number >= begin:  # user data of MPEG-2 stand before the first slice, messages of H.264 before all
                at = data.index(b"\x00\x00\x01\x01") if codec == "mpeg2video" else 0
                data = data[:at] + extra + data[at:]
            units.append(data)
        for at in range(0, len(packets), together):
            changed, packet = av.Packet(b"".join(units[at : at + together])), packets[at]
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, stream
            container.mux(changed)
        first = packets[begin] if begin < len(packets) else packets[0]
        assert first.pts is not None
        return float(first.pts * first.time_base)


@pytest.mark.parametrize(
    ("codec", "muxer"),
    [("libx264", "mpegts"), ("libx264", "matroska"), ("mpeg2video", "mpegts"), ("mpeg2video", "mpeg"),
     ("mpeg2video", "matroska"), ("libx264", "mp4"), ("mpeg2video", "mp4")],
)  # fmt: skip
@pytest.mark.parametrize("begin", [0, 30])
def test_captions_wherever_they_begin(tmp_path: Path, codec: str, muxer: str, begin: int) -> None:
    path = tmp_path / "a.bin"
    captioned(path, codec, muxer, begin)
    facts = probe(path)
    found = captions(facts)
    assert len(found) == 1, facts.notes
    assert facts.captions == ("CC1",)
    if muxer == "mp4":  # sampled
        assert found[0].startswith("captions inside the pictures (CEA-608/708): CC1, seen at ")
    else:
        assert found == [f"captions inside the pictures (CEA-608/708): CC1, from {begin / 25:.3f} s"]


@pytest.mark.parametrize("reordered", [0, 2])
@pytest.mark.parametrize("pictures", [flat, noise, shots])
@pytest.mark.parametrize(
    ("muxer", "together"), [("mpeg", 1), ("vob", 1), ("svcd", 1), ("mpegts", 1), ("mpegts", 2), ("mpegts", 5)]
)
def test_pictures_that_share_pes_packets(
    tmp_path: Path, muxer: str, together: int, pictures: Pictures, reordered: int
) -> None:
    """FFmpeg gives a PES packet the time of its second picture where the headers of the first are in the one before."""
    path = tmp_path / "a.bin"
    for begin in (0, 7, 30, 49):
        at = captioned(path, "mpeg2video", muxer, begin, pictures, reordered, together)
        facts = probe(path)
        assert facts.video is not None
        assert (facts.video.frames, facts.video.rate, facts.duration) == (50, Fraction(25), Fraction(2))
        assert captions(facts) == [f"captions inside the pictures (CEA-608/708): CC1, from {at:.3f} s"]
        assert dropped(facts) == []


def test_no_captions_are_made_up(tmp_path: Path) -> None:
    captioned(tmp_path / "a.ts", "libx264", "mpegts", begin=99)
    facts = probe(tmp_path / "a.ts")
    assert facts.captions is None
    assert not [note for note in facts.notes if "captions" in note.what]


def test_pages_of_teletext_with_subtitles_are_streams_of_words(tmp_path: Path) -> None:
    pages = {"888": ("deu", 2), "777": ("fra", 5), "100": ("deu", 1)}
    facts = probe(with_teletext(tmp_path / "a.ts", pages))
    assert [(one.stream, one.page, one.language, one.sdh) for one in facts.text] == [
        (1, "888", "deu", False), (1, "777", "fra", True),
    ]  # fmt: skip
    assert not [one for one in facts.notes if "teletext" in one.what]
    assert probe(with_teletext(tmp_path / "b.ts", {"100": ("deu", 1)})).text == ()


def with_objects(data: bytes) -> bytes:
    """Say in frames of E-AC-3 that objects are beside the channels (ETSI TS 103 420, 8.3.1; TS 102 366, E.1.2.2).

    What is behind the information on the bitstream moves by 22 bits; padding in front of the check makes room.
    """
    found, at = b"", 0
    while at < len(data):
        size = 2 * ((int.from_bytes(data[at + 2 : at + 4]) & 0x7FF) + 1)
        bits = f"{int.from_bytes(data[at : at + size]):0{8 * size}b}"
        assert bits[53] == "0", "additional information follows"
        more = f"1{1:06b}{1:08b}{16:08b}"  # of two bytes: the extension is there, and its complexity
        bits = bits[:53] + more + bits[54 : -18 - len(more) + 1] + bits[-18:]
        found += int(bits, 2).to_bytes(size)
        at += size
    return found


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_objects_of_sound(name: str, tmp_path: Path) -> None:
    """Dolby Atmos in E-AC-3: the 5.1 is mixed down, the places of objects are gone."""
    sound = tmp_path / "a.eac3"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=cl=5.1:r=48000:d=1", "-c:a", "eac3", "-b:a", "640k", sound)
    plain, objects = tmp_path / f"plain-{name}", tmp_path / name
    for path in (plain, objects):
        if path is objects:
            sound.write_bytes(with_objects(sound.read_bytes()))
        ffmpeg(*FILM, "-i", sound, "-map", "0", "-map", "1", "-c:v", "mpeg2video", "-c:a", "copy", path)
    assert dropped(probe(plain)) == []
    assert dropped(probe(objects)) == ["audio stream 1: objects of Dolby Atmos"]
