"""A stream is followed beside its source: every kind of wrong picture is found, and odd clocks are no fault."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

import pytest

from streamify.media.lockstep import Followed, Shot, follow, judge, settled

STEP = Fraction(1, 25)
TEN = Fraction(10)


def grey(number: int) -> bytes:
    """Return a picture of a film: a bar that moves, on a background of its own for each ten pictures."""
    dice = random.Random(number // 10)
    background = bytes(dice.randrange(40, 120) for _ in range(64))
    at = number % 10 * 6
    return background[:at] + b"\xe0" * 6 + background[at + 6 :]


def shots(numbers: Sequence[int], times: Sequence[Fraction | None] | None = None) -> list[Shot]:
    """Return pictures, by default at a constant rate from 0."""
    given = times if times is not None else [place * STEP for place in range(len(numbers))]
    return [Shot(time, grey(number)) for number, time in zip(numbers, given, strict=True)]


def faults(source: Sequence[Shot], stream: Sequence[Shot], excused: int = 0) -> list[str]:
    return list(judge(follow(source, stream, STEP, TEN), excused))


FILM = list(range(100))


def test_a_stream_of_all_pictures_has_no_fault() -> None:
    found: Followed = follow(shots(FILM), shots(FILM), STEP, TEN)
    assert (found.source, found.stream, found.matched, found.skipped, found.faults) == (100, 100, 100, [], [])


@pytest.mark.parametrize("at", [0, 1, 49, 50, 98])
def test_two_pictures_in_each_others_place_are_found(at: int) -> None:
    order = [*FILM]
    order[at], order[at + 1] = order[at + 1], order[at]
    assert len(faults(shots(FILM), shots(order))) == 2


def test_a_picture_that_is_shown_twice_in_place_of_another_is_found() -> None:
    assert any("before it" in one for one in faults(shots(FILM), shots([*FILM[:60], 59, *FILM[61:]])))


def test_a_picture_of_something_else_is_found() -> None:
    assert any("does not show" in one for one in faults(shots(FILM), shots([*FILM[:60], 995, *FILM[61:]])))


@pytest.mark.parametrize(("marred", "given", "named"), [(True, 2, 0), (True, 1, 1), (False, 2, 3)])
def test_behind_damage_as_many_pictures_are_enough(marred: bool, given: int, named: int) -> None:
    """Where packets have lost their times, players and the stream show them at either end of the hole."""
    numbers = [*range(63), *range(80, 100)]
    late = [number + 17 if number in (61, 62) else number for number in numbers]
    source = shots(numbers, [number * STEP for number in late])
    source = [Shot(one.time, one.grey, marred=marred and 60 <= place < 63) for place, one in enumerate(source)]
    kept = [number for number in numbers if number not in (61, 62)[given:]]
    assert len(faults(source, shots(kept, [number * STEP for number in kept]))) == named


def test_what_a_source_shows_behind_damage_is_not_held_against_a_stream() -> None:
    """Another start of decoding gives other pictures there, and perhaps more."""
    source = [Shot(shot.time, shot.grey, marred=number >= 60) for number, shot in enumerate(shots(FILM[:95]))]
    assert faults(source, shots([*FILM[:60], *(FILM[59:99])])) == []
    clean = shots(FILM[:95])
    assert len(faults(clean, shots([*FILM[:60], *(FILM[59:99])]))) > 0
    before = shots([*FILM[:30], 995, *FILM[31:95]])
    assert len(faults(source, before)) == 1


@pytest.mark.parametrize("missing", [{60}, set(range(0, 100, 3)), set(range(90, 100)), {0}])
def test_pictures_that_are_missing_are_counted_with_their_times(missing: set[int]) -> None:
    kept = [number for number in FILM if number not in missing]
    stream = shots(kept, [number * STEP for number in kept])
    if 0 in missing:
        stream = [Shot(one.time, one.grey) for one in stream]
    found = faults(shots(FILM), stream)
    assert any(f"{len(missing)} of 100 pictures" in one for one in found), found
    assert faults(shots(FILM), stream, excused=len(missing)) == []


def test_half_of_the_pictures_at_the_wrong_times_are_found() -> None:
    assert faults(shots(FILM), shots(FILM[::2]))


def test_a_stream_that_runs_late_is_found() -> None:
    late = [place * STEP + (STEP if place > 60 else 0) for place in range(100)]
    assert faults(shots(FILM), shots(FILM, late))


def test_clocks_that_restart_jump_and_lie_are_no_fault() -> None:
    times: list[Fraction | None] = [(place % 40) * STEP for place in range(100)]
    assert faults(shots(FILM, times), shots(FILM)) == []
    times = [place * STEP + (3600 if place >= 50 else 0) for place in range(100)]
    assert faults(shots(FILM, times), shots(FILM)) == []
    times = [place * STEP for place in range(100)]
    times[70] = Fraction(5000)
    times[80] = Fraction(0)
    times[90] = None
    assert faults(shots(FILM, times), shots(FILM)) == []


def test_a_stretch_that_came_twice_is_shown_once() -> None:
    twice = [*FILM[:60], *FILM[20:]]
    times = [number * STEP for number in twice]
    assert faults(shots(twice, times), shots(FILM), excused=40) == []
    assert faults(shots(twice, times), shots(FILM), excused=39)


@pytest.mark.parametrize(("first", "count"), [(20, 1), (20, 3), (20, 12), (80, 2), (80, 12)])
def test_a_short_stretch_that_came_twice_is_shown_once_where_its_packets_are_known(first: int, count: int) -> None:
    """Their times fall by so little that jitter makes the same."""
    again = [Shot(place * STEP, grey(place), again=True) for place in range(first, first + count)]
    source = shots(FILM)
    source[first + count : first + count] = again
    assert faults(source, shots(FILM), excused=count) == []
    assert faults(source, shots(FILM)) != []
    assert faults(source, shots([*FILM[: first + count], *FILM[first:]]), excused=count) != []


def test_a_players_times_may_settle_in_the_first_pictures() -> None:
    times = [0 * STEP, 2 * STEP, *(number * STEP for number in range(4, 102))]
    assert faults(shots(FILM, times), shots(FILM)) == []


def test_a_picture_between_two_that_leave_no_room_is_one_that_was_left_out() -> None:
    times: list[Fraction | None] = [place * STEP for place in range(101)]
    times[50] = Fraction(3000)
    times[51:] = [place * STEP for place in range(50, 100)]
    source = shots([*FILM[:50], 995, *FILM[50:]], times)
    assert faults(source, shots(FILM), excused=1) == []
    assert any("1 of 101 pictures" in one for one in faults(source, shots(FILM)))


def repeated(source: Sequence[Shot], stream: Sequence[Shot], named: int, lead: Fraction = Fraction(0)) -> list[str]:
    return list(judge(follow(source, stream, STEP, Fraction(86_400), lead=lead, repeats=named), 0, named))


def paused(*, wrong: int | None = None, without: int | None = None) -> tuple[list[Shot], list[Shot]]:
    """Return 50 pictures with a pause of 10 s after the 25th, and a stream that shows it again every 2 s."""
    times = [place * STEP + (10 if place >= 25 else 0) for place in range(50)]
    stands = [
        Shot(Fraction(2 * place), grey(24 if place != wrong else 95)) for place in range(1, 6) if place != without
    ]
    source = shots(range(50), times)
    return source, sorted([*source, *stands], key=lambda shot: shot.time or 0)


def test_a_picture_that_is_shown_again_in_a_pause_is_no_fault() -> None:
    assert repeated(*paused(), 5) == []


@pytest.mark.parametrize("named", [4, 6])
def test_the_report_has_to_name_as_many_repeats_as_there_are(named: int) -> None:
    assert repeated(*paused(), named) != []


def test_a_repeat_that_shows_something_else_is_found() -> None:
    assert any("has none at that time" in one for one in repeated(*paused(wrong=3), 5))


def test_a_repeat_that_is_missing_is_found() -> None:
    assert any("4 pictures show again" in one for one in repeated(*paused(without=3), 5))


def test_a_repeat_in_place_of_a_picture_is_found() -> None:
    source, stream = paused()
    later = [Shot(shot.time, grey(24)) if shot.time == Fraction(57, 5) else shot for shot in stream]
    assert repeated(source, later, 5) != []


@pytest.mark.parametrize("right", [True, False])
def test_the_first_picture_may_be_shown_before_its_time_and_the_last_one_after(right: bool) -> None:
    source = shots(range(50), [100 + place * STEP for place in range(50)])
    early = [Shot(place * STEP, grey(0 if right else 30)) for place in range(25)]
    late = [Shot(3 + place * STEP, grey(49 if right else 20)) for place in range(75)]
    film = [Shot(1 + place * STEP, grey(place)) for place in range(50)]
    assert (repeated(source, [*early, *film, *late], 100, Fraction(1)) == []) is right


def dim(number: int) -> bytes:
    """Return a picture of a film in which all pictures look much alike."""
    return bytes(130 if number % 58 <= place < number % 58 + 6 else 100 for place in range(64))


def test_a_stretch_that_came_twice_is_told_from_another_recording_also_where_both_look_alike() -> None:
    twice = [*FILM[:60], *FILM[20:]]
    source = [Shot(number * STEP, dim(number)) for number in twice]
    stream = [Shot(place * STEP, dim(place)) for place in FILM]
    found = follow(source, stream, STEP, TEN)
    assert (found.faults, len(found.skipped)) == ([], 40)
    joined = [Shot(place % 100 * STEP, dim(place % 100)) for place in range(200)]
    stream = [Shot(place * STEP, dim(place % 100)) for place in range(200)]
    found = follow(joined, stream, STEP, TEN)
    assert (found.faults, found.skipped) == ([], [])


def test_of_pictures_a_tick_apart_the_nearest_is_meant() -> None:
    """A burst of 600 pictures a second, of which 60 are kept."""
    times = [Fraction(place, 600) for place in range(100)]
    kept = [Shot(times[place], grey(place)) for place in range(0, 100, 10)]
    found = follow(shots(FILM, times), kept, Fraction(1, 600), TEN, even=False)
    assert (found.faults, found.matched, len(found.skipped)) == ([], 10, 90)


FADE = [Shot(place * STEP, bytes([200 - place] * 32 + [60 + place] * 32)) for place in range(100)]
"""Every place changes by one level from picture to picture."""


def of_fade(numbers: Sequence[int]) -> list[Shot]:
    return [Shot(place * STEP, FADE[number].grey) for place, number in enumerate(numbers)]


def test_a_picture_of_a_fade_that_the_encoder_left_as_the_one_before_is_no_fault() -> None:
    assert faults(FADE, of_fade([*FILM[:60], 59, *FILM[61:]])) == []


@pytest.mark.parametrize("order", [[0, *FILM[:-1]], [number // 2 * 2 for number in FILM], [*FILM[1:], 99]])
def test_a_fade_that_is_out_of_step_is_found(order: list[int]) -> None:
    """One picture late, each first one in place of the second as well, one picture early."""
    assert len(faults(FADE, of_fade(order))) > 5


def test_nothing_but_a_slight_change_may_be_left_out_by_the_encoder() -> None:
    leap = [Shot(shot.time, shot.grey[:60] + bytes([number % 2 * 9] * 4)) for number, shot in enumerate(FADE)]
    shown = [*leap[:60], Shot(leap[60].time, leap[59].grey), *leap[61:]]
    assert any("before it" in one for one in faults(leap, shown))


def fields(still: bytes) -> list[Shot]:
    """Return the fields of a film: a bar that moves, and beside it rows that each field has its own half of."""
    black, white = bytes([30] * len(still)), bytes([210] * len(still))
    return [
        Shot(number * STEP, grey(number) + (white if number % 2 else black), woven=grey(number) + still)
        for number in FILM
    ]


def test_a_picture_of_a_field_may_show_both_where_nothing_moves() -> None:
    still = bytes([120] * 64)
    woven = [Shot(number * STEP, grey(number) + still) for number in FILM]
    assert faults(fields(still), woven) == []


def test_a_field_in_place_of_the_next_one_is_found_beside_rows_that_stand_still() -> None:
    still = bytes([120] * 64)
    woven = [Shot(place * STEP, grey(place // 2 * 2) + still) for place in FILM]
    assert len(faults(fields(still), woven)) > 5


def test_two_pictures_of_one_time_move_nothing_behind_them_by_their_fields() -> None:
    """Where recordings were joined, the fields of one picture come at the times of those of the one before."""
    times = [place * STEP for place in (*range(50), 48, 49, *range(50, 98))]
    stream = shots([*range(50), *range(52, 100)])
    found = follow(shots(FILM, times), stream, STEP, TEN)
    assert (found.faults, found.matched) == ([], 98)
    assert len(list(judge(found, excused=2))) == 0
    late = shots([*range(50), *range(50, 98)])
    assert len(list(judge(follow(shots(FILM, times), late, STEP, TEN), excused=2))) > 0


def slow(number: int) -> bytes:
    """Return a picture of a film in which little changes from one to the next: backgrounds that brighten and darken."""
    level = abs(number * 3 % 200 - 100)
    return bytes([40 + level] * 32 + [180 - level] * 32)


@pytest.mark.parametrize("every", [2, 3, 4])
@pytest.mark.parametrize("rounded", [0, 1000, 90_000])
def test_a_film_at_half_its_rate_or_less(every: int, rounded: int) -> None:
    """Pictures that are left out look like those before and behind them; times may be those of milliseconds."""
    rate = 60 * every
    times = [Fraction(number, rate) for number in range(240)]
    if rounded:
        times = [Fraction(round(time * rounded), rounded) for time in times]
    source = [Shot(time, slow(number)) for number, time in enumerate(times)]
    for first in range(every):
        stream = [Shot(Fraction(at, 60), slow(number)) for at, number in enumerate(range(first, 240, every))]
        found = follow(source, stream, Fraction(1, rate), TEN, lead=Fraction(0))
        assert (found.source, found.matched, len(found.skipped)) == (240, len(stream), 240 - len(stream))
        wrong = list(judge(found, 240 - len(stream)))
        assert (wrong == []) == (first == 0), (first, wrong[:2], found.skipped[:4])


def test_the_first_times_of_a_player_that_changes_to_those_of_decoding_become_those() -> None:
    """As of H.264 with B-frames in an AVI: 1, 3, 4 are presentation times, then 2 shows that they are none."""
    given = [
        Shot(Fraction(time, 25), b"", decoded=Fraction(n + 2, 25), doubted=n > 2) for n, time in enumerate((1, 3, 4, 5))
    ]
    assert [shot.time for shot in settled(given)] == [Fraction(n, 25) for n in (2, 3, 4, 5)]


def test_a_single_wild_time_changes_no_other() -> None:
    """A player goes on with times of decoding behind it; those in front are right."""
    times = [2, 3, 4, 75, 5, 6]
    given = [Shot(Fraction(time, 25), b"", decoded=Fraction(n + 1, 25), doubted=n > 3) for n, time in enumerate(times)]
    assert list(settled(given)) == given


def test_times_that_a_player_believes_stay() -> None:
    given = [Shot(Fraction(time), b"", decoded=Fraction(time - 1)) for time in (2, 3, 5)]
    assert list(settled(given)) == given


def test_of_a_thousand_pictures_a_second_many_alike_each_seventeenth_is_in_place() -> None:
    """Later ones of those alike differ a little from the first, as an encoder refines them."""
    slow = [grey(number // 40) for number in range(400)]
    refined = [
        bytes(min(255, level + (number % 40 > 9 and place % 4 == 0)) for place, level in enumerate(data))
        for number, data in enumerate(slow)
    ]
    source = [Shot(Fraction(number, 1000), data) for number, data in enumerate(refined)]
    stream = [Shot(Fraction(number, 1000), slow[number]) for number in range(0, 400, 17)]
    found = follow(source, stream, Fraction(1, 1000), TEN)
    assert list(judge(found, excused=len(source) - len(stream))) == []
    stream[12] = Shot(stream[12].time, slow[0])
    assert list(judge(follow(source, stream, Fraction(1, 1000), TEN), excused=len(source) - len(stream)))


@pytest.mark.parametrize("rounding", [Fraction(1, 1000), Fraction(1, 90000)])
def test_anchors_that_a_player_shows_by_a_time_that_is_too_early(rounding: Fraction) -> None:
    """As FFmpeg guesses times of libxvid in Matroska: that of each anchor is of where it was decoded."""
    step = Fraction(1001, 30000)
    # What FFmpeg shows of I B B P B B P I B B P ...: three of an I, which has the time of the anchor before it.
    early = {place for place in range(100) if place % 7 in (3, 6)}
    places = [place - (3 if place in early else 1 if place % 7 == 0 and place else 0) for place in range(100)]
    times: list[Fraction | None] = [round(place * step / rounding) * rounding for place in places]
    found = follow(shots(FILM, times), shots(FILM, [place * step for place in range(100)]), step, TEN)
    assert (found.matched, found.skipped, found.faults) == (100, [], [])


def test_two_pictures_of_one_time_in_front_of_a_hole_that_has_room_for_one() -> None:
    """What FFmpeg 5.1 and 8.1 show of packed MPEG-4 with two B pictures in a transport stream: 0 1 1 2, 4 4 5, 7 ..."""
    times = [0, *(1 + 3 * (number // 3) + (0, 0, 1)[number % 3] for number in range(99))]
    assert times[:8] == [0, 1, 1, 2, 4, 4, 5, 7]
    source = shots(FILM, [time * STEP for time in times])
    assert faults(source, shots(FILM)) == []
    assert faults(source, shots([*FILM[:62], 63, 62, *FILM[64:]]))
    assert faults(source, shots([*FILM[:62], *FILM[63:]], [place * STEP for place in FILM if place != 62]))


@pytest.mark.parametrize(
    "odd",
    [
        {50: 51, 52: 51},  # 49 51 51 51 53
        {55: 56, 60: 58},  # 54 56 56 57, and 59 58 61
        {50: 54},  # 49 54 51 52 53 54
    ],
)
def test_pictures_that_have_the_time_of_another(odd: dict[int, int]) -> None:
    """As FFmpeg (5.1, 8.1) shows H.264 and HEVC in program streams, where a header begins in the packet before."""
    source = shots(FILM, [odd.get(place, place) * STEP for place in FILM])
    assert faults(source, shots(FILM)) == []
    for at in (49, 50, 51):
        assert faults(source, shots([*FILM[:at], at + 1, at, *FILM[at + 2 :]])), at
    assert faults(source, shots([*FILM[:50], *FILM[51:]], [place * STEP for place in FILM if place != 50]))


def test_recordings_at_different_rates() -> None:
    """The last picture of one lasts as long as its others, not as most pictures of the film do."""
    times = [*(place * STEP for place in range(50)), *(place * STEP / 2 for place in range(50))]
    stream = shots(FILM, [place * STEP if place < 50 else 50 * STEP + (place - 50) * STEP / 2 for place in range(100)])
    found = follow(shots(FILM, times), stream, STEP / 2, TEN, even=False)
    assert (found.matched, found.skipped, found.faults) == (100, [], [])


def test_a_recording_that_begins_too_early_behind_another_is_found() -> None:
    times = [*(place * STEP for place in range(50)), *(place * STEP / 2 for place in range(50))]
    early = [place * STEP if place < 50 else 50 * STEP - STEP / 2 + (place - 50) * STEP / 2 for place in range(100)]
    found = follow(shots(FILM, times), shots(FILM, early), STEP / 2, TEN, even=False)
    assert len(found.faults) > 40


def part(numbers: Sequence[int], places: Sequence[int], stream: Sequence[int], begin: int) -> Followed:
    """Return what is found of a stream that shows its film from picture `begin` on, by the places that times name."""
    source = shots(numbers, [place * STEP for place in places])
    return follow(source, shots(stream), STEP, TEN, lead=-begin * STEP, settling=0)


@pytest.mark.parametrize(("recordings", "begin"), [((60, 60), 70), ((60, 60), 60), ((60, 60), 30), ((20, 30, 50), 70)])
def test_a_part_of_recordings_that_were_joined(recordings: tuple[int, ...], begin: int) -> None:
    """A join in front of the part lies among pictures of which none is like the stream's first."""
    film = range(sum(recordings))
    found = part(film, [place for count in recordings for place in range(count)], film[begin:], begin)
    assert (found.matched, found.skipped, found.faults) == (len(film) - begin, [], [])


@pytest.mark.parametrize(("twice", "again"), [([*FILM[:60], *FILM[20:]], 0), ([*FILM, *FILM[50:]], 5)])
def test_a_part_behind_or_in_front_of_a_stretch_that_came_twice(twice: list[int], again: int) -> None:
    """Of the stretch only what lies in the part counts as left out of it."""
    found = part(twice, twice, FILM[95:], 95)
    assert (found.matched, found.faults) == (5, [])
    assert len(found.skipped) == again


def test_a_part_of_a_film_that_is_joined_with_itself() -> None:
    """Its pictures came before at their times, and yet it is shown twice."""
    loop = [*FILM[:50], *FILM[:50]]
    found = part(loop, loop, FILM[25:50], 75)
    assert (found.matched, found.skipped, found.faults) == (25, [], [])
