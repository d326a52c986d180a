"""Where processes of nodes ask for tasks and say how far they are; the driver looks into it in batches."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence

from streamify.executors.ray.wire import LARGEST

PAUSE = 0.25
"""Seconds for which what is not pressing is gathered."""

Letter = tuple[str, int, bytes]
"""Kind, number of the request for a place, JSON: ``asked``, a `Card`; ``told``, a `Progress`; ``part``, a piece of a
reply that is too large to be sent at once."""


Answer = tuple[int, bytes | None]
"""Number of the request for a place, and what to do there: a `Given` as compressed JSON; ``None``: nothing."""


def grouped(answers: Sequence[Answer]) -> Iterator[list[Answer]]:
    """Yield answers in order, as many together as are sent at once."""
    group: list[Answer] = []
    size = 0
    for number, given in answers:
        size += len(given or b"")
        if group and size > LARGEST:
            yield group
            group, size = [], len(given or b"")
        group.append((number, given))
    if group:
        yield group


class Mailbox:
    """Takes letters of many processes, and hands the driver's answers out.

    It holds nothing that is not sent again: where it is lost, the driver makes another one.
    """

    def __init__(self) -> None:
        self._letters: deque[Letter] = deque()
        self._told: dict[int, bytes] = {}
        self._answers: dict[int, asyncio.Future[bytes | None]] = {}
        self._changed = asyncio.Event()
        self._gathering = False

    async def ask(self, number: int, card: bytes) -> bytes | None:
        """Return what a process is given to do; ``None``: nothing."""
        self._answers[number] = answer = asyncio.get_running_loop().create_future()
        self._put(("asked", number, card))
        given: bytes | None = await answer
        return given

    async def tell(self, number: int, progress: bytes) -> None:
        """Take how far a task is: of each the last word counts."""
        self._told[number] = progress
        if not self._gathering:
            self._gathering = True
            asyncio.get_running_loop().call_later(PAUSE, self._gathered)

    async def part(self, number: int, piece: bytes) -> None:
        """Take the next piece of a reply."""
        self._put(("part", number, piece))

    async def answer(self, answers: list[Answer]) -> None:
        """Tell processes that asked what they are given."""
        for number, answer in answers:
            waiting = self._answers.pop(number, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    async def take(self, seconds: float) -> list[Letter]:
        """Return what has come, after `seconds` at the latest; no more of it than is sent at once."""
        if not self._letters:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return []
        found, size = [self._letters.popleft()], 0
        while self._letters and (size := size + len(self._letters[0][2])) + len(found[0][2]) <= LARGEST:
            found.append(self._letters.popleft())
        return found

    def _put(self, letter: Letter) -> None:
        self._letters.append(letter)
        self._changed.set()

    def _gathered(self) -> None:
        self._gathering = False
        told, self._told = self._told, {}
        for number, progress in told.items():
            self._put(("told", number, progress))
