"""Files built by hand that claim more than they hold."""

from __future__ import annotations

import io
import struct

import av
from av.video.stream import VideoStream

from streamify.mp4.boxes import box, boxes, first, full_box


def film(pictures: int, *, size: int = 64, format: str = "mp4", codec: str = "mpeg4", sound: bool = False) -> bytes:  # noqa: A002
    out = io.BytesIO()
    with av.open(out, "w", format=format) as target:
        stream = target.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = size
        heard = target.add_stream("aac", rate=48000, layout="stereo") if sound else None
        picture = av.VideoFrame(size, size, "yuv420p")
        for one in picture.planes:
            one.update(bytes(one.buffer_size))  # else whatever lies in memory: two calls would give two films
        for number in range(pictures):
            picture.pts = number
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))
        if heard is not None:
            frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            frame.sample_rate, frame.pts = 48000, 0
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            target.mux(heard.encode(frame))
            target.mux(heard.encode(None))
    return out.getvalue().replace(b"edts", b"free")  # edits would leave out what the tables claim


CHUNK = 2000


def stbl(entry: bytes, claimed: int, size: int, at: int, duration: int) -> bytes:
    """Tables of `claimed` samples of `size` bytes, in chunks of 2,000 that all lie at one place."""
    chunks = min(-(-claimed // CHUNK), 10_000)
    return box(
        b"stbl",
        entry,
        full_box(b"stts", 0, 0, struct.pack(">III", 1, claimed, duration)),
        full_box(b"stsc", 0, 0, struct.pack(">IIII", 1, 1, min(claimed, CHUNK), 1)),
        full_box(b"stsz", 0, 0, struct.pack(">II", size, claimed)),
        full_box(b"stco", 0, 0, struct.pack(f">{1 + chunks}I", chunks, *[at] * chunks)),
    )


def rebuilt(data: bytes, path: str, inner: bytes, start: int = 0, end: int | None = None) -> bytes:
    """Return boxes with the one at `path` replaced and the sizes of those around it mended."""
    name, _, rest = path.partition("/")
    parts = []
    for one in boxes(data, start, end):
        if one.kind != name.encode():
            parts.append(data[one.start : one.end])
        elif rest:
            parts.append(box(one.kind, rebuilt(data, rest, inner, one.body, one.end)))
        else:
            parts.append(inner)
    return b"".join(parts)


def claiming(pictures: int, size: int = 100, duration: int = 512) -> bytes:
    data = film(3)
    entry = first(data, "moov/trak/mdia/minf/stbl/stsd")
    mdat = first(data, "mdat").body
    made = stbl(data[entry.start : entry.end], pictures, size, mdat, duration)
    padded = box(b"mdat", data[mdat : first(data, "mdat").end], bytes(size * min(pictures, CHUNK)))
    return rebuilt(rebuilt(data, "moov/trak/mdia/minf/stbl", made), "mdat", padded)


def with_tracks(count: int) -> bytes:
    data = film(3, sound=True)
    moov = first(data, "moov")
    assert moov.end == len(data)
    *_, trak = (one for one in boxes(data, moov.body, moov.end) if one.kind == b"trak")
    copies = []
    for number in range(count):
        copy = bytearray(data[trak.start : trak.end])
        struct.pack_into(">I", copy, first(bytes(copy[8:]), "tkhd").body + 8 + 12, 100 + number)
        copies.append(bytes(copy))
    return data[: moov.start] + box(b"moov", data[moov.body : moov.end], *copies)


def giant() -> bytes:
    """An AVI of raw pictures whose header claims 12,000 x 12,000 pixels."""
    data = bytearray(film(3, format="avi", codec="rawvideo"))
    struct.pack_into("<II", data, data.index(b"strf") + 12, 12_000, 12_000)
    return bytes(data)


def rare_keyframes() -> bytes:
    """A hundred minutes of which only the first picture can be decoded alone."""
    data = film(4)
    entry = first(data, "moov/trak/mdia/minf/stbl/stsd")
    made = stbl(data[entry.start : entry.end], 15_000, 40, first(data, "mdat").body, 10 * 512)
    keys = full_box(b"stss", 0, 0, struct.pack(">II", 1, 1))
    media = first(data, "mdat")
    padded = box(b"mdat", data[media.body : media.end], bytes(200_000))
    return rebuilt(rebuilt(data, "moov/trak/mdia/minf/stbl", box(b"stbl", made[8:], keys)), "mdat", padded)
