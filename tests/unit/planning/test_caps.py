"""What is longer, or pauses for longer, than the settings allow is refused from times alone."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import plan_samples
from streamify.errors import CapExceeded
from streamify.model.plan import Timeline
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceFacts
from streamify.planning.caps import longest_pause, refuse_length, refuse_pauses

HOUR = 3600


def facts(pts: list[int] | range, end: int, time_base: Fraction = Fraction(1, 1000)) -> SourceFacts:
    plan, _ = plan_samples.plan()
    assert plan.source.video is not None
    video = plan.source.video.model_copy(update={"time_base": time_base, "first": pts[0], "end": end})
    return plan.source.model_copy(update={"video": video})


def timeline(seconds: int) -> Timeline:
    return Timeline(time_base=Fraction(1, 1000), origin=0, timescale=1000, frame_duration=None, end=seconds * 1000)


def refused(pts: list[int], end: int, **settings: Any) -> str:
    with pytest.raises(CapExceeded) as caught:
        refuse_pauses(facts(pts, end), pts, MediaSettings(**settings))
    assert (caught.value.code, caught.value.exit_code) == ("source-pause-too-long", 7)
    return caught.value.message


def test_a_pause_beyond_the_cap_is_named_with_its_place_and_length() -> None:
    pts = [0, 40, 80, 5 * HOUR * 1000 + 80, 5 * HOUR * 1000 + 120]
    said = refused(pts, pts[-1] + 40)
    assert "the picture at 0.080 s stands for 5.0 h; the cap is 4.0 h" in said
    refuse_pauses(facts(pts, pts[-1] + 40), pts, MediaSettings(max_pause=Fraction(5 * HOUR)))
    assert "for 20 s; the cap is 10 s" in refused([0, 20_000, 20_040], 20_080, max_pause=10)


def test_the_last_picture_may_stand_as_long_as_there_is_sound() -> None:
    refuse_pauses(facts([0, 40], 10 * HOUR * 1000), [0, 40], MediaSettings())


def test_even_pictures_have_no_pause() -> None:
    assert longest_pause(range(0, 1000, 40)) == (0, 40)
    assert longest_pause(range(7, 8)) == (0, 0)
    assert longest_pause([5]) == (0, 0)
    assert longest_pause([0, 1, 9, 10]) == (1, 8)


@pytest.mark.parametrize(
    ("seconds", "settings", "code"),
    [(25 * HOUR, {}, "source-too-long"), (61, {"max_duration": 60}, "source-too-long"),
     (48 * HOUR, {"max_duration": 50 * HOUR}, None), (24 * HOUR, {}, None),
     (24 * HOUR, {"segment_seconds": Fraction(1, 2), "keyframe_seconds": Fraction(1, 2)}, "too-many-segments")],
)  # fmt: skip
def test_streams_are_as_long_as_the_settings_allow(seconds: int, settings: dict[str, Any], code: str | None) -> None:
    source, chosen = facts([0, 40], 80), MediaSettings(**settings)
    if code is None:
        refuse_length(source, timeline(seconds), chosen)
        return
    with pytest.raises(CapExceeded) as caught:
        refuse_length(source, timeline(seconds), chosen)
    assert caught.value.code == code
    assert caught.value.hint
