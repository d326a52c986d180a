"""Somebody owns the decoder in Lambda: what they get. The functions run as they are deployed, over a real S3 server."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from clouds import Cloud, Kind
from faults import intruder
from faults.intruder import SECRET
from stores import open_storage

APP = Path(__file__).parents[2] / "deploy" / "aws" / "functions" / "app.py"

FUNCTION = """
import functools, importlib.util, json, sys
from streamify.backends.aws.functions import decoder, handlers, start
if sys.argv[2:]:
    decoder.SealedWorker = functools.partial(decoder.SealedWorker, command=sys.argv[2:])
start._is_running = lambda *_: False
spec = importlib.util.spec_from_file_location("app", {app!r})
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
answers = []
for number, given in enumerate(json.loads(sys.argv[1])):
    event = {{"input": given, "started": "2026-11-24T10:00:00.123Z",
             "execution": f"arn:aws:states:us-east-1:0:execution:streamify:run-{{number}}"}}
    answers.append(app.split(event, None))
print(json.dumps(answers))
"""
PARENT = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)"
FREE = """
import json, os, sys
from faults.intruder import attempts
os.environ.pop("AWS_SESSION_TOKEN")
print(json.dumps(attempts(os.getppid(), *sys.argv[1:])))
"""

PROVEN = {
    "the parent's environment", "the parent's descriptors", "process_vm_readv", "a descriptor of a process",
    "a signal to the parent", "the runtime's interface", "the object store", "a socket of another kind", "a datagram",
    "a program", "a child", "a file", "a folder", "a link", "a thread's socket", "shared memory",
}  # fmt: skip
"""What a process of the same user may do that is not sealed, wherever these tests run."""


@pytest.fixture
def runtime() -> Iterator[str]:
    """The address where Lambda would listen for answers."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield f"127.0.0.1:{one.getsockname()[1]}"


@pytest.fixture
def buckets(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Uploads and media, with what another job has in them."""
    cloud("s3").enter(monkeypatch)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SECRET)
    uploads, media = (cloud("s3").make_bucket(f"{name}-{uuid.uuid4().hex}") for name in ("raw", "media"))
    monkeypatch.setenv("MEDIA_BUCKET", media[5:])
    open_storage(uploads).put("other.mp4", b"the original of another tenant")
    open_storage(media).put("other.mp4/report.json", b'{"of": "another tenant"}')
    return uploads, media


def without_capabilities(command: Sequence[str], **environment: str) -> str:
    """Run a command as no more than a user; return what it prints. Lambda's user has no capabilities."""
    plain = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if plain and shutil.which(plain[0]) is None:
        pytest.skip("to run without capabilities, root needs setpriv of util-linux")
    done = subprocess.run([*plain, *command], env=os.environ | environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def call(given: Sequence[dict[str, Any]], command: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Call the splitter of one execution environment for some jobs, one after another."""
    program = [sys.executable, "-c", FUNCTION.format(app=str(APP)), json.dumps(given), *command]
    answers: list[dict[str, Any]] = json.loads(without_capabilities(program).splitlines()[-1])  # behind its log
    return answers


def test_who_owns_the_decoder_gets_its_source_and_nothing_else(
    buckets: tuple[str, str], cloud: Callable[[Kind], Cloud], runtime: str, clip: Path
) -> None:
    uploads, media = buckets
    given = {"runtime": runtime, "store": cloud("s3").endpoint.removeprefix("http://"),
             "others": {"source": "other.mp4", "report": "../other.mp4/report.json"}}  # fmt: skip
    open_storage(uploads).put("a.mp4", clip.read_bytes())
    requests = [{"source": f"{uploads}/a.mp4", "dest": f"{media}/{name}"} for name in ("a", "b")]
    answers = call(requests, (sys.executable, "-P", intruder.__file__, json.dumps(given)))
    assert [answer["error"]["code"] for answer in answers] == ["segment-undecodable"] * 2, answers
    found = [json.loads(answer["error"]["cause"]) for answer in answers]
    assert [one["got"] for one in found] == [{}, {}]
    assert [one["head"] for one in found] == [clip.read_bytes()[:8].hex()] * 2  # the source itself can be read
    assert set(found[0]["kinds"]) <= {"pipe", "socket", "/dev/null"}
    assert found[0]["pid"] != found[1]["pid"]  # what is left in memory goes with the job
    made = {one.key for name in ("a", "b") for one in open_storage(f"{media}/{name}").list()}
    assert {key.split("/")[1] for key in made} <= {"job.json", "claim.json", "runs"}
    assert open_storage(media).get("other.mp4/report.json") == b'{"of": "another tenant"}'


@pytest.mark.usefixtures("buckets")
def test_the_same_attempts_succeed_where_nothing_is_sealed(cloud: Callable[[Kind], Cloud], runtime: str) -> None:
    store = cloud("s3").endpoint.removeprefix("http://")
    program = [sys.executable, "-c", PARENT, sys.executable, "-c", FREE, runtime, store]
    found = json.loads(without_capabilities(program, PYTHONPATH=str(Path(__file__).parents[1])))
    assert PROVEN - found.keys() == set()
    assert "its own environment" not in found  # as a worker's


def test_a_plan_that_names_another_source_is_refused(buckets: tuple[str, str], clip: Path) -> None:
    uploads, media = buckets
    open_storage(uploads).put("a.mp4", clip.read_bytes())
    forger = (sys.executable, "-P", str(Path(intruder.__file__).with_name("forger.py")))
    [answer] = call([{"source": f"{uploads}/a.mp4", "dest": f"{media}/a"}], forger)
    assert answer["error"]["code"] == "plan-foreign", answer
    assert "other.mp4" in answer["error"]["cause"]


@pytest.mark.long
def test_a_stack_that_insists_refuses_workers_that_are_not_sealed(
    buckets: tuple[str, str], clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads, media = buckets
    open_storage(uploads).put("a.mp4", clip.read_bytes())
    monkeypatch.setenv("ISOLATION", "whole")
    request = {"source": f"{uploads}/a.mp4", "dest": f"{media}/a", "settings": {"ladder": "240p"}}
    [answer] = call([request])
    assert answer["status"] == "planned"
