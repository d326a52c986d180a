"""Which picture carries which captions."""

from __future__ import annotations

from streamify.media.video.captions import place

A, B, C = b"aaa", b"bbb", b"ccc"


def test_each_with_its_own() -> None:
    assert place([(0, A), (2, B)], [0, 1, 2], [(0, 0), (1, 10), (2, 20)]) == {0: A, 20: B}


def test_a_picture_that_is_left_out() -> None:
    """To the next one that is shown; at the end of a segment to the last."""
    assert place([(0, A), (1, B), (2, C)], [0, 1, 2, 3], [(0, 0), (2, 10)]) == {0: A, 10: B + C}
    assert place([(0, A), (1, B)], [0, 1], [(0, 0)]) == {0: A + B}


def test_a_picture_that_is_lost() -> None:
    assert place([(0, A), (1, B), (2, C)], [1, 2], [(1, 0), (2, 10)]) == {0: A + B, 10: C}


def test_a_second_field_with_a_time_of_its_own() -> None:
    assert place([(0, A), (1, B), (2, C)], [0, 2], [(0, 0), (2, 10)]) == {0: A + B, 10: C}


def test_nothing_but_a_picture_that_stands() -> None:
    assert place([(5, A)], [], []) == {0: A}
