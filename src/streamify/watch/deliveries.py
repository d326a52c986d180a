"""Calls of hooks: kept in MEDIA until they are confirmed, so that none is lost; at least once, each with one id."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streamify.dest.media import DELIVERIES, delivery_key, record_id, undelivered_key
from streamify.errors import StreamifyError
from streamify.model.backoff import Backoff
from streamify.model.event import Event, EventKind
from streamify.model.upload import Delivery, Ended
from streamify.storage.base import Storage
from streamify.storage.saved import read_saved
from streamify.watch import command_hook, webhook
from streamify.watch.hooks import Target, deliveries

PAUSE = Backoff(first=5.0, factor=3.0, longest=3600.0)
"""Before a call is tried again."""
GIVEN_UP = 3 * 86_400.0
"""Seconds after which a call that nobody confirmed is given up, and kept as undelivered."""


@dataclass(order=True)
class _Call:
    due: float
    name: str
    delivery: Delivery = field(compare=False)
    tries: int = field(default=0, compare=False)


class Deliveries:
    """Calls hooks from one thread for each target: one that hangs holds up its own calls alone.

    Args:
        media: Rooted at MEDIA.
        targets: Whom to tell.
        key: Signs calls of webhooks; ``None``: they are not signed.
        tell: Takes events.
    """

    def __init__(
        self, media: Storage, targets: Sequence[Target], key: bytes | None, tell: Callable[[Event], None]
    ) -> None:
        self._media, self._targets, self._key, self._tell = media, targets, key, tell
        self._calls: dict[str, list[_Call]] = {target.digest: [] for target in targets}
        self._changed, self._ending = threading.Condition(), threading.Event()
        self._busy: set[str] = set()

    def start(self) -> None:
        """Take up what earlier runs left, and start to call."""
        for entry in list(self._media.list(DELIVERIES)):
            try:
                delivery = read_saved(self._media, entry.key, Delivery, at="MEDIA")
            except StreamifyError as error:
                self._say("note", str(error))
                continue
            if delivery is None:
                continue
            if delivery.target in self._calls:
                self._calls[delivery.target].append(_Call(0.0, record_id(entry.key), delivery))
            else:
                self._give_up(record_id(entry.key), delivery, "no flag names its target any more")
        for digest in self._calls:
            target = next(one for one in self._targets if one.digest == digest)
            threading.Thread(target=self._work, args=(target,), name=f"streamify hook {target}", daemon=True).start()

    def add(self, ended: Ended) -> None:
        """Keep the calls that an ended upload causes; they are made soon."""
        for name, delivery in deliveries(ended, self._targets):
            self._media.put(delivery_key(name), delivery.to_json())
            with self._changed:
                self._calls[delivery.target].append(_Call(0.0, name, delivery))
                self._changed.notify_all()

    def drain(self, patience: float) -> int:
        """Wait until each call was tried once, at most `patience` seconds; return how many are not confirmed."""
        deadline = time.monotonic() + patience
        with self._changed:
            while self._untried() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return sum(map(len, self._calls.values()))

    def close(self) -> None:
        """Make no more calls; a command that runs is killed, and called again by the next run."""
        self._ending.set()
        with self._changed:
            self._changed.notify_all()
            deadline = time.monotonic() + 2
            while self._busy and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _untried(self) -> bool:
        return bool(self._busy) or any(not call.tries for calls in self._calls.values() for call in calls)

    def _work(self, target: Target) -> None:
        while (call := self._next(target)) is not None:
            error = self._call(target, call)
            try:
                self._settle(target, call, error)
            except StreamifyError as fault:  # it stays, and is called again
                self._say("note", f"the call {call.delivery.id} cannot be noted: {fault}")
                call.due = time.monotonic() + PAUSE.pause(call.tries)
            with self._changed:
                self._busy.discard(target.digest)
                self._changed.notify_all()

    def _next(self, target: Target) -> _Call | None:
        """Wait for a call that is due."""
        with self._changed:
            while not self._ending.is_set():
                calls = self._calls[target.digest]
                first = min(calls, default=None)
                wait = first.due - time.monotonic() if first is not None else None
                if first is not None and wait is not None and wait <= 0:
                    self._busy.add(target.digest)
                    return first
                self._changed.wait(wait)
        return None

    def _call(self, target: Target, call: _Call) -> str | None:
        call.tries += 1
        body = call.delivery.body.encode()
        if target.command:
            return command_hook.run(target.command, call.delivery.id, body, self._ending)
        return webhook.call(target.url, call.delivery.id, body, self._key)

    def _settle(self, target: Target, call: _Call, error: str | None) -> None:
        if error is None:
            self._media.delete(delivery_key(call.name))
            self._drop(target, call)
            self._say("hook.called", f"{call.delivery.kind} told to {target}", target=str(target), tries=call.tries)
        elif time.time() - call.delivery.created > GIVEN_UP:
            self._give_up(call.name, call.delivery, error)
            self._drop(target, call)
        else:
            delay = PAUSE.pause(call.tries)
            call.due = time.monotonic() + delay
            text = f"{call.delivery.kind} not told to {target}: {error}; tried again in {delay:.0f} s"
            self._say("hook.failed", text, target=str(target), tries=call.tries, error=error)

    def _drop(self, target: Target, call: _Call) -> None:
        with self._changed:
            self._calls[target.digest].remove(call)

    def _give_up(self, name: str, delivery: Delivery, why: str) -> None:
        self._media.put(undelivered_key(name), delivery.model_copy(update={"error": why}).to_json())
        self._media.delete(delivery_key(name))
        self._say("hook.failed", f"{delivery.kind} given up, kept as {undelivered_key(name)}: {why}", error=why)

    def _say(self, kind: EventKind, message: str, **data: object) -> None:
        self._tell(Event(time=time.time(), kind=kind, message=message, data=data))
