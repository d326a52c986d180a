"""Which names in UPLOADS are uploads, and which belong to one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from streamify.model.subtitle import SUFFIXES, beside

SIDECAR = ".streamify.yaml"
"""Ends the name of the settings of one upload: ``film.mp4.streamify.yaml`` beside ``film.mp4``."""
_PARTIAL = (".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".tmp", ".temp", ".aria2",
            ".!qb", ".!ut", ".swp", "~")  # fmt: skip
"""Ends of names, in lower case, that browsers, copy programs and editors give to what is not finished."""
_LITTER = frozenset({"thumbs.db", "desktop.ini"})
"""Files that a desktop leaves in folders, in lower case."""


def is_hidden(name: str) -> bool:
    """Return whether a name of a file or folder is one that is left out: hidden, or of something unfinished."""
    low = name.lower()
    return name.startswith(".") or low.endswith(_PARTIAL) or low in _LITTER


def is_upload(key: str) -> bool:
    """Return whether a key below UPLOADS is an upload, by its name; what it holds is another matter."""
    return not key.endswith(SIDECAR) and not is_words(key) and not any(is_hidden(part) for part in key.split("/"))


def is_words(key: str) -> bool:
    """Return whether a key below UPLOADS is that of subtitles, which are part of the upload that they lie beside."""
    return key.lower().endswith(SUFFIXES)


class WordsOf:
    """Finds the subtitles of each upload of a folder without a look at all of them for each.

    Args:
        names: Of the subtitles in the folder.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for name in names:
            # What a name can begin with is all of it up to one of its dots: `film` and `film.en` of `film.en.srt`.
            for at, char in enumerate(name):
                if char == "." and at:
                    self._by_start.setdefault(name[:at], []).append(name)

    def __call__(self, key: str) -> list[str]:
        """Return the names of the subtitles of an upload, in order."""
        film = key.rsplit("/", 1)[-1]
        stem = film.rpartition(".")[0] or film
        return words_of(film, self._by_start.get(stem, ()))


def words_of(key: str, names: Iterable[str]) -> list[str]:
    """Return the names of the subtitles of an upload, in order.

    Args:
        key: Of the upload.
        names: Of the subtitles in its folder.
    """
    film = key.rsplit("/", 1)[-1]
    return sorted(name for name in names if beside(film, name) is not None)


def sidecar_of(key: str) -> str:
    """Return the key of the settings of an upload."""
    return key + SIDECAR


def owner_of(key: str) -> str | None:
    """Return the key of the upload that a sidecar belongs to; ``None``: it is none."""
    return key.removesuffix(SIDECAR) if key.endswith(SIDECAR) and not key.endswith("/" + SIDECAR) else None
