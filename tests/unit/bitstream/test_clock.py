"""One timeline from what containers say: joined recordings, wild times, copies, holes, times of decoding."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from fractions import Fraction

import pytest

from streamify.bitstream.clock import Copies, Timed, time_packets
from streamify.bitstream.packets import NONE, Packets

TICK = Fraction(1, 90000)
STEP = 3600


def packets(
    pts: Sequence[int | None], dts: Sequence[int | None] | None = None, order: Sequence[int] | None = None
) -> Packets:
    """Return packets of one picture each; `order` says when they are shown, by default as they are decoded."""
    count = len(pts)
    found = Packets()
    found.pts = array("q", (NONE if one is None else one for one in pts))
    found.dts = array("q", (NONE if one is None else one for one in (dts if dts is not None else pts)))
    found.duration = array("q", [STEP] * count)
    found.prints = array("Q", range(count))
    found.picture = array("q", range(count))
    found.shown = bytearray(b"\1" * count)
    found.sequences = array("q", [0] * count)
    found.orders = array("q", order if order is not None else range(count))
    return found


def timed(given: Packets, *, reordered: bool = True, jumps: bool = True) -> Timed:
    """Time packets on a clock of 90 kHz."""
    found = time_packets(given, TICK, reordered=reordered, jumps=jumps)
    assert found is not None
    return found


def steps(*numbers: int) -> list[int]:
    """Return times of pictures 3600 ticks apart."""
    return [number * STEP for number in numbers]


def test_a_single_time_a_second_back_is_wild() -> None:
    """Behind a hole FFmpeg gives the first packet without a time of its own that of the packet before the hole."""
    found = timed(packets(steps(0, 1, 2, 25, 3, 27, 28)))
    assert list(found.times) == steps(0, 1, 2, 25, 26, 27, 28)
    assert (found.wild, found.breaks) == ((4,), ())


@pytest.mark.parametrize("counts", [(1, 30), (3, 60), (10, 10, 10), (2, 1, 12, 1, 5)], ids=str)
def test_short_recordings_begin_where_the_container_says(counts: tuple[int, ...]) -> None:
    """Of each the first picture is decoded two places before it is shown, as with B-frames."""
    shown = [place for count in counts for place in range(count)]
    given = packets(steps(*(place + 2 for place in shown)), steps(*shown))
    starts = [sum(counts[: place + 1]) for place in range(len(counts) - 1)]
    found = time_packets(given, TICK, reordered=True, jumps=True, anew=set(starts))
    assert found is not None
    assert list(found.times) == steps(*range(2, sum(counts) + 2))
    assert [one.packet for one in found.breaks] == starts


def test_a_short_stretch_that_came_twice_is_shown_once_where_its_tables_came_again() -> None:
    given = packets(steps(*range(30), *range(20, 30), *range(30, 60)))
    given.prints = array("Q", [*range(30), *range(20, 30), *range(30, 60)])
    found = time_packets(given, TICK, reordered=True, jumps=True, anew={30})
    assert found is not None
    assert found.repeated == frozenset(range(30, 40))
    assert not found.breaks
    assert sorted(set(found.times)) == steps(*range(60))


@pytest.mark.parametrize("anew", [set[int](), {30}])
@pytest.mark.parametrize("count", [1, 2, 3, 12, 30])
def test_a_stretch_of_any_length_that_came_twice_is_shown_once(count: int, anew: set[int]) -> None:
    """By its bytes and times alone: clocks of its length fall by less than half a second as well where they jitter."""
    first = 30 - count + (count == 30)
    places = [*range(30), *range(first, 30), *range(30, 60)]
    given = packets(steps(*(place + 2 for place in places)), steps(*places))
    given.prints = array("Q", places)
    found = time_packets(given, TICK, reordered=True, jumps=False, anew=anew)
    assert found is not None
    assert found.repeated == frozenset(range(30, 60 - first))
    assert not found.breaks
    assert sorted(set(found.times)) == steps(*range(2, 62))


@pytest.mark.parametrize("count", [1, 2, 12, 30])
def test_a_first_stretch_that_came_twice_is_told_from_a_recording_joined_with_itself(count: int) -> None:
    """By whether the clock goes on behind it."""
    twice = [*range(count), *range(count), *range(count, 60)]
    given = packets(steps(*twice))
    given.prints = array("Q", twice)
    found = timed(given)
    assert (found.repeated, found.breaks) == (frozenset(range(count, 2 * count)), ())
    loop = packets(steps(*range(count), *range(count), *range(60)))
    loop.prints = array("Q", [*range(count), *range(count), *range(100, 160)])
    again = time_packets(loop, TICK, reordered=True, jumps=True, anew={count, 2 * count})
    assert again is not None
    assert list(again.times) == steps(*range(2 * count + 60))


def test_few_pictures_alike_are_copies_only_where_the_next_one_follows() -> None:
    """Here another recording begins as the one before it did, and here a clock stands still for a picture."""
    given = packets(steps(0, 1, 2, 0, 1, 2, 3))
    given.prints = array("Q", [0, 1, 2, 0, 11, 12, 13])
    found = time_packets(given, TICK, reordered=True, jumps=True, anew={3})
    assert found is not None
    assert (list(found.times), found.repeated) == (steps(0, 1, 2, 3, 4, 5, 6), frozenset())
    still = packets(steps(0, 1, 2, 2, 4, 5))
    still.prints = array("Q", [0, 1, 2, 2, 4, 5])
    assert list(timed(still).times) == steps(0, 1, 2, 3, 4, 5)


def test_a_short_stretch_came_twice_by_the_rate_around_it() -> None:
    """Most pictures of the file are closer together."""
    slow, fast = range(30), range(60)
    times = [*steps(*slow), *steps(29), *(steps(30)[0] + place * STEP // 2 for place in fast)]
    given = packets(times)
    given.prints = array("Q", [*slow, 29, *range(100, 160)])
    assert timed(given).repeated == {30}


@pytest.mark.parametrize("again", [1, 50, 5000])
def test_copies_are_looked_for_once(again: int) -> None:
    """Each packet may begin a stretch that came before, up to the end of the file: half the square of all."""
    count = 10_000
    given = packets([0] * count)
    given.prints = array("Q", (number % again for number in range(count)))
    copies = Copies(given, given.dts)
    for start in range(1, count):
        copies.copies(0, start)
    assert count <= copies.looked <= 3 * count


def test_what_comes_out_of_the_order_of_the_file_is_late() -> None:
    """The last picture of a PID, which FFmpeg gives at the end of the file, where another PID began anew."""
    given = packets(steps(1, 2, 3, 1, 2, 3, 4, 4))
    found = time_packets(given, TICK, reordered=True, jumps=True, behind={7})
    assert found is not None
    assert list(found.times) == [*steps(1, 2, 3, 4, 5, 6, 7), NONE]
    assert found.late == (7,)
    assert found.wild == ()


def test_times_that_rise_in_the_order_of_showing_are_kept() -> None:
    found = timed(packets(steps(1, 3, 2, 5, 4), steps(0, 1, 2, 3, 4), order=[0, 2, 1, 4, 3]))
    assert list(found.times) == steps(1, 3, 2, 5, 4)
    assert found.own
    assert not found.breaks


def test_decode_times_become_those_of_the_decoders_output() -> None:
    # I P B P B in the order of decoding, as FFmpeg gives them out: one picture late.
    found = timed(packets(steps(0, 1, 2, 3, 4), order=[0, 2, 1, 4, 3]))
    assert list(found.times) == steps(1, 3, 2, 5, 4)
    assert not found.own
    assert not found.ordered


def test_decode_times_that_fall_are_not_those_of_decoding() -> None:
    """Libxvid gives times in the order of decoding, from which FFmpeg reckons others as it reads Matroska."""
    # I P B B P B B P B B, and what ffprobe says of them in that file, milliseconds.
    pts = [0, 120, 160, 200, 240, 280, 320, 360, 400, 440]
    dts = [-40, 0, 160, 200, 120, 280, 320, 240, 400, 440]
    given = packets(pts, dts, order=[0, 3, 1, 2, 6, 4, 5, 9, 7, 8])
    found = time_packets(given, Fraction(1, 1000), reordered=True, jumps=False, depth=1)
    assert found is not None
    assert list(found.times) == [120, 240, 160, 200, 360, 280, 320, 480, 400, 440]
    assert (found.step, found.ordered, found.breaks) == (40, False, ())


def reckoned(pts: Sequence[int | None], dts: Sequence[int | None], order: Sequence[int], depth: int) -> list[int]:
    given = packets(pts, dts, order=order)
    found = time_packets(given, TICK, reordered=True, jumps=False, depth=depth, reckoned=True)
    assert found is not None
    return list(found.times)


def test_a_picture_with_the_time_of_another_that_is_shown_later() -> None:
    """As FFmpeg (5.1, 8.1) reads H.264 in a program stream: a header that begins in the packet before has none of its
    own. Expected is the order of the bitstream, which leaves one place."""
    counts = [0, 3, 1, 2, 6, 4, 9, 9, 7, 8]  # the sixth has the time of the seventh
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    many = [10 * group + number for group in range(8) for number in order]
    given = steps(*(10 * group + number for group in range(8) for number in (order if group != 4 else counts)))
    found = timed(packets(given, steps(*(number - 2 for number in range(80))), many))
    assert list(found.times) == steps(*many)


def test_packets_without_a_picture_say_nothing_of_the_decode_times() -> None:
    """Packed MPEG-4 in a transport stream (by libxvid, as FFmpeg 8.1 reads it): each time is that of two packets.

    Behind each group comes a picture that is not coded, whose decode time falls. Expected is what FFmpeg 5.1 shows.
    """
    kinds = "IPBBNPBBNPBBNPBB"
    pts = steps(1, 4, 2, 5, 6, 7, 7, 8, 9, 10, 10, 11, 12, 13, 13, 14)
    dts = steps(0, 1, 2, 5, 4, 6, 7, 8, 7, 9, 10, 11, 10, 12, 13, 14)
    shown = [kind for kind in kinds if kind != "N"]
    given = packets(pts, dts)
    given.picture = array("q", (-1 if kind == "N" else shown_before(kinds, at) for at, kind in enumerate(kinds)))
    given.shown = bytearray(b"\1" * len(shown))
    given.sequences = array("q", [0] * len(shown))
    given.orders = array("q", [0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11])
    found = time_packets(given, TICK, reordered=True, jumps=True, depth=1)
    assert found is not None
    assert sorted(time for time in found.times if time != NONE) == steps(1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    assert found.step == STEP


def shown_before(kinds: str, at: int) -> int:
    """Return how many pictures are in front of a packet."""
    return sum(kind != "N" for kind in kinds[:at])


def test_the_first_picture_is_shown_when_the_decoder_gives_it() -> None:
    """What ffprobe says of MPEG-1 in AVI and of MPEG-2 in ASF, without B pictures and with them."""
    assert reckoned(steps(0, 2, 3, 4), steps(0, 1, 2, 3), range(4), 1) == steps(1, 2, 3, 4)
    assert reckoned(steps(0, 4, 2, 3), steps(0, 1, 2, 3), [0, 3, 1, 2], 1) == steps(1, 4, 2, 3)
    half = [*steps(0, 2, 3), steps(3)[0] + STEP // 2]  # so the last one of MPEG-1 in ASF
    assert reckoned(half, steps(0, 1, 2, 3), range(4), 1) == steps(1, 2, 3, 4)


def test_a_picture_that_is_missing_behind_the_first_leaves_its_hole() -> None:
    assert reckoned(steps(0, 2, 3, 4), steps(0, 2, 3, 4), range(4), 1) == steps(0, 2, 3, 4)
    assert reckoned(steps(0, 2, 3, 4), steps(0, 1, 2, 3), range(4), 0) == steps(0, 2, 3, 4)
    assert reckoned(steps(1, 3, 4, 5), steps(0, 1, 2, 3), range(4), 1) == steps(1, 3, 4, 5)


def test_the_last_pictures_of_a_decoder_that_lags_keep_the_rate_of_rounded_times() -> None:
    """24000/1001 pictures a second in milliseconds, where the usual step is 42: three of those are a tick off."""
    pts = [round(Fraction(1001 * number, 24)) for number in range(150)]
    order = [0, *(place + (1 if place % 2 else -1) for place in range(1, 149)), 149]
    given = packets(pts, pts, order=order)
    found = time_packets(given, Fraction(1, 1000), reordered=True, jumps=False, depth=3)
    assert found is not None
    assert sorted(found.times) == [*pts[3:], *(round(Fraction(1001 * number, 24)) for number in (150, 151, 152))]


def test_pictures_that_are_missing_on_a_clock_of_pictures_move_none_behind_the_last() -> None:
    """One tick is one picture (AVI): no rounding makes two of it."""
    pts = [*range(6), *range(7, 17), *range(18, 48)]
    order = [0, *(place + (1 if place % 2 else -1) for place in range(1, 45)), 45]
    found = time_packets(packets(pts, pts, order=order), Fraction(1, 25), reordered=True, jumps=False, depth=3)
    assert found is not None
    assert sorted(found.times) == [*pts[3:], 48, 49, 50]


def test_a_clock_that_starts_anew_goes_on() -> None:
    found = timed(packets(steps(*range(100, 200), *range(100, 180))))
    assert list(found.times) == steps(*range(100, 280))
    (at,) = found.breaks
    assert (at.packet, at.shift) == (100, 100 * STEP)


@pytest.mark.parametrize("jumps", [True, False])
def test_a_jump_ahead_is_one_of_the_clock_only_in_transport_streams(jumps: bool) -> None:
    found = timed(packets(steps(*range(50), *range(1000, 1050))), jumps=jumps)
    assert list(found.times) == (steps(*range(100)) if jumps else steps(*range(50), *range(1000, 1050)))
    assert found.own is not jumps


def test_many_restarts_are_one_timeline() -> None:
    found = timed(packets(steps(*range(60)) * 5))
    assert list(found.times) == steps(*range(300))
    assert len(found.breaks) == 4


@pytest.mark.parametrize("wild", [10**9, -(10**9), 0])
def test_a_wild_time_is_replaced(wild: int) -> None:
    times = steps(*range(500, 600))
    times[40] = wild
    found = timed(packets(times))
    assert list(found.times) == steps(*range(500, 600))
    assert found.wild == (40,)
    assert not found.breaks


@pytest.mark.parametrize("far", [500, -5])
@pytest.mark.parametrize("count", [1, 3])
def test_last_times_far_from_the_others_are_wild(count: int, far: int) -> None:
    """As in the middle: of the last pictures decoded the others are shown behind them, and would come before."""
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    shown, decoded = steps(*(place + 2 for place in order)), steps(*range(10))
    for times in (shown, decoded):
        times[-count:] = [time + far * 90000 for time in times[-count:]]
    found = timed(packets(shown, decoded, order))
    assert list(found.times) == steps(*(place + 2 for place in order))
    assert (found.wild, found.breaks) == (tuple(range(10 - count, 10)), ())


def test_a_stretch_that_came_twice_is_told_from_a_restart_by_its_bytes() -> None:
    given = packets(steps(*range(100), *range(50, 100), *range(100, 150)))
    assert len(timed(given).breaks) == 1  # other bytes: two recordings
    given.prints = array("Q", [*range(100), *range(50, 100), *range(100, 150)])
    found = timed(given)
    assert found.repeated == frozenset(range(100, 150))
    assert not found.breaks
    assert sorted(set(found.times)) == steps(*range(150))


def test_a_recording_joined_with_itself_is_shown_twice() -> None:
    given = packets(steps(*range(100), *range(100)))
    given.prints = array("Q", [*range(100), *range(100)])
    assert list(timed(given).times) == steps(*range(200))


def test_times_that_are_missing_are_spread_in_the_order_of_showing() -> None:
    pts = [0, None, None, 3 * STEP, None, None]
    found = timed(packets(pts, order=[0, 2, 1, 3, 5, 4]))
    assert list(found.times) == steps(0, 2, 1, 3, 5, 4)
    assert found.filled == 4


def test_orders_are_not_compared_across_a_hole() -> None:
    # Behind the hole the low bits of the orders have wrapped: they seem to lie before it.
    pts = steps(*range(30), *range(60, 90))
    found = timed(packets(pts, order=[*range(30), *range(-100, -70)]))
    assert list(found.times) == pts
    assert found.own


def test_second_fields_have_no_time() -> None:
    given = packets(steps(0, 1, 2, 3))
    given.picture = array("q", [0, -1, 1, -1])
    given.shown = bytearray(b"\1\1")
    found = timed(given)
    assert list(found.times) == [0, NONE, 2 * STEP, NONE]
    assert not found.own


def test_no_time_at_all() -> None:
    assert time_packets(packets([None] * 4), TICK, reordered=True, jumps=True) is None


def test_pictures_that_come_one_place_late_until_the_next_time_go_back() -> None:
    # FFmpeg's muxer of program streams wrote the second picture's time for the first of a PES packet.
    found = timed(packets(steps(*range(9), 10, 11, 12, 12, *range(13, 20))))
    assert list(found.times) == steps(*range(20))


def test_pictures_that_come_early_until_a_hole_go_on() -> None:
    found = timed(packets(steps(0, 1, 2, 2, 3, 4, 6, 7)))
    assert list(found.times) == steps(*range(8))


def test_pictures_that_stay_late_to_the_end_are_spread_behind_it() -> None:
    found = timed(packets(steps(*range(30), 29, 30, 31)))
    assert list(found.times) == steps(*range(33))


def test_of_two_pictures_at_one_time_without_room_one_stays_out() -> None:
    given = steps(*range(9), 8, *range(9, 120))
    assert sorted(set(timed(packets(given)).times)) == steps(*range(120))
