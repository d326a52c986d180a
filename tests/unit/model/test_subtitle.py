"""Which files belong to a film, and what their names say."""

from __future__ import annotations

import pytest

from streamify.model.subtitle import beside
from streamify.watch.names import is_upload, words_of


@pytest.mark.parametrize(
    ("name", "language", "role"),
    [
        ("film.srt", None, "main"),
        ("film.en.srt", "en", "main"),
        ("film.EN.Forced.SRT", "EN", "forced"),
        ("film.mp4.de.vtt", "de", "main"),
        ("film.zh-Hans.sdh.ass", "zh-Hans", "sdh"),
        ("film.cc.vtt", None, "sdh"),
        ("film.hi.srt", "hi", "main"),
        ("film.en.hi.srt", "en", "sdh"),
        ("film.en.commentary.srt", "en", "commentary"),
    ],
)
def test_words_of_a_film(name: str, language: str | None, role: str) -> None:
    found = beside("film.mp4", name)
    assert found is not None
    assert (found.file, found.language, found.role) == (name, language, role)


@pytest.mark.parametrize(
    "name", ["films.en.srt", "film.backup.srt", "film.en.fr.srt", "film.en.txt", "film.mp4", "a.srt"]
)
def test_what_is_none(name: str) -> None:
    assert beside("film.mp4", name) is None


def test_watch_takes_words_for_a_part_of_their_upload() -> None:
    assert not is_upload("a/film.en.srt")
    assert words_of("a/film.mp4", ["film.fr.srt", "film.en.srt", "other.en.srt"]) == ["film.en.srt", "film.fr.srt"]
