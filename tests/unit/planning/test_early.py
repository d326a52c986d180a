"""What is announced of a stream that grows, and how often."""

from __future__ import annotations

from streamify.planning.early import Extent, grown, pause

VIDEO, AUDIO = ("1080p", "240p"), ("en", "fr")


def made(top: int, low: int, en: int, fr: int) -> dict[str, int]:
    return {"1080p": top, "240p": low, "en": en, "fr": fr}


def test_nothing_is_announced_without_the_first_segment_of_all_sound() -> None:
    assert grown(Extent(), made(0, 3, 1, 0), VIDEO, AUDIO) == Extent()
    assert grown(Extent(), made(0, 0, 1, 1), VIDEO, AUDIO) == Extent()
    assert grown(Extent(), made(0, 1, 1, 1), VIDEO, AUDIO) == Extent(("240p", "en", "fr"), 1)


def test_a_rung_is_announced_once_it_is_as_far_as_the_others() -> None:
    low = Extent(("240p", "en", "fr"), 3)
    assert grown(low, made(2, 4, 9, 9), VIDEO, AUDIO) == Extent(("240p", "en", "fr"), 4)
    assert grown(low, made(4, 4, 9, 9), VIDEO, AUDIO) == Extent(("1080p", "240p", "en", "fr"), 4)
    both = Extent(("1080p", "240p", "en", "fr"), 4)
    assert grown(both, made(5, 9, 9, 9), VIDEO, AUDIO) == Extent(("1080p", "240p", "en", "fr"), 5)


def test_sound_that_is_late_holds_up_all_but_announces_no_rung_too_early() -> None:
    low = Extent(("240p", "en", "fr"), 2)
    assert grown(low, made(2, 6, 2, 9), VIDEO, AUDIO) == low


def test_sound_alone_and_pictures_alone() -> None:
    assert grown(Extent(), {"en": 2, "fr": 1}, (), AUDIO) == Extent(AUDIO, 1)
    assert grown(Extent(), {"1080p": 2, "240p": 2}, VIDEO, ()) == Extent(VIDEO, 2)


def test_what_is_written_over_ten_hours_is_bounded_by_the_time_it_takes() -> None:
    """At twice the speed of playing, in 6 rungs and 2 audio tracks, of segments of 6 s."""
    tracks, segments, clock, lines = 8, 0, 0.0, 0
    versions = 0
    while segments < 6000:
        clock += pause(tracks, segments)
        segments = min(6000, int(clock * 2 / 6))
        lines += tracks * segments
        versions += 1
    assert clock < 5.1 * 3600
    assert lines <= 1100 * clock
    assert versions < 18_000 / 8
