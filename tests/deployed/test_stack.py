"""An original uploaded to the deployed stack becomes a stream, and what can go wrong on the way is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from benchmarks import trial

from clips.make import Clip, ClipSpec, make_clip
from e2e.driving import published, streamify, wait_for
from e2e.test_resume import poison
from emulator import DEPLOY, HOME, SETTINGS, Stack, built, deploy, sam
from players_harness import Browsers, Player, misplaced, play
from streamify.storage.base import sha256

KEY = "a é/b+c &1 50%.mp4"
ITEMS = 2 * 3 + 1
"""Of `clip`: two renditions of three segments, and the sound."""


@pytest.fixture
def mail(stack: Stack) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the topic says from now on."""
    queues, topics = stack.client("sqs"), stack.client("sns")
    topic = next(one["TopicArn"] for one in topics.list_topics()["Topics"] if "Topic" in one["TopicArn"])
    name = f"mail-{uuid.uuid4().hex}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = queues.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = topics.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )

    def read() -> list[dict[str, Any]]:
        found = []
        while messages := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(one["Body"]) for one in messages]
            for one in messages:
                queues.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return found

    yield read
    topics.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


@pytest.fixture(scope="session")
def local(ultrafast_stream: Path) -> dict[str, str]:
    """Checksums of all media files that the local engine makes of the clip, without the hashes of their folders."""
    return sums_of(ultrafast_stream)


def sums_of(dest: Path) -> dict[str, str]:
    return sums({str(path.relative_to(dest)): path.read_bytes() for path in dest.rglob("*.m*")})


def sums(files: dict[str, bytes]) -> dict[str, str]:
    """Return the checksum of every media file."""
    return {
        "/".join((name.split("/")[0], name.split("/")[1].rsplit("-", 1)[0], name.split("/")[2])): sha256(data)
        for name, data in files.items()
        if name.endswith((".m4s", ".mp4"))
    }


def fetched(stack: Stack, key: str, folder: Path) -> Path:
    """Copy a stream out of the media bucket, as viewers get it."""
    for name, data in stack.objects(key).items():
        if not name.startswith(".streamify/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    return folder


def test_an_upload_becomes_a_stream_that_players_play(
    stack: Stack,
    sparse: Clip,
    local: dict[str, str],
    mail: Callable[[], list[dict[str, Any]]],
    browsers: Browsers,
    tmp_path: Path,
) -> None:
    stack.upload(KEY, sparse.path.read_bytes())
    (execution,) = stack.wait(KEY)
    assert execution["status"] == "SUCCEEDED", execution
    files = stack.objects(KEY)
    assert sums(files) == local  # the same bytes as on the local engine
    report = json.loads(files["report.json"])
    assert (report["status"], report["engine"], report["tasks_run"]) == ("complete", "aws", 3 * 3)
    (said,) = wait_for(mail)
    assert (said["status"], said["frames"]) == ("complete", sparse.frames)
    assert said["job"]["source"] == f"s3://{stack.uploads}/{KEY}"
    heads = {name: stack.client("s3").head_object(Bucket=stack.media, Key=f"{KEY}/{name}") for name in files}
    for name, head in heads.items():
        if name.endswith((".m4s", ".mp4")):
            assert (head["ContentType"], "immutable" in head["CacheControl"]) == (f"{name.split('/')[0]}/mp4", True)
    store = stack.client("s3")
    tags = {name: store.get_object_tagging(Bucket=stack.media, Key=f"{KEY}/{name}")["TagSet"] for name in files}
    runs = {name for name in files if name.startswith(".streamify/runs/")}
    assert {name for name, found in tags.items() if found == [{"Key": "streamify", "Value": "run"}]} == runs
    assert {name for name, found in tags.items() if found} == runs
    assert runs
    assert heads["master.m3u8"]["ContentType"] == "application/vnd.apple.mpegurl"
    assert heads["manifest.mpd"]["ContentType"] == "application/dash+xml"
    dest = fetched(stack, KEY, tmp_path / "dest")
    assert streamify("verify", dest).code == 0
    players: tuple[Player, ...] = ("native", "hlsjs")
    for player in players:
        result = play(browsers, dest, player, rate=2, again=True, times=sparse.times)
        assert (result["problems"], result["ended"], result["decoded"]) == ([], True, sparse.frames)
        assert misplaced(result, sparse.times) == []


@pytest.mark.long
def test_the_same_event_again_and_again_runs_once(stack: Stack, clip: Path, local: dict[str, str]) -> None:
    key = "again.mp4"
    stack.upload(key, clip.read_bytes())
    (first,) = wait_for(lambda: stack.executions(key))
    event = json.loads(first["input"])
    arns: list[str] = []
    together = [threading.Thread(target=lambda: arns.append(stack.start(event))) for _ in range(3)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    ended = stack.wait(key, 4)
    assert [one["status"] for one in ended] == ["SUCCEEDED"] * 4
    outputs = [json.loads(one["output"]) for one in ended]
    assert sorted(out.get("status") or out["plan"]["status"] for out in outputs) == ["complete", *["duplicate"] * 3]
    files = stack.objects(key)
    assert sums(files) == local
    assert len([name for name in files if name.endswith("items.ndjson")]) == 1  # only one of them made a list


@pytest.mark.long
@pytest.mark.parametrize(
    "names", [("b.mp4", "b.mov"), ("a b.mp4", "a+b.mp4"), ("50%25.mp4", "50%.mp4"), ("x&y=z#.mp4",)]
)
def test_keys_of_every_kind_side_by_side(stack: Stack, small: Path, names: tuple[str, ...]) -> None:
    for name in names:
        stack.upload(name, small.read_bytes())
    for name in names:
        (execution,) = stack.wait(name)
        assert execution["status"] == "SUCCEEDED", execution
        assert json.loads(stack.objects(name)["report.json"])["source"]["ref"]["key"] == name


def test_what_is_no_video_fails_once_and_says_why(stack: Stack, mail: Callable[[], list[dict[str, Any]]]) -> None:
    key = "notes.mp4"
    stack.upload(key, b"Dear Sir or Madam,\n" * 50)
    (execution,) = stack.wait(key)
    assert execution["status"] == "SUCCEEDED"  # its sender can mend it: no alarm
    cause = json.loads(execution["output"])["error"]
    assert "text file" in cause["cause"]
    assert cause["hint"]
    (said,) = wait_for(mail)
    assert (said["status"], said["error"]["code"]) == ("refused", "source-not-media")
    assert calls(stack, execution["executionArn"]) == ["Split", "Say"]  # nothing was tried again
    assert not {name for name in stack.objects(key) if not name.startswith(".streamify/")}


@pytest.mark.long
def test_holes_beyond_the_limit_are_all_named_and_nothing_is_published(
    stack: Stack, tmp_path: Path, mail: Callable[[], list[dict[str, Any]]]
) -> None:
    spec = ClipSpec(seconds=Fraction(12), rate=Fraction(12), size=(320, 240), gop=12, audio=None)
    bad = poison(make_clip(spec, tmp_path).path, tmp_path / "bad.mp4", (2.5, 4.5), (6.5, 8.5))
    stack.client("s3").put_object(Bucket="artifacts", Key="bad.mp4", Body=bad.read_bytes())
    settings = {"ladder": "auto", "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"}
    request = {"source": "s3://artifacts/bad.mp4", "dest": f"s3://{stack.media}/poisoned", "settings": settings}
    ended = stack.end(stack.start(request))
    assert (ended["status"], ended["error"]) == ("FAILED", "storage-denied")  # of no bucket but the stack's own
    wait_for(mail)
    stack.upload("bad.mp4", bad.read_bytes())
    stack.wait("bad.mp4")
    ended = stack.end(stack.start(request | {"source": f"s3://{stack.uploads}/bad.mp4"}))
    assert (ended["status"], ended["error"]) == ("FAILED", "tasks-failed")
    failures = json.loads(ended["cause"])["failures"]
    assert [one["code"] for one in failures] == ["too-many-lost"]
    assert all(f"from {second}." in failures[0]["cause"] for second in (2, 6)), failures
    assert "failed" in [one["status"] for one in wait_for(mail)]
    assert not {"master.m3u8", "manifest.mpd", "report.json"} & set(stack.objects("poisoned"))


@pytest.mark.long
def test_after_the_fix_resume_runs_only_what_is_missing(stack: Stack, clip: Path, local: dict[str, str]) -> None:
    key = "fixed.mp4"
    deny = {
        "Effect": "Deny",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{stack.media}/{key}/video/*/00001.m4s",
    }
    with stack.policy(("TranscodeFunction", "TranscodeLargeFunction", "TranscodeLargestFunction"), deny):
        stack.upload(key, clip.read_bytes())
        (execution,) = stack.wait(key)
    assert (execution["status"], execution["error"]) == ("FAILED", "tasks-failed")
    failures = json.loads(execution["cause"])["failures"]
    assert {(one["key"].split("/")[1], one["code"]) for one in failures} == {("00001", "storage-denied")}
    assert "report.json" not in stack.objects(key)
    again = stack.end(stack.start({"source": f"s3://{stack.uploads}/{key}", "dest": f"s3://{stack.media}/{key}",
                                   "settings": SETTINGS, "resume": True}))  # fmt: skip
    assert again["status"] == "SUCCEEDED"
    report = json.loads(stack.objects(key)["report.json"])
    assert (report["tasks_run"], report["tasks_reused"]) == (2, 7)
    assert sums(stack.objects(key)) == local


@pytest.mark.long
def test_a_new_version_during_the_job_takes_its_turn(stack: Stack, clip: Path, small: Path, tmp_path: Path) -> None:
    key = "versions.mp4"
    with stack.holding():
        stack.upload(key, clip.read_bytes())
        wait_for(stack.held)
        stack.upload(key, small.read_bytes())
        wait_for(lambda: len(stack.executions(key)) == 2)
    first, second = stack.wait(key, 2)
    assert [one["status"] for one in (first, second)] == ["SUCCEEDED"] * 2, (first.get("cause"), second.get("cause"))
    ends = [json.loads(one["output"])["status"] for one in (first, second)]
    assert ends == ["superseded", "complete"]
    assert "error" not in json.loads(first["output"])  # all of the old version was read, and it was published
    dest = fetched(stack, key, tmp_path / "dest")
    assert published(dest)
    (tmp_path / "small.mp4").write_bytes(small.read_bytes())
    assert json.loads((dest / "report.json").read_text())["source"]["ref"]["size"] == small.stat().st_size
    assert streamify("verify", dest).code == 0


@pytest.mark.long
def test_a_stream_that_grows_ends_as_any_other(stack: Stack, clip: Path, local: dict[str, str]) -> None:
    stack.client("s3").put_object(Bucket=stack.uploads, Key=".streamify-uploads/grown.mp4", Body=clip.read_bytes())
    settings = SETTINGS | {"publish": "early"}
    execution = stack.end(stack.start({"source": f"s3://{stack.uploads}/.streamify-uploads/grown.mp4",
                                       "dest": f"s3://{stack.media}/grown.mp4", "settings": settings}))  # fmt: skip
    assert execution["status"] == "SUCCEEDED", execution
    files = stack.objects("grown.mp4")
    assert sums(files) == local
    assert b"EXT-X-ENDLIST" in next(data for name, data in files.items() if name.endswith("playlist.m3u8"))
    assert ".streamify/growing.json" not in files
    history = stack.history(execution["executionArn"])
    done = [json.loads(one["taskSucceededEventDetails"]["output"]) for one in history
            if "output" in one.get("taskSucceededEventDetails", {})]  # fmt: skip
    said = [one.get("Payload", {}).get("status") for one in done if isinstance(one, dict)]
    assert [one for one in said if one in ("growing", "ended")][-1] == "ended"  # it saw the end of the map


@pytest.mark.long
def test_what_was_replaced_goes_by_itself(stack: Stack, small: Path) -> None:
    key, store = ".streamify-uploads/replaced.mp4", stack.client("s3")
    store.put_object(Bucket=stack.uploads, Key=key, Body=small.read_bytes())

    def made(**settings: Any) -> None:
        request = {"source": f"s3://{stack.uploads}/{key}", "dest": f"s3://{stack.media}/replaced.mp4",
                   "settings": SETTINGS | settings}  # fmt: skip
        assert stack.end(stack.start(request))["status"] == "SUCCEEDED"

    def folders() -> set[str]:
        pages = store.get_paginator("list_objects_v2").paginate(Bucket=stack.media, Prefix="replaced.mp4/video/")
        return {one["Key"].split("/")[2] for page in pages for one in page.get("Contents", [])}

    made()
    (old,) = folders()
    made(crf=40, replace=True, replace_grace=1)
    wait_for(lambda: old not in folders())
    assert len(folders()) == 1


@pytest.mark.long
def test_the_trial_says_what_an_account_did(stack: Stack, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trial.main([str(small), "--stack", stack.name])
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["tasks"] == "1, 0 of them tried again"
    assert lines["cost"].startswith("$0.00")
    assert "versions" in lines["playable after"]
    assert int(lines["children of the map in a second, most"]) == 1


@pytest.mark.long
def test_buckets_that_exist_are_used_as_they_are(stack: Stack, work: Path, small: Path) -> None:
    store, name = stack.client("s3"), "existing"
    names = {"ExistingUploadsBucket": "my-originals", "ExistingMediaBucket": "my-streams"}
    for bucket in names.values():
        store.create_bucket(Bucket=bucket)
    deploy(work, stack.environment, name, {**names, "Settings": json.dumps(SETTINGS), "TlsOnly": "no"})
    told = streamify("doctor", "--stack", name, "--json")
    found = {one["name"]: (one["status"], one["text"]) for one in told.json["checks"]}
    assert told.code == 5
    assert found["uploads events"][0] == "fail"
    assert "put-bucket-notification-configuration --bucket my-originals" in found["uploads events"][1]
    warned = ("uploads versions", "uploads parts", "media versions", "media runs")
    assert {name: found[name][0] for name in warned} == dict.fromkeys(warned, "warn")
    store.put_bucket_notification_configuration(
        Bucket="my-originals", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    assert streamify("doctor", "--stack", name).code == 0
    existing = replace(stack, name=name, uploads="my-originals", media="my-streams")
    existing.upload("a.mp4", small.read_bytes())
    (execution,) = existing.wait("a.mp4")
    assert execution["status"] == "SUCCEEDED", execution
    assert "report.json" in existing.objects("a.mp4")
    listed = {one["Name"] for one in store.list_buckets()["Buckets"]}
    assert not {bucket for bucket in listed if bucket.startswith(f"{name}-")}  # none of the stack's own


@pytest.mark.long
def test_an_original_that_is_deleted_during_the_job_fails_it(stack: Stack, card: Clip) -> None:
    key = "deleted.mp4"
    with stack.holding():
        stack.upload(key, card.path.read_bytes())
        wait_for(stack.held)
        stack.client("s3").delete_object(Bucket=stack.uploads, Key=key)
    (execution,) = stack.wait(key)
    assert execution["status"] == "FAILED", execution
    assert json.loads(execution["cause"])["code"] in {"source-changed", "source-missing"}
    assert "report.json" not in stack.objects(key)


@pytest.mark.long
def test_a_transcoder_that_is_killed_costs_a_retry(stack: Stack, card: Clip, tmp_path: Path) -> None:
    """It was sent its task and has not read it; `tests/chaos` kills some at work."""
    key = "killed.mp4"
    with stack.holding(1):
        stack.upload(key, card.path.read_bytes())
        os.kill(wait_for(stack.held)[0], signal.SIGKILL)
    (execution,) = stack.wait(key)
    assert execution["status"] == "SUCCEEDED", execution
    files = stack.objects(key)
    flags = ("--engine", "local", "--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start")
    assert streamify("transcode", card.path, tmp_path / "here", *flags).code == 0
    assert sums(files) == sums_of(tmp_path / "here")
    attempts = [json.loads(data) for name, data in files.items() if "/attempts/" in name]
    assert sorted(one["number"] for one in attempts) == [1] * (len(attempts) - 1) + [2]


def calls(stack: Stack, arn: str) -> list[str]:
    """Return the names of the task states that an execution scheduled, one per attempt."""
    name, found = "", []
    for event in stack.history(arn):
        if event["type"] == "TaskStateEntered":
            name = event["stateEnteredEventDetails"]["name"]
        elif event["type"] in ("TaskScheduled", "LambdaFunctionScheduled"):
            found.append(name)
    return found


@pytest.mark.long
def test_new_code_in_the_layer_makes_new_versions_of_every_function() -> None:
    def versions(layer: str) -> set[str]:
        command = [
            str(one) for one in (HOME / ".sam/bin/python", HOME / "versions.py", DEPLOY / "template.yaml", layer)
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return set(json.loads(done.stdout))

    old, new = versions("old"), versions("new")
    assert versions("old") == old
    assert len(old) == len(new) == 8
    assert not old & new


@pytest.mark.long
def test_sam_finds_the_template_valid(work: Path) -> None:
    sam(work, {}, "validate", "--lint")


def test_the_artefact_fits_into_a_function(work: Path) -> None:
    layer = built(work) / "CodeLayer"
    functions = [path for path in built(work).iterdir() if path.name.endswith("Function")]
    unpacked = sum(path.stat().st_size for one in (layer, functions[0]) for path in one.rglob("*") if path.is_file())
    assert len(functions) == 8
    assert 50e6 < unpacked < 250 * 1024 * 1024
    assert machines(layer) == {62}  # EM_X86_64


@pytest.mark.long
def test_the_artefact_for_arm64_holds_no_other_code(work: Path) -> None:
    sam(work, {"STREAMIFY_ARCH": "arm64"}, "build", "CodeLayer", "--build-dir", str(work / "arm64"))
    layer = work / "arm64" / "CodeLayer"
    assert machines(layer) == {183}  # EM_AARCH64
    assert sum(path.stat().st_size for path in layer.rglob("*") if path.is_file()) < 250 * 1024 * 1024


def machines(folder: Path) -> set[int]:
    """Return for which machines the ELF files below a folder were made (e_machine of the ELF header)."""
    files = [path.read_bytes() for path in folder.rglob("*.so*") if path.is_file()]
    assert len(files) > 30
    return {int.from_bytes(data[18:20], "little") for data in files if data.startswith(b"\x7fELF")}
