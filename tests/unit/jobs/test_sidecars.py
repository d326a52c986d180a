"""Which subtitle files a job reads, and what becomes of those that it does not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import yaml

from e2e.driving import streamify
from streamify.errors import SourceError, UsageError
from streamify.jobs.sidecars import MOST, gather
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.subtitle import SubtitleFile


def gathered(folder: Path, **settings: object) -> list[SubtitleFile]:
    (folder / "film.mp4").touch()
    source = Location.of_source(str(folder / "film.mp4"))
    found = gather(Settings.model_validate(settings), source).settings.subtitles
    assert isinstance(found, tuple)
    assert Settings.model_validate({"subtitles": found}).subtitles == found
    return list(found)


def test_the_same_words_as_several_languages_and_roles(tmp_path: Path) -> None:
    names = ["film.en.srt", "film.en.forced.srt", "film.pt-BR.srt", "film.pt-PT.srt"]
    for name in names:
        (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nEXIT\n")
    assert sorted(one.file for one in gathered(tmp_path)) == sorted(names)


def test_names_of_languages_in_english(tmp_path: Path) -> None:
    for name in ("film.english.srt", "film.Brazilian.forced.srt"):
        (tmp_path / name).write_text(name)
    found = gathered(tmp_path)
    assert {(one.language, one.role) for one in found} == {("en", "main"), ("pt-BR", "forced")}


def test_names_that_say_nothing_are_named(tmp_path: Path) -> None:
    """But not those of another film beside it, nor XML of another kind."""
    (tmp_path / "film.2.mp4").touch()
    (tmp_path / "film.jpeg").touch()
    for name in (
        "film.xyz.srt",
        "film.directors-cut.srt",
        "film.2.srt",
        "film.2.odd.srt",
        "films.odd.srt",
        "film.en.srt",
    ):
        (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nEXIT\n")
    (tmp_path / "film.xml").write_text("<NonRealTimeMeta/>")
    (tmp_path / "film.odd.xml").write_text("<NonRealTimeMeta/>")
    found = gathered(tmp_path)
    assert [one.file for one in found if one.left_out is None] == ["film.en.srt"]
    left_out = {one.file: one.left_out or "" for one in found if one.left_out is not None}
    assert set(left_out) == {"film.xyz.srt", "film.directors-cut.srt"}
    assert all("name it such as film.en.srt" in why for why in left_out.values())


def test_links_out_of_the_folder_are_named_and_not_read(tmp_path: Path) -> None:
    """But for those of a film that is a link itself: they are its user's own."""
    (tmp_path / "secret").write_text("secret")
    folder, farm = tmp_path / "uploads", tmp_path / "farm"
    folder.mkdir()
    farm.mkdir()
    (folder / "film.de.srt").write_text("words")
    (folder / "film.en.srt").symlink_to("film.de.srt")
    (folder / "film.fr.srt").symlink_to(tmp_path / "secret")
    found = {one.file: one.left_out for one in gathered(folder)}
    assert found["film.de.srt"] is found["film.en.srt"] is None
    assert "it is a link out of the film's folder" in (found["film.fr.srt"] or "")
    (farm / "film.fr.srt").symlink_to(tmp_path / "secret")
    (farm / "film.mp4").symlink_to(folder / "film.mp4")
    assert [one.left_out for one in gathered(farm)] == [None]


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    (tmp_path / "film.en.srt").symlink_to("gone.srt")
    (tmp_path / "film.fr.srt").symlink_to("/gone/film.srt")
    (tmp_path / "film.it.srt").mkdir()
    found = {one.file: one.left_out or "" for one in gathered(tmp_path)}
    assert set(found) == {"film.en.srt", "film.fr.srt"}
    assert found["film.en.srt"] == "there is no such file"
    assert "link out of" in found["film.fr.srt"]


def test_a_strict_job_leaves_no_file_out(tmp_path: Path) -> None:
    """What belongs to the film by its name is made or refused; what is of another film is neither."""
    (tmp_path / "film.2.mp4").touch()
    for name in ("film.2.srt", "film.en.srt", "film.xyz.srt"):
        (tmp_path / name).write_text("1\n00:00:01,000 --> 00:00:02,000\nEXIT\n")
    with pytest.raises(SourceError, match=r"film\.xyz\.srt belongs to the film by its name") as caught:
        gathered(tmp_path, strict=True)
    assert caught.value.code == "subtitles-incomplete"
    (tmp_path / "film.xyz.srt").unlink()
    assert [one.file for one in gathered(tmp_path, strict=True)] == ["film.en.srt"]
    (tmp_path / "film.de.srt").symlink_to("/etc/hostname")
    with pytest.raises(SourceError, match="a link out of the film's folder"):
        gathered(tmp_path, strict=True)
    (tmp_path / "film.mp4").touch()
    off = Settings(subtitles="off", strict=True)
    assert gather(off, Location.of_source(str(tmp_path / "film.mp4"))).settings.subtitles == "off"


def test_each_empty_file_is_told(tmp_path: Path) -> None:
    for name in ("film.en.srt", "film.en.vtt"):
        (tmp_path / name).touch()
    assert [one.file for one in gathered(tmp_path)] == ["film.en.srt", "film.en.vtt"]


def test_a_large_file_that_nobody_named_is_left_out(tmp_path: Path) -> None:
    with (tmp_path / "film.en.srt").open("wb") as file:
        file.truncate(16_000_001)
    [found] = gathered(tmp_path)
    assert (found.sha256, found.left_out) == (None, "has 16.0 MB, the limit is 16.0 MB")
    with pytest.raises(UsageError, match="the limit is"):
        gathered(tmp_path, strict=True)


def test_more_files_than_a_film_may_have(tmp_path: Path) -> None:
    for number in range(MOST + 6):
        (tmp_path / f"film.en-{number:04d}.srt").write_text(str(number))
    found = gathered(tmp_path)
    assert len(found) == MOST
    assert (found[-1].left_out or "").endswith("so are 6 more files")


def test_given_twice(tmp_path: Path) -> None:
    ran = streamify("plan", "--print-settings", "--subtitles", "en:a.srt, es-419:b.srt", "--subtitles", "fr:c.srt")
    assert ran.code == 0
    listed = yaml.safe_load(ran.out)["subtitles"]
    assert [(one["language"], one["file"]) for one in listed] == [("en", "a.srt"), ("es-419", "b.srt"), ("fr", "c.srt")]


def test_a_source_is_read_whose_folder_may_not_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    (tmp_path / "film.en.srt").write_bytes(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n")
    source = Location.parse(str(tmp_path / "film.mp4"))
    assert isinstance(gather(Settings(), source).settings.subtitles, tuple)

    def refuse(_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "scandir", refuse)
    assert gather(Settings(), source).settings.subtitles == "auto"
