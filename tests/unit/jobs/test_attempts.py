"""The attempts of a run: at once in a folder, in batches in an object store."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from streamify.dest.layout import run_attempts_key
from streamify.errors import DestinationError
from streamify.jobs import attempts as module
from streamify.jobs.attempts import AttemptLog, read_attempts, write_attempt
from streamify.model.attempt import Attempt
from streamify.storage.local import LocalStorage
from streamify.storage.objects import ObjectStorage


def attempt(number: int) -> Attempt:
    return Attempt(
        task=f"video/{number:05d}/a", number=1, worker="7", started=number, ended=number + 1, outcome="finished"
    )


def test_in_a_folder_each_is_there_at_once_and_a_crash_costs_its_last_line(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    log = AttemptLog(media, "run")
    for number in range(3):
        log.add([attempt(number)])
        assert len(list(read_attempts(media, "run"))) == number + 1
    with (tmp_path / run_attempts_key("run", "00000")).open("ab") as file:
        file.write(attempt(3).to_json()[:-5])
    assert list(read_attempts(media, "run")) == [attempt(number) for number in range(3)]


class Counting(ObjectStorage):
    puts = 0
    fails = False

    def put(self, key: str, data: bytes) -> None:
        self.puts += 1
        if self.fails:
            raise DestinationError("storage-failed", "HTTP 503")
        super().put(key, data)


def test_an_object_store_gets_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    media = Counting(MemoryStore(), "memory")
    log = AttemptLog(media, "run")
    for number in range(1050):
        log.add([attempt(number)])
    assert media.puts == 5
    log.close()
    log.close()
    assert media.puts == 6
    assert list(read_attempts(media, "run")) == [attempt(number) for number in range(1050)]
    monkeypatch.setattr(module, "EVERY", 0.0)
    log.add([attempt(1050)])
    assert media.puts == 7


def test_a_log_that_cannot_be_written_stops_no_job() -> None:
    media = Counting(MemoryStore(), "memory")
    media.fails = True
    log = AttemptLog(media, "run")
    log.add([attempt(0)])
    log.close()
    write_attempt(media, "run", attempt(0))


def test_processes_of_their_own_write_one_object_each() -> None:
    media = Counting(MemoryStore(), "memory")
    for number in range(3):
        write_attempt(media, "run", attempt(number))
    assert list(read_attempts(media, "run")) == [attempt(number) for number in range(3)]
