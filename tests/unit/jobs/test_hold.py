"""DEST belongs to one job at a time: locks of folders, claims of object stores."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from streamify.dest.layout import CLAIM, LOCK
from streamify.errors import DestinationError
from streamify.jobs import claim as claims
from streamify.jobs import hold_folder, hold_objects
from streamify.jobs.claim import parse_claim
from streamify.jobs.hold import holding, read_claim
from streamify.jobs.hold_base import Hold, describe
from streamify.jobs.hold_folder import shut
from streamify.jobs.hold_objects import ObjectHold
from streamify.machine.host import this_host
from streamify.model.job import Claim
from streamify.model.location import Location
from streamify.storage.base import Storage
from streamify.storage.local import LocalStorage
from streamify.storage.objects import ObjectStorage

Place = tuple[Location, Storage]
BUCKET = Location.parse("s3://media/out")


def never(_: Claim) -> bool:
    raise AssertionError("no execution holds DEST here")


def claim(job: str, run: str, **more: object) -> Claim:
    here = {"engine": "local", "host": this_host(), "pid": os.getpid(), "started": time.time()}
    return Claim.model_validate({"job": job, "run": run, **here, **more})


@pytest.fixture(params=["folder", "objects"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(claims, "LEASE", 120.0)
    monkeypatch.setattr(hold_objects, "LEASE", 120.0)
    monkeypatch.setattr(claims, "LOOK", 0.02)
    if request.param == "folder":
        return Location.of_dest(tmp_path / "out"), LocalStorage(tmp_path / "out")
    return BUCKET, ObjectStorage(MemoryStore(), "memory")


class Beating:
    """Shows signs of life until it is left."""

    def __init__(self, hold: Hold) -> None:
        self._hold, self._end = hold, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._end.wait(0.05):
            self._hold.beat()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


def test_another_job_is_refused_as_long_as_the_first_one_lives(place: Place) -> None:
    with holding(*place, claim("a", "1"), never) as first, Beating(first):
        with pytest.raises(DestinationError) as caught, holding(*place, claim("b", "2"), never):
            pass
        assert (caught.value.code, caught.value.exit_code) == ("dest-busy", 5)
        assert f"process {os.getpid()}" in caught.value.message
        found, alive = read_claim(*place, never)
        assert found is not None
        assert (found.run, alive) == ("1", True)
        first.check()
    found, alive = read_claim(*place, never)
    assert found is not None
    assert (found.run, alive) == ("1", False)  # who it was stays known
    with holding(*place, claim("b", "2"), never):
        pass


def test_the_same_job_may_run_twice(place: Place) -> None:
    with holding(*place, claim("a", "1"), never) as first, Beating(first):
        with holding(*place, claim("a", "2"), never) as second:
            second.beat()
            second.check()
        first.check()
        with pytest.raises(DestinationError), holding(*place, claim("b", "3"), never):
            pass


def test_a_run_that_outlives_the_other_one_of_its_job_holds_on(place: Place) -> None:
    with holding(*place, claim("a", "0"), never):
        pass
    first = holding(*place, claim("a", "1"), never)
    first.__enter__()
    with holding(*place, claim("a", "2"), never) as second:
        first.__exit__(None, None, None)
        second.beat()
        with Beating(second), pytest.raises(DestinationError) as caught, holding(*place, claim("b", "3"), never):
            pass
        assert caught.value.code == "dest-busy"


def test_of_many_jobs_that_start_at_once_one_wins(place: Place) -> None:
    won, lost, gate, over = [], [], threading.Barrier(8), threading.Event()

    def run(number: int) -> None:
        gate.wait()
        try:
            with holding(*place, claim(f"job {number}", f"run-{number}"), never) as hold, Beating(hold):
                won.append(number)
                over.wait(60)
        except DestinationError as error:
            lost.append(error.code)
            if len(lost) == 7:
                over.set()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), lost) == (1, ["dest-busy"] * 7)


def test_what_a_dead_process_held_is_free_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "LEASE", 1000.0)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    media = ObjectStorage(MemoryStore(), "memory")
    media.put(CLAIM, claim("a", "1", pid=dead.pid).to_json())
    assert read_claim(BUCKET, media, never)[1] is False
    with holding(BUCKET, media, claim("b", "2"), never) as hold:
        hold.check()


@pytest.mark.parametrize(("host", "alone"), [(None, True), ("elsewhere", False)])
def test_what_the_same_job_left_is_held_alone_where_its_process_is_known_to_be_dead(
    host: str | None, alone: bool
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    media = ObjectStorage(MemoryStore(), "memory")
    media.put(CLAIM, claim("a", "1", pid=dead.pid, **({"host": host} if host is not None else {})).to_json())
    with holding(BUCKET, media, claim("a", "2"), never) as hold:
        assert hold.alone is alone


@pytest.fixture
def media(monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    monkeypatch.setattr(claims, "LEASE", 0.3)
    monkeypatch.setattr(hold_objects, "LEASE", 0.3)
    monkeypatch.setattr(claims, "LOOK", 0.02)
    return ObjectStorage(MemoryStore(), "memory")


def test_a_claim_of_another_machine_that_stands_still_is_taken_over(media: ObjectStorage) -> None:
    media.put(CLAIM, claim("a", "1", host="elsewhere").to_json())
    began = time.monotonic()
    with holding(BUCKET, media, claim("b", "2"), never) as hold:
        assert time.monotonic() - began >= 0.3
        hold.check()


def test_a_run_whose_claim_was_taken_over_publishes_nothing(media: ObjectStorage) -> None:
    quiet = claim("a", "1", host="elsewhere")
    with holding(BUCKET, media, quiet, never) as first, holding(BUCKET, media, claim("b", "2"), never):
        for act in (first.check, first.beat):
            with pytest.raises(DestinationError) as caught:
                act()
            assert caught.value.code == "dest-taken"
    found = parse_claim(media.get(CLAIM) or b"")
    assert found is not None
    assert found.run == "2"


def test_an_execution_on_aws_is_asked_for(media: ObjectStorage) -> None:
    arn = "arn:aws:states:eu-west-1:1:execution:streamify:x"
    media.put(CLAIM, Claim(job="a", run="x", engine="aws", execution=arn).to_json())
    with pytest.raises(DestinationError, match=arn), holding(BUCKET, media, claim("b", "2"), lambda _: True):
        pass
    with holding(BUCKET, media, claim("b", "2"), lambda held: held.execution != arn):
        pass


def test_a_claim_of_the_release_before_is_read(media: ObjectStorage) -> None:
    arn = "arn:aws:states:eu-west-1:1:execution:streamify:x"
    media.put(CLAIM, b'{"execution":"%s","job":"a","request":null}' % arn.encode())
    found, alive = read_claim(BUCKET, media, lambda _: True)
    assert found is not None
    assert (found.execution, found.run, found.job, alive) == (arn, "x", "a", True)


def test_a_claim_of_a_newer_release_is_refused_unless_it_may_be_replaced(media: ObjectStorage) -> None:
    media.put(CLAIM, b'{"schema": 99, "holder": "somebody"}')
    with pytest.raises(DestinationError) as caught, holding(BUCKET, media, claim("b", "2"), never):
        pass
    assert caught.value.code == "state-newer"
    with holding(BUCKET, media, claim("b", "2"), never, replace=True):
        pass


def test_a_claim_that_is_no_claim_is_taken_over(media: ObjectStorage) -> None:
    media.put(CLAIM, b"\0")
    with ObjectHold(media, BUCKET, claim("b", "2"), never, replace=False) as hold:
        hold.check()


@pytest.mark.parametrize("act", [lambda path: path.unlink(), lambda path: path.rename(path.with_name("x"))])
def test_a_lock_that_was_removed_is_no_longer_held(act: Callable[[Path], None], tmp_path: Path) -> None:
    dest, storage = Location.of_dest(tmp_path), LocalStorage(tmp_path)
    with holding(dest, storage, claim("a", "1"), never) as hold:
        act(tmp_path / LOCK)
        with pytest.raises(DestinationError) as caught:
            hold.check()
        assert caught.value.code == "dest-taken"


def test_looking_at_a_lock_never_refuses_a_job(tmp_path: Path) -> None:
    dest, storage = Location.of_dest(tmp_path), LocalStorage(tmp_path)
    with holding(dest, storage, claim("z", "0"), never):
        pass
    end = threading.Event()

    def look() -> None:
        while not end.wait(0.001):
            read_claim(dest, storage, never)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for number in range(50):
            with holding(dest, storage, claim(f"job {number}", str(number)), never):
                pass
    finally:
        end.set()
        thread.join()


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    dest, storage = Location.of_dest(tmp_path), LocalStorage(tmp_path)
    with pytest.raises(DestinationError) as caught, holding(dest, storage, claim("a", "1"), never):
        pass
    assert (caught.value.code, "cannot be locked" in caught.value.message) == ("dest-not-writable", True)


def test_a_message_names_host_and_process_and_nothing_else() -> None:
    assert describe(claim("a", "1", host="desk pid:[4026531836]", pid=7)) == "process 7 on desk"


def test_a_lock_that_is_looked_at_while_somebody_cleans_up_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To clean up may take minutes, and `status` must not."""
    monkeypatch.setattr(hold_folder, "PATIENCE", 0.1)
    dest, media = Location.of_dest(tmp_path), LocalStorage(tmp_path)
    with holding(dest, media, claim("old", "1"), never):
        pass
    with shut(dest):
        held, _ = read_claim(dest, media, never)
    assert held is not None
    assert held.job == "old"


def test_a_run_that_has_not_written_its_name_is_not_taken_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold_folder, "PATIENCE", 60.0)
    dest, media = Location.of_dest(tmp_path), LocalStorage(tmp_path)
    with holding(dest, media, claim("old", "1"), never):
        pass
    found: list[tuple[Claim | None, bool]] = []
    with (tmp_path / LOCK).open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a run does before it writes
        reader = threading.Thread(target=lambda: found.append(read_claim(dest, media, never)))
        reader.start()
        reader.join(0.2)
        lock.truncate(0)
        lock.write(claim("new", "2").to_json())
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_SH)
        reader.join()
    ((held, alive),) = found
    assert held is not None
    assert (held.job, alive) == ("new", True)
