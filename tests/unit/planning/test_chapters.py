from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from streamify.model.chapter import Chapter
from streamify.model.plan import Timeline
from streamify.planning.chapters import place_chapters

SECOND = Fraction(1)


def timeline(origin: int = 0, lead: int = 0, end: int = 250) -> Timeline:
    """Return one of 25 pictures per second, 10 s long, on a clock of milliseconds."""
    return Timeline(time_base=Fraction(1, 1000), origin=origin, lead=lead, timescale=25, frame_duration=1, end=end)


def chapters(*times: tuple[object, object]) -> list[Chapter]:
    return [Chapter(start=Fraction(str(a)), end=Fraction(str(b)), title=f"{a}") for a, b in times]


def placed(given: list[Chapter], *, late: Fraction = Fraction(0), **options: int) -> list[tuple[float, float, str]]:
    found, _ = place_chapters(given, timeline(**options), late)
    return [(float(one.start), float(one.end), one.title) for one in found]


def test_times_count_from_the_first_picture() -> None:
    given = chapters((2, 5), (5, 11))
    assert placed(given, origin=2000) == [(0, 3, "2"), (3, 9, "5")]
    assert placed(given, origin=2000, lead=25) == [(1, 4, "2"), (4, 10, "5")]  # sound begins a second before it
    assert placed(given, origin=2000, late=SECOND) == [(0, 2, "2"), (2, 8, "5")]


def test_what_begins_before_the_film_begins_with_it() -> None:
    assert placed(chapters((0, 5), (5, 8)), origin=1000) == [(0, 4, "0"), (4, 7, "5")]


def test_what_lies_beside_the_film_is_named() -> None:
    found, notes = place_chapters(chapters((0, 1), (3, 5), (5, 40), (40, 50)), timeline(origin=2000), Fraction(0))
    assert [(float(one.start), float(one.end)) for one in found] == [(1, 3), (3, 10)]
    assert [note.what for note in notes] == ["2 chapters"]
    assert notes[0].kind == "dropped"


def test_ends() -> None:
    assert placed(chapters((0, 3), (5, 5), (7, 2))) == [(0, 3, "0"), (5, 7, "5"), (7, 10, "7")]


def test_nested_chapters_follow_each_other() -> None:
    found, notes = place_chapters(chapters((0, 10), (0, 4), (4, 10), (6, 8)), timeline(), Fraction(0))
    assert [(float(one.start), float(one.end)) for one in found] == [(0, 4), (4, 6), (6, 8)]
    assert [note.what for note in notes] == ["1 chapter"]


MOMENT = st.integers(-450_000, 1_350_000).map(lambda ticks: Fraction(ticks, 90_000))


@given(st.lists(st.tuples(MOMENT, MOMENT), max_size=12), st.integers(-3000, 3000))
def test_any_list_becomes_stretches_of_the_film_in_order(times: list[tuple[Fraction, Fraction]], origin: int) -> None:
    given = sorted((Chapter(start=a, end=b) for a, b in times), key=lambda one: one.start)
    found, notes = place_chapters(given, timeline(origin=origin), Fraction(0))
    borders = [border for one in found for border in (one.start, one.end)]
    assert borders == sorted(borders)
    assert all(one.start < one.end for one in found)
    assert all(0 <= border <= 10 and (border * 1000).denominator == 1 for border in borders)
    lost = sum(int(note.what.split()[0]) for note in notes)
    assert len(found) + lost == len(given)
