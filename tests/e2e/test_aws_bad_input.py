"""What strangers and operators give the stack: each job ends once, with a reason, at a bounded price; others go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clips.claims import claiming
from clouds import Cloud, Kind
from e2e.stepping import KEY, SETTINGS, Buckets
from faults import proxy
from faults.proxy import Answer, Proxy
from stores import open_storage
from streamify.backends.aws.functions import start as begin

XML = [("Content-Type", "application/xml")]
NO_KEY = (
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>User: arn:aws:sts::1:assumed-role/x is not"
    b" authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/2 because no identity-based policy"
    b" allows the kms:Decrypt action</Message></Error>"
)
ELSEWHERE = (
    b"<?xml version='1.0'?><Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must"
    b" be addressed using the specified endpoint.</Message><Endpoint>x.s3.eu-west-1.amazonaws.com</Endpoint></Error>"
)


@pytest.fixture
def way(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxy.before(cloud("s3")) as found:
        found.cloud.enter(monkeypatch)
        monkeypatch.setattr(begin, "_is_running", lambda *_: False)
        yield found


@pytest.fixture
def buckets(way: Proxy, monkeypatch: pytest.MonkeyPatch) -> Buckets:
    found = Buckets(way.cloud)
    monkeypatch.setenv("MEDIA_BUCKET", found.media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    return found


def ended(buckets: Buckets, status: str) -> dict[str, Any]:
    """Return how a job ended that was not begun, and left nothing that viewers could see."""
    answer = buckets.split()
    assert answer["status"] == status, answer
    assert buckets.dest.names() <= {".streamify"}
    return dict(answer["error"])


def test_a_key_that_may_not_be_used_is_named(way: Proxy, buckets: Buckets, clip: Path) -> None:
    """It was called a source that had changed."""
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    way.answers["GET", KEY] = Answer(403, "Forbidden", XML, NO_KEY)
    error = ended(buckets, "failed")  # the operator can mend it, the sender cannot
    assert (error["code"], error["exit_code"]) == ("storage-kms", 5)
    assert "KmsKeyArn" in error["hint"]
    way.answers.clear()
    assert buckets.split()["status"] == "planned"


def test_a_bucket_of_another_region_is_named(way: Proxy, buckets: Buckets, clip: Path) -> None:
    open_storage(buckets.uploads).put(KEY, clip.read_bytes())
    for method in ("HEAD", "GET"):
        way.answers[method, KEY] = Answer(301, "Moved Permanently", XML, ELSEWHERE)
    error = ended(buckets, "failed")
    assert (error["code"], error["exit_code"]) == ("storage-region", 5)
    assert "copy the object to the stack's uploads bucket" in error["hint"]
    assert len(way.keys("HEAD", "GET", below=KEY)) == 1  # another try would say the same


@pytest.mark.long
def test_119_hours_in_100_gib_are_refused_after_a_look_at_the_index(
    way: Proxy, buckets: Buckets, tmp_path: Path
) -> None:
    film = tmp_path / "long.mp4"
    film.write_bytes(claiming(119 * 3600 * 25))
    index = film.stat().st_size
    os.truncate(film, 100 << 30)  # what follows is a hole
    way.files[KEY] = film
    error = ended(buckets, "refused")
    assert error["exit_code"] in (3, 7), error
    assert error["hint"]
    assert way.read[KEY] < 2 * index + (64 << 20)
