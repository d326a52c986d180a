"""What a process without a storage of its own and the one that serves it say to each other, over one stream socket.

A message is the length of its head (4 bytes, big endian), the head (JSON), and as many bytes as the head says.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from streamify.errors import StreamifyError, error_for
from streamify.model.base import Frozen

HEAD = 4
"""Bytes that hold the length of a head."""
LONGEST_HEAD = 1 << 16
LARGEST = 1 << 30
"""Bytes of an object that may be sent; a segment of 4K has some tens of megabytes."""
LONGEST_READ = 16 << 20
"""Bytes that one request may ask for of a source."""


class Ask(Frozen):
    """A request."""

    kind: Literal["open", "read", "close", "get", "put", "put-new", "put-new-many"]
    key: str = ""
    """Of all but `read`, `close` and `put-new-many`."""
    version: str | None = None
    """Of `open`: that the source must have."""
    file: int = 0
    """Of `read` and `close`: number of an open source."""
    at: Annotated[int, Field(ge=0, lt=1 << 62)] = 0
    """Of `read`: the first byte."""
    wanted: Annotated[int, Field(ge=0, le=LONGEST_READ)] = 0
    """Of `read`: bytes, at most."""
    length: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    """Bytes that follow: the objects that are written."""
    keys: tuple[str, ...] = ()
    """Of `put-new-many`."""
    lengths: tuple[Annotated[int, Field(ge=0, le=LARGEST)], ...] = ()
    """Of `put-new-many`: bytes of each object."""


class Refusal(Frozen):
    """An error of the storage."""

    exit_code: int
    code: str
    message: str
    hint: str = ""
    transient: bool = False

    @classmethod
    def of(cls, error: StreamifyError) -> Refusal:
        """Return an error as a value."""
        return cls(
            exit_code=error.exit_code,
            code=error.code,
            message=error.message,
            hint=error.hint,
            transient=error.transient,
        )

    def as_raised(self) -> StreamifyError:
        """Return the error again."""
        return error_for(self.exit_code)(self.code, self.message, self.hint, transient=self.transient)


class Answer(Frozen):
    """The answer to a request."""

    refusal: Refusal | None = None
    absent: bool = False
    """Of `get`: there is no such object."""
    file: int = 0
    """Of `open`: number of the open source."""
    size: int = 0
    """Of `open`: bytes of the source."""
    new: bool = False
    """Of `put-new`: whether this request wrote it."""
    tag: str | None = None
    """Of `put-new`: of what is there now."""
    length: int = 0
    """Bytes that follow: what was read."""


def framed(head: Ask | Answer, data: bytes | memoryview = b"") -> tuple[bytes, bytes | memoryview]:
    """Return what stands before the bytes of a message, and those."""
    text = head.to_json()
    return len(text).to_bytes(HEAD, "big") + text, data
