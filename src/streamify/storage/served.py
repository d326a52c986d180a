"""A storage that another process serves: for workers that have neither credentials nor a network."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from streamify.errors import DestinationError
from streamify.storage.base import Listed, Stat, Stores, Written
from streamify.storage.exchange import HEAD, Answer, Ask, framed
from streamify.storage.ranges import READ_AHEAD, Positioned

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


GROUP = 128
"""Small objects that are written by one request at most."""
GROUP_BYTES = 1 << 20
"""Bytes from which on a request takes no more of them."""


class Channel:
    """The worker's end of the socket.

    Args:
        descriptor: Of the socket.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock = descriptor, Lock()

    def ask(self, ask: Ask, data: bytes = b"") -> tuple[Answer, bytes]:
        """Send a request; return the answer and the bytes that come with it.

        Raises:
            StreamifyError: The storage's own error.
        """
        with self._lock:
            for part in framed(ask, data):
                self._write(part)
            answer = Answer.from_json(self._read(int.from_bytes(self._read(HEAD), "big")))
            found = self._read(answer.length)
        if answer.refusal is not None:
            raise answer.refusal.as_raised()
        return answer, found

    def _write(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _read(self, length: int) -> bytes:
        found = bytearray()
        while len(found) < length:
            chunk = os.read(self._descriptor, min(length - len(found), 1 << 20))
            if not chunk:
                os._exit(0)  # nobody serves this process any more
            found += chunk
        return bytes(found)


class ServedStorage:
    """`Storage` as far as tasks need it: they know their keys, and neither list nor delete."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def get(self, key: str) -> bytes | None:
        """See `Storage.get`."""
        answer, data = self._channel.ask(Ask(kind="get", key=key))
        return None if answer.absent else data

    def get_many(self, keys: Iterable[str]) -> Iterator[bytes | None]:
        """See `Storage.get_many`: one after another."""
        return map(self.get, keys)

    def put(self, key: str, data: bytes) -> None:
        """See `Storage.put`."""
        self._channel.ask(Ask(kind="put", key=key, length=len(data)), data)

    def put_new(self, key: str, data: bytes) -> Written:
        """See `Storage.put_new`; a `ConflictError` comes as its parent class, with the same code."""
        answer, _ = self._channel.ask(Ask(kind="put-new", key=key, length=len(data)), data)
        return Written(new=answer.new, tag=answer.tag)

    def put_new_many(self, files: Iterable[tuple[str, bytes]]) -> None:
        """See `Storage.put_new_many`: in groups, which the other side writes side by side."""
        group: list[tuple[str, bytes]] = []
        for file in files:
            group.append(file)
            if len(group) == GROUP or sum(len(data) for _, data in group) >= GROUP_BYTES:
                self._put_group(group)
                group = []
        if group:
            self._put_group(group)

    def _put_group(self, group: list[tuple[str, bytes]]) -> None:
        data = b"".join(one for _, one in group)
        keys, lengths = tuple(key for key, _ in group), tuple(len(one) for _, one in group)
        self._channel.ask(Ask(kind="put-new-many", keys=keys, lengths=lengths, length=len(data)), data)

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        """See `Storage.open`."""
        answer, _ = self._channel.ask(Ask(kind="open", key=key, version=version))
        return io.BufferedReader(_ServedFile(self._channel, answer.file, answer.size), READ_AHEAD)

    def stat(self, key: str) -> Stat | None:
        """Refused."""
        self._refuse("look at", key)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """Refused."""
        self._refuse("list", prefix)

    def beginning(self, start: str) -> set[str]:
        """Refused."""
        self._refuse("list", start)

    def names(self) -> set[str]:
        """Refused."""
        self._refuse("list", "")

    def top(self) -> tuple[set[str], set[str]]:
        """Refused."""
        self._refuse("list", "")

    def free_bytes(self) -> int | None:
        """See `Storage.free_bytes`: whoever serves it finds out."""
        return None

    def delete(self, key: str) -> None:
        """Refused."""
        self._refuse("delete", key)

    def delete_folder(self, prefix: str) -> None:
        """Refused."""
        self._refuse("delete", prefix)

    def sweep(self) -> None:
        """Refused."""
        self._refuse("sweep", "")

    def _refuse(self, verb: str, key: str) -> NoReturn:
        raise refused(f"{verb} {key or 'the storage'}")


def served_stores(descriptor: int) -> Stores:
    """Return the stores that are served over a socket: the source, and what the task may read and write of DEST."""
    storage = ServedStorage(Channel(descriptor))
    return Stores(storage, storage)


def refused(what: str) -> DestinationError:
    """Return the error for what a task may not do."""
    return DestinationError(
        "task-reach",
        f"a task wanted to {what}, which is no part of it",
        "its worker ran other code than ours: the source may be an attack on the decoder; keep it for examination",
    )


class _ServedFile(Positioned):
    """A source, read by ranges; who serves it reads ahead."""

    def __init__(self, channel: Channel, file: int, size: int) -> None:
        super().__init__(size)
        self._channel, self._file = channel, file

    def close(self) -> None:
        """Let go of it."""
        if not self.closed:
            self._channel.ask(Ask(kind="close", file=self._file))
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as one request does."""
        view = memoryview(buffer).cast("B")
        if self._at >= self._size:
            return 0
        wanted = min(len(view), self._size - self._at, READ_AHEAD << 4)
        _, data = self._channel.ask(Ask(kind="read", file=self._file, at=self._at, wanted=wanted))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
