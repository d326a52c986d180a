"""What a file is that is no film, by its first bytes. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Other:
    """What a file is, and what to do."""

    what: str
    remedy: str


ENCODE = "ffmpeg -i SOURCE -c:v libx264 -crf 16 OUT.mp4"
"""What makes an orderly file of whatever FFmpeg can play."""
VIDEO = "give a video; a picture alone is none"
ITSELF = "give the video file itself"
UNPACK = "unpack it, and give the video in it"

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", VIDEO),
    (b"\xff\xd8\xff", "a JPEG picture", VIDEO),
    (b"II*\0", "a TIFF picture", VIDEO),
    (b"MM\0*", "a TIFF picture", VIDEO),
    (b"8BPS", "a Photoshop picture", VIDEO),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture", VIDEO),
    (b"\xff\x0a", "a JPEG XL picture", VIDEO),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", VIDEO),
    (b"v/1\x01", "an OpenEXR picture", VIDEO),
    (b"PK\3\4", "a ZIP archive", UNPACK),
    (b"PK\5\6", "an empty ZIP archive", ITSELF),
    (b"\x1f\x8b", "compressed by gzip", "unpack it: gunzip"),
    (b"BZh", "compressed by bzip2", "unpack it: bunzip2"),
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it: unxz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it: unzstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it: unlz4"),
    (b"LZIP", "compressed by lzip", "unpack it: lzip -d"),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (b"%PDF", "a PDF document", ITSELF),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document", ITSELF),
    (b"SQLite format 3\0", "a database", ITSELF),
    (b"\x7fELF", "a program", ITSELF),
    (b"MZ", "a program", ITSELF),
)
"""First bytes, what they begin, and what to do."""

_BRANDS = {
    b"heic": "a HEIC picture", b"heix": "a HEIC picture", b"mif1": "a HEIF picture",
    b"avif": "an AVIF picture", b"msf1": "a HEIF image sequence", b"hevc": "a HEIF image sequence",
    b"avis": "an AVIF image sequence",
}  # fmt: skip
"""Major brands of files that hold pictures alone (ISO/IEC 23008-12, 10)."""

_TEXTS = (
    (b"#EXTM3U", "an HLS playlist, not the media it names"),
    (b"ffconcat", "an FFmpeg concat script, not media"),
    (b"<MPD", "a DASH manifest, not the media it names"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
    (b"<!doctype", "an HTML page, often the error page of a download that failed"),
    (b"<html", "an HTML page, often the error page of a download that failed"),
)


def no_media(head: bytes) -> Other | None:
    """Return what a file is that FFmpeg does not read; ``None``: nothing that is known here.

    Args:
        head: First kilobyte of it.
    """
    if head.startswith(b"YUV4MPEG2 "):
        return None  # raw video that FFmpeg reads: a line of text, then pictures, which may be text by chance
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, what in _TEXTS:
        if start[: len(mark)].lower() == mark.lower():
            return Other(what, ITSELF)
    if head.startswith(b"\x89PNG") and b"acTL" in head:
        return Other("an animated PNG", f"convert it first: {ENCODE}")
    if head.startswith(b"RIFF") and head[8:16] == b"WEBPVP8X" and head[20:21] and head[20] & 2:
        return Other("an animated WebP", "give the video that it was made of: FFmpeg does not read it")
    for mark, what, remedy in _STARTS:
        if head.startswith(mark):
            return Other(what, remedy)
    # Behind this an icon has the number of its pictures, and the first box of an MP4, of 256 bytes, its name.
    if head.startswith(b"\0\0\1\0") and head[4:6] != b"\0\0" and not head[4:8].isalpha():
        return Other("an icon", VIDEO)
    if head.startswith(b"BM") and head[6:10] == bytes(4):
        return Other("a BMP picture", VIDEO)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Other("a WebP picture", VIDEO)
    if head[4:8] == b"ftyp" and head[8:12] in _BRANDS:
        return Other(_BRANDS[head[8:12]], VIDEO)
    if head[257:262] == b"ustar":
        return Other("a tar archive", UNPACK)
    return Other("a text file", ITSELF) if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    """Whether it is text in UTF-8, in UTF-16 with a byte order mark, or in an encoding of one byte."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _readable(head[: len(head) // 2 * 2].decode("utf-16", errors="replace"))
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3:  # only the last character was cut
            return _readable(head[: error.start].decode("utf-8"))
        text = head.decode("latin-1")
        letters = sum(byte >= 0xA0 for byte in head)
        return _readable(text) and letters < len(head) // 4
    return _readable(text)


def _readable(text: str) -> bool:
    return all(character.isprintable() or character in "\r\n\t\f\xa0\xad\ufeff" for character in text)
