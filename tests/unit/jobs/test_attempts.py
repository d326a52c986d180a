"""The attempts of a run: at once in a folder, in batches in an object store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from growth import assert_linear
from streamify.dest.layout import run_attempts_key
from streamify.errors import DestinationError
from streamify.jobs import attempts as module
from streamify.jobs.attempts import AttemptLog, read_attempts, write_attempt
from streamify.model.attempt import Attempt
from streamify.storage.base import Storage
from streamify.storage.local import LocalStorage
from streamify.storage.objects import ObjectStorage
from waiting import wait_until


def begun(number: int) -> Attempt:
    return Attempt(task=f"video/{number:05d}/a", number=1, worker="7", started=number, outcome="running")


def attempt(number: int) -> Attempt:
    return begun(number).model_copy(update={"ended": number + 1.0, "outcome": "finished"})


def wait_for(media: Storage, count: int) -> None:
    wait_until(lambda: kept(media) == count)


def kept(media: Storage) -> int:
    return len(read_attempts(media, "run"))


def test_in_a_folder_each_is_there_at_once_and_a_crash_costs_its_last_line(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    log = AttemptLog(media, "run")
    for number in range(3):
        log.add(begun(number))
        wait_for(media, number + 1)
        log.add(attempt(number))
    wait_until(lambda: read_attempts(media, "run") == [attempt(number) for number in range(3)])
    log.add(begun(3))
    log.close()
    with (tmp_path / run_attempts_key("run", "00000")).open("ab") as file:
        file.write(attempt(3).to_json()[:-5])
    assert read_attempts(media, "run") == [attempt(0), attempt(1), attempt(2), begun(3)]


def test_a_line_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    media.append(
        run_attempts_key("run", "00000"), attempt(0).to_json() + b"\n{broken\n\n" + attempt(1).to_json() + b"\n"
    )
    assert read_attempts(media, "run") == [attempt(0), attempt(1)]
    newer = attempt(2).model_copy(update={"schema_version": 99})
    media.append(run_attempts_key("run", "00000"), newer.to_json() + b"\n")
    with pytest.raises(DestinationError) as caught:
        read_attempts(media, "run")
    assert caught.value.code == "state-newer"
    assert run_attempts_key("run", "00000") in caught.value.message


class Counting(ObjectStorage):
    puts = 0
    written = 0
    fails = False

    def put(self, key: str, data: bytes) -> None:
        self.puts += 1
        self.written += len(data)
        if self.fails:
            raise DestinationError("storage-failed", "HTTP 503")
        super().put(key, data)


def test_an_object_store_gets_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 1000)
    media = Counting(MemoryStore(), "memory")
    log = AttemptLog(media, "run")
    for number in range(2100):
        log.add(attempt(number))
    log.close()
    log.close()
    assert 1 <= media.puts <= 6
    assert read_attempts(media, "run") == [attempt(number) for number in range(2100)]
    monkeypatch.setattr(module, "EVERY", 0.2)
    log.add(attempt(2100))
    wait_for(media, 2101)
    log.close()


def test_attempts_cost_next_to_nothing() -> None:
    media = Counting(MemoryStore(), "memory")
    log = AttemptLog(media, "run")
    for number in range(10_000):
        log.add(begun(number))
        log.add(attempt(number))
    log.close()
    assert kept(media) == 10_000
    line = len(begun(10_000).to_json()) + len(attempt(10_000).to_json()) + 2
    assert media.written < 2 * 10_000 * line  # each is written once, whatever is written beside it


def test_the_time_of_a_log_grows_with_its_attempts() -> None:
    def logging(count: int) -> Callable[[], None]:
        def work() -> None:
            log = AttemptLog(ObjectStorage(MemoryStore(), "memory"), "run")
            for number in range(count):
                log.add(begun(number))
                log.add(attempt(number))
            log.close()

        return work

    assert_linear(logging, 1_000)


def test_a_log_that_cannot_be_written_stops_no_job_and_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.05)
    media = Counting(MemoryStore(), "memory")
    media.fails = True
    log = AttemptLog(media, "run")
    log.add(attempt(0))
    wait_until(lambda: media.puts > 0)
    media.fails = False
    log.add(attempt(1))
    log.close()
    assert kept(media) == 2
    media.fails = True
    write_attempt(media, "run", attempt(0))
    log.add(attempt(2))
    log.close()


def test_processes_of_their_own_write_one_object_each() -> None:
    media = Counting(MemoryStore(), "memory")
    for number in range(3):
        write_attempt(media, "run", attempt(number))
    assert read_attempts(media, "run") == [attempt(number) for number in range(3)]
