"""Encoder options: what design and recipes demand, as text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from streamify.model.plan import Timeline
from streamify.model.track import VideoTrack
from streamify.planning.encoder import keyframe_ticks, x264_options


def track(**changes: Any) -> VideoTrack:
    recipe: dict[str, Any] = {
        "codec": "h264", "width": 1280, "height": 720, "frame_rate": "30000/1001", "crf": 23, "maxrate": 3_500_000,
        "bufsize": 5_250_000, "preset": "medium", "bframes": 3,
    }  # fmt: skip
    scale = changes.pop("timescale", 30000)
    return VideoTrack.model_validate({"id": "x", "timescale": scale, "recipe": recipe | changes})


def params(options: dict[str, str]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in options["x264-params"].split(":"))


def test_what_must_be_there() -> None:
    options = x264_options(track())
    assert options["preset"] == "medium"
    assert options["crf"] == "23"
    assert options["forced-idr"] == "1"
    found = params(options)
    expected = {  # recipes.md: same bytes, IDR only where asked, a buffer that holds over joins
        "keyint": "infinite", "min-keyint": "99999", "scenecut": "40", "open-gop": "0", "cpu-independent": "1",
        "threads": "1", "vbv-maxrate": "3500", "vbv-bufsize": "5250", "vbv-init": "0.5", "bframes": "3",
    }  # fmt: skip
    assert expected.items() <= found.items()


@pytest.mark.parametrize(("crf", "text"), [(23.0, "23"), (21.5, "21.5"), (0.0, "0")])
def test_crf_is_written_short(crf: float, text: str) -> None:
    assert x264_options(track(crf=crf))["crf"] == text


def test_constant_rate_is_told_to_the_encoder() -> None:
    assert params(x264_options(track()))["force-cfr"] == "1"
    assert params(x264_options(track(timescale=90000)))["force-cfr"] == "0"


def _timeline(**changes: Any) -> Timeline:
    known: dict[str, Any] = {"time_base": Fraction(1, 1000), "origin": 0, "timescale": 30000, "end": 360360}
    return Timeline.model_validate(known | changes)


def test_keyframes_at_a_constant_rate() -> None:
    timeline = _timeline(frame_duration=1001, keyframe_frames=60)
    assert keyframe_ticks(timeline, 180180, 360360, ()) == {180180, 240240, 300300}
    assert keyframe_ticks(timeline, 180180, 240240, ()) == {180180}


def test_keyframes_at_a_variable_rate() -> None:
    timeline = _timeline(frame_duration=None)
    assert keyframe_ticks(timeline, 500, 9000, (2100, 4400)) == {500, 2100, 4400}
