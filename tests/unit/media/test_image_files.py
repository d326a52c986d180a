"""Files of HEIF and AVIF: the film of an image sequence, not its still; a still is said to be one."""

from __future__ import annotations

import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from clips.probing import probe
from streamify.errors import SourceError
from streamify.mp4.boxes import box, boxes, find, full_box

SIZE = "64x48"


def encode(path: Path, seconds: str, *, alpha: bool = False) -> Path:
    """Write AVIF with FFmpeg; a second stream is the transparency of the first."""
    source = ["-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate=10:duration={seconds},format=yuva420p"]
    graph = "[0:v]split[x][y];[x]format=yuv420p[a];[y]alphaextract[b]" if alpha else "[0:v]format=yuv420p[a]"
    maps = ["-filter_complex", graph, "-map", "[a]", *(["-map", "[b]"] if alpha else [])]
    still = ["-still-picture", "1"] if seconds == "0.1" else []
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *source, *maps, "-c:v", "libaom-av1", "-cpu-used", "8"]
    subprocess.run([*command, *still, "-f", "avif", str(path)], check=True, timeout=60)
    return path


@pytest.mark.parametrize("alpha", [False, True])
def test_the_film_of_a_sequence_is_chosen(alpha: bool, tmp_path: Path) -> None:
    """The still beside it is its first picture; the other five of six went without a word."""
    facts = probe(encode(tmp_path / "a.avif", "0.6", alpha=alpha))
    assert facts.video is not None
    assert (facts.video.frames, facts.video.rate, facts.duration) == (6, Fraction(10), Fraction(6, 10))
    left = [f"stream 0 (video, av1, {SIZE}, a still, Color)"]
    if alpha:
        left += [
            f"stream 1 (video, av1, {SIZE}, a still, transparency or depth, Alpha)",
            f"stream 3 (video, av1, {SIZE}, transparency or depth)",
        ]
    assert [note.what for note in facts.notes if note.kind == "dropped"] == left


def test_a_still_is_said_to_be_one(tmp_path: Path) -> None:
    facts = probe(encode(tmp_path / "a.avif", "0.1"))
    assert facts.video is not None
    assert facts.video.frames == 1
    assert "a still picture" in [note.what for note in facts.notes if note.kind == "info"]


def test_a_film_of_one_picture_is_no_still(tmp_path: Path) -> None:
    """Its track has ticks of a second, too, as of a slide with music."""
    path = tmp_path / "a.mp4"
    slide = ("-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate=1:duration=1", "-video_track_timescale", "1")
    command = ["ffmpeg", "-nostdin", "-v", "error", *slide, "-c:v", "libx264", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True, timeout=60)
    facts = probe(path)
    assert facts.video is not None
    assert (facts.video.frames, facts.video.time_base, facts.notes) == (1, Fraction(1), ())


@pytest.mark.parametrize("small", [False, True])
def test_a_still_of_tiles_is_refused(small: bool, tmp_path: Path) -> None:
    """As phones write it: one tile of 48 was published as the picture (ISO/IEC 23008-12, 6.6.2.3).

    Beside them may be a small picture of the whole, which is no tile.
    """
    data = encode(tmp_path / "a.avif", "0.1").read_bytes()
    meta, mdat = next(find(data, "meta")), next(find(data, "mdat"))
    iprp = next(one for one in boxes(data, meta.body + 4, meta.end) if one.kind == b"iprp")
    ipco = next(one for one in boxes(data, iprp.body, iprp.end) if one.kind == b"ipco")
    properties = bytes(range(1, 1 + sum(1 for _ in boxes(data, ipco.body, ipco.end))))
    whole = full_box(b"ispe", 0, 0, struct.pack(">II", 128, 48))
    length = mdat.end - mdat.body

    def item(number: int, kind: bytes) -> bytes:
        return full_box(b"infe", 2, 0, struct.pack(">HH4sx", number, 0, kind))

    pictures = (1, 2, 4) if small else (1, 2)
    count = len(pictures) + 1

    def head(at: int) -> bytes:
        said = [(1, properties), (2, properties), (3, bytes([len(properties) + 1])), *([(4, properties)] * small)]
        uses = b"".join(struct.pack(">HB", number, len(own)) + own for number, own in said)
        places = b"".join(struct.pack(">HHHHII", number, 0, 0, 1, at, length) for number in pictures)
        places += struct.pack(">HHHHII", 3, 1, 0, 1, 0, 8)
        return box(b"ftyp", b"avif\0\0\0\0avifmif1miaf") + full_box(
            b"meta", 0, 0,
            full_box(b"hdlr", 0, 0, bytes(4) + b"pict" + bytes(13)),
            full_box(b"pitm", 0, 0, struct.pack(">H", 3)),
            full_box(b"iloc", 1, 0, b"\x44\0" + struct.pack(">H", count), places),
            full_box(b"iinf", 0, 0, struct.pack(">H", count), item(3, b"grid"),
                     *(item(one, b"av01") for one in pictures)),
            full_box(b"iref", 0, 0, box(b"dimg", struct.pack(">HHHH", 3, 2, 1, 2)),
                     box(b"thmb", struct.pack(">HHH", 4, 1, 3)) if small else b""),
            box(b"iprp", box(b"ipco", data[ipco.body : ipco.end], whole),
                full_box(b"ipma", 0, 0, struct.pack(">I", count), uses)),
            box(b"idat", struct.pack(">BBBBHH", 0, 0, 0, 1, 128, 48)),
        )  # fmt: skip

    path = tmp_path / "tiles.avif"
    path.write_bytes(head(len(head(0)) + 8) + box(b"mdat", data[mdat.body : mdat.end]))
    with pytest.raises(SourceError, match="a HEIF or AVIF picture of 2 tiles") as caught:
        probe(path)
    assert caught.value.code == "source-not-media"
