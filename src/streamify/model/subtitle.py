"""Files of words beside a film that become subtitle tracks, as the setting `subtitles` and their names give them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field

from streamify.model.base import Frozen

TextRole = Literal["main", "forced", "sdh", "commentary"]
"""What the words are for; ``forced``: shown to everybody, such as signs and foreign lines; ``sdh``: for those who hear
badly, with sounds and speakers."""

SUFFIXES = (".srt", ".vtt", ".ass", ".ssa", ".ttml", ".dfxp", ".xml")
"""Endings of files that are taken for subtitles beside a film, in small letters."""

FILE_BYTES = 16_000_000
"""Bytes of such a file at most."""

_WORDS: dict[str, TextRole] = {
    "forced": "forced",
    "sdh": "sdh",
    "cc": "sdh",
    "commentary": "commentary",
}
_NAMES: Final = MappingProxyType({
    "albanian": "sq", "arabic": "ar", "armenian": "hy", "basque": "eu", "bengali": "bn", "bosnian": "bs",
    "brazilian": "pt-BR", "bulgarian": "bg", "cantonese": "yue", "catalan": "ca", "chinese": "zh", "croatian": "hr",
    "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "farsi": "fa", "filipino": "fil",
    "finnish": "fi", "french": "fr", "galician": "gl", "georgian": "ka", "german": "de", "greek": "el", "hebrew": "he",
    "hindi": "hi", "hungarian": "hu", "icelandic": "is", "indonesian": "id", "irish": "ga", "italian": "it",
    "japanese": "ja", "korean": "ko", "latvian": "lv", "lithuanian": "lt", "macedonian": "mk", "malay": "ms",
    "malayalam": "ml", "mandarin": "cmn", "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt",
    "romanian": "ro", "russian": "ru", "serbian": "sr", "slovak": "sk", "slovenian": "sl", "spanish": "es",
    "swahili": "sw", "swedish": "sv", "tagalog": "tl", "tamil": "ta", "telugu": "te", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy",
})  # fmt: skip
"""English names of the languages that films have most. `language_data`, which langcodes needs for all of them, has
13 MB and a C extension."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}")


class SubtitleFile(Frozen):
    """A file that becomes a subtitle track."""

    file: str = Field(min_length=1, max_length=4096, description="Path of the file, or its URL in an object store.")
    language: str | None = Field(default=None, max_length=35, description="BCP 47 or ISO 639; ``None``: unknown.")
    role: TextRole = Field(default="main", description="``main``, ``forced``, ``sdh`` or ``commentary``.")
    default: bool = Field(default=False, description="Whether players show it unless their user says otherwise.")
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
        default=None, description="Of its bytes, hex, once it was read; set by Streamify."
    )
    left_out: str | None = Field(default=None, description="Why nothing is made of it; set by Streamify.")

    @property
    def name(self) -> str:
        """Name of the file without its folder."""
        return re.split(r"[/\\]", self.file)[-1]


def parse_subtitles(text: str) -> str | list[dict[str, object]]:
    """Return the setting as it is written on a command line: ``auto``, ``off``, or ``LANGUAGE[.WORD...]:FILE,...``.

    Raises:
        ValueError: It is none of these.
    """
    if text in ("auto", "off"):
        return text
    return [_entry(part.strip()) for part in re.split(r",(?=\s*[A-Za-z0-9_.-]*:)", text)]


def _entry(text: str) -> dict[str, object]:
    marks, colon, file = text.partition(":")
    found = labels_of(marks.split(".")) if colon and file and not file.startswith("//") else None
    if found is None:
        raise ValueError(
            f"'{text}' should be LANGUAGE:FILE, such as en:film.srt, en.forced:signs.srt or en.sdh:film.cc.vtt"
        )
    return {"file": file, **found}


def labels_of(words: list[str]) -> dict[str, object] | None:
    """Return language, role and default from words such as ``en`` and ``forced``; ``None``: one says neither."""
    found: dict[str, object] = {}
    for word in words:
        hearing = word.lower() == "hi" and "language" in found  # else it is Hindi
        role: TextRole | None = "sdh" if hearing else _WORDS.get(word.lower())
        if role is not None and "role" not in found:
            found["role"] = role
        elif word.lower() == "default" and "default" not in found:
            found["default"] = True
        elif word.lower() in _NAMES and "language" not in found:
            found["language"] = _NAMES[word.lower()]
        elif _LANGUAGE.fullmatch(word) and "language" not in found and role is None:
            found["language"] = word
        else:
            return None
    return found


UNCLEAR = (
    "its name says neither a language nor forced, sdh, commentary or default: name it such as film.en.srt, or give it "
    "with --subtitles"
)
"""Why a file beside a film is left out."""


def unclear(film: str, name: str, others: Iterable[str]) -> bool:
    """Return whether a file is of subtitles and belongs to a film by the start of its name, and the rest says nothing.

    Args:
        film: Name of the film's file.
        name: Of a file that `beside` takes for none of its subtitles.
        others: Names in the same folder: it can be that of another film, such as ``film.2.srt`` of ``film.2.mp4``.
    """
    stem = film.rpartition(".")[0] or film
    if not name.startswith(f"{stem}.") or not name.lower().endswith(SUFFIXES) or name.lower().endswith(".xml"):
        return False
    longer = (one for one in others if len(one.rpartition(".")[0]) > len(stem) and not one.lower().endswith(SUFFIXES))
    return not any(beside(other, name) is not None or unclear(other, name, ()) for other in longer)


def beside(film: str, name: str) -> SubtitleFile | None:
    """Return what a file beside a film is, by its name: ``film.en.forced.srt`` belongs to ``film.mp4``.

    ``None``: it is no subtitle, or of another film.

    Args:
        film: Name of the film's file.
        name: Of a file in the same folder.
    """
    stem, dot, _ = film.rpartition(".")
    suffix = next((one for one in SUFFIXES if name.lower().endswith(one)), None)
    for start in (film, stem if dot else film):
        if suffix is not None and name.startswith(start) and len(name) >= len(start) + len(suffix):
            middle = name[len(start) : -len(suffix)]
            found = labels_of(middle[1:].split(".")) if middle.startswith(".") else {} if not middle else None
            if found is not None:
                return SubtitleFile.model_validate({"file": name, **found})
    return None
