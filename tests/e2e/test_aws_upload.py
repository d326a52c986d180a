"""Uploads of the AWS engine into a bucket with versions, of a real S3 server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clouds import Cloud, Kind
from selection import sample
from streamify.backends.aws.account import Account
from streamify.backends.aws.client import parts
from streamify.backends.aws.client.upload import upload
from streamify.errors import DestinationError, Interrupted
from streamify.jobs.engine import Stop
from streamify.model.location import Location
from streamify.storage.objects import ObjectStorage

MIB = 1 << 20
SIZE = 23 * MIB
"""Five parts of the least size that S3 allows."""


class Uploads:
    """A bucket, a file, and which parts of it were sent."""

    def __init__(self, source: Path, bucket: str) -> None:
        self.account, self.bucket, self.source = Account(), bucket, source
        self.store = self.account.client("s3")
        self.store.create_bucket(Bucket=bucket)
        self.sent: list[int] = []
        self.said: list[str] = []
        self.at_third: Callable[[], object] = lambda: None
        self.store.meta.events.register("provide-client-params.s3.UploadPart", self._note)

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self.sent.append(params["PartNumber"])
        if params["PartNumber"] == 3:
            self.at_third()

    def begun(self) -> dict[str, Any]:
        """Return the one upload that is not completed."""
        (found,) = self.store.list_multipart_uploads(Bucket=self.bucket)["Uploads"]
        return {"Bucket": self.bucket, "Key": found["Key"], "UploadId": found["UploadId"]}

    def run(self, stop: Stop | None = None) -> None:
        """Upload the file, as a command does."""
        self.sent.clear()

        def tell(_: str, message: str, _data: dict[str, Any]) -> None:
            self.said += [message] if message else []

        upload(self.account, Location.parse(str(self.source)), self.bucket, tell, stop or Stop())

    def stop_in_the_middle(self) -> None:
        """Upload two parts of five; the third is stopped."""
        stop = Stop()
        self.at_third = stop.set
        with pytest.raises(Interrupted, match="stopped") as caught:
            self.run(stop)
        assert caught.value.hint == "the same command goes on with it, for seven days"
        self.at_third = lambda: None

    def bytes_there(self) -> bytes:
        """Return the object that was made; no part of an upload is left beside it."""
        (only,) = self.store.list_objects_v2(Bucket=self.bucket)["Contents"]
        assert not self.store.list_multipart_uploads(Bucket=self.bucket).get("Uploads")
        return bytes(self.store.get_object(Bucket=self.bucket, Key=only["Key"])["Body"].read())


@pytest.fixture(params=sample(["s3", "ministack"], "ministack"))
def uploads(
    request: pytest.FixtureRequest, cloud: Callable[[Kind], Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Uploads:
    cloud(request.param).enter(monkeypatch)
    monkeypatch.setattr(parts, "PART", 5 * MIB)
    monkeypatch.setattr(parts, "AT_ONCE", 1)
    monkeypatch.setattr(parts, "EVERY", 0.001)
    source = tmp_path / "a film.mp4"
    source.write_bytes(os.urandom(SIZE))
    return Uploads(source, f"resumed-{os.urandom(6).hex()}")


def test_an_upload_goes_on_where_it_was_stopped(uploads: Uploads) -> None:
    uploads.stop_in_the_middle()
    assert [one["PartNumber"] for one in uploads.store.list_parts(**uploads.begun())["Parts"]] == [1, 2]
    uploads.run()
    assert uploads.sent == [3, 4, 5]
    assert uploads.said == [f"{10 * MIB} of {SIZE} bytes are there from an earlier upload"]
    assert uploads.bytes_there() == uploads.source.read_bytes()
    uploads.run()
    assert uploads.sent == []
    assert uploads.said[1:] == [f"{uploads.source} is in s3://{uploads.bucket} already"]


def test_a_part_of_other_bytes_is_sent_again(uploads: Uploads) -> None:
    uploads.stop_in_the_middle()
    uploads.store.upload_part(**uploads.begun(), PartNumber=1, Body=b"x" * 5 * MIB)
    uploads.run()
    assert uploads.sent == [1, 3, 4, 5]
    assert uploads.bytes_there() == uploads.source.read_bytes()


@pytest.mark.parametrize("uploads", ["s3"], indirect=True)
def test_an_upload_of_other_checksums_is_left_to_who_began_it(uploads: Uploads) -> None:
    def crc(parsed: dict[str, Any], **_: object) -> None:
        for one in parsed.get("Uploads", ()):
            one["ChecksumAlgorithm"] = "CRC32"

    uploads.stop_in_the_middle()
    begun = uploads.begun()
    uploads.store.meta.events.register("after-call.s3.ListMultipartUploads", crc)
    uploads.run()
    assert uploads.sent == [1, 2, 3, 4, 5]
    assert uploads.begun() == begun
    uploads.store.abort_multipart_upload(**begun)
    assert uploads.bytes_there() == uploads.source.read_bytes()


@pytest.mark.parametrize("uploads", ["s3"], indirect=True)
@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
def test_an_upload_that_takes_no_such_checksums_begins_anew(uploads: Uploads, operation: str) -> None:
    uploads.stop_in_the_middle()
    begun = uploads.begun()

    def refuse(context: dict[str, Any], params: dict[str, Any], **_: object) -> None:
        if begun["UploadId"] in params["url"]:
            raise ClientError({"Error": {"Code": "InvalidRequest"}}, operation)

    uploads.store.meta.events.register(f"before-call.s3.{operation}", refuse)
    uploads.run()
    assert uploads.sent[-5:] == [1, 2, 3, 4, 5]
    assert uploads.bytes_there() == uploads.source.read_bytes()


@pytest.mark.parametrize("uploads", ["s3"], indirect=True)
def test_the_action_that_lists_parts_is_named_where_it_is_denied(uploads: Uploads) -> None:
    def deny(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListParts")

    uploads.stop_in_the_middle()
    uploads.store.meta.events.register("before-call.s3.ListParts", deny)
    with pytest.raises(DestinationError, match="s3:ListMultipartUploadParts: AccessDenied") as caught:
        uploads.run()
    assert caught.value.code == "aws-denied"


@pytest.mark.parametrize("uploads", ["ministack"], indirect=True)  # moto answers 500 for such a part
def test_an_upload_that_is_removed_meanwhile_says_so(uploads: Uploads) -> None:
    uploads.at_third = lambda: uploads.store.abort_multipart_upload(**uploads.begun())
    with pytest.raises(DestinationError) as caught:
        uploads.run()
    assert (caught.value.code, caught.value.hint) == ("aws-upload-gone", "run the same command again")
    uploads.at_third = lambda: None
    uploads.run()
    assert uploads.bytes_there() == uploads.source.read_bytes()


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
