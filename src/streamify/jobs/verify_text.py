"""Published texts, which strangers may have written: read up to a limit, and never taken apart as a whole."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from streamify.model.limits import PUBLISHED_TEXT, PUBLISHED_VALUES
from streamify.storage.base import Storage


def read_text(media: Storage, key: str) -> bytes | None:
    """Return a text that was published; ``None`` where there is none of a size that texts have."""
    found = media.stat(key)
    return media.get(key) if found is not None and found.size <= PUBLISHED_TEXT else None


def read_json(media: Storage, key: str) -> bytes | None:
    """Return a JSON text; ``None`` where there is none, or one of more values than any honest one has."""
    data = read_text(media, key)
    return data if data is not None and data.count(b",") + data.count(b"[") <= PUBLISHED_VALUES else None


def lists(playlist: bytes | None, names: Iterable[str]) -> bool:
    """Return whether a playlist names these files and no others, in that order (RFC 8216, 4.1)."""
    expected = (name.encode() for name in names)
    return all(found == name for found, name in zip_longest(_named(playlist or b""), expected))


def _named(playlist: bytes) -> Iterator[bytes]:
    for line in io.BytesIO(playlist):
        name = line.rstrip(b"\r\n")
        if name and not name.startswith(b"#"):
            yield name
