"""Words beside an upload and inside of it, in the functions: subtitles, captions, what is burnt in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clips.bitmaps import Card, subtitled
from clips.captioned import NULL, inject, pop_on
from clips.captioned import film as captioned_film
from clips.words import srt
from e2e.driving import streamify
from e2e.stepping import KEY, SETTINGS, Buckets
from stores import open_storage
from streamify.dest.layout import REPORT
from streamify.jobs.fonts import read_font
from streamify.model.report import Report
from streamify.model.settings import MediaSettings


@pytest.mark.long
def test_words_beside_an_upload_are_made_in_the_map(buckets: Buckets, clip: Path) -> None:
    folder = KEY.rpartition("/")[0]
    words = f"{folder}/{Path(KEY).stem}.en.srt".lstrip("/")
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    open_storage(buckets.uploads).put(words, b"1\n00:00:01,000 --> 00:00:02,500\nHello\n")
    planned = buckets.split()
    assert planned["prepared"]["count"] == 2 * 3 + 1 + 1
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    data = open_storage(f"{buckets.media}/{KEY}").get(REPORT)
    assert data is not None
    [made] = Report.from_json(data).subtitles
    assert (made.language, made.found, made.cues) == ("en", 1, 1)
    assert streamify("verify", f"{buckets.media}/{KEY}").code == 0
    assert buckets.split()["status"] == "duplicate"


@pytest.mark.long
def test_text_is_drawn_with_a_font_by_its_url(
    buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A job that an upload starts finds no font; with the same one it has the bytes of one here."""
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS | {"burn_in": "en"}))
    uploads, words = open_storage(buckets.uploads), srt([(0.5, 1.5, "Hello, <i>world</i>")])
    name = f"{KEY.rpartition('/')[0]}/{Path(KEY).stem}.en.srt".lstrip("/")
    uploads.put(KEY, clip.read_bytes())
    uploads.put(name, words.encode())
    refused = buckets.split()
    assert (refused["status"], refused["error"]["code"]) == ("refused", "burn-in-font")
    _, font = read_font(MediaSettings(burn_in="en"), here=True)
    uploads.put("fonts/a.ttf", font)
    settings = SETTINGS | {"burn_in": "en", "burn_in_font": f"{buckets.uploads}/fonts/a.ttf"}
    monkeypatch.setenv("SETTINGS", json.dumps(settings))
    planned = buckets.split()
    assert planned["status"] == "planned", planned
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    made = Report.from_json(buckets.dest.get(REPORT) or b"")
    (tmp_path / "f.srt").write_text(words)
    (tmp_path / "a.ttf").write_bytes(font)
    ran = streamify("transcode", clip, tmp_path / "here", "--burn-in", "en", "--subtitles", f"en:{tmp_path / 'f.srt'}",
                    "--burn-in-font", tmp_path / "a.ttf", "--ladder", SETTINGS["ladder"], "--preset",
                    SETTINGS["preset"], "--no-short-start")  # fmt: skip
    assert ran.code == 0, ran.err
    here = Report.from_json((tmp_path / "here" / REPORT).read_bytes())
    assert [track.segments.sha256 for track in made.tracks] == [track.segments.sha256 for track in here.tracks]


@pytest.mark.long
def test_captions_are_read_by_sealed_workers(buckets: Buckets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = captioned_film(tmp_path / "plain.ts", "h264", 60, "30", size="426x240")
    said = [NULL] * 10 + pop_on("Good evening") + [NULL] * 60
    film = inject(plain, tmp_path / "f.mp4", "h264", lambda number: said[number], "mp4")
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS | {"caption_tracks": "auto"}))
    open_storage(buckets.uploads).put(KEY, film.read_bytes())
    planned = buckets.split()
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    media = open_storage(f"{buckets.media}/{KEY}")
    [made] = Report.from_json(media.get(REPORT) or b"").subtitles
    assert (made.name, made.found, made.cues) == ("Subtitles CC1", 1, 1)
    ran = streamify("transcode", film, tmp_path / "here", "--caption-tracks", "auto", "--ladder", SETTINGS["ladder"],
                    "--preset", SETTINGS["preset"], "--no-short-start")  # fmt: skip
    assert ran.code == 0, ran.err
    for name in ("all.vtt", "00000.vtt"):
        here = next((tmp_path / "here" / "subtitles").glob(f"*/{name}"))
        assert media.get(f"{made.folder}/{name}") == here.read_bytes()


@pytest.mark.long
def test_bitmaps_are_drawn_by_sealed_workers(buckets: Buckets, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The split's decoder writes what is drawn, and those of the map read their parts of it and nothing else."""
    film = subtitled(tmp_path / "f.mkv", [[Card(0.5, 3.5, 60, 200, 300, 60)]], size=(640, 360), seconds=4)
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS | {"burn_in": "en"}))
    open_storage(buckets.uploads).put(KEY, film.read_bytes())
    planned = buckets.split()
    assert planned["status"] == "planned", planned
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    dest = f"{buckets.media}/{KEY}"
    ran = streamify("transcode", film, tmp_path / "here", "--burn-in", "en", "--ladder", SETTINGS["ladder"],
                    "--preset", SETTINGS["preset"], "--no-short-start")  # fmt: skip
    assert ran.code == 0, ran.err
    here = Report.from_json((tmp_path / "here" / REPORT).read_bytes())
    made = Report.from_json(buckets.dest.get(REPORT) or b"")
    assert [track.segments.sha256 for track in made.tracks] == [track.segments.sha256 for track in here.tracks]
    ran = streamify("verify", dest, "--source", f"{buckets.uploads}/{KEY}")
    assert ran.code == 0, ran.err
