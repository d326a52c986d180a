"""Films with words: streams and files of subtitles, whose cues are known from the text that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clips.joined_sound import ffmpeg

Line = tuple[float, float, str]
"""Start and end, seconds, and the text."""

ENGLISH: list[Line] = [
    (0.5, 1.75, "<i>Hello</i>, world & all"),
    (1.8, 4.2, "over the join at 2 s"),
    (5.0, 7.001, "5 < 6: <b>bold</b>\nsecond line"),
    (8.0, 9.5, "naïve café, déjà vu"),
]
HEBREW: list[Line] = [(1.0, 3.0, "שלום עולם"), (6.0, 9.0, "איך קוראים לך?")]
JAPANESE: list[Line] = [(2.0, 4.0, "これは字幕です 😀"), (4.0, 6.5, "明日は晴れ")]
SIGNS: list[Line] = [(3.25, 4.75, "EXIT")]
SDH: list[Line] = [(0.5, 1.75, "[door slams] Hello"), (9.0, 9.9, "♪ music ♪")]
SECONDS = 10


def stamp(seconds: float, comma: str = ",") -> str:
    """Return a time as SubRip or WebVTT writes it."""
    whole = round(seconds * 1000)
    return f"{whole // 3600000:02d}:{whole // 60000 % 60:02d}:{whole // 1000 % 60:02d}{comma}{whole % 1000:03d}"


def srt(lines: Sequence[Line]) -> str:
    """Return a SubRip file."""
    return "\n".join(
        f"{number}\n{stamp(start)} --> {stamp(end)}\n{text}\n" for number, (start, end, text) in enumerate(lines, 1)
    )


def pictures(path: Path, seconds: float = SECONDS, *, sound: bool = True) -> Path:
    """Make a film of small pictures that is quickly encoded."""
    inputs = ["-f", "lavfi", "-i", f"testsrc=size=64x48:duration={seconds}:rate=25"]
    inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}"] if sound else []
    ffmpeg(*inputs, "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac", path)
    return path


def subtitled(path: Path, codec: str, streams: Sequence[tuple[Sequence[Line], str, str]]) -> Path:
    """Make a film with streams of words and without sound, whose delay FFmpeg would add to the pictures alone.

    Args:
        path: Of the film.
        codec: FFmpeg's encoder of the words, or ``copy``.
        streams: Of each the lines, the language and the disposition (``0``: none).
    """
    film = pictures(path.with_name(f"pictures-{path.stem}.mkv"), sound=False)
    inputs, options = ["-i", str(film)], ["-map", "0", "-c", "copy", "-c:s", codec]
    for number, (lines, language, flags) in enumerate(streams):
        file = path.with_name(f"{path.stem}-{number}.srt")
        file.write_text(srt(lines))
        inputs += ["-i", str(file)]
        options += ["-map", str(number + 1), f"-metadata:s:s:{number}", f"language={language}"]
        options += [f"-disposition:s:{number}", flags]
    ffmpeg(*inputs, *options, path)
    return path
