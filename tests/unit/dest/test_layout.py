"""The layout of DEST, against the tree that docs/reference and shared/design promise, written out by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from streamify.dest import layout

SOURCES = Path(layout.__file__).parents[1]


def test_keys_are_the_documented_ones() -> None:
    folder = layout.track_folder("video", "1080p-3f9a2c1b")
    assert layout.segment_key(folder, 7) == "video/1080p-3f9a2c1b/00007.m4s"
    assert layout.segment_key(folder, 123456) == "video/1080p-3f9a2c1b/123456.m4s"
    assert layout.init_key(folder) == "video/1080p-3f9a2c1b/init.mp4"
    assert layout.playlist_key("audio/en-aac-8d41e07a") == "audio/en-aac-8d41e07a/playlist.m3u8"
    assert layout.iframes_key(folder) == "video/1080p-3f9a2c1b/iframes.m3u8"
    assert layout.ledger_key("1080p-3f9a2c1b", 3) == ".streamify/ledger/1080p-3f9a2c1b/00003.json"
    assert layout.captions_part_key("en-1d20c0b4", 0, 9) == ".streamify/text/en-1d20c0b4/00000-00009.json"
    assert layout.PLAN == ".streamify/plan.json"
    assert (layout.MASTER, layout.MPD, layout.REPORT) == ("master.m3u8", "manifest.mpd", "report.json")


@pytest.mark.parametrize(
    ("key", "track"),
    [
        ("video/a-1/00000.m4s", "a-1"),
        ("audio/b-2/init.mp4", "b-2"),
        ("video/a-1/123456.m4s", "a-1"),
        ("video/a-1/playlist.m3u8", "a-1"),
        ("video/a-1/iframes.m3u8", "a-1"),
        ("video/a-1/0000.m4s", None),
        ("video/a-1/notes.txt", None),
        ("video/a-1/x/00000.m4s", None),
        ("video/00000.m4s", None),
        ("pictures/a-1/00000.m4s", None),
        (".streamify/a-1/00000.m4s", None),
    ],
)
def test_only_files_of_ours_belong_to_a_track(key: str, track: str | None) -> None:
    assert layout.track_of(key) == track


def test_a_ledger_key_names_its_track() -> None:
    assert layout.ledger_track(layout.ledger_key("und-aac-1", 4)) == "und-aac-1"


def test_state_is_told_from_files_that_begin_alike() -> None:
    assert layout.is_state(".streamify")
    assert layout.is_state(".streamify/plan.json")
    assert not layout.is_state(".streamify-uploads/x")
    assert not layout.is_state("video/.streamify")


def test_no_other_module_spells_a_key() -> None:
    literal = re.compile(r"""["'/](\.streamify/|master\.m3u8|manifest\.mpd|report\.json|init\.mp4|iframes\.m3u8)""")
    found = [
        f"{path.relative_to(SOURCES)}: {line.strip()}"
        for path in sorted(SOURCES.rglob("*.py"))
        if path.name != "layout.py"
        for line in path.read_text().splitlines()
        if literal.search(line)
    ]
    assert not found, "\n".join(found)
