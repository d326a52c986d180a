"""A film with all that is more than pictures and sound: subtitles inside and beside it, captions, chapters."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from clips.captioned import NULL, inject, pop_on
from clips.captioned import film as coded
from clips.joined_sound import ffmpeg
from clips.words import ENGLISH, HEBREW, Line, srt

RATE = 25
SECONDS = 12
GERMAN: list[Line] = [(0.25, 2.5, "Guten Abend"), (5.75, 6.5, "über den Schnitt"), (9.5, 11.75, "Ende")]
"""Of the file beside the film."""
CAPTIONS = {"On the other side": 50, "It ends here": 240}
"""Lines of CC1 by the picture with which they are shown at the latest: the one before has the same code."""
CHANNEL = "CC1:fr"
"""For the setting `caption_tracks`."""
SHOWN: list[Line] = [(49 / RATE, 239 / RATE, "On the other side"), (239 / RATE, SECONDS, "It ends here")]
"""Of the track that it makes."""
LINES = {"en": ENGLISH, "he": HEBREW, "de": GERMAN, "fr": SHOWN}
CHAPTERS = [(0, "Opening"), (4, "Middle"), (8, "End")]
"""Starts, seconds, and titles."""


def worded(folder: Path, size: str = "160x90") -> Path:
    """Make ``film.mkv``, 12 s at 25 pictures a second, and ``film.de.srt`` beside it; return the film."""
    said = [NULL] * (RATE * SECONDS)
    for text, number in CAPTIONS.items():
        pairs = pop_on(text)
        said[number + 1 - len(pairs) : number + 1] = pairs
    plain = coded(folder / "plain.ts", "h264", RATE * SECONDS, Fraction(RATE), size=size)
    captioned = inject(plain, folder / "captioned.mp4", "h264", lambda number: said[number], "mp4")
    ends = [start for start, _ in CHAPTERS[1:]] + [SECONDS]
    (folder / "chapters.txt").write_text(
        ";FFMETADATA1\n"
        + "".join(
            f"[CHAPTER]\nTIMEBASE=1/1\nSTART={start}\nEND={end}\ntitle={title}\n"
            for (start, title), end in zip(CHAPTERS, ends, strict=True)
        )
    )
    inputs: list[str | Path] = ["-i", captioned, "-f", "lavfi", "-i", f"sine=duration={SECONDS}"]
    for language in ("en", "he"):
        (folder / f"{language}.srt").write_text(srt(LINES[language]))
        inputs += ["-i", folder / f"{language}.srt"]
    inputs += ["-i", folder / "chapters.txt"]
    options: list[str | Path] = ["-map", "0:v", "-map", "1:a", "-map", "2", "-map", "3", "-map_chapters", "4"]
    options += ["-c:v", "copy", "-c:a", "pcm_s16le", "-c:s", "srt"]
    options += ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=heb"]
    film = folder / "film.mkv"
    ffmpeg(*inputs, *options, film)
    (folder / "film.de.srt").write_text(srt(GERMAN))
    return film
