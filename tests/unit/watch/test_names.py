"""Which names are uploads."""

from __future__ import annotations

import pytest

from streamify.watch.names import WordsOf, is_upload, owner_of, sidecar_of, words_of


@pytest.mark.parametrize(
    "key", ["film.mp4", "a/b c/Film.MOV", "part", "a.part.mp4", "tmp/x.mkv", "no extension", "ü/日本.ts", "x.yaml"]
)
def test_uploads(key: str) -> None:
    assert is_upload(key)


@pytest.mark.parametrize(
    "key",
    [
        "film.mp4.part", "film.mp4.PART", "film.crdownload", "film.mp4.filepart", "film.tmp", "film.mp4~", ".film.mp4",
        "a/.hidden/film.mp4", ".film.mp4.Xy12Za", "film.mp4.aria2", "film.mp4.!qB", "a/Thumbs.db", ".DS_Store",
        "incoming.part/film.mp4", "film.mp4.streamify.yaml",
    ],
)  # fmt: skip
def test_what_is_none(key: str) -> None:
    assert not is_upload(key)


def test_a_sidecar_has_the_whole_name_of_its_upload() -> None:
    assert sidecar_of("a/film.mp4") == "a/film.mp4.streamify.yaml"
    assert owner_of("a/film.mp4.streamify.yaml") == "a/film.mp4"
    assert owner_of("a/film.mp4") is None


NAMES = ["a.srt", "a.en.srt", "a.mp4.de.ass", "a.b.srt", "a.b.fr.srt", "a.b.c.vtt", "noext.srt", ".srt", "x.y.z.srt"]


@pytest.mark.parametrize("film", ["a.mp4", "d/a.b.mp4", "a.b.c.mkv", "noext", "a", "z.mp4", "x.mp4"])
def test_the_subtitles_of_a_film_found_by_index_are_those_found_one_by_one(film: str) -> None:
    assert WordsOf(NAMES)(film) == words_of(film, NAMES)


def test_no_film_looks_at_the_subtitles_of_others() -> None:
    """10,000 films with subtitles: each is compared with its own file alone."""
    found = WordsOf(f"film {number}.en.srt" for number in range(10_000))
    assert {len(found._by_start[f"film {number}"]) for number in range(10_000)} == {1}
    assert found("film 77.mp4") == ["film 77.en.srt"]
