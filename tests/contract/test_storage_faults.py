"""Every word of a storage before an S3 that is busy, resets connections, or loses its answers: as if nothing were."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from clouds import Cloud, Kind
from faults import proxy
from faults.proxy import Faults, Proxy
from selection import sample
from stores import open_storage
from streamify.errors import DestinationError
from streamify.model.backoff import Backoff
from streamify.storage import object_errors
from streamify.storage.base import ConflictError
from streamify.storage.objects import ObjectStorage

pytestmark = pytest.mark.timeout(120)

DAYS = {
    "busy": Faults(busy=0.3),
    "reset": Faults(reset=0.3),
    "lost": Faults(lost=0.3),
    "cut": Faults(cut=0.3),
    "all of it": Faults(busy=0.1, reset=0.1, lost=0.1, cut=0.1),
}
NUMBER = 15


@pytest.fixture
def way(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(object_errors, "PAUSES", Backoff(0.02, 2, 0.2))
    with proxy.before(cloud("s3")) as found:
        found.cloud.enter(monkeypatch)
        yield found


@pytest.fixture(params=sample(DAYS, "all of it"))
def storage(request: pytest.FixtureRequest, way: Proxy) -> Iterator[ObjectStorage]:
    found = open_storage(way.cloud.make_bucket(f"b-{uuid.uuid4().hex}"))
    assert isinstance(found, ObjectStorage)
    way.faults = DAYS[request.param]
    yield found
    assert len([one for one in way.requests if one.fate != "passed"]) >= 3


def test_writing_and_reading(storage: ObjectStorage) -> None:
    for number in range(NUMBER):
        storage.put(f"{number}", b"%d" % number)
    assert [storage.get(f"{number}") for number in range(NUMBER)] == [b"%d" % number for number in range(NUMBER)]
    assert list(storage.get_many(str(number) for number in range(NUMBER))) == [b"%d" % n for n in range(NUMBER)]


def test_put_new(storage: ObjectStorage) -> None:
    written = {}
    for number in range(NUMBER):
        written[str(number)] = storage.put_new(f"{number}", b"%d" % number).tag
    assert {one.key: one.tag for one in storage.list()} == written
    for number in range(0, NUMBER, 5):
        assert not storage.put_new(f"{number}", b"%d" % number).new
        with pytest.raises(ConflictError):
            storage.put_new(f"{number}", b"other")


@pytest.mark.long
def test_put_new_beside_other_writes_of_the_key(way: Proxy) -> None:
    storage = open_storage(way.cloud.make_bucket(f"b-{uuid.uuid4().hex}"))
    way.faults = Faults(conflict=0.5, methods=frozenset({"PUT"}))
    for number in range(NUMBER):
        assert storage.put_new(f"{number}", b"%d" % number).new
    assert len([one for one in way.requests if one.fate == "conflict"]) >= 3
    way.faults = Faults(conflict=1, methods=frozenset({"PUT"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(object_errors, "PATIENCE", 0.5)
        with pytest.raises(DestinationError, match="cannot write"):
            storage.put_new("other", b"x")


@pytest.mark.long
def test_swap(storage: ObjectStorage) -> None:
    storage.put("x", b"0")
    for number in range(NUMBER):
        assert storage.swap("x", b"%d" % number, b"%d" % (number + 1))
        assert not storage.swap("x", b"%d" % number, b"other")
    assert storage.get("x") == b"%d" % NUMBER


@pytest.mark.long
def test_delete_stat_and_names(storage: ObjectStorage) -> None:
    for number in range(NUMBER):
        storage.put(f"{number}", b"x")
        assert storage.stat(f"{number}") is not None
        storage.delete(f"{number}")
        assert storage.stat(f"{number}") is None
        assert storage.names() == set()


def test_reading_by_ranges(storage: ObjectStorage) -> None:
    data = bytes(range(256)) * 8192
    storage.put("in.mp4", data)
    with storage.open("in.mp4") as file:
        for at in range(0, len(data), 70_001):
            file.seek(at)
            assert file.read(70_001) == data[at : at + 70_001]
