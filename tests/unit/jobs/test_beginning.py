"""What is removed of a first segment that was begun early, by a run that ended before it had a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from stores import open_storage
from streamify.dest.layout import PLAN, REPORT, init_key, ledger_key, segment_key
from streamify.jobs.run import find_plan
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.storage.base import Storage

BEGUN, MADE = "180p-0123abcd", "360p-0123abcd"


@pytest.fixture
def media(tmp_path: Path) -> Storage:
    made = open_storage(str(tmp_path))
    for track, count in ((BEGUN, 1), (MADE, 2)):
        made.put(init_key(f"video/{track}"), b"init")
        for index in range(count):
            made.put(segment_key(f"video/{track}", index), b"segment")
            made.put(ledger_key(track, index), b"entry")
    return made


def look(media: Storage, *, alone: bool = True) -> None:
    """Look for a plan, as every backend does before it plans."""
    ref = SourceRef(key="a.mov", size=1, version="1", identity="f" * 32)
    find_plan(media, ref, Settings(replace=True), Location.parse("/media"), alone=alone)


def keys(media: Storage) -> set[str]:
    return {entry.key for entry in media.list("")}


def test_a_first_segment_that_is_alone_is_removed_where_there_is_no_plan(media: Storage) -> None:
    before = keys(media)
    look(media)
    gone = {init_key(f"video/{BEGUN}"), segment_key(f"video/{BEGUN}", 0), ledger_key(BEGUN, 0)}
    assert keys(media) == before - gone


def test_what_was_cut_off_before_its_ledger_entry_is_removed_too(media: Storage) -> None:
    media.delete(ledger_key(BEGUN, 0))
    media.delete(segment_key(f"video/{BEGUN}", 0))
    look(media)
    assert not any(BEGUN in key for key in keys(media))


def test_a_first_segment_that_another_run_of_the_job_may_be_making_stays(media: Storage) -> None:
    before = keys(media)
    look(media, alone=False)
    assert keys(media) == before


@pytest.mark.parametrize("key", [PLAN, REPORT])
def test_all_stays_where_there_is_a_plan_or_a_finished_stream(media: Storage, key: str) -> None:
    media.put(key, b"{}")
    before = keys(media)
    look(media)
    assert keys(media) == before
