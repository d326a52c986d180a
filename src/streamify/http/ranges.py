"""Conditional and range requests (RFC 9110, sections 13 and 14). Pure.

Starlette has range requests for local files only, and keeps the parser to itself; objects of a store need them too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

_BYTES = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_DIGITS = 18
"""More of them are beyond the end of any file. Python refuses to read a number of 5,000 digits."""


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
        if _number(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - _number(last)), size
    start, end = _number(first), _number(last) + 1 if last else size
    if end <= start and last:
        return None  # backwards: not a valid range, so ignored
    if start >= size:
        raise Unsatisfiable
    return start, min(end, size)


def _number(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _DIGITS else 10**_DIGITS


class Answer(NamedTuple):
    """How a request for an object that exists is answered."""

    status: HTTPStatus
    headers: dict[str, str]
    start: int = 0
    end: int = 0
    """The bytes ``[start, end)`` of the object are the body of the answer to a GET."""


def decide(asked: Mapping[str, str], size: int, etag: str) -> Answer:
    """Return status, headers and bytes for the request headers `asked`, whose names are looked up in lower case."""
    known = [tag.strip().removeprefix("W/") for tag in asked.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Answer(HTTPStatus.NOT_MODIFIED, {})
    wanted = asked.get("range") if asked.get("if-range", etag) == etag else None
    try:
        part = parse_range(wanted, size)
    except Unsatisfiable:
        headers = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
    start, end = part or (0, size)
    headers = {"Content-Length": str(end - start)}
    if part is None:
        return Answer(HTTPStatus.OK, headers, start, end)
    return Answer(
        HTTPStatus.PARTIAL_CONTENT, headers | {"Content-Range": f"bytes {start}-{end - 1}/{size}"}, start, end
    )
