"""Events reach a listener in order, whatever it does, and hold up nobody."""

from __future__ import annotations

import time
from threading import Event as Flag
from threading import Thread

import pytest

from streamify.executors import events as delivery
from streamify.executors.events import EventDelivery, delivering
from streamify.model.event import Event, EventKind
from waiting import wait_until

pytestmark = pytest.mark.timeout(120)


def event(kind: EventKind = "note", task: str | None = None, **data: int) -> Event:
    return Event(time=0, kind=kind, task=task, data=data)


def test_every_event_arrives_in_order_before_the_end() -> None:
    seen: list[int] = []

    def listen(event: Event) -> None:
        time.sleep(0.001)
        seen.append(event.data["number"])

    with EventDelivery(listen) as events:
        for number in range(200):
            events(event(number=number))
    assert seen == list(range(200))


def test_of_the_progress_of_a_task_the_last_counts() -> None:
    seen: list[tuple[str | None, int | None]] = []
    begun, released = Flag(), Flag()

    def listen(event: Event) -> None:
        begun.set()
        released.wait()
        seen.append((event.task, event.data.get("done")))

    with EventDelivery(listen) as events:
        events(event())
        assert begun.wait(60)  # it is being delivered
        for done in range(1000):
            for name in ("a", "b"):
                events(event("task.progress", name, done=done))
        events(event("task.finished", "a"))
        events(event("task.progress", "a", done=5000))  # of another attempt
        released.set()
    assert seen[0] == (None, None)
    assert seen[1:] == [("a", 999), ("b", 999), ("a", None), ("a", 5000)]


def raising(_: Event) -> None:
    raise LookupError("listener")


def test_what_a_listener_raises_is_raised_to_whoever_sends_and_at_the_end() -> None:
    events = EventDelivery(raising)
    events(event())
    wait_until(lambda: events.error)
    with pytest.raises(LookupError, match="listener"):
        events(event())
    with pytest.raises(LookupError, match="listener"):
        events.check()
    with pytest.raises(LookupError, match="listener"):
        events.__exit__(None, None, None)


def test_another_error_is_not_hidden() -> None:
    events = EventDelivery(raising)
    events(event())
    events.__exit__(KeyError, KeyError("job"), None)  # raises nothing of its own


def test_the_end_waits_for_a_slow_listener_but_not_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LAST_WAIT", 0.2)
    released, stop, seen = Flag(), Flag(), list[Event]()

    def listen(event: Event) -> None:
        released.wait()
        seen.append(event)

    def end() -> None:
        with EventDelivery(listen, stop) as events:
            events(event())

    ending = Thread(target=end)
    ending.start()
    ending.join(3 * delivery.LAST_WAIT)
    assert ending.is_alive()
    stop.set()
    ending.join(60)
    assert not ending.is_alive()
    released.set()


def test_a_queue_is_not_put_into_another() -> None:
    with EventDelivery(None) as events, delivering(events) as same:
        assert same is events
