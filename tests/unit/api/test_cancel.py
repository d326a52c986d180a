"""What cancelling a handle does on a backend whose job goes on without this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import streamify
from streamify.backends import choose
from streamify.executors.base import OnEvent
from streamify.jobs.engine import Stop
from streamify.model.location import Location
from streamify.model.report import Report
from streamify.model.settings import Engine, Settings


class Backend:
    """Runs until it is stopped; notes what is cancelled."""

    def __init__(self, refusal: Callable[[], Exception] | None = None) -> None:
        self.cancelled: list[str] = []
        self._refusal = refusal

    def transcode(self, source: Location, dest: Location, settings: Settings, on_event: OnEvent, stop: Stop) -> Report:
        assert stop.wait(60)
        raise streamify.Interrupted(stop.exit_code)

    def cancel(self, dest: Location) -> None:
        self.cancelled.append(dest.url)
        if self._refusal is not None:
            raise self._refusal()


def cancelled(monkeypatch: pytest.MonkeyPatch, backend: Backend, engine: Engine, dest: str | Path) -> BaseException:
    monkeypatch.setattr(choose, "for_settings", lambda _: backend)
    job = streamify.start("in.mp4", dest, engine=engine)
    job.cancel()
    error = job.exception(60)
    assert error is not None
    return error


def test_the_execution_of_a_cancelled_job_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend()
    assert isinstance(cancelled(monkeypatch, backend, "aws", "s3://media/out"), streamify.Interrupted)
    assert backend.cancelled == ["s3://media/out"]


def test_a_job_that_has_no_execution_yet_is_just_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(lambda: streamify.DestinationError("no-job", "there is none"))
    assert isinstance(cancelled(monkeypatch, backend, "aws", "s3://media/out"), streamify.Interrupted)


def test_an_execution_that_cannot_be_ended_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend(lambda: streamify.DestinationError("aws-denied", "may not"))
    error = cancelled(monkeypatch, backend, "aws", "s3://media/out")
    assert isinstance(error, streamify.DestinationError)
    assert error.code == "aws-denied"


def test_a_job_of_this_machine_ends_with_its_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    backend = Backend()
    assert isinstance(cancelled(monkeypatch, backend, "local", tmp_path), streamify.Interrupted)
    assert backend.cancelled == []
