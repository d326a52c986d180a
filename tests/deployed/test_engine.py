"""``--engine aws``, ``status``, ``cancel`` and ``resume`` against the deployed stack."""

from __future__ import annotations

import json
import re
import signal
import threading
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

import streamify as api
from clips.make import Clip
from clouds import Cloud, media
from e2e.driving import Job, Ran, job, streamify, wait_for
from emulator import Stack
from faults import proxy
from faults.proxy import Passed
from stores import open_storage

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "aws.md"
FAST = ("--ladder", "240p", "--preset", "ultrafast", "--no-short-start")
SLOW = ("--ladder", "360p,240p", "--preset", "veryslow", "--segment-seconds", "2")


@pytest.fixture(autouse=True)
def _on_aws(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMIFY_ENGINE", "aws")
    monkeypatch.setenv("STREAMIFY_STACK", stack.name)


@pytest.fixture
def dest(stack: Stack) -> str:
    return f"s3://{stack.media}/{uuid.uuid4().hex}/a film.mov"


def transcode(*args: object) -> Ran:
    return streamify("transcode", *args)


def execution(running: Job) -> str:
    """Return the ARN of the execution as soon as it has started."""
    notes = wait_for(lambda: [one for one in running.events("note") if "execution" in one["data"]])
    return str(notes[0]["data"]["execution"])


def status(dest: str) -> Any:
    return streamify("status", dest, "--json").json


def test_a_file_becomes_the_same_bytes_as_on_the_local_engine(
    stack: Stack, dest: str, clip: Path, tmp_path: Path
) -> None:
    source = tmp_path / "ünser film 50%.mp4"
    source.write_bytes(clip.read_bytes())
    first = transcode(source, dest, *FAST, "--events", tmp_path / "events", "--json")
    assert first.code == 0, first.err
    report = first.json
    assert (report["status"], report["engine"], report["tasks_run"]) == ("complete", "aws", 6)
    assert transcode(clip, tmp_path / "out", *FAST, "--engine", "local").code == 0
    assert media(dest) == media(str(tmp_path / "out"))
    events = (tmp_path / "events").read_text()
    for kind in ("job.started", "upload.progress", "plan.ready", "segment.finished", "job.finished"):
        assert f'"kind":"{kind}"' in events, kind
    found = status(dest)
    assert (found["state"], found["done"], found["total"]) == ("complete", 6, 6)
    assert found["execution"]["status"] == "SUCCEEDED"
    again = transcode(source, dest, *FAST)
    assert again.code == 0, again.err
    assert f"is in s3://{stack.uploads} already" in again.err
    assert "6 segments existed" in again.out
    # The rule of the bucket fired too, and made nothing.
    assert list(open_storage(f"s3://{stack.media}").list(".streamify-uploads")) == []


@pytest.mark.long
def test_the_python_api_and_a_source_in_the_bucket(stack: Stack, dest: str, clip: Path) -> None:
    key = f"{uuid.uuid4().hex}.mp4"
    open_storage(f"s3://{stack.uploads}").put(key, clip.read_bytes())
    source, kinds = f"s3://{stack.uploads}/{key}", []
    report = api.transcode(
        source, dest, engine="aws", stack=stack.name, ladder="240p", preset="ultrafast",
        on_event=lambda one: kinds.append(one.kind),
    )  # fmt: skip
    assert report.certificate.encoded == 210
    assert kinds[0] == "job.started"
    assert kinds[-1] == "job.finished"
    assert "upload.progress" not in kinds


@pytest.mark.long
def test_ctrl_c_says_how_to_go_on_and_the_same_command_attaches(
    stack: Stack, dest: str, card: Clip, tmp_path: Path
) -> None:
    with ExitStack() as attaching:
        with stack.holding():
            with job(tmp_path / "one", card.path, dest, *SLOW) as running:
                arn = execution(running)
                wait_for(lambda: running.events("plan.ready"))
                running.process.send_signal(signal.SIGINT)
                ended = running.end()
            assert ended.code == 130
            assert "the job goes on on AWS" in ended.line
            assert f"streamify cancel '{dest}'" in ended.line
            standing = status(dest)
            assert (standing["state"], standing["execution"]["arn"]) == ("running", arn)
            busy = transcode(card.path, dest, *FAST)
            assert (busy.code, "[dest-busy]" in busy.line, arn in busy.line) == (5, True, True)
            attached = attaching.enter_context(job(tmp_path / "two", card.path, dest, *SLOW))
            assert execution(attached) == arn
        ended = attached.end()
    assert ended.code == 0, ended.err
    assert "attached to" in ended.err


@pytest.mark.long
def test_cancel_ends_it_and_resume_makes_what_is_missing(stack: Stack, dest: str, card: Clip, tmp_path: Path) -> None:
    with stack.holding(3), job(tmp_path / "one", card.path, dest, *SLOW) as running:
        arn = execution(running)
        wait_for(lambda: running.events("segment.finished"))
        cancelled = streamify("cancel", dest, "--json")
        run = arn.rsplit(":", 1)[-1]
        told = {"schema": 1, "dest": dest, "run": run, "execution": arn, "cancelled": True, "status": "ABORTED"}
        assert cancelled.json == told
        ended = running.end()
    assert (ended.code, "[cancelled]" in ended.line) == (143, True)
    standing = status(arn)
    assert (standing["state"], standing["execution"]["status"]) == ("cancelled", "ABORTED")
    assert 0 < standing["done"] < standing["total"] == 21
    twice = streamify("cancel", arn)
    assert (twice.code, "had ended" in twice.out) == (0, True)
    resumed = streamify("resume", dest, "--json")
    assert resumed.code == 0, resumed.err
    assert resumed.json["tasks_reused"] >= standing["done"]
    assert resumed.json["tasks_run"] + resumed.json["tasks_reused"] == 21


@pytest.mark.long
def test_a_film_of_which_too_much_is_lost_ends_as_on_this_machine(dest: str, clip: Path, tmp_path: Path) -> None:
    damaged = bytearray(clip.read_bytes())
    first, last = len(damaged) // 10, len(damaged) * 9 // 10
    damaged[first:last] = bytes(last - first)
    source = tmp_path / "damaged.mp4"
    source.write_bytes(damaged)
    local = transcode(source, tmp_path / "out", *FAST, "--engine", "local", "--json")
    ran = transcode(source, dest, *FAST, "--json")
    assert (local.code, ran.code) == (4, 4), ran.err
    codes = [{one["code"] for one in run.json["error"]["failures"]} for run in (local, ran)]
    assert codes == [{"too-many-lost"}] * 2
    assert status(dest)["state"] == "failed"
    assert "too-many-lost" in json.dumps(status(dest))


@pytest.mark.long
def test_two_commands_at_once_do_the_work_once(stack: Stack, dest: str, clip: Path, tmp_path: Path) -> None:
    with job(tmp_path / "one", clip, dest, *FAST) as one, job(tmp_path / "two", clip, dest, *FAST) as two:
        ended = [one.end(), two.end()]
    assert [ran.code for ran in ended] == [0, 0], [ran.err for ran in ended]
    assert len([name for name in stack.objects(dest.split("/", 3)[3]) if name.endswith("items.ndjson")]) == 1


@pytest.mark.long
def test_an_upload_that_is_stopped_leaves_parts_for_the_next_command_and_no_object(
    stack: Stack, dest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "long.mp4"  # of twelve parts
    with source.open("wb") as file:
        file.truncate(200_000_000)
    go_on = threading.Event()

    def hold(request: Passed) -> None:
        if int(parse_qs(request.query).get("partNumber", ["0"])[0]) > 8:
            go_on.wait(120)

    with proxy.before(Cloud("s3", stack.environment["AWS_ENDPOINT_URL"], stack.environment)) as way:
        way.watch = hold
        way.cloud.enter(monkeypatch)
        with job(tmp_path / "events", source, dest) as running:
            wait_for(lambda: [one for one in running.events("upload.progress") if one["data"]["bytes"] > 0])
            running.process.send_signal(signal.SIGTERM)
            go_on.set()
            ended = running.end()
    assert (ended.code, "the same command goes on with it" in ended.line) == (143, True), ended.line
    store = stack.client("s3")
    parts = store.list_multipart_uploads(Bucket=stack.uploads, Prefix=".streamify-uploads/").get("Uploads", [])
    (left,) = [one for one in parts if one["Key"].endswith("long.mp4")]
    store.abort_multipart_upload(Bucket=stack.uploads, Key=left["Key"], UploadId=left["UploadId"])
    there = store.list_objects_v2(Bucket=stack.uploads, Prefix=".streamify-uploads/").get("Contents", [])
    assert [one["Key"] for one in there if one["Key"].endswith("long.mp4")] == []


@pytest.mark.long
def test_a_job_that_an_upload_started(stack: Stack, small: Path) -> None:
    key = f"{uuid.uuid4().hex}.mp4"
    stack.upload(key, small.read_bytes())
    (ended,) = stack.wait(key)
    for name in (f"s3://{stack.media}/{key}", ended["executionArn"]):
        found = status(name)
        assert (found["state"], found["dest"]) == ("complete", f"s3://{stack.media}/{key}")
        assert found["execution"]["arn"] == ended["executionArn"]
    resumed = streamify("resume", f"s3://{stack.media}/{key}", "--json")
    assert (resumed.code, resumed.json["tasks_run"]) == (0, 0), resumed.err


def statements(stack: Stack) -> dict[str, dict[str, Any]]:
    """What docs/guides/aws.md says that the command line needs, by its first action."""
    buckets = [f"arn:aws:s3:::{one}{rest}" for one in (stack.uploads, stack.media) for rest in ("", "/*")]
    resources = {
        "cloudformation:DescribeStacks": [f"arn:aws:cloudformation:*:*:stack/{stack.name}/*"],
        "states:StartExecution": [stack.machine, stack.machine.replace(":stateMachine:", ":execution:") + ":*"],
        "s3:ListBucket": buckets,
        "s3:ListBucketMultipartUploads": [f"arn:aws:s3:::{stack.uploads}"],
        "s3:PutObject": [f"arn:aws:s3:::{stack.uploads}/.streamify-uploads/*"],
    }
    rows = [line.split("|")[1] for line in GUIDE.read_text().splitlines() if re.match(r"\| `[a-z0-9]+:[A-Z]", line)]
    actions = [re.findall(r"`([^`]+)`", row) for row in rows]
    return {one[0]: {"Effect": "Allow", "Action": one, "Resource": resources[one[0]]} for one in actions}


def become(stack: Stack, rights: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on as a user who has these rights and no others."""
    iam, name = stack.client("iam"), f"user-{uuid.uuid4().hex}"
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": rights})
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


@pytest.mark.long
def test_the_rights_that_the_guide_lists_suffice(
    stack: Stack, dest: str, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = statements(stack)
    assert len(rights) == 5
    become(stack, list(rights.values()), monkeypatch)
    ran = transcode(clip, dest, *FAST)
    assert ran.code == 0, ran.err
    for command in ("status", "cancel", "resume"):
        assert streamify(command, dest).code == 0


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("cloudformation:DescribeStacks", "aws-denied"),
        ("states:StartExecution", "aws-denied"),
        ("s3:ListBucket", "storage-denied"),
        ("s3:PutObject", "aws-denied"),
    ],
)
def test_a_right_that_is_missing_is_named(
    stack: Stack, dest: str, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str, code: str
) -> None:
    source = tmp_path / "own.mp4"
    source.write_bytes(clip.read_bytes())
    become(stack, [one for name, one in statements(stack).items() if name != action], monkeypatch)
    ran = transcode(source, dest, *FAST)
    assert (ran.code, f"[{code}]" in ran.line) == (5, True), ran.err
    assert "AccessDenied" in ran.line or "403" in ran.line


def test_a_source_that_the_functions_may_not_read(stack: Stack, dest: str, clip: Path) -> None:
    stack.client("s3").put_object(Bucket="artifacts", Key="a.mp4", Body=clip.read_bytes())
    ran = transcode("s3://artifacts/a.mp4", dest, *FAST)
    assert (ran.code, "[storage-denied]" in ran.line, "copy the source there" in ran.line) == (5, True, True)


@pytest.mark.long
def test_a_source_that_cannot_be_used(dest: str, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"hello, no video\n" * 20)
    ran = transcode(tmp_path / "a.mp4", dest, *FAST)
    assert (ran.code, "[source-not-media]" in ran.line) == (3, True)
    missing = transcode(tmp_path / "gone.mp4", dest, *FAST)
    assert (missing.code, "[source-missing]" in missing.line) == (3, True)


def test_what_cannot_be_used_is_one_line(stack: Stack, dest: str, clip: Path, tmp_path: Path) -> None:
    other = transcode(clip, f"s3://{stack.uploads}/x", *FAST)
    assert (other.code, "[aws-other-bucket]" in other.line, stack.media in other.line) == (5, True, True)
    local = transcode(clip, tmp_path / "out", *FAST)
    assert (local.code, "[aws-dest]" in local.line) == (2, True)
    assert transcode("gs://a/b.mp4", dest, *FAST).code == 2
    gone = transcode(clip, dest, *FAST, "--stack", "nobody-made-this")
    assert (gone.code, "[aws-no-stack]" in gone.line, "nobody-made-this" in gone.line) == (5, True, True)
    open_storage(dest).put("holiday.jpg", b"x")
    taken = transcode(clip, dest, *FAST)
    assert (taken.code, "[dest-occupied]" in taken.line) == (5, True)
    nothing = streamify("status", f"{dest}/none")
    assert (nothing.code, "[no-job]" in nothing.line) == (5, True)


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAXXXXXXXXXXXXXXXX"}, "aws-credentials"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "aws-no-stack"),
    ],
)
def test_the_wrong_key_and_the_wrong_region(dest: str, clip: Path, environment: dict[str, str], code: str) -> None:
    ran = streamify("transcode", clip, dest, *FAST, env=environment)
    assert (ran.code, f"[{code}]" in ran.line, "AWS_" in ran.line) == (5, True, True)
