"""Cues on the stream's timeline, and in its segments."""

from __future__ import annotations

from fractions import Fraction

import pytest

from streamify.manifests import webvtt
from streamify.model.cue import Cue, SourceCue
from streamify.model.cut import Cut
from streamify.planning.cues import place_cues, segment_cues
from streamify.tasks.check_text import check_cues

BORDERS = [Fraction(0), Fraction(2), Fraction(6), Fraction(12)]


def cue(start: str, end: str | None, text: str = "x") -> SourceCue:
    return SourceCue(Fraction(start), Fraction(end) if end is not None else None, text)


def placed(*cues: SourceCue, origin: str = "0") -> list[tuple[int, int, str]]:
    return [(one.start, one.end, one.text) for one in place_cues(cues, Fraction(origin), Fraction(12), "a").cues]


def test_in_order_and_exact_to_the_millisecond() -> None:
    assert placed(cue("3", "4", "b"), cue("1001/1000", "2002/1000", "a")) == [(1001, 2002, "a"), (3000, 4000, "b")]
    assert placed(cue("90001/90000", "2")) == [(1000, 2000, "x")]


def test_clock_of_the_source() -> None:
    assert placed(cue("11", "12"), origin="10") == [(1000, 2000, "x")]
    assert placed(cue("9", "11"), origin="10") == [(0, 1000, "x")]


def test_cut_at_the_ends_and_named() -> None:
    found = place_cues(
        [cue("-5", "-1"), cue("-1", "1"), cue("11", "99999"), cue("12", "13"), cue("4", "3")],
        Fraction(0), Fraction(12), "film.srt",
    )  # fmt: skip
    assert [(one.start, one.end) for one in found.cues] == [(0, 1000), (11000, 12000)]
    assert found.left_out == 3
    assert [note.what for note in found.notes] == ["film.srt: 1 cue"] * 3


def test_without_an_end() -> None:
    assert placed(cue("1", None, "a"), cue("3", "4", "b"), cue("5", None, "c")) == [
        (1000, 3000, "a"), (3000, 4000, "b"), (5000, 12000, "c"),
    ]  # fmt: skip


def numbers(found: list[list[Cue]] | None) -> list[list[int]]:
    return [[one.number for one in part] for part in found or []]


@pytest.mark.parametrize(
    ("start", "end", "segments"),
    [
        (0, 2000, [0]), (1999, 2001, [0, 1]), (2000, 6000, [1]), (6000, 6001, [2]), (0, 12000, [0, 1, 2]),
        (11999, 12000, [2]),
    ],
)  # fmt: skip
def test_a_cue_is_in_every_segment_in_which_it_is_shown(start: int, end: int, segments: list[int]) -> None:
    found = segment_cues([Cue(1, start, end, "x")], BORDERS)
    assert [index for index, part in enumerate(found or []) if part] == segments


def test_endless_cues_are_bounded() -> None:
    borders = [Fraction(number) for number in range(2001)]
    assert segment_cues([Cue(number, 0, 2_000_000, "x") for number in range(501)], borders) is None


def test_what_was_written_is_read_back() -> None:
    cues = [Cue(1, 0, 1999, "<i>a</i>\nb", "line:0"), Cue(2, 3_600_001, 36_000_000, "ü")]
    assert list(webvtt.read_back(webvtt.whole(cues))) == cues
    assert list(webvtt.read_back(webvtt.segment(cues))) == cues
    assert list(webvtt.read_back(webvtt.segment([]))) == []
    assert webvtt.segment([]) == "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"


def test_faults_of_segments_are_found() -> None:
    cues = [Cue(1, 1000, 3000, "a"), Cue(2, 7000, 8000, "b")]
    parts = segment_cues(cues, BORDERS) or []
    assert list(check_cues("f", cues, parts, 2, [1, 1, 1], BORDERS)) == []
    assert list(check_cues("f", cues, [parts[0], [], parts[2]], 2, [1, 0, 1], BORDERS))  # lost behind the join
    assert list(check_cues("f", cues, [parts[0], parts[1], []], 2, [1, 1, 0], BORDERS))  # lost
    moved = [parts[0], parts[1], [Cue(2, 7001, 8000, "b")]]
    assert list(check_cues("f", cues, moved, 2, [1, 1, 1], BORDERS))
    assert list(check_cues("f", cues, parts, 3, [1, 1, 1], BORDERS))


def test_outside_a_part_is_no_loss() -> None:
    part = Cut(start=Fraction(5), end=Fraction(17), whole=Fraction(30), begin=Fraction(5))
    found = place_cues([cue("1", "2"), cue("6", "7"), cue("20", "21")], Fraction(5), Fraction(12), "a", part)
    assert [(note.kind, note.what) for note in found.notes] == [("info", "a: 2 cues")]
    assert (len(found.cues), found.left_out) == (1, 2)
    to_the_end = part.model_copy(update={"whole": Fraction(17)})
    late = place_cues([cue("20", "21")], Fraction(5), Fraction(12), "a", to_the_end)
    assert [note.kind for note in late.notes] == ["dropped"]
