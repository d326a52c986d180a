"""State that a newer release left, and lists that are damaged while they are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamify.errors import DestinationError
from streamify.jobs.state_files import check_saved
from streamify.model.plan import Segment
from streamify.storage.local import LocalStorage
from streamify.storage.saved import parse_line

KEYS = (
    "loudness/a.json", "loudness/a/00000.json", "text/t.json", "text/t/00000-00002.json", "sheets/s/00000.json",
    "burn/0123456789abcdef/00000.json", "poster.json", "preview.json",
)  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_newer_state_is_removed_where_the_stream_is_replaced(key: str, tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    for schema, left in ((99, False), (1, True)):
        media.put(f".streamify/{key}", b'{"schema": %d}' % schema)
        check_saved(media, replace=False)
        assert media.get(f".streamify/{key}") is not None
        check_saved(media, replace=True)
        assert (media.get(f".streamify/{key}") is not None) == left


@pytest.mark.parametrize("line", [b"", b"\0\0", b'{"index": 0}'])
def test_a_line_that_cannot_be_read_is_damage(line: bytes) -> None:
    with pytest.raises(DestinationError, match="segments-0") as caught:
        parse_line(Segment, line, "segments-0.ndjson")
    assert caught.value.code == "state-damaged"
