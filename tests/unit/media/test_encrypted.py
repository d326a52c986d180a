"""What is encrypted is said to be, with what to do; where sound alone is, the film is made without it."""

from __future__ import annotations

import random
import re
import struct
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from clips.probing import probe
from streamify.errors import SourceError
from streamify.media.source.ebml import CLUSTER, SEGMENT, TRACKS, children, element
from streamify.media.source.encrypted import ASF, looks_encrypted
from streamify.media.source.transport import TS_PACKET
from streamify.mp4.boxes import box, full_box
from unit.media.test_left_out import crc

KEY = "76a6c65c5ea762046bd749a2e632ccbb"
ENCRYPT = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", KEY, "-encryption_kid", KEY)
FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")


def noise(count: int) -> bytes:
    """Return the same bytes, whichever tests ran before."""
    return random.Random(1).randbytes(count)


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound."""
    path = tmp_path_factory.mktemp("encrypted") / "film.mp4"
    source = ("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration=2", "-f", "lavfi", "-i", "sine=duration=2")
    ffmpeg(*source, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path)
    return path


def refused(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        probe(path)
    assert (caught.value.code, caught.value.exit_code) == ("source-encrypted", 3), caught.value
    assert "decrypt it first" in (caught.value.hint or "")
    return caught.value.message


@pytest.mark.parametrize("streams", ["-c", "-an", "-vn"], ids=["both", "pictures", "sound"])
@pytest.mark.parametrize("fragments", [(), FRAGMENTS], ids=["whole", "fragments"])
@pytest.mark.parametrize("scheme", [b"cenc", b"cbcs"])
def test_mp4(streams: str, fragments: tuple[str, ...], scheme: bytes, film: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-i", film, "-c", "copy", *([] if streams == "-c" else [streams]), *ENCRYPT, *fragments, path)
    path.write_bytes(path.read_bytes().replace(b"schm\0\0\0\0cenc", b"schm\0\0\0\0" + scheme))
    assert "encrypted" in refused(path)


def test_fragments_that_ffmpeg_opens(film: Path, tmp_path: Path) -> None:
    """Its own writer puts into fragments what its reader refuses."""
    path = tmp_path / "a.mp4"
    ffmpeg("-i", film, "-c", "copy", *ENCRYPT, *FRAGMENTS, path)
    path.write_bytes(re.sub(rb"senc|saiz|saio", b"free", path.read_bytes()))
    assert refused(path) == "the video is encrypted"


def test_a_film_that_was_decrypted_is_read(film: Path, tmp_path: Path) -> None:
    """The remedy, followed."""
    path, again = tmp_path / "a.mp4", tmp_path / "b.mp4"
    ffmpeg("-i", film, "-c", "copy", *ENCRYPT, path)
    assert refused(path) == "the video is encrypted"
    ffmpeg("-decryption_key", KEY, "-i", path, "-c", "copy", again)
    facts = probe(again)
    assert facts.video is not None
    assert (facts.video.frames, len(facts.audio), facts.notes) == (50, 1, ())


@pytest.mark.parametrize(("protected", "more", "clear"), [(0, b"", True), (1, b"", False), (0, b"seig", False)])
@pytest.mark.parametrize(("kind", "own"), [(b"encv", b"avc1"), (b"enca", b"mp4a")])
def test_samples_in_the_clear_of_an_encrypted_entry(
    kind: bytes, own: bytes, protected: int, more: bytes, clear: bool, film: Path, tmp_path: Path
) -> None:
    """Their default is not to be encrypted (ISO/IEC 23001-7, 8.2), unless a group of samples says otherwise."""
    data = bytearray(film.read_bytes())
    tenc = full_box(b"tenc", 0, 0, bytes([0, 0, protected, 8 * protected]), bytes(16))
    sinf = box(b"sinf", box(b"frma", own), full_box(b"schm", 0, 0, b"cenc", bytes(4)), box(b"schi", tenc))
    sinf += box(b"free", more)
    at = data.index(own, data.index(b"moov"))
    end = at - 4 + int.from_bytes(data[at - 4 : at])
    data[end:end] = sinf
    data[at : at + 4] = kind
    for outer in (kind, b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"):  # it is behind the samples
        place = data.rindex(outer, 0, at + 4)
        data[place - 4 : place] = (int.from_bytes(data[place - 4 : place]) + len(sinf)).to_bytes(4)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    if kind == b"encv" and not clear:
        assert refused(path) == "the video is encrypted"
        return
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, len(facts.audio)) == (50, int(clear or kind == b"encv"))


def locked_mp4(film: Path, path: Path) -> None:
    """Lock the sound of an MP4, by its sample entry."""
    path.write_bytes(film.read_bytes().replace(b"mp4a\0\0\0\0\0\0\0\1", b"enca\0\0\0\0\0\0\0\1"))


def ebml(kind: int, payload: bytes) -> bytes:
    return kind.to_bytes((kind.bit_length() + 7) // 8) + (1 << 56 | len(payload)).to_bytes(8) + payload


def locked_mkv(film: Path, path: Path, *numbers: int) -> None:
    """Encrypt tracks of a Matroska file as WebM does: a byte, a counter, then noise (RFC 9559, 5.1.4.1.31.8)."""
    numbers = numbers or (2,)
    ffmpeg("-i", film, "-c", "copy", path)
    data = path.read_bytes()
    file = BytesIO(data)
    _, _, segment = element(file, 0, len(data))
    _, at, end = element(file, segment, len(data))
    how = ebml(0x5035, ebml(0x47E1, b"\5") + ebml(0x47E2, bytes(16)) + ebml(0x47E7, ebml(0x47E8, b"\1")))
    locks = ebml(0x6D80, ebml(0x6240, ebml(0x5032, b"\1") + ebml(0x5033, b"\1") + how))
    parts = []
    while at < end:
        kind, body, after = element(file, at, end)
        payload = data[body:after]
        if kind == TRACKS:
            entries = [
                (one, entry, dict(children(entry)).get(0xD7, b"\0")[-1] in numbers) for one, entry in children(payload)
            ]
            payload = b"".join(ebml(one, entry + locks if locked else entry) for one, entry, locked in entries)
        elif kind == CLUSTER:
            payload = b"".join(
                ebml(one, block[:4] + b"\1" + bytes(8) + noise(len(block) - 4))
                if one == 0xA3 and block[0] & 0x7F in numbers
                else ebml(one, block)
                for one, block in children(payload)
            )
        if kind not in (0x114D9B74, 0x1C53BB6B):  # what says where things are
            parts.append(ebml(kind, payload))
        at = after
    path.write_bytes(data[:segment] + ebml(SEGMENT, b"".join(parts)))


def locked_ts(film: Path, path: Path, *pids: int) -> None:
    """Scramble packets of a transport stream as conditional access does."""
    ffmpeg("-i", film, "-c", "copy", path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF in (pids or (0x101,)):
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            data[begin : at + TS_PACKET] = noise(at + TS_PACKET - begin)
            data[at + 3] |= 0x80
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("name", "lock"), [("a.mp4", locked_mp4), ("a.mkv", locked_mkv), ("a.ts", locked_ts)], ids=["mp4", "mkv", "ts"]
)
def test_sound_alone_is_left_out_and_named(
    name: str, lock: Callable[[Path, Path], None], film: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    lock(film, path)
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, facts.audio) == (50, ())
    notes = [(note.kind, note.what[:15], note.why) for note in facts.notes]
    assert ("dropped", "stream 1 (audio", "it is encrypted: decrypt it first, and it is carried over") in notes


@pytest.mark.parametrize("tracks", [(1,), (1, 2)])
def test_pictures_of_matroska(tracks: tuple[int, ...], film: Path, tmp_path: Path) -> None:
    locked_mkv(film, tmp_path / "a.mkv", *tracks)
    assert refused(tmp_path / "a.mkv") == "the video is encrypted"


def test_pictures_of_a_transport_stream(film: Path, tmp_path: Path) -> None:
    locked_ts(film, tmp_path / "a.ts", 0x100, 0x101)
    assert refused(tmp_path / "a.ts") == "the video is encrypted"


def test_a_recording_that_begins_before_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows is read, and what is missing is named."""
    monkeypatch.setattr("streamify.media.source.encrypted.LOOKED_AT", 1 << 14)
    path = tmp_path / "a.ts"
    source = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=2", "-pix_fmt", "yuv420p")
    ffmpeg(*source, "-c:v", "libx264", "-preset", "ultrafast", "-g", "5", path)
    data = path.read_bytes()
    assert len(data) > 4 << 14
    clear = len(data) * 2 // 5
    path.write_bytes(scrambled(data[: clear // TS_PACKET * TS_PACKET]) + data[clear // TS_PACKET * TS_PACKET :])
    facts = probe(path)
    assert facts.video is not None
    assert 25 <= facts.video.frames <= 30
    said = [(note.kind, note.what) for note in facts.notes]
    assert ("damaged", "parts of stream 0 (video)") in said
    path.write_bytes(scrambled(data))
    assert refused(path) == "the video is encrypted"


def scrambled(data: bytes, pid: int = 0x100) -> bytes:
    """Scramble the packets of a PID."""
    found = bytearray(data)
    for at in range(0, len(data), TS_PACKET):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF == pid:
            begin = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
            found[begin : at + TS_PACKET] = noise(at + TS_PACKET - begin)
            found[at + 3] |= 0x80
    return bytes(found)


def test_sample_aes(film: Path, tmp_path: Path) -> None:
    """Stream types of HLS's own: slices are encrypted, headers are not."""
    path = tmp_path / "a.ts"
    ffmpeg("-i", film, "-c", "copy", path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF == 0x1000:
            section = bytearray(data[at + 5 : at + 8 + data[at + 7] - 4])
            for pid, kind in ((b"\xe1\0", 0xDB), (b"\xe1\1", 0xCF)):
                section[section.rindex(pid) - 1] = kind
            data[at : at + TS_PACKET] = (data[at : at + 5] + section + crc(bytes(section))).ljust(TS_PACKET, b"\xff")
    path.write_bytes(data)
    assert refused(path) == "the video is encrypted"


@pytest.mark.parametrize("body", [struct.pack("<I4s", 4, b"DRM") * 4, bytes(4)], ids=["read", "not read"])
def test_asf(body: bytes, film: Path, tmp_path: Path) -> None:
    """Its header has an object of encryption (ASF 01.20.03, 3.14), which FFmpeg may refuse."""
    path = tmp_path / "a.wmv"
    ffmpeg("-i", film, "-c:v", "wmv2", "-c:a", "wmav2", path)
    data = path.read_bytes()
    lock = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e") + struct.pack("<Q", 24 + len(body)) + body
    size, count = struct.unpack_from("<QI", data, 16)
    head = data[:16] + struct.pack("<QI", size + len(lock), count + 1) + data[28:30]
    path.write_bytes(head + lock + data[30:])
    assert "is encrypted" in refused(path)


@pytest.mark.parametrize("entry", [b"drms", b"aavd"])
def test_sound_that_was_bought(entry: bytes, film: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    ffmpeg("-i", film, "-vn", "-c", "copy", path)
    path.write_bytes(path.read_bytes().replace(b"mp4a\0\0\0\0\0\0\0\1", entry + b"\0\0\0\0\0\0\0\1"))
    assert "encrypted" in refused(path)


def mark_sectors(path: Path, scrambled: bool) -> None:
    """Mark each packet of pictures and sound as scrambled, and make noise of all but its first bytes if it is to be."""
    data = bytearray(path.read_bytes())
    for found in re.finditer(rb"\x00\x00\x01[\xc0-\xef]..[\x80-\xbf]", bytes(data), re.DOTALL):
        at, length = found.start(), struct.unpack_from(">H", data, found.start() + 4)[0]
        begin, end = at + 9 + data[at + 8] + 100, min(len(data), at + 6 + length)
        data[at + 6] |= 0x10
        if scrambled:
            data[begin:end] = noise(max(0, end - begin))
    path.write_bytes(data)


@pytest.mark.parametrize("scrambled", [True, False])
def test_a_dvd(scrambled: bool, tmp_path: Path) -> None:
    """The first bytes of a sector are in the clear; copies that were decrypted may still be marked."""
    path = tmp_path / "a.vob"
    film = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1")
    ffmpeg(*film, "-c:v", "mpeg2video", "-c:a", "mp2", "-f", "vob", path)
    mark_sectors(path, scrambled)
    if scrambled:
        assert refused(path) == "the video is encrypted"
        return
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, len(facts.audio)) == (25, 1)


@pytest.mark.parametrize("scrambled", [True, False])
def test_long_slices_in_a_program_stream(scrambled: bool, tmp_path: Path) -> None:
    """One slice a picture of 40 kB: few sectors have a start code."""
    path = tmp_path / "a.vob"
    film = ("-f", "lavfi", "-i", "color=size=320x240:rate=25:duration=0.4", "-vf", "noise=alls=100:allf=t")
    ffmpeg(*film, "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-qp", "22", "-an", "-f", "vob", path)
    mark_sectors(path, scrambled)
    if scrambled:
        assert refused(path) == "the video is encrypted"
        return
    facts = probe(path)
    assert facts.video is not None
    assert facts.video.frames == 10


def test_a_broadcast_that_was_decrypted_and_is_still_marked(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    ffmpeg("-i", film, "-c", "copy", path)
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), TS_PACKET):
        if int.from_bytes(data[at + 1 : at + 3]) & 0x1FFF in (0x100, 0x101):
            data[at + 3] |= 0x80
    path.write_bytes(data)
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, len(facts.audio)) == (50, 1)


@pytest.mark.parametrize("size", [1 << 12, 188_000 // 16 * 16 + 16])
def test_a_segment_of_hls(size: int, tmp_path: Path) -> None:
    """Encrypted by AES-128 from its first byte to its last, nothing tells it from noise."""
    (tmp_path / "a.ts").write_bytes(noise(size))
    assert "HLS (AES-128)" in refused(tmp_path / "a.ts")


def test_other_files_are_not_said_to_be(tmp_path: Path) -> None:
    """A bitstream without a container, and bytes of one value."""
    film = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=1", "-c:v", "libx264", "-qp", "5")
    ffmpeg(*film, "-f", "h264", tmp_path / "a.bin")
    (tmp_path / "b.bin").write_bytes(bytes(100_000))
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(SourceError) as caught:
            probe(path)
        assert caught.value.code in ("source-format", "source-unreadable")


@pytest.mark.parametrize(
    "head",
    [b"\0\0\0\x18ftypisom", b"\0\1\0\0mdat", b"\x1aE\xdf\xa3", b"OggS", b"RIFF", b"fLaC", b"MSCF", ASF],
    ids=["ftyp", "mdat", "ebml", "ogg", "riff", "flac", "cabinet", "asf"],
)
def test_damaged_media_is_not_said_to_be(head: bytes) -> None:
    """Its first bytes name what it is; what is behind them may be noise, as compressed pictures are."""
    data = head + noise(1 << 16)
    assert not looks_encrypted(BytesIO(data), len(data))
    assert looks_encrypted(BytesIO(data[len(head) :]), len(data) - len(head))
