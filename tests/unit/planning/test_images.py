from __future__ import annotations

from fractions import Fraction

import pytest

from manifest_samples import video_track
from streamify.model.images import PosterPlan
from streamify.model.plan import Timeline
from streamify.model.settings import MediaSettings
from streamify.model.track import VideoTrack
from streamify.planning.images import (
    candidates,
    image_notes,
    moment,
    more_candidates,
    poster,
    preview,
    preview_moments,
    storyboard,
)

LARGE, SMALL = video_track(), video_track(name="360p", width=640, height=360)


def timeline(seconds: float) -> Timeline:
    return Timeline(time_base=Fraction(1, 25), origin=0, timescale=25, frame_duration=1, end=round(seconds * 25))


@pytest.mark.parametrize(
    ("seconds", "interval", "count", "layout", "sheets"),
    [(0.04, 2, 1, (1, 1), 1), (6, 2, 3, (3, 1), 1), (24.04, 2, 13, (5, 3), 1), (800, 2, 400, (5, 5), 16),
     (800.04, 4, 201, (5, 5), 9), (3600, 10, 360, (5, 5), 15), (36_000, 10, 3600, (5, 5), 144)],
)  # fmt: skip
def test_intervals(seconds: float, interval: int, count: int, layout: tuple[int, int], sheets: int) -> None:
    board = storyboard([LARGE, SMALL], timeline(seconds), MediaSettings(), "build")
    assert board is not None
    assert board.interval == interval
    assert (board.count, (board.columns, board.rows), board.sheets) == (count, layout, sheets)
    assert board.track == SMALL.id
    assert (board.width, board.height) == (240, 136)  # 135 is odd


@pytest.mark.parametrize(
    ("rate", "frames", "intervals"),
    [
        (Fraction(30000, 1001), 60, ["2.002", "4.004", "10.01"]),
        (Fraction(24000, 1001), 48, ["2.002", "4.004", "10.01"]),
        (Fraction(25), 75, ["3", "3", "9"]),  # keyframes every 3 s
        (Fraction(25), 300, ["12", "12", "12"]),
        (None, None, ["2", "4", "10"]),  # a variable rate
    ],
)
def test_thumbnails_are_keyframes(rate: Fraction | None, frames: int | None, intervals: list[str]) -> None:
    """Where the settings name no interval, it is a whole number of steps from keyframe to keyframe."""
    line = Timeline(time_base=Fraction(1, 90_000), origin=0, timescale=90_000, frame_duration=None, end=1)
    if rate is not None:
        line = line.model_copy(
            update={"timescale": rate.numerator, "frame_duration": rate.denominator, "keyframe_frames": frames}
        )
    found = []
    for seconds in (60, 1200, 7200):
        board = storyboard([SMALL], line.model_copy(update={"end": seconds * line.timescale}), MediaSettings(), "build")
        assert board is not None
        found.append(board.interval)
    assert found == [Fraction(one) for one in intervals]


@pytest.mark.parametrize(
    ("size", "wanted", "expected"),
    [((640, 360), 320, (320, 180)), ((202, 360), 240, (134, 240)), ((214, 120), 240, (214, 120)),
     ((16, 640), 32, (2, 32))],
)  # fmt: skip
def test_sizes(size: tuple[int, int], wanted: int, expected: tuple[int, int]) -> None:
    track = video_track(name="s", width=size[0], height=size[1])
    board = storyboard([track], timeline(10), MediaSettings(thumbnail_size=wanted), "build")
    assert board is not None
    assert (board.width, board.height) == expected


def test_none_are_made_of_sound_or_where_none_are_wanted() -> None:
    assert storyboard([], timeline(10), MediaSettings(), "build") is None
    assert poster([], timeline(10), MediaSettings(), "build") is None
    off = MediaSettings.model_validate({"thumbnails": "off", "poster": "off"})
    assert storyboard([LARGE], timeline(10), off, "build") is None
    assert poster([LARGE], timeline(10), off, "build") is None


def test_the_name_changes_with_what_decides_the_bytes() -> None:
    def name(track: VideoTrack = SMALL, build: str = "build", **settings: object) -> str:
        board = storyboard([track], timeline(10), MediaSettings.model_validate(settings), build)
        assert board is not None
        return board.id

    names = [name(), name(LARGE), name(build="other"), name(thumbnails=3), name(thumbnail_size=120)]
    assert len(set(names)) == len(names)
    assert name() == name(crf=30, poster=5)


def test_moments() -> None:
    borders = [0, 150, 300]
    assert moment(Fraction(0), timeline(14), borders).model_dump() == {"segment": 0, "at": 0}
    assert moment(Fraction(6), timeline(14), borders).model_dump() == {"segment": 1, "at": 150}
    assert moment(Fraction("5.999"), timeline(14), borders).model_dump() == {"segment": 0, "at": 149}
    assert moment(Fraction(99), timeline(14), borders).model_dump() == {"segment": 2, "at": 349}


def test_candidates_are_spread_over_the_film_without_its_ends() -> None:
    wanted = PosterPlan(id="1", track=LARGE.id, at=None, sizes=((1920, 1080),))
    found = [one.at / 25 for one in candidates(wanted, timeline(100), [0])]
    assert len(found) == 25
    assert (found[0], found[-1]) == (5, 95)
    assert len(candidates(wanted, timeline(0.04), [0])) == 1
    given = wanted.model_copy(update={"at": Fraction(7)})
    assert [one.at for one in candidates(given, timeline(100), [0])] == [175]
    assert more_candidates(given, timeline(100), [0]) == ()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (2, [0.08, 0.52, 1, 1.44, 1.88]),  # one keyframe, at 0: the pictures themselves, at 0.1 + n x 0.45 s
        (6, [0, 2, 4]),
        (30, [0, 6, 10, 14, 18, 24, 28]),  # every 4.5 s from 1.5 s on, the keyframe before each
        (1000, [50 + 2 * (75 * n // 4) for n in range(25)]),  # every 37.5 s
    ],
)
def test_a_short_film_has_fewer_candidates_and_they_are_keyframes(seconds: int, expected: list[float]) -> None:
    """Of each a single picture is decoded; where none of them serves, 25 pictures of any kind are looked at."""
    wanted = PosterPlan(id="1", track=LARGE.id, at=None, sizes=((1920, 1080),))
    line = timeline(seconds).model_copy(update={"keyframe_frames": 50})
    borders = [*range(0, line.end, 150)]
    found = candidates(wanted, line, borders)
    assert [one.at / 25 for one in found] == expected
    assert [one.segment for one in found] == [int(at * 25) // 150 for at in expected]
    more = more_candidates(wanted, line, borders)
    assert len(more) == 25
    assert (more[0].at, more[-1].at) == (int(seconds * 25 / 20), int(seconds * 25 * 19 / 20))


def test_a_time_beyond_the_end_is_the_last_picture() -> None:
    found = poster([LARGE], timeline(10), MediaSettings.model_validate({"poster": "3600"}), "build")
    assert found is not None
    assert found.at == Fraction(249, 25)
    assert found.sizes == ((1920, 1080), (960, 540), (480, 270))


def test_a_poster_is_no_larger_than_webp_can_be() -> None:
    """A side of 16,384 pixels, which H.264 has, is one too many (RFC 9649, 2.7)."""
    thin = LARGE.model_copy(update={"recipe": LARGE.recipe.model_copy(update={"width": 16_384, "height": 16})})
    found = poster([thin], timeline(10), MediaSettings(), "build")
    assert found is not None
    assert found.sizes == ((16_382, 16), (8192, 8), (4096, 4))


@pytest.mark.parametrize(
    ("tracks", "given", "said"),
    [
        ([LARGE], {"poster": "9.99", "preview": 10, "thumbnails": 3600}, []),
        ([LARGE], {"poster": "0:10"},
         ["the poster is the last picture (the stream ends at 10 s, --poster 10 is beyond)"]),
        ([LARGE], {"preview": 11}, ["the preview has 10 s (the stream is no longer)"]),
        ([], {}, []),
        ([], {"poster": "off", "preview": 0, "thumbnails": 0}, []),
        ([], {"poster": 0, "preview": 3, "thumbnails": 5},
         ["no poster, no preview, no thumbnails (the source has no pictures)"]),
    ],
)  # fmt: skip
def test_images_that_are_others_than_was_asked_for_are_named(
    tracks: list[VideoTrack], given: dict[str, object], said: list[str]
) -> None:
    found = image_notes(tracks, timeline(10), MediaSettings.model_validate(given))
    assert [f"{note.what} ({note.why})" for note in found] == said


@pytest.mark.parametrize(
    ("length", "wanted", "seconds", "spots", "begins"),
    [
        (100, 3, 3, 2, [5.0, 93.5]),
        (100, 6, 6, 4, [5.0, 34.5, 64.0, 93.5]),
        (10, 6, 6, 1, [2.0]),  # less than twice: its middle
        (2, 6, 2, 1, [0.0]),
        (100, Fraction(1, 2), Fraction(1, 2), 1, [49.75]),
    ],
)
def test_a_preview_shows_places_that_are_spread_over_the_film(
    length: int, wanted: Fraction, seconds: Fraction, spots: int, begins: list[float]
) -> None:
    line = Timeline(time_base=Fraction(1, 1000), origin=0, timescale=1000, frame_duration=40, end=length * 1000)
    found = preview([LARGE, SMALL], line, MediaSettings(preview=wanted), "build")
    assert found is not None
    assert (found.seconds, found.spots, found.track, found.width, found.height) == (seconds, spots, SMALL.id, 320, 180)
    times = [one.at for one in preview_moments(found, line, [0])]
    assert len(times) == seconds * 10
    each = len(times) // spots
    assert times[::each][:spots] == [at * 1000 for at in begins]
    assert times == sorted(set(times))
    assert times[:each] == list(range(times[0], times[0] + 100 * each, 100))
    assert preview([LARGE], line, MediaSettings(), "build") is None
    assert preview([], line, MediaSettings(preview=wanted), "build") is None
