from __future__ import annotations

from plan_samples import plan
from streamify.planning.realtime import needed_first

FILM, _ = plan(ladder="1080p,360p", segment_seconds=2, keyframe_seconds=2, preset="medium")
HIGH, LOW = (track.id for track in FILM.video)


def test_a_rung_that_is_made_slower_than_it_plays_waits_for_its_start() -> None:
    """By hand, 1080p at 29.97 and preset medium, CPU s a picture: 2.0736 x (0.0034 to decode, 0.045 to encode).

    29.97 x 0.10036 = 3.008 s for a second of film. One worker, with a margin of a fifth, takes 3.760 s: 1 - 1/3.760 of
    7 segments is 5.14. Two take 1.880 s: 3.28 segments. Three take 1.253 s: 1.42.
    """
    assert FILM.segments == 7
    assert float(FILM.video[0].frame_rate) == 30000 / 1001
    assert [needed_first(FILM, workers)[HIGH] for workers in (1, 2, 3)] == [6, 4, 2]


def test_more_than_three_workers_do_not_help_a_viewer_who_waits_for_three_segments() -> None:
    assert needed_first(FILM, 64) == needed_first(FILM, 3)


def test_a_faster_preset_is_made_in_time() -> None:
    fast, _ = plan(ladder="1080p,360p", segment_seconds=2, keyframe_seconds=2, preset="ultrafast")
    assert set(needed_first(fast, 2).values()) == {0}


def test_the_smallest_rung_is_always_offered() -> None:
    slow, _ = plan(ladder="1080p", segment_seconds=2, keyframe_seconds=2, preset="veryslow")
    assert set(needed_first(slow, 1).values()) == {0}
    assert needed_first(FILM, 1)[LOW] == 0
