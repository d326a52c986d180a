"""The live display as lines of text."""

from __future__ import annotations

import re

import pytest

from streamify.cli.show.grid import Screen, cells, picture
from streamify.cli.text import clock
from streamify.jobs.tally import Row, Tally
from streamify.model.event import Event


def working() -> Tally:
    tally = Tally()
    data = {"segments": 100, "renditions": ["1080p", "720p"], "audio": 1, "duration": 600.0}
    tally.see(Event(time=0, kind="plan.ready", data=data))
    for segment in range(30):
        told = {"track": "t", "name": "720p", "segment": segment}
        tally.see(Event(time=20, kind="segment.finished", data=told))
    return tally


def test_cells_show_what_is_done_and_kept() -> None:
    done = Row(segments=8, expected=1, done={("a", 4), ("a", 5), ("a", 6)})
    assert cells(done, 4) == "··█▒"
    assert cells(Row(8, 1, before=3, done={("a", 4), ("a", 5)}), 4) == "█▒█·"
    assert cells(Row(3, 1), 3) == "···"
    assert cells(Row(8, 1, done={("a", 0), ("a", 1)}), 4, {1, 2, 7}) == "█▒·▒"


@pytest.mark.parametrize("width", [1, 2, 12, 40, 80, 160])
def test_every_line_fits_and_none_fills_the_last_column(width: int) -> None:
    for tally in (working(), Tally()):
        lines = picture(tally, Screen(width, 24), 20)
        assert max(len(re.sub(r"\x1b\[\d*m", "", text)) for text in lines) <= max(3, width - 1)


def test_the_rows_are_lined_up_and_say_how_many() -> None:
    lines = picture(working(), Screen(40, 24, colour=False), 20)
    assert lines[1:] == [
        "1080p ·························· 0/100",
        "720p  ███████▒·················· 30/100",
        "audio ·························· 0/100",
    ]


def test_while_the_window_changes_a_few_words_are_drawn() -> None:
    assert picture(working(), Screen(160, 24, colour=False, settled=False), 20) == ["\u280b  15%, 1:53 left"]


def test_a_low_terminal_gets_the_line_alone() -> None:
    assert len(picture(working(), Screen(80, 4), 20)) == 1


def test_no_colour_and_no_unicode() -> None:
    lines = picture(working(), Screen(40, 24, colour=False, unicode=False), 20)
    assert all(text.isascii() and text.isprintable() for text in lines)
    assert lines[2].startswith("720p  #######+....")


def test_clock() -> None:
    assert [clock(value) for value in (0, 59.6, 61, 3600, 36061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]
