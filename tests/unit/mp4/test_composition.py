"""Composition times judged as bytes, against the same judged as numbers."""

from __future__ import annotations

from array import array

from hypothesis import assume, given
from hypothesis import strategies as st

from streamify.mp4.composition import MAX_REACH, MAX_VALUES, Composed, coded, evenly


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=2 * MAX_VALUES))
def test_codes_stand_for_the_numbers(numbers: list[int]) -> None:
    code = coded(array("i", numbers))
    if code is not None:
        codes, meaning = code
        assert [meaning[code] for code in codes] == numbers
        assert set(meaning.values()) == set(numbers)


@given(st.sampled_from([1, 25, 100, 512, 1001, 1024, 1500, 1600, 3000, 3003, 3600, 3750, 10_000_000]), st.data())
def test_the_offsets_of_a_constant_rate_have_codes(step: int, data: st.DataObject) -> None:
    ranks = data.draw(st.lists(st.integers(-3, 4), min_size=1, max_size=100))
    assert coded(array("i", [rank * step for rank in ranks])) is not None


def test_many_numbers_have_none() -> None:
    assert coded(array("i", range(MAX_VALUES + 1))) is None
    assert coded(array("i", range(MAX_VALUES))) is not None


@given(st.permutations(range(12)), st.integers(1, 5000), st.integers(-90, 90), st.integers(0, 3), st.data())
def test_times_are_even_where_their_sorted_list_is(
    order: list[int], step: int, start: int, odd: int, data: st.DataObject
) -> None:
    """Reordered pictures with up to three of them moved: to another's time, away, or off the grid."""
    base = range(start, start + step * len(order), step)
    offsets = array("i", [start + place * step - time for place, time in zip(order, base, strict=True)])
    for _ in range(odd):
        number = data.draw(st.integers(0, len(order) - 1))
        offsets[number] += data.draw(st.sampled_from([-step, step, 2 * step, 1]))
    code = coded(offsets)
    assume(code is not None)
    assert code is not None

    found = evenly(base, *code)

    times = sorted(time + offset for time, offset in zip(base, offsets, strict=True))
    even = list(range(times[0], times[0] + step * len(times), step))
    assert (list(found) if found is not None else None) == (times if times == even else None)


def test_what_is_shown_far_from_its_place_is_not_judged() -> None:
    for reach in (MAX_REACH, MAX_REACH + 1):
        base = range(0, 10 * (reach + 1), 10)
        offsets = array("i", [10 * reach, *[-10] * reach])  # the first one last
        code = coded(offsets)
        assert code is not None
        found = evenly(base, *code)
        assert found == (base if reach < MAX_REACH else None)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(-10, 700), st.data())
def test_composed_times_are_a_sequence(ranks: list[int], time: int, data: st.DataObject) -> None:
    base, offsets = range(5, 5 + 10 * len(ranks), 10), array("i", [10 * rank for rank in ranks])
    plain = [start + offset for start, offset in zip(base, offsets, strict=True)]
    composed = Composed(base, offsets, min(offsets))

    assert list(composed) == plain
    assert len(composed) == len(plain)
    number = data.draw(st.integers(-len(plain), len(plain) - 1))
    assert composed[number] == plain[number]
    first, last = sorted(data.draw(st.tuples(st.integers(0, 60), st.integers(0, 60))))
    assert composed[first:last] == plain[first:last]
    assert composed.until(time) == max((n + 1 for n, shown in enumerate(plain) if shown < time), default=0)
