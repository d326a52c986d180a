"""Range requests (RFC 9110, section 14). Pure."""

from __future__ import annotations

import re

_BYTES = re.compile(r"bytes=(\d*)-(\d*)")


class Unsatisfiable(ValueError):  # the word of the RFC
    """The range lies outside the file: answer 416."""


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return ``[start, end)``, or ``None`` for the whole file.

    A header that is no single byte range is ignored, as the RFC allows: the answer is then the whole file.

    Raises:
        Unsatisfiable: Nothing of the range exists.
    """
    found = _BYTES.fullmatch((header or "").strip())
    if not found or found[0] == "bytes=-":
        return None
    first, last = found[1], found[2]
    if not first:  # the last N bytes
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    start, end = int(first), int(last) + 1 if last else size
    if end <= start and last:
        return None  # backwards: not a valid range, so ignored
    if start >= size:
        raise Unsatisfiable
    return start, min(end, size)
