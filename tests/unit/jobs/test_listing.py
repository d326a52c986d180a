"""The jobs below MEDIA, against folders that real commands left."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from clouds import Cloud, Kind
from e2e.driving import streamify
from stores import open_storage
from streamify.cli.show.jobs import job_lines
from streamify.errors import DestinationError
from streamify.jobs.hold import holding
from streamify.jobs.listing import list_jobs
from streamify.jobs.record import local_claim, read_job
from streamify.jobs.uploads import UploadRecords
from streamify.model.listing import ListedJob
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.upload import Accepted, Ended
from streamify.storage.local import LocalStorage


def look(media: Path) -> dict[str, ListedJob]:
    return {one.name: one for one in list_jobs(Location.of_dest(media), lambda _: False).jobs}


def accepted(media: Path, key: str, when: float) -> Accepted:
    place = Location.of_dest(str(media / key))
    return Accepted(id=uuid.uuid4().hex, key=key, size=1, version="1", source=place, dest=place,
                    settings=MediaSettings(), accepted=when)  # fmt: skip


def ended(upload: Accepted, when: float, outcome: str, started: float | None = None) -> Ended:
    return Ended.model_validate({
        "id": upload.id, "key": upload.key, "size": 1, "source": str(upload.source), "dest": str(upload.dest),
        "outcome": outcome, "accepted": upload.accepted, "ended": when, "started": started,
        **({"code": "bad-setting", "message": "line 2: crf", "retry": "touch it"} if outcome == "failed" else {}),
    })  # fmt: skip


@pytest.fixture
def media(stream: Path, tmp_path: Path) -> Path:
    shutil.copytree(stream, tmp_path / "media" / "a" / "b" / "film.mp4")
    shutil.copytree(stream, tmp_path / "media" / "plain.mov")
    return tmp_path / "media"


def test_streams_in_any_folder_are_found_and_their_tracks_are_none(media: Path) -> None:
    (media / "no stream").mkdir()
    (media / "link").symlink_to(media / "plain.mov")
    found = look(media)
    assert {name: (one.state, one.share) for name, one in found.items()} == {
        "a/b/film.mp4": ("complete", 1.0), "plain.mov": ("complete", 1.0),
    }  # fmt: skip
    assert found["plain.mov"].since == (media / "plain.mov" / "report.json").stat().st_mtime
    assert list(look(media / "plain.mov")) == ["."]


def test_what_runs_was_cut_off_or_cannot_be_read_is_told(media: Path, stream: Path) -> None:
    for name in ("running", "cut off", "newer", "damaged"):
        shutil.copytree(stream, media / name)
    for name in ("running", "cut off"):
        (media / name / "report.json").unlink()
        next((media / name / "video").glob("360p*/00000.m4s")).unlink()
    for name, change in (("newer", {"schema": 99}), ("damaged", None)):
        record = media / name / ".streamify" / "job.json"
        record.write_text("{" if change is None else json.dumps(json.loads(record.read_text()) | change))
    job = read_job(LocalStorage(media / "running"))
    assert job is not None
    place = Location.of_dest(str(media / "running"))
    with holding(place, LocalStorage(media / "running"), local_claim(job), lambda _: False):
        found = look(media)
    assert {name: one.state for name, one in found.items() if one.state != "complete"} == {
        "running": "running", "cut off": "interrupted", "newer": "unreadable", "damaged": "unreadable",
    }  # fmt: skip
    assert (found["newer"].code, found["damaged"].code) == ("state-newer", "state-damaged")
    assert 0 < found["running"].share < 1
    assert next(iter(found)) == "running"


def test_uploads_without_a_dest_are_listed(media: Path) -> None:
    records = UploadRecords(LocalStorage(media))
    waiting, refused = accepted(media, "waiting.mp4", 5.0), accepted(media, "refused.mp4", 6.0)
    records.accept(waiting)
    records.end(ended(refused, 7.0, "failed"))
    found = look(media)
    assert (found["waiting.mp4"].state, found["waiting.mp4"].since) == ("waiting", 5.0)
    assert (found["refused.mp4"].state, found["refused.mp4"].code) == ("failed", "bad-setting")
    text = job_lines(list_jobs(Location.of_dest(media), lambda _: False))
    assert text[0].split() == ["NAME", "STATE", "DONE", "LEFT", "SINCE"]
    assert "refused.mp4: line 2: crf [bad-setting]" in text
    assert text[-1] == "4 jobs: 1 waiting, 1 failed, 2 complete"
    (media / ".streamify-watch" / "ended" / "odd.json").write_text("{")
    (media / ".streamify-watch" / "ended" / "newer.json").write_text('{"schema": 99}')
    newer, odd = list_jobs(Location.of_dest(media), lambda _: False).faults
    assert odd == ".streamify-watch/ended/odd.json at MEDIA cannot be read (remove it)"
    assert newer.startswith(".streamify-watch/ended/newer.json at MEDIA was written by a newer Streamify")
    assert newer.endswith("(update Streamify, or remove it)")


def test_what_ended_last_counts(media: Path) -> None:
    records = UploadRecords(LocalStorage(media))
    before, after = accepted(media, "plain.mov", 1.0), accepted(media, "a/b/film.mp4", 1.0)
    records.end(ended(before, 2.0, "failed", 1.5))  # and then a run by hand made it complete
    records.end(ended(after, time.time() + 9, "failed"))  # a newer upload whose settings were refused
    found = look(media)
    assert found["plain.mov"].state == "complete"
    assert (found["a/b/film.mp4"].state, found["a/b/film.mp4"].message) == ("failed", "line 2: crf")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DestinationError) as raised:
        look(tmp_path / "nothing")
    assert raised.value.code == "no-media"
    assert look(tmp_path) == {}


def test_a_folder_of_jobs_is_no_job(media: Path) -> None:
    for command in ("status", "cancel", "resume"):
        ran = streamify(command, media)
        assert (ran.code, "[job-ambiguous]" in ran.line) == (5, True)
        assert "2 jobs: plain.mov, a/b/film.mp4" in ran.line
    assert f"there is one below it: {media}/a/b/film.mp4" in streamify("status", media / "a").line


@pytest.mark.servers
def test_jobs_in_an_object_store(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch, stream: Path) -> None:
    store = cloud("s3")
    store.enter(monkeypatch)
    place = f"{store.make_bucket(f'b-{uuid.uuid4().hex}')}/media"
    storage = open_storage(place)
    for path in stream.rglob("*"):
        if path.is_file() and path.name != "lock":
            for name in ("a/film 1.mp4", "b.mov"):
                if name != "b.mov" or path.name not in ("report.json", "master.m3u8", "00000.m4s"):
                    storage.put(f"{name}/{path.relative_to(stream).as_posix()}", path.read_bytes())
    found = list_jobs(Location.of_dest(place), lambda _: False)
    assert [(one.name, one.state) for one in found.jobs] == [("b.mov", "interrupted"), ("a/film 1.mp4", "complete")]
