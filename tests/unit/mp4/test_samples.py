"""Which packets a window needs and where they lie, against the plain definition of each."""

from __future__ import annotations

from array import array
from fractions import Fraction
from itertools import accumulate, islice

from hypothesis import given
from hypothesis import strategies as st

from streamify.mp4.samples import BLOCK, Order, Samples
from streamify.mp4.tables import Chunks

times = st.lists(st.integers(0, 200), min_size=1, max_size=3 * BLOCK)


@given(times, st.integers(-1, 201), st.integers(-1, 201))
def test_packets_of_a_window_however_deep_the_order(pts: list[int], start: int, end: int) -> None:
    samples = Samples(pts, pts, array("I", (1 << (n % 30) for n in range(len(pts)))), [0])
    order = Order(samples, sorted(set(pts)), Fraction(1, 25))

    def until(time: int) -> int:
        return max((n + 1 for n, shown in enumerate(pts) if shown < time), default=0)

    assert order.weight(start, end) == sum(samples.sizes[until(start) : until(end)])
    later = [time for time in sorted(set(pts)) if time >= end][:2] or [max(pts)]
    assert order.last(end) == max(until(later[-1] + 1) - 1, 0)


def chunks_of(runs: list[tuple[int, int]], offsets: array[int]) -> Chunks:
    """Return chunks at `offsets` in runs of (number of chunks, samples in each)."""
    samples = list(accumulate((count * size for count, size in runs), initial=0))
    firsts = list(accumulate((count for count, _ in runs), initial=0))
    return Chunks(offsets, samples, firsts[:-1], [size for _, size in runs])


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=6), st.data())
def test_chunks_between_two_samples(runs: list[tuple[int, int]], data: st.DataObject) -> None:
    sizes = [size for chunks, size in runs for _ in range(chunks)]
    holder = [chunk for chunk, size in enumerate(sizes) for _ in range(size)]
    tables = chunks_of(runs, array("Q", range(len(sizes))))
    first = data.draw(st.integers(0, len(holder) - 1))
    last = data.draw(st.integers(first, len(holder) - 1))
    within = holder[first : last + 1]

    held, counts = tables.between(first, last)

    assert list(held) == sorted(set(within))
    assert counts == [within.count(chunk) for chunk in held]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=6), st.integers(0, 4))
def test_where_chunks_end(runs: list[tuple[int, int]], short: int) -> None:
    """The last chunk may have fewer samples than its run says."""
    counts = [size for chunks, size in runs for _ in range(chunks)]
    counts[-1] -= min(short, counts[-1] - 1)
    sizes = array("I", (3 * n + 1 for n in range(sum(counts))))
    offsets = array("Q", (7 * n % 50 for n in range(len(counts))))

    ends = chunks_of(runs, offsets).ends(sizes)

    left = iter(sizes)
    assert list(ends) == [begin + sum(islice(left, count)) for begin, count in zip(offsets, counts, strict=True)]
