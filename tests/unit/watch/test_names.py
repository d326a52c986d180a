"""Which names are uploads."""

from __future__ import annotations

import pytest

from streamify.watch.names import is_upload, owner_of, sidecar_of


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
