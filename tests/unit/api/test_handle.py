"""A handle follows, awaits and stops a job; here the job is a function of the test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from growth import assert_linear
from leaks import own_threads
from streamify.errors import Interrupted, SourceError
from streamify.executors.base import OnEvent
from streamify.handle import JobHandle, Run, UnreadEvents
from streamify.jobs.engine import Stop
from streamify.model.event import Event, EventKind
from streamify.model.report import Report

REPORT = Report.model_construct(status="complete")


def event(kind: EventKind, task: str | None = None, message: str = "") -> Event:
    return Event(time=0, kind=kind, task=task, message=message)


def until_stopped(tell: OnEvent, stop: Stop) -> Report:
    tell(event("job.started"))
    assert stop.wait(30)
    raise Interrupted(stop.exit_code)


def started(run: Run) -> JobHandle:
    return JobHandle("in.mp4", "out", run)


def test_the_result_is_the_report() -> None:
    job = started(lambda tell, stop: REPORT)
    assert job.result(30) is REPORT
    assert (job.done(), job.exception(), job.wait()) == (True, None, True)
    assert repr(job) == "<JobHandle in.mp4 -> out: complete>"


def test_an_error_of_the_job_is_raised_by_the_result_as_often_as_it_is_asked_for() -> None:
    def fail(tell: OnEvent, stop: Stop) -> Report:
        raise SourceError("source-missing", "there is none")

    job = started(fail)
    for _ in range(2):
        with pytest.raises(SourceError, match="there is none"):
            job.result(30)
    assert isinstance(job.exception(), SourceError)
    assert list(job.events()) == []


def test_waiting_ends_at_its_time_and_the_job_goes_on() -> None:
    job = started(until_stopped)
    with pytest.raises(TimeoutError):
        job.result(0.01)
    with pytest.raises(TimeoutError):
        job.exception(0)
    assert (job.wait(0.01), job.done()) == (False, False)
    assert repr(job) == "<JobHandle in.mp4 -> out: running>"
    job.cancel()
    assert job.wait(30)


def test_cancel_stops_the_job_in_order_and_may_be_called_again() -> None:
    job = started(until_stopped)
    job.cancel()
    with pytest.raises(Interrupted):
        job.result(30)
    job.cancel()


def test_events_come_as_they_happen_and_end_with_the_job() -> None:
    go = threading.Event()

    def run(tell: OnEvent, stop: Stop) -> Report:
        tell(event("job.started"))
        assert go.wait(30)
        tell(event("job.finished"))
        return REPORT

    job = started(run)
    kinds = []
    for happened in job.events():
        kinds.append(happened.kind)
        assert not job.done() or len(kinds) == 2
        go.set()
    assert kinds == ["job.started", "job.finished"]
    assert list(job.events()) == []


def test_the_callback_gets_every_event_too() -> None:
    seen: list[Event] = []

    def run(tell: OnEvent, stop: Stop) -> Report:
        tell(event("note", message="one"))
        return REPORT

    job = JobHandle("in.mp4", "out", run, seen.append)
    assert list(job.events()) == seen
    assert [one.message for one in seen] == ["one"]


def test_of_unread_progress_of_a_task_only_the_latest_is_kept() -> None:
    queue = UnreadEvents()
    queue.put(event("task.started", "a"))
    for number in range(1000):
        queue.put(event("task.progress", "a", str(number)))
        queue.put(event("task.progress", "b", str(number)))
    queue.put(event("task.finished", "a"))
    queue.close()
    assert [(one.kind, one.task, one.message) for one in queue] == [
        ("task.started", "a", ""), ("task.progress", "a", "999"), ("task.progress", "b", "999"),
        ("task.finished", "a", ""),
    ]  # fmt: skip


def test_many_events_are_read_in_linear_time() -> None:
    def reading(count: int) -> Callable[[], None]:
        def work() -> None:
            queue = UnreadEvents()
            for _ in range(count):
                queue.put(event("note"))
            queue.close()
            assert sum(1 for _ in queue) == count

        return work

    assert_linear(reading, 2_000)


def test_a_block_waits_for_its_job_and_stops_it_where_it_raises() -> None:
    with started(lambda tell, stop: REPORT) as job:
        pass
    assert job.done()
    with pytest.raises(ZeroDivisionError), started(until_stopped) as job:
        1 / 0  # noqa: B018
    assert isinstance(job.exception(0), Interrupted)


@pytest.fixture
def _no_stray_threads() -> Iterator[None]:
    before = own_threads()
    yield
    for thread in own_threads() - before:
        thread.join(30)
        assert not thread.is_alive()


@pytest.mark.usefixtures("_no_stray_threads")
class TestAsync:
    """In an event loop; nothing may be logged by asyncio, which the fixture of all tests sees to."""

    def test_a_job_can_be_awaited(self) -> None:
        async def main() -> Report:
            return await started(lambda tell, stop: REPORT)

        assert asyncio.run(main()) is REPORT

    def test_an_error_is_raised_where_it_is_awaited(self) -> None:
        def fail(tell: OnEvent, stop: Stop) -> Report:
            raise SourceError("source-missing", "there is none")

        async def main() -> None:
            with pytest.raises(SourceError):
                await started(fail)

        asyncio.run(main())

    def test_a_cancelled_task_ends_after_its_job_has_stopped(self) -> None:
        ended = False

        def slow(tell: OnEvent, stop: Stop) -> Report:
            nonlocal ended
            assert stop.wait(30)
            time.sleep(0.2)
            ended = True
            raise Interrupted(stop.exit_code)

        async def main() -> None:
            job = started(slow)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await job
            assert ended
            assert job.done()

        asyncio.run(main())

    def test_a_task_cancelled_twice_does_not_wait_for_the_job(self) -> None:
        go = threading.Event()

        def stubborn(tell: OnEvent, stop: Stop) -> Report:
            assert go.wait(30)
            raise Interrupted(stop.exit_code)

        async def main() -> None:
            job = started(stubborn)

            async def wait() -> None:
                await job

            task = asyncio.create_task(wait())
            for _ in range(2):
                await asyncio.sleep(0.05)
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not job.done()
            go.set()
            job.wait(30)
            await asyncio.sleep(0.05)

        asyncio.run(main())

    def test_the_loop_goes_on_while_a_job_runs(self) -> None:
        async def main() -> int:
            job = started(until_stopped)
            turns = 0
            while turns < 5:
                await asyncio.sleep(0.01)
                turns += 1
            job.cancel()
            with pytest.raises(Interrupted):
                await job
            return turns

        assert asyncio.run(main()) == 5
