"""The Lambda handlers called in the order of the state machine, over a real S3 server; no Step Functions in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from clips.bitmaps import Card, subtitled
from clips.captioned import NULL, inject, pop_on
from clips.captioned import film as captioned_film
from clips.make import ClipSpec, make_clip
from clips.words import srt
from clouds import Cloud, Kind, media
from e2e.driving import streamify
from e2e.stepping import KEY, SETTINGS, Buckets
from selection import sample
from stores import open_storage
from streamify.backends.aws.events import read_event, settings_of
from streamify.backends.aws.functions import bounds, handlers, later
from streamify.backends.aws.functions import start as begin
from streamify.dest.layout import CLAIM, REPORT, RETIRED
from streamify.errors import DestinationError
from streamify.jobs import claim
from streamify.jobs.attempts import read_attempts
from streamify.jobs.claim import take
from streamify.jobs.fonts import read_font
from streamify.jobs.record import read_job
from streamify.jobs.retire import remove_tracks
from streamify.jobs.steps import Run, split_step
from streamify.model.job import Claim, Retired
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import MediaSettings
from streamify.storage import object_errors
from streamify.storage.objects import ObjectStorage


@pytest.fixture
def buckets(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Buckets:
    store = cloud("s3")
    store.enter(monkeypatch)
    monkeypatch.setattr(begin, "_is_running", lambda *_: False)  # moto interprets no state machine here
    found = Buckets(store)
    monkeypatch.setenv("MEDIA_BUCKET", found.media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    return found


def test_an_upload_becomes_the_same_bytes_as_on_the_local_engine(
    buckets: Buckets, clip: Path, ultrafast_stream: Path
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    assert planned["status"] == "planned"
    assert planned["prepared"]["count"] == 2 * 3 + 1  # one item a segment and rendition, one for the sound
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    end = buckets.assemble(planned)
    assert end["status"] == "complete"
    assert end["frames"] == 210
    made = Report.from_json(buckets.dest.get(REPORT) or b"").cost
    assert made is not None
    assert made.predicted is not None
    assert 0.0005 < made.predicted < 0.01  # 14 s of 360p: 7 tasks are 22 transitions, $0.00055, and some seconds
    assert 0.0005 < made.actual < 0.05  # on a machine that may be busy
    dest = f"{buckets.media}/{KEY}"
    assert media(dest) == media(str(ultrafast_stream))
    assert streamify("verify", dest, "--source", f"{buckets.uploads}/{KEY}").code == 0
    again = buckets.split()
    assert (again["status"], again["reason"]) == ("duplicate", "this version of the original has its stream")
    request = {"source": f"{buckets.uploads}/{KEY}", "dest": dest, "settings": SETTINGS}
    by_hand = buckets.split(request)
    assert (by_hand["status"], by_hand["reason"]) == ("duplicate", "the stream is complete")


@pytest.mark.long
def test_hdr_is_tone_mapped_where_no_file_may_be_written(buckets: Buckets, corpus: Path, tmp_path: Path) -> None:
    film = corpus / "hlg_hevc_9frames.mp4"
    open_storage(buckets.uploads).put(KEY, film.read_bytes())
    planned = buckets.split()
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    flags = ("--ladder", SETTINGS["ladder"], "--preset", SETTINGS["preset"], "--no-short-start")
    ran = streamify("transcode", film, tmp_path / "here", *flags)
    assert ran.code == 0, ran.err
    assert media(f"{buckets.media}/{KEY}") == media(str(tmp_path / "here"))


@pytest.mark.long
def test_loudness_is_measured_before_the_map(
    buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS | {"loudness": -20}))
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    assert buckets.assemble(planned)["status"] == "complete"
    data = open_storage(f"{buckets.media}/{KEY}").get(REPORT)
    assert data is not None
    found = [track for track in Report.from_json(data).tracks if track.kind == "audio"]
    assert [track.loudness is not None and track.loudness.target for track in found] == [-20]
    ran = streamify("transcode", clip, tmp_path / "here", "--loudness", "-20", "--ladder", SETTINGS["ladder"],
                    "--preset", SETTINGS["preset"], "--no-short-start")  # fmt: skip
    assert ran.code == 0, ran.err
    here = Report.from_json((tmp_path / "here" / REPORT).read_bytes()).tracks[-1]
    assert (here.segments.sha256, here.loudness and here.loudness.gain) == (
        found[-1].segments.sha256, found[-1].loudness and found[-1].loudness.gain
    )  # fmt: skip


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


@pytest.mark.long
def test_small_renditions_may_share_an_item(buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUP_BELOW", "400")
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    assert planned["prepared"]["count"] == 3 + 1
    buckets.transcode(planned)
    assert buckets.assemble(planned)["status"] == "complete"


@pytest.mark.long
def test_a_source_without_an_index_is_scanned_up_to_the_cap(
    buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_clip(ClipSpec(container="ts", size=(640, 360)), tmp_path).path.read_bytes()
    open_storage(buckets.uploads).put(KEY, made)
    monkeypatch.setenv("MAX_SCAN_BYTES", str(len(made) - 1))
    refused = buckets.split()
    assert (refused["status"], refused["error"]["code"]) == ("refused", "source-too-large-to-scan")
    assert "ffmpeg" in refused["error"]["hint"]
    monkeypatch.setenv("MAX_SCAN_BYTES", str(len(made)))
    planned = buckets.split()
    assert planned["status"] == "planned", planned


@pytest.mark.long
def test_every_failed_task_is_named_and_only_what_is_missing_is_made_again(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    poisoned = [one.key for one in buckets.dest.list() if one.key.endswith("items.ndjson")]
    lines = [json.loads(line) for line in (buckets.dest.get(poisoned[0]) or b"").splitlines()]
    for line in lines[:2]:
        lost = {"Error": "Runtime.ExitError", "Cause": "signal: killed"}
        handlers.record({"run": planned["run"], "item": line, "error": lost}, None)
    for line in lines[2:]:
        handlers.transcode({"run": planned["run"], "item": line}, None)
    end = buckets.assemble(planned)
    assert end["status"] == "failed"
    assert [one["key"] for one in end["error"]["failures"]] == sorted(line["key"] for line in lines[:2])
    assert end["error"]["exit_code"] == 4
    assert buckets.dest.get("master.m3u8") is None
    resumed = buckets.split({"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}",
                             "settings": SETTINGS | {"replace": True}})  # fmt: skip
    assert resumed["prepared"]["count"] == 2
    for item, tries in zip(buckets.items(resumed), ({"retries": 2}, {"retries": 0, "lost": 1}), strict=True):
        handlers.transcode(item | tries, None)
    assert sorted(one.number for one in read_attempts(buckets.dest, resumed["run"]["id"])) == [2, 3]
    assert buckets.assemble(resumed)["status"] == "complete"


def test_a_source_that_changes_fails_every_task_and_publishes_nothing(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    open_storage(buckets.uploads).put(KEY, clip.read_bytes() + b"\0\0\0\x08free")
    assert {one["status"] for one in buckets.transcode(planned)} == {"failed"}
    end = buckets.assemble(planned)
    assert end["status"] == "superseded"  # by the job of the new version, so nobody has to look after it
    assert (end["error"]["exit_code"], end["error"]["code"]) == (3, "source-changed")
    assert "7 tasks failed" in end["error"]["cause"]
    assert buckets.dest.get("master.m3u8") is None


@pytest.mark.long
def test_a_source_that_is_deleted_fails_the_job(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    open_storage(buckets.uploads).delete(KEY)
    assert {one["status"] for one in buckets.transcode(planned)} == {"failed"}
    end = buckets.assemble(planned)
    assert (end["status"], end["error"]["code"]) == ("failed", "source-changed")


@pytest.mark.long
def test_an_older_version_is_made_to_its_end_and_never_takes_the_place_of_a_newer_one(
    buckets: Buckets, clip: Path, ultrafast_stream: Path
) -> None:
    s3 = boto3.client("s3", endpoint_url=buckets.cloud.endpoint)
    s3.put_bucket_versioning(Bucket=buckets.uploads[5:], VersioningConfiguration={"Status": "Enabled"})
    uploads = open_storage(buckets.uploads)

    def arrived(data: bytes) -> dict[str, Any]:
        uploads.put(KEY, data)
        found = uploads.stat(KEY)
        assert found is not None
        event = buckets.event()
        event["detail"]["object"]["version-id"] = found.version
        return event

    first = arrived(clip.read_bytes())
    planned = buckets.split(first)
    second = arrived(clip.read_bytes() + b"\0\0\0\x08free")
    late = buckets.split(first)
    assert (late["status"], late["job"]["source"]) == ("superseded", f"{buckets.uploads}/{KEY}")
    assert {one["status"] for one in buckets.transcode(planned)} == {"done"}
    end = buckets.assemble(planned)
    assert (end["status"], end["frames"], "error" in end) == ("superseded", 210, False)
    assert media(f"{buckets.media}/{KEY}") == media(str(ultrafast_stream))
    planned = buckets.split(second)
    buckets.transcode(planned)
    assert buckets.assemble(planned)["status"] == "complete"
    report = Report.from_json(buckets.dest.get(REPORT) or b"")
    assert report.source.ref.version == second["detail"]["object"]["version-id"]
    assert buckets.split(first)["status"] == "superseded"
    assert buckets.split(second)["status"] == "duplicate"


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "source-empty"), (b"hello, no video\n" * 20, "source-not-media"), (None, "source-missing")]
)
def test_what_cannot_be_used_is_refused_at_once(buckets: Buckets, data: bytes | None, code: str) -> None:
    if data is not None:
        open_storage(buckets.uploads).put(KEY, data)
    answer = buckets.split()
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("refused", code, 3)
    assert answer["job"]["source"] == f"{buckets.uploads}/{KEY}"


def test_a_dest_with_files_of_somebody_else_is_left_alone(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    buckets.dest.put("holiday.jpg", b"x")
    answer = buckets.split()
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("failed", "dest-occupied", 5)
    assert [one.key for one in buckets.dest.list()] == ["holiday.jpg"]


@pytest.mark.long
def test_the_record_holds_all_that_resume_needs(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    buckets.split()
    record = read_job(buckets.dest)
    assert record is not None
    wanted = settings_of(read_event(buckets.event(), buckets.media[5:], SETTINGS))
    assert (record.source, record.settings) == (Location.parse(f"{buckets.uploads}/{KEY}"), wanted)
    assert (wanted.engine, wanted.replace) == ("aws", True)
    held = claim.read(buckets.dest)
    assert held is not None
    assert (held.job, held.run) == (record.id, "run-1")


def test_caps_and_unknown_settings(buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setenv("MAX_SOURCE_BYTES", "1000")
    assert buckets.split()["error"]["exit_code"] == 7
    monkeypatch.setenv("MAX_SOURCE_BYTES", "0")
    monkeypatch.setenv("SETTINGS", '{"laddder": "auto"}')
    refused = buckets.split()["error"]
    assert (refused["exit_code"], "laddder" in refused["cause"]) == (2, True)


def test_a_job_that_would_cost_too_much_is_refused_before_the_map(
    buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setenv("MAX_COST", "0.0001")  # six tasks alone are twelve transitions: $0.0003
    refused = buckets.split()
    assert (refused["status"], refused["error"]["code"], refused["error"]["exit_code"]) == (
        "refused",
        "cost-too-high",
        7,
    )
    assert "$0.0001" in refused["error"]["cause"]
    monkeypatch.setenv("MAX_COST", "0")
    request = {"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}"}
    cheap = buckets.split(request | {"settings": SETTINGS | {"max_cost": 0.0001}})
    assert cheap["error"]["code"] == "cost-too-high"
    planned = buckets.split(request | {"settings": SETTINGS | {"max_cost": 1}})
    assert planned["status"] == "planned"


@pytest.mark.long
def test_a_task_that_hangs_is_ended_and_not_tried_again(
    buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    monkeypatch.setattr(bounds, "LEAST", 0)
    item = next(one for one in buckets.items(planned) if one["item"]["key"].startswith("video/"))
    assert item["item"]["seconds"] > 0.05
    item["item"]["seconds"] = 0.001  # as if it took a thousand times as long
    assert handlers.transcode(item, None)["status"] == "failed"
    end = buckets.assemble(planned)
    assert [one["code"] for one in end["error"]["failures"]] == ["worker-hung"]
    assert handlers.transcode(buckets.items(planned)[-1], None)["status"] == "done"  # by another worker


def test_storage_that_fails_is_left_to_the_state_machine(buckets: Buckets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr(object_errors, "PATIENCE", 1)
    with pytest.raises(handlers.TransientError):
        buckets.split()


def test_one_execution_at_a_time_holds_a_dest(buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setattr(begin, "_is_running", lambda *_: True)
    answers = [buckets.split() for _ in range(3)]  # an event that is delivered three times
    assert [one["status"] for one in answers] == ["planned", "duplicate", "duplicate"]
    held = Claim.from_json(buckets.dest.get(CLAIM) or b"")
    retried = buckets.split(execution=str(held.execution))  # Lambda tries the same execution's split again
    assert retried["status"] == "planned"


OTHERS = {"ladder": "240p", "preset": "ultrafast", "crf": 30, "replace": True}
"""Settings of a job that begins while functions of an earlier one, which was ended, still run."""


@pytest.fixture
def two(buckets: Buckets, clip: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A job that was ended when its tasks were done, and the one that took the DEST over."""
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    earlier = buckets.split()
    buckets.transcode(earlier)
    request = {"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}", "settings": OTHERS}
    return earlier, buckets.split(request)


@pytest.mark.long
def test_an_assembler_that_outlives_its_job_publishes_nothing(
    buckets: Buckets, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    earlier, later = two
    assert buckets.assemble(earlier)["error"]["code"] == "dest-taken"
    assert "master.m3u8" not in buckets.dest.names()
    buckets.transcode(later)
    assert buckets.assemble(later)["status"] == "complete"
    assert buckets.assemble(earlier)["status"] == "failed"
    assert streamify("verify", f"{buckets.media}/{KEY}").code == 0
    assert Report.from_json(buckets.dest.get("report.json") or b"").settings.ladder == "240p"


@pytest.mark.long
def test_a_splitter_that_outlives_its_job_changes_no_plan(
    buckets: Buckets, two: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    earlier, later = two
    split_step(Run.model_validate(earlier["run"]))  # only now does it write its plan
    assert {one["status"] for one in buckets.transcode(later)} == {"done"}
    assert buckets.assemble(later)["status"] == "complete"
    report = Report.from_json(buckets.dest.get("report.json") or b"")
    assert (report.settings.ladder, report.settings.crf) == ("240p", 30.0)
    assert streamify("verify", f"{buckets.media}/{KEY}").code == 0


@pytest.mark.long
def test_an_event_that_comes_again_leaves_alone_what_was_made_since(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    request = {"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}", "settings": OTHERS}
    planned = buckets.split(request)
    buckets.transcode(planned)
    assert buckets.assemble(planned)["status"] == "complete"
    again = buckets.split()  # the stack's settings are others
    assert (again["status"], again["reason"]) == ("duplicate", "this version of the original has its stream")
    record = read_job(buckets.dest)
    assert record is not None
    assert (record.settings.ladder, record.settings.crf) == ("240p", 30)


@pytest.mark.long
def test_what_was_replaced_goes_once_its_time_is_over(buckets: Buckets, clip: Path) -> None:
    def made(**settings: Any) -> dict[str, Any]:
        request = {"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}",
                   "settings": {"ladder": "240p", "preset": "ultrafast", **settings}}  # fmt: skip
        planned = buckets.split(request)
        buckets.transcode(planned)
        return buckets.assemble(planned)

    def folders() -> set[str]:
        return {one.key.split("/")[1] for one in buckets.dest.list("video/")}

    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    assert "clean" not in made()
    (old,) = folders()
    later = made(crf=40, replace=True, replace_grace=1000)["clean"]
    assert later == {"clean": f"{buckets.media}/{KEY}", "grace": 1000.0}
    held = buckets.dest.get(CLAIM)
    waits = buckets.split(later)
    assert waits["status"] == "busy"
    assert 900 < waits["wait"] <= 1000
    assert old in folders()
    assert buckets.split(later | {"grace": 0})["reason"].startswith("removed 2 replaced tracks")  # and thumbnails
    assert len(folders()) == 1
    assert old not in folders()
    assert buckets.dest.get(CLAIM) == held  # `status` finds the last job by it
    assert buckets.split(later)["reason"] == "nothing is left of an earlier stream"


class Lost(Exception):
    """Stands for the end of a function's process."""


def test_the_last_jobs_claim_is_put_back_after_calls_that_were_lost(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    def before(*_: Any) -> None:
        raise Lost

    def after(*given: Any) -> None:
        remove_tracks(*given)
        raise Lost

    execution = "arn:aws:states:us-east-1:0:execution:streamify:clean"
    last = Claim(job="last", run="last", engine="aws", execution=f"{execution}-not", started=1).to_json()
    buckets.dest.put(CLAIM, last)
    buckets.dest.put(RETIRED, Retired(tracks={"old": 1}).to_json())
    given = {"clean": f"{buckets.media}/{KEY}", "grace": 0}
    for lose in (before, after):
        monkeypatch.setattr(later, "remove_tracks", lose)
        with pytest.raises(Lost):
            buckets.split(given, execution)
        held = claim.read(buckets.dest)
        assert held is not None
        assert held.run == "clean"
    assert buckets.split(given, execution)["reason"] == "nothing is left of an earlier stream"
    assert buckets.dest.get(CLAIM) == last


def test_a_folder_is_no_job(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put("film", clip.read_bytes())
    event = buckets.event()
    event["detail"]["object"]["key"] = "film/"
    answer = buckets.split(event)
    assert (answer["status"], answer["reason"]) == ("duplicate", "it is a folder, no file")


def test_a_key_too_long_for_what_lies_below_it(buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    dest = f"{buckets.media}/{'d' * 250}/{'e' * 250}/{'f' * 400}"
    answer = buckets.split({"source": f"{buckets.uploads}/{KEY}", "dest": dest})
    assert (answer["error"]["code"], answer["error"]["exit_code"]) == ("location-url", 2)


@pytest.mark.parametrize("settings", ["{ladder: 360p}", "[]", "null", "5", '"x"'])
def test_settings_of_the_stack_that_are_none(
    settings: str, buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.setenv("SETTINGS", settings)
    answer = buckets.split()
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("failed", "aws-settings", 2)


@pytest.mark.parametrize(
    ("said", "report", "outcome"),
    sample(
        [
            ("aws-limit", False, "tried again"),
            ("aws-unreachable", False, "tried again"),
            ("aws-denied", False, "dest-claimed"),
            ("aws-denied", True, "planned"),
        ],
        ("aws-limit", False, "tried again"),
        ("aws-denied", False, "dest-claimed"),
    ),
)
def test_a_holder_that_cannot_be_asked_for(
    said: str, report: bool, outcome: str, buckets: Buckets, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    monkeypatch.undo()  # of what says that nobody runs
    buckets.cloud.enter(monkeypatch)
    monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
    if report:
        monkeypatch.setattr(begin, "_is_running", lambda *_: False)
        planned = buckets.split()
        buckets.transcode(planned)
        buckets.assemble(planned)
        monkeypatch.undo()
        buckets.cloud.enter(monkeypatch)
        monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
        open_storage(buckets.uploads).put(KEY, clip.read_bytes() + b"\0\0\0\x08free")
    else:
        assert isinstance(buckets.dest, ObjectStorage)
        arn = "arn:aws:states:us-east-1:0:execution:other:x"
        take(buckets.dest, Claim(execution=arn, job="a", run="x", engine="aws"), lambda _: True)

    def refuse(*_: object) -> bool:
        transient = said in ("aws-limit", "aws-unreachable")
        raise DestinationError(said, "AWS: states:DescribeExecution: as told", "wait", transient=transient)

    monkeypatch.setattr(begin, "is_running", refuse)
    if outcome == "tried again":
        with pytest.raises(handlers.TransientError):
            buckets.split()
        return
    answer = buckets.split()
    assert outcome in (answer["status"], answer.get("error", {}).get("code"))


def test_a_claim_whose_execution_has_ended_is_taken_over_by_one(buckets: Buckets) -> None:
    assert isinstance(buckets.dest, ObjectStorage)

    def of(arn: str, job: str) -> Claim:
        return Claim(execution=arn, run=arn, job=job, engine="aws")

    first, third = of("arn:1", "a"), of("arn:3", "b")
    assert take(buckets.dest, first, lambda _: True) == first
    assert take(buckets.dest, of("arn:2", "b"), lambda _: True) == first
    assert take(buckets.dest, third, lambda held: held.run != "arn:1") == third
    assert take(buckets.dest, first, lambda held: held.run != "arn:1") == third


ODD: list[Any] = [
    {}, [], 5, "text", None,
    {"source": "s3://a/b"},
    {"source": "s3://a/b", "dest": "s3://c", "x": 1},
    {"source": "s3://a/b", "dest": "s3://c", "settings": 5},
    {"source": "s3://a/b", "dest": "s3://c", "resume": "maybe"},
    {"source": 5, "dest": "s3://c"},
    {"source": "/etc/passwd", "dest": "s3://c"},
    {"source": "s3://a/b", "dest": "/tmp/x"},
    {"source": "gs://a/b", "dest": "s3://c"},
    {"source": "s3://a/b", "dest": "gs://c"},
    {"detail-type": "Object Created"},
    {"detail-type": "Object Created", "detail": {"bucket": {"name": 1}, "object": {"key": None}}},
]  # fmt: skip


@pytest.mark.parametrize("given", ODD, ids=json.dumps)
def test_an_input_that_is_neither_event_nor_request(given: Any, buckets: Buckets) -> None:
    answer = handlers.split({"input": given, "execution": "arn:1", "started": "2026-11-24T00:00:00Z"}, None)
    assert (answer["status"], answer["error"]["code"], answer["error"]["exit_code"]) == ("refused", "aws-input", 2)
    assert "s3://..." in answer["error"]["hint"]


@pytest.mark.long
def test_lines_of_the_segment_list_that_were_changed_are_not_used(buckets: Buckets, clip: Path) -> None:
    """A task reads its own lines alone: the hash of the whole list does not tell it."""
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    planned = buckets.split()
    key = next(one.key for one in buckets.dest.list(".streamify") if "/segments-" in one.key)
    lines = (buckets.dest.get(key) or b"").splitlines(keepends=True)
    assert b'"frames":90' in lines[1]
    lines[1] = lines[1].replace(b'"frames":90', b'"frames":91')
    buckets.dest.put(key, b"".join(lines))
    answers = {item["item"]["key"]: handlers.transcode(item, None)["status"] for item in buckets.items(planned)}
    assert [name for name, status in sorted(answers.items()) if status == "failed" and "video" in name] == [
        "video/00001/240p",
        "video/00001/360p",
    ]
    end = buckets.assemble(planned)
    assert {one["code"] for one in end["error"]["failures"]} == {"state-damaged"}
    again = buckets.split()  # which makes the list anew
    assert again["status"] == "planned"
    assert {one["status"] for one in buckets.transcode(again)} == {"done"}
    assert buckets.assemble(again)["status"] == "complete"
