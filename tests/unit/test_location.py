"""Locations: parsed once, refused with a reason, written as they were read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.errors import UsageError
from streamify.model.location import Location
from streamify.storage.locate import StoreLocations


@pytest.mark.parametrize(
    ("text", "scheme", "bucket", "key"),
    [
        ("s3://raw/a/b.mov", "s3", "raw", "a/b.mov"),
        ("S3://raw/a/", "s3", "raw", "a"),
        ("gs://raw", "gs", "raw", ""),
        ("az://raw/", "az", "raw", ""),
        ("s3://raw/a b%20c?d#e", "s3", "raw", "a b%20c?d#e"),
        ("/films/a.mp4", "file", "", "/films/a.mp4"),
        ("/films/../a.mp4", "file", "", "/films/../a.mp4"),
    ],
)
def test_a_location_is_taken_apart_literally(text: str, scheme: str, bucket: str, key: str) -> None:
    found = Location.parse(text)
    assert (found.scheme, found.bucket, found.key) == (scheme, bucket, key)
    assert str(found) == text
    assert Location.parse(found.url) == found


def test_a_relative_path_is_shown_as_written_and_used_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert (str(Location.parse("a/b.mp4")), Location.parse("a/b.mp4").url) == ("a/b.mp4", f"{tmp_path}/a/b.mp4")
    assert Location.parse("~/b.mp4").key == "/home/me/b.mp4"
    assert Location.parse("./~").key == f"{tmp_path}/~"


def test_a_removed_current_folder_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(UsageError, match="removed") as caught:
        Location.of_source("film.mp4")
    os.chdir(tmp_path)
    assert caught.value.code == "location-cwd"


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///a", "s3://b/a//", "gs://b/a//c", "s3://b/../c", "s3://b/./c", "az://b/a\\c"]
)
def test_what_names_no_object_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Location.parse(text)
    assert caught.value.code == "location-url"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("gs://b//a.mp4", "gs://b/a.mp4"),
        ("s3://b/a/../c d.mp4", "s3://b/a/c d.mp4"),
        ("gs://b/a/./../c.mp4", "gs://b/a/c.mp4"),
        ("az://b///", "az://b"),
    ],
)
def test_a_key_that_no_url_holds_is_refused_with_one_to_copy_it_to(text: str, good: str) -> None:
    with pytest.raises(UsageError, match="in its key") as caught:
        Location.of_source(text)
    assert caught.value.hint.endswith(f"copy an object that is there: to {good}")


@pytest.mark.parametrize(("text", "key"), [("s3://b//a.mp4", "/a.mp4"), ("az://b/a///c.mp4", "a///c.mp4")])
def test_a_source_whose_key_has_empty_parts(text: str, key: str) -> None:
    found = Location.of_source(text)
    assert (found.bucket, found.key, found.url) == ("b", key, text)
    assert Location.parse(found.url) == found
    with pytest.raises(UsageError, match=r"DEST .* has an empty part"):
        Location.of_dest(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("-", "source-stdin"),
        ("https://example.org/a.mp4", "source-url"),
        ("rtmp://x/y", "source-url"),
        ("s3://bucket", "location-url"),
        ("", "location-empty"),
        ("a\0b", "location-type"),
        ("\udcff", "location-not-utf8"),
        (3, "location-type"),
        (b"a.mp4", "location-type"),
    ],
)
def test_what_cannot_be_a_source(text: object, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Location.of_source(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "code"), [("-", "dest-not-a-folder"), ("ftp://a/b", "dest-not-a-folder"), (None, "location-type")]
)
def test_what_cannot_be_a_dest(text: object, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Location.of_dest(text)
    assert caught.value.code == code


def test_children_parents_and_roots() -> None:
    bucket = Location.parse("s3://b")
    assert bucket.child("a/b.mp4").url == "s3://b/a/b.mp4"
    assert bucket.child("a").child("b").parent == bucket.child("a")
    assert bucket.child("a").parent == bucket
    assert bucket.child("a/b").root == bucket
    assert bucket.child("a/b").name == "b"
    folder = Location.parse("/films")
    assert folder.child("a.mp4").url == "/films/a.mp4"
    assert folder.child("a.mp4").parent == folder


def test_a_stream_inside_its_source_is_seen(tmp_path: Path) -> None:
    film, link = tmp_path / "film.mp4", tmp_path / "link"
    link.symlink_to(film)
    here = Location.parse(str(film))
    assert here.holds(Location.parse(str(link)))
    assert here.holds(Location.parse(str(film / "out")))
    assert not here.holds(Location.parse(f"{film}.out"))
    assert Location.parse("s3://b/a").holds(Location.parse("s3://b/a/c"))
    assert not Location.parse("s3://b/a").holds(Location.parse("s3://b/ab"))
    assert not Location.parse("s3://b/a").holds(Location.parse("gs://b/a"))
    assert not Location.parse("s3://b/a").holds(here)


_parts = st.text(st.characters(exclude_characters="/", exclude_categories=["Cc"], codec="utf-8"), min_size=1)


@given(_parts.filter(lambda part: part not in (".", "..")))
def test_every_key_survives_json(part: str) -> None:
    places = StoreLocations(uploads=Location("s3", "raw", part), media=Location("gs", "media", f"a/{part}"))
    assert StoreLocations.from_json(places.to_json()) == places
