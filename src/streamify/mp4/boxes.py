"""Boxes of ISO base media files (ISO/IEC 14496-12, clause 4.2): reading, finding and building them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview


HEADER = 8
"""Bytes of a header."""
SPACES = (b"free", b"skip", b"wide")
"""Boxes that hold nothing; some writers give one without a payload a size of less than its header, as players allow."""


class BoxError(ValueError):
    """The bytes are not a well-formed box structure."""


@contextmanager
def well_formed() -> Iterator[None]:
    """Turn what reading behind the end of a box raises into `BoxError`; also a decorator."""
    try:
        yield
    except (struct.error, LookupError, OverflowError) as error:
        raise BoxError(f"a box is cut off or damaged ({error})") from error


@dataclass(frozen=True)
class Box:
    """One box inside a buffer."""

    kind: bytes
    start: int
    """Offset of the size field in the buffer."""
    body: int
    """Offset of the payload in the buffer."""
    end: int
    """Offset after the box."""

    @property
    def size(self) -> int:
        """Whole size, bytes."""
        return self.end - self.start


def header(data: Buffer, offset: int, limit: int) -> Box:
    """Read one box header at `offset`; `limit` is where the enclosing box or file ends (clause 4.2).

    Raises:
        BoxError: Fewer than 8 bytes are left, or the size is below the header's, and it is no free space.
    """
    if offset + 8 > len(data):
        raise BoxError(f"box header cut off at byte {offset}")
    size, kind = struct.unpack_from(">I4s", data, offset)
    body = offset + 8
    if size == 1:
        if offset + 16 > len(data):
            raise BoxError(f"box header cut off at byte {offset}")
        (size,) = struct.unpack_from(">Q", data, offset + 8)
        body = offset + 16
    elif size == 0:
        size = limit - offset
    elif size < HEADER and kind in SPACES:
        size = HEADER
    if size < body - offset:
        raise BoxError(f"box {kind!r} at byte {offset} claims {size} bytes")
    return Box(kind, offset, body, offset + size)


def boxes(data: Buffer, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes that lie side by side in ``data[start:end]``.

    Raises:
        BoxError: A box is malformed or reaches past `end`.
    """
    limit = len(data) if end is None else end
    while start < limit:
        box = header(data, start, limit)
        if box.end > limit:
            raise BoxError(f"box {box.kind!r} at byte {start} reaches {box.end - limit} bytes past its container")
        yield box
        start = box.end


def find(data: Buffer, path: str, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield every box at a path such as ``moov/trak/mdia``, in file order."""
    first, _, rest = path.partition("/")
    for box in boxes(data, start, end):
        if box.kind == first.encode():
            if rest:
                yield from find(data, rest, box.body, box.end)
            else:
                yield box


def first(data: Buffer, path: str, start: int = 0, end: int | None = None) -> Box:
    """Return the first box at `path`.

    Raises:
        BoxError: There is none.
    """
    for box in find(data, path, start, end):
        return box
    raise BoxError(f"no {path} box")


def box(kind: bytes, *parts: bytes) -> bytes:
    """Build a box from its payload."""
    payload = b"".join(parts)
    if len(payload) + 8 >= 1 << 32:
        return struct.pack(">I4sQ", 1, kind, len(payload) + 16) + payload
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Build a full box (clause 4.2): version and flags before the payload."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)
