"""SOURCE and DEST in object stores, on the local engine: the same bytes, and every refusal one line."""

from __future__ import annotations

import socket
import time
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from itertools import product
from pathlib import Path
from threading import Thread

import boto3
import pytest

import streamify as api
from clips.make import ClipSpec, make_clip
from clouds import Cloud, Kind, media, put_blob
from e2e.driving import Ran, streamify
from selection import sample
from stores import open_storage
from streamify.errors import DestinationError
from streamify.model.location import Location
from streamify.storage import object_errors
from streamify.storage.locate import reach_storage
from streamify.storage.objects import ObjectStorage

LADDER = ("--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start", "--workers", "1")
SMALL = ("--ladder", "240p", "--preset", "ultrafast", "--workers", "1")
KEY = "ünser film/50% #1 & a+b.mp4"


STORES = ("s3", "ministack", "az")


@pytest.fixture(params=sample(STORES, "s3", "az"))  # tests/contract tries each operation with all of them
def store(request: pytest.FixtureRequest, cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Cloud:
    found = cloud(request.param)
    found.enter(monkeypatch)
    return found


@pytest.fixture
def bucket(store: Cloud) -> str:
    return store.make_bucket(f"b-{uuid.uuid4().hex}")


@pytest.mark.parametrize("store", sample(STORES, "s3"), indirect=True)
def test_from_bucket_to_bucket_gives_the_same_bytes(bucket: str, clip: Path, ultrafast_stream: Path) -> None:
    open_storage(bucket).put(KEY, clip.read_bytes())
    source, dest = f"{bucket}/{KEY}", f"{bucket}/streams/{KEY}"
    ran = streamify("transcode", source, dest, *LADDER, "--json")
    assert ran.code == 0, ran.err
    assert media(dest) == media(str(ultrafast_stream))
    assert streamify("verify", dest, "--source", source).code == 0
    assert bucket.split("://")[1].encode() not in (open_storage(dest).get("report.json") or b"")  # no location in it
    again = streamify("transcode", source, dest, *LADDER, "--json")
    assert (again.code, again.json["tasks_run"]) == (0, 0)


@pytest.mark.long
@pytest.mark.parametrize("store", sample(STORES, "s3"), indirect=True)
@pytest.mark.parametrize("key", sample(["/ä b.mp4", "a//50% +.mp4", "a///b/c.mp4"], "a//50% +.mp4"))
def test_a_source_whose_key_has_empty_parts(key: str, bucket: str, store: Cloud, tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(1), size=(426, 240)), tmp_path).path
    upload(store, bucket, key, clip.read_bytes())
    upload(store, bucket, key.replace("//", "/").strip("/"), b"another object")
    ran = streamify("transcode", f"{bucket}/{key}", tmp_path / "dest", *SMALL, "--json")
    assert (ran.code, ran.json.get("status")) == (0, "complete"), ran.err
    assert ran.json["source"]["ref"]["key"] == key
    assert streamify("verify", tmp_path / "dest", "--source", f"{bucket}/{key}").code == 0
    gone = streamify("probe", f"{bucket}/{key}x", "--json")
    assert (gone.code, gone.json["error"]["code"]) == (3, "source-missing")


def upload(store: Cloud, bucket: str, key: str, data: bytes) -> None:
    """Write an object by a signed request of the test's own."""
    if store.scheme == "az":
        put_blob(store.endpoint, bucket.partition("://")[2], key, data)
        return
    client = boto3.client("s3", endpoint_url=store.endpoint, region_name="us-east-1", aws_access_key_id="test",
                          aws_secret_access_key="test")  # fmt: skip
    client.put_object(Bucket=bucket.partition("://")[2], Key=key, Body=data)


@pytest.mark.long
@pytest.mark.parametrize(("store", "way"), sample(product(STORES, ("up", "down")), ("az", "down")), indirect=["store"])
def test_between_a_folder_and_a_bucket(bucket: str, clip: Path, tmp_path: Path, way: str) -> None:
    open_storage(bucket).put("in.mp4", clip.read_bytes())
    source, dest = (str(clip), f"{bucket}/out") if way == "up" else (f"{bucket}/in.mp4", str(tmp_path / "out"))
    assert streamify("transcode", source, dest, *SMALL).code == 0
    assert streamify("verify", dest).code == 0
    assert streamify("probe", source).code == 0
    assert streamify("plan", source).code == 0


def test_a_stream_in_a_bucket_is_played(bucket: str, ultrafast_stream: Path) -> None:
    from streamify.http.files import ObjectFiles
    from streamify.http.play import open_play
    from streamify.jobs.found import FoundJob
    from streamify.model.location import Location

    storage = open_storage(f"{bucket}/out")
    for path in filter(Path.is_file, ultrafast_stream.rglob("*")):
        storage.put(str(path.relative_to(ultrafast_stream)), path.read_bytes())
    segment = next(key for key, *_ in storage.list("video") if key.endswith("00000.m4s"))
    job = FoundJob(Location.of_dest(f"{bucket}/out"), storage, lambda _: False)
    with open_play(ObjectFiles(storage, "out"), "127.0.0.1", 0, log=print, job=job) as server:
        thread = Thread(target=server.run, daemon=True)
        thread.start()
        with urllib.request.urlopen(server.url + "master.m3u8") as answer:
            assert answer.read().startswith(b"#EXTM3U")
        with urllib.request.urlopen(server.url + "_play/job") as answer:
            assert b'"state":"complete"' in answer.read()
        request = urllib.request.Request(server.url + segment, headers={"Range": "bytes=4-7"})
        with urllib.request.urlopen(request) as answer:
            assert (answer.status, answer.read()) == (206, b"styp")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(server.url + ".streamify/plan.json")
        server.stop()
        thread.join(60)  # before its socket is closed


def refused(ran: Ran, code: int, error: str, *parts: str) -> None:
    assert ran.code == code, ran.err
    assert ran.json["error"]["code"] == error, ran.json
    assert ran.json["error"]["hint"]
    for part in parts:
        assert part in ran.line


def test_what_is_not_there_is_named(bucket: str, store: Cloud, clip: Path) -> None:
    refused(streamify("plan", f"{bucket}/gone.mp4", "--json"), 3, "source-missing", "gone.mp4")
    nowhere = f"{store.scheme}://nobody-made-this"
    refused(streamify("plan", f"{nowhere}/in.mp4", "--json"), 5, "storage-no-bucket", "nobody-made-this")
    refused(streamify("transcode", clip, f"{nowhere}/out", "--json"), 5, "storage-no-bucket", "nobody-made-this")
    assert streamify("doctor", nowhere).code == 5
    assert streamify("doctor", f"{bucket}/x").code == 0
    assert list(open_storage(bucket).list()) == []


def test_an_empty_object_and_one_that_is_no_video(bucket: str) -> None:
    storage = open_storage(bucket)
    storage.put("empty.mp4", b"")
    storage.put("text.mp4", b"hello, this is no video\n" * 10)
    refused(streamify("plan", f"{bucket}/empty.mp4", "--json"), 3, "source-empty")
    refused(streamify("plan", f"{bucket}/text.mp4", "--json"), 3, "source-not-media")


def test_somebody_elses_files_and_the_source_itself_are_left_alone(bucket: str, clip: Path) -> None:
    storage = open_storage(bucket)
    storage.put("mine/notes.txt", b"x")
    storage.put("in.mp4", clip.read_bytes())
    refused(streamify("transcode", clip, f"{bucket}/mine", "--json"), 5, "dest-occupied", "notes.txt")
    refused(streamify("transcode", f"{bucket}/in.mp4", f"{bucket}/in.mp4/", "--json"), 5, "dest-in-source")
    assert sorted(key for key, *_ in storage.list()) == ["in.mp4", "mine/notes.txt"]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """A source behind an endpoint where nobody listens."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    return "s3://a/in.mp4"


@pytest.mark.parametrize("words", sample(["plan", "transcode", "verify", "status", "resume", "play"], "plan"))
def test_an_endpoint_where_nobody_listens_is_told_within_seconds(words: str, nowhere: str, tmp_path: Path) -> None:
    began = time.monotonic()
    ran = streamify(words, nowhere, *([tmp_path / "out"] if words == "transcode" else []), "--json")
    refused(ran, 5, "storage-unreachable", "http://127.0.0.1:1", "Connection refused")
    assert time.monotonic() - began < object_errors.PATIENCE


def test_an_endpoint_that_drops_what_is_sent_to_it_is_told_from_one_that_answers_late(nowhere: str) -> None:
    options = {"connect_timeout": "0.3s", "allow_http": True}
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as connections:
        address = server.getsockname()
        while True:  # until its queue is full: the kernel drops what comes then
            connections.enter_context(asking := socket.socket())
            asking.settimeout(0.2)
            try:
                asking.connect(address)
            except TimeoutError:
                break
        given = {"endpoint": "http://{}:{}".format(*address), "client_options": options}
        with pytest.raises(DestinationError, match=r"cannot reach s3://a/in\.mp4 at .*: connecting timed out") as error:
            reach_storage(Location.parse(nowhere), patience=0.1, **given)
    assert (error.value.code, error.value.exit_code) == ("storage-unreachable", 5)


def test_an_endpoint_that_accepts_a_connection_and_says_nothing_is_told_so(nowhere: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:  # the kernel accepts for it; nobody answers the hello of TLS
        endpoint = "https://{}:{}".format(*server.getsockname())
        given = {"endpoint": endpoint, "client_options": {"connect_timeout": "0.3s"}}
        with pytest.raises(DestinationError, match=rf"at {endpoint}: connecting timed out") as error:
            reach_storage(Location.parse(nowhere), patience=0.1, **given)
    assert (error.value.code, error.value.exit_code) == ("storage-unreachable", 5)


@pytest.mark.long
def test_a_host_that_nobody_knows_is_told_within_seconds(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nobody.invalid")  # RFC 6761: no such name can exist
    began = time.monotonic()
    with pytest.raises(DestinationError, match=r"http://nobody\.invalid") as caught:
        api.plan(nowhere)
    assert (caught.value.code, caught.value.exit_code) == ("storage-unreachable", 5)
    assert time.monotonic() - began < object_errors.PATIENCE


@pytest.mark.long
@pytest.mark.parametrize("store", sample(STORES, "s3"), indirect=True)
def test_a_source_that_was_overwritten_fails_the_job(bucket: str, clip: Path, store: Cloud) -> None:
    storage = open_storage(bucket)
    assert isinstance(storage, ObjectStorage)
    storage.put("in.mp4", clip.read_bytes())
    dest = f"{bucket}/out"
    assert streamify("transcode", f"{bucket}/in.mp4", dest, *SMALL).code == 0
    storage.put("in.mp4", clip.read_bytes() + b"\0\0\0\x08free")
    refused(streamify("transcode", f"{bucket}/in.mp4", dest, *SMALL, "--json"), 5, "dest-other-source")
    assert streamify("transcode", f"{bucket}/in.mp4", dest, *SMALL, "--replace").code == 0
    assert streamify("verify", dest).code == 0
