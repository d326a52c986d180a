"""The mailbox of a cluster, without one: what is kept, gathered and grouped; and addresses."""

from __future__ import annotations

import asyncio
import socket

import pytest

from streamify.errors import DestinationError, UsageError
from streamify.executors.ray.address import Address, parse
from streamify.executors.ray.mailbox import Mailbox, grouped
from streamify.executors.ray.parcel import packed, unpacked
from streamify.executors.ray.wire import LARGEST
from streamify.executors.wire import Done
from streamify.model.attempt import Usage
from streamify.model.result import CheckResult


def test_who_asks_gets_the_answer_to_that() -> None:
    async def tried() -> None:
        box = Mailbox()
        asking = [asyncio.create_task(box.ask(number, b"card-%d" % number)) for number in (1, 2)]
        assert await box.take(10) == [("asked", 1, b"card-1"), ("asked", 2, b"card-2")]
        await box.answer([(2, None), (1, b"task"), (9, b"of nobody")])
        assert [await one for one in asking] == [b"task", None]
        assert await box.take(0.01) == []

    asyncio.run(tried())


def test_of_progress_the_last_word_of_each_is_kept() -> None:
    async def tried() -> None:
        box = Mailbox()
        for number in range(100):
            await box.tell(number % 2, b"%d" % number)
        assert await box.take(10) == [("told", 0, b"98"), ("told", 1, b"99")]

    asyncio.run(tried())


def test_nothing_large_is_sent_at_once() -> None:
    async def tried() -> None:
        box = Mailbox()
        for number in range(5):
            await box.part(number, bytes(LARGEST // 2))
        assert [len(await box.take(10)) for _ in range(3)] == [2, 2, 1]

    asyncio.run(tried())
    groups = list(grouped([(number, bytes(LARGEST // 3)) for number in range(7)]))
    assert [len(group) for group in groups] == [3, 3, 1]
    assert [number for group in groups for number, _ in group] == list(range(7))
    assert list(grouped([])) == []
    assert list(grouped([(1, bytes(2 * LARGEST)), (2, None)])) == [[(1, bytes(2 * LARGEST))], [(2, None)]]


def test_a_reply_is_the_same_behind_its_way() -> None:
    usage = Usage(seconds=1, cpu_seconds=1, peak_bytes=1, resident_bytes=1)
    reply = Done(result=CheckResult(key="k", faults=("x" * 100_000,), frames=1), usage=usage)
    data = packed(reply)
    assert len(data) < 1000
    assert unpacked(data) == reply
    for broken in (b"", data[:-5], b"garbage"):
        with pytest.raises(ValueError):  # noqa: PT011 - of several libraries
            unpacked(broken)


@pytest.mark.parametrize(
    ("text", "found", "join"),
    [
        ("10.0.0.1", Address("10.0.0.1:6379", "10.0.0.1", 6379), "10.0.0.1:6379"),
        ("head:1234", Address("head:1234", "head", 1234), "head:1234"),
        ("ray://head", Address("ray://head:10001", "head", 10001), "head:6379"),
        ("ray://[::1]:5", Address("ray://[::1]:5", "::1", 5), "[::1]:6379"),
    ],
)
def test_addresses(text: str, found: Address, join: str) -> None:
    assert parse(text) == found
    assert found.join == join


@pytest.mark.parametrize("text", ["head:port", "http://head:1", "head:70000", ":6379", "head:0", "ray://"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(text)
    assert (raised.value.code, text in raised.value.message) == ("ray-address", True)
    assert "HOST:6379" in raised.value.hint


def test_a_port_at_which_nobody_listens() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        with pytest.raises(DestinationError, match="no Ray cluster answers at 127") as raised:
            parse(f"127.0.0.1:{one.getsockname()[1]}").check()
    assert raised.value.code == "ray-unreachable"
