"""The Lambda handlers called in the order of the state machine, over a real S3 server; no Step Functions in between."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from clouds import media
from e2e.driving import streamify
from e2e.stepping import KEY, SETTINGS, Buckets
from stores import open_storage
from streamify.backends.aws.events import read_event, settings_of
from streamify.backends.aws.functions import bounds, handlers
from streamify.dest.layout import REPORT
from streamify.jobs import claim
from streamify.jobs.attempts import read_attempts
from streamify.jobs.record import read_job
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.storage import object_errors


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
