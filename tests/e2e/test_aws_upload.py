"""Uploads of the AWS engine into a bucket with versions, of a real S3 server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clouds import Cloud, Kind
from selection import sample
from streamify.backends.aws.account import Account
from streamify.backends.aws.client.upload import upload
from streamify.jobs.engine import Stop
from streamify.model.location import Location
from streamify.storage.objects import ObjectStorage

MIB = 1 << 20


@pytest.mark.parametrize("kind", ["s3", "ministack"])
@pytest.mark.parametrize("size", sample([1000, 20 * MIB], 1000))
def test_two_uploads_at_once_leave_one_version(
    kind: Kind, size: int, cloud: Callable[[Kind], Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version would be another original: the job would be done twice."""
    cloud(kind).enter(monkeypatch)
    account, bucket = Account(), f"uploads-{kind}-{size}"
    store = account.client("s3")
    store.create_bucket(Bucket=bucket)
    store.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    source = tmp_path / "a film.mp4"
    source.write_bytes(b"x" * size)
    monkeypatch.setattr(ObjectStorage, "stat", lambda *_: None)  # both looked before either was done
    said: list[str] = []

    for _ in range(2):
        upload(account, Location.parse(str(source)), bucket, lambda _kind, message, _data: said.append(message), Stop())

    (only,) = store.list_object_versions(Bucket=bucket)["Versions"]
    assert only["Size"] == size
    assert [text for text in said if text] == [f"{source} is in s3://{bucket} already"]
