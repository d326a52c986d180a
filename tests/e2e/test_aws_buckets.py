"""What `doctor --stack` says of buckets that existed before a stack; by ministack, as moto forgets EventBridge."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from clouds import Cloud, Kind
from streamify.backends.aws import stack_checks
from streamify.backends.aws.account import Account, Stack
from streamify.backends.aws.stack_checks import check_stack

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
RUNS = {"ID": "runs", "Status": "Enabled", "Filter": {"Tag": {"Key": "streamify", "Value": "run"}},
        "Expiration": {"Days": 30}}  # fmt: skip
PARTS = {"ID": "parts", "Status": "Enabled", "Filter": {"Prefix": ""},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}  # fmt: skip


class Buckets:
    """Two buckets, and a stack that is given them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Account().client("s3")
        self.uploads, self.media = f"raw-{uuid.uuid4().hex}", f"media-{uuid.uuid4().hex}"
        self.parameters: dict[str, str] = {}
        monkeypatch.setattr(stack_checks, "find_stack", lambda *_: self.stack())

    def stack(self) -> Stack:
        return Stack("arn:machine", self.uploads, self.media, self.parameters)

    def found(self) -> dict[str, tuple[str, str]]:
        return {one.name: (one.status, one.text) for one in check_stack("films")}

    def both(self, action: str, **given: Any) -> None:
        for bucket in (self.uploads, self.media):
            getattr(self.store, action)(Bucket=bucket, **given)


@pytest.fixture
def buckets(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Buckets:
    cloud("ministack").enter(monkeypatch)
    return Buckets(monkeypatch)


def test_bare_buckets_and_what_mends_them(buckets: Buckets) -> None:
    buckets.both("create_bucket")
    seen = {name: status for name, (status, _) in buckets.found().items()}
    assert seen == {
        "stack": "ok", "uploads region": "ok", "uploads events": "fail", "uploads versions": "warn",
        "uploads parts": "warn", "media region": "ok", "media versions": "warn", "media runs": "warn",
    }  # fmt: skip
    buckets.both("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})
    buckets.store.put_bucket_notification_configuration(
        Bucket=buckets.uploads, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    buckets.both("put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": [PARTS, RUNS]})
    assert [text for status, text in buckets.found().values() if status != "ok"] == []


def test_a_bucket_of_another_region_and_a_key_that_the_stack_does_not_know(buckets: Buckets) -> None:
    where = {"LocationConstraint": "eu-west-1"}
    buckets.both("create_bucket", CreateBucketConfiguration=where)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
    buckets.both("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": [rule]})
    found = buckets.found()
    assert found["media region"] == (
        "fail", f"{buckets.media} is in eu-west-1, the stack in us-east-1: deploy the stack in eu-west-1",
    )  # fmt: skip
    assert found["uploads key"][0] == found["media key"][0] == "fail"
    assert f"with {KEY}: deploy the stack with its ARN as KmsKeyArn" in found["media key"][1]
    buckets.parameters["KmsKeyArn"] = KEY
    assert "media key" not in buckets.found()


def test_a_bucket_that_is_gone_is_named_and_the_other_is_looked_at(buckets: Buckets) -> None:
    buckets.store.create_bucket(Bucket=buckets.media)
    found = buckets.found()
    assert found["uploads"][0] == "fail"
    assert "NoSuchBucket" in found["uploads"][1]
    assert found["media region"][0] == "ok"
