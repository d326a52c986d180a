"""Which execution holds a DEST, and what becomes of functions that outlive their job, or are called again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from clouds import media
from e2e.driving import streamify
from e2e.stepping import KEY, Buckets
from selection import sample
from stores import open_storage
from streamify.backends.aws.functions import handlers, later
from streamify.backends.aws.functions import start as begin
from streamify.dest.layout import CLAIM, REPORT, RETIRED
from streamify.errors import DestinationError
from streamify.jobs import claim
from streamify.jobs.claim import take
from streamify.jobs.record import read_job
from streamify.jobs.retire import remove_tracks
from streamify.jobs.steps import Run, split_step
from streamify.model.job import Claim, Retired
from streamify.model.report import Report
from streamify.storage.objects import ObjectStorage


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
