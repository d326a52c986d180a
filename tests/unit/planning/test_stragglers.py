"""What counts as a straggler."""

from __future__ import annotations

from streamify.planning.stragglers import KEPT, Usual, kind_of


def test_tasks_of_one_kind_differ_by_their_numbers_alone() -> None:
    assert kind_of("video/00012/360p+240p") == kind_of("video/00013/360p+240p") == "video/360p+240p"
    assert kind_of("video/00012/360p") != kind_of("video/00012/240p")


def test_a_limit_is_known_after_three_tasks_of_a_kind() -> None:
    usual = Usual()
    for number in range(3):
        assert usual.limit("video/00009/a") is None
        usual.add(f"video/{number:05d}/a", 20 + number)
    assert usual.limit("video/00009/a") == 63  # three times 21 s
    assert usual.limit("video/00009/b") is None


def test_short_tasks_must_take_ten_seconds_longer() -> None:
    usual = Usual()
    for seconds in (1.0, 2.0, 3.0):
        usual.add("audio/a/00000", seconds)
    assert usual.limit("audio/a/00001") == 12


def test_a_long_film_takes_no_more_memory() -> None:
    usual = Usual()
    for number in range(10 * KEPT):
        usual.add(f"video/{number:05d}/a", 100.0 if number < 9 * KEPT else 10.0)
    assert usual.limit("video/99999/a") == 30
