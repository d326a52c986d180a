"""The trusted side of `streamify.storage.served`: does what a worker asks for, as far as its task reaches."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import BinaryIO

from pydantic import ValidationError

from streamify.dest.layout import burn_folder, is_segment_list, is_words, segment_index
from streamify.errors import StreamifyError
from streamify.model.source import SourceRef
from streamify.storage.base import Stores
from streamify.storage.exchange import HEAD, LONGEST_HEAD, Answer, Ask, Refusal, framed
from streamify.storage.served import refused

_CHUNK = 1 << 18
_FILES = 200
_PATIENCE = 60
"""Seconds in which a worker must take an answer."""


def _parts(ask: Ask, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield keys and bytes of the objects of a request.

    Raises:
        ValueError: It is none.
    """
    if len(ask.keys) != len(ask.lengths) or sum(ask.lengths) != len(data):
        raise ValueError("a request whose lengths do not fit")
    ends = accumulate(ask.lengths)
    for key, length, end in zip(ask.keys, ask.lengths, ends, strict=True):
        yield key, data[end - length : end]


@dataclass(frozen=True)
class Reach:
    """What a task reads and writes: keys below DEST, and one source."""

    source: SourceRef | None = None
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    segment_list: bool = False
    """Whether it writes a segment list, whose key is named by its content."""
    burn: bool = False
    """Whether it writes what is drawn into pictures."""
    words: frozenset[str] = frozenset()
    """Folders of tracks of words, in which it writes every segment."""

    def may_write(self, key: str) -> bool:
        """Return whether it may write an object."""
        if key in self.writes or (self.segment_list and is_segment_list(key)):
            return True
        if self.burn and burn_folder(key) is not None:
            return True
        folder = key.rpartition("/")[0]
        return folder in self.words and is_words(key) and segment_index(key) is not None


class StoreServer:
    """Serves one worker. Call `serve` when bytes have arrived at `socket`.

    Args:
        connection: Our end of the socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._socket.settimeout(_PATIENCE)
        self._unread = bytearray()
        self._stores: Stores | None = None
        self._reach = Reach()
        self._files: dict[int, BinaryIO] = {}
        self._opened = 0

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._socket.fileno()

    def begin(self, stores: Stores, reach: Reach) -> None:
        """Serve another task."""
        self.end()
        self._stores, self._reach = stores, reach

    def end(self) -> None:
        """Serve nothing until the next task begins."""
        for number in tuple(self._files):
            self._close(number)
        self._stores, self._reach = None, Reach()

    def close(self) -> None:
        """Serve nothing any more."""
        self.end()
        self._socket.close()

    def serve(self) -> bool:
        """Read what has arrived; do what is asked for. Return whether more may come.

        Raises:
            ValueError: The worker said something that is no request.
            TimeoutError: It does not take the answer.
        """
        chunk = self._socket.recv(_CHUNK)
        self._unread += chunk
        while (taken := self._take()) is not None:
            answer, data = self._done(*taken)
            for part in framed(answer, data):
                if part:  # to send nothing to a worker that has left is an error
                    self._socket.sendall(part)
        return bool(chunk)

    def _take(self) -> tuple[Ask, bytes] | None:
        """Return the next request with its bytes once all of it is here."""
        length = int.from_bytes(self._unread[:HEAD], "big")
        if length > LONGEST_HEAD:
            raise ValueError(f"a head of {length} bytes")
        begin = HEAD + length
        if len(self._unread) < begin:
            return None
        try:
            ask = Ask.from_json(bytes(self._unread[HEAD:begin]))
        except ValidationError as error:
            raise ValueError(f"no request: {error}") from error
        if len(self._unread) < begin + ask.length:
            return None
        data = bytes(memoryview(self._unread)[begin : begin + ask.length])
        del self._unread[: begin + ask.length]
        return ask, data

    def _done(self, ask: Ask, data: bytes) -> tuple[Answer, bytes]:
        try:
            return self._do(ask, data)
        except StreamifyError as error:
            return Answer(refusal=Refusal.of(error)), b""

    def _do(self, ask: Ask, data: bytes) -> tuple[Answer, bytes]:
        stores, reach, source = self._stores, self._reach, self._reach.source
        if stores is None:
            raise refused(f"{ask.kind} {ask.key} between two tasks")
        match ask.kind:
            case "open" if source is not None and (source.key, source.version) == (ask.key, ask.version):
                if len(self._files) == _FILES:
                    raise ValueError(f"more than {_FILES} open files")
                self._opened += 1
                self._files[self._opened] = stores.open_source(source)
                return Answer(file=self._opened, size=source.size), b""
            case "read" if (file := self._files.get(ask.file)) is not None:
                assert isinstance(file, io.BufferedReader)
                file.seek(ask.at)
                found = file.read1(ask.wanted) if ask.wanted else b""
                return Answer(length=len(found)), found
            case "close":
                self._close(ask.file)
                return Answer(), b""
            case "get" if ask.key in reach.reads or reach.may_write(ask.key):
                held = stores.media.get(ask.key)
                return Answer(absent=held is None, length=len(held or b"")), held or b""
            case "put" if reach.may_write(ask.key):
                stores.media.put(ask.key, data)
                return Answer(), b""
            case "put-new" if reach.may_write(ask.key):
                made = stores.media.put_new(ask.key, data)
                return Answer(new=made.new, tag=made.tag), b""
            case "put-new-many" if all(map(reach.may_write, ask.keys)):
                stores.media.put_new_many(_parts(ask, data))
                return Answer(), b""
            case _:
                raise refused(f"{ask.kind} {ask.key or ', '.join(ask.keys[:3])}")

    def _close(self, number: int) -> None:
        file = self._files.pop(number, None)
        if file is not None:
            with suppress(OSError):
                file.close()
