"""The ladder: by the shorter side, exact aspect, even, never upscaled."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.errors import SourceError, UsageError
from streamify.model.settings import Rung
from streamify.model.source import VideoFacts
from streamify.planning.ladder import LADDERS, choose_ladder, display_size, named, rung_size


def video(width: int, height: int, **changes: Any) -> VideoFacts:
    known: dict[str, Any] = {
        "stream": 0, "codec": "h264", "width": width, "height": height, "sample_aspect": 1, "pixel_format": "yuv420p",
        "time_base": "1/90000", "frames": 100, "first": 0, "end": 360000, "rate": 25, "average_rate": 25,
    }  # fmt: skip
    return VideoFacts.model_validate(known | changes)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (video(1920, 1080), ["1080p", "720p", "480p", "360p"]),
        (video(1080, 1920), ["1080p", "720p", "480p", "360p"]),
        (video(3840, 2160), ["2160p", "1440p", "1080p", "720p", "480p", "360p"]),
        (video(7680, 4320), ["2160p", "1440p", "1080p", "720p", "480p", "360p"]),
        (video(1280, 720), ["720p", "480p", "360p"]),
        (video(640, 360), ["360p"]),
        (video(176, 144), ["144p"]),  # smaller than the smallest rung: its own size
        (video(161, 121), ["120p"]),  # odd: rounded down
        (video(1920, 800), ["800p", "480p", "360p"]),  # 720p is too close to 800p
        (video(1920, 1000), ["1000p", "720p", "480p", "360p"]),
        (video(64, 16), ["16p"]),
    ],
)  # fmt: skip
def test_auto(source: VideoFacts, names: list[str]) -> None:
    rungs, notes = choose_ladder(source, "auto")
    assert [rung.name for rung in rungs] == names
    assert notes == ()


@pytest.mark.parametrize(
    ("source", "side", "size"),
    [
        (video(1920, 1080), 720, (1280, 720)),
        (video(1920, 1080), 480, (854, 480)),  # 853.33
        (video(1920, 1080), 240, (426, 240)),  # 426.67
        (video(1080, 1920), 480, (480, 854)),
        (video(1920, 1080, rotation=90), 480, (480, 854)),
        (video(1920, 1080, rotation=180), 480, (854, 480)),
        (video(720, 576, sample_aspect="16/15"), 576, (768, 576)),  # PAL 4:3
        (video(720, 576, sample_aspect="64/45"), 576, (1024, 576)),  # PAL 16:9
        (video(1440, 1080, sample_aspect="4/3"), 1080, (1920, 1080)),  # HDV
        (video(720, 480, sample_aspect="8/9"), 360, (480, 360)),  # NTSC 4:3
        (video(720, 480, sample_aspect="8/9", rotation=270), 360, (360, 480)),
        (video(640, 640), 360, (360, 360)),
        (video(800, 332, sample_aspect="399/400"), 332, (798, 332)),
    ],
)
def test_sizes_keep_the_aspect(source: VideoFacts, side: int, size: tuple[int, int]) -> None:
    found = rung_size(source, side)
    assert (found.width, found.height) == size


@given(
    width=st.integers(16, 8000),
    height=st.integers(16, 8000),
    aspect=st.fractions(Fraction(1, 4), 4, max_denominator=64),
    rotation=st.sampled_from([0, 90, 180, 270]),
    wanted=st.sampled_from(["auto", *LADDERS, "1080p,540p,240p"]),
)
def test_rungs_never_grow_and_keep_the_aspect(
    width: int, height: int, aspect: Fraction, rotation: int, wanted: str
) -> None:
    source = video(width, height, sample_aspect=aspect, rotation=rotation)
    shown = display_size(source)
    try:
        rungs, _ = choose_ladder(source, wanted)
    except UsageError:
        assert wanted != "auto"  # none of them is small enough
        return
    except SourceError as error:
        refused = error.code
        small, long = min(shown) < 16, max(shown) / min(shown) > 16384 / 360.5  # the largest of smallest rungs: 360p
        assert {"source-too-small": small, "source-too-large-pictures": long}[refused]
        return
    assert rungs
    assert [rung.short_side for rung in rungs] == sorted({rung.short_side for rung in rungs}, reverse=True)
    assert len({rung.name for rung in rungs}) == len(rungs)
    for rung in rungs:
        size = rung_size(source, rung.short_side)
        assert min(size.width, size.height) == rung.short_side <= min(shown)
        assert size.width % 2 == size.height % 2 == 0
        scale = rung.short_side / min(shown)
        assert abs(size.width - shown[0] * scale) <= 1
        assert abs(size.height - shown[1] * scale) <= 1
        assert rung.maxrate >= 10_000


def test_auto_is_bounded_from_below_by_its_rates() -> None:
    for side in range(16, 2200, 2):
        rungs, _ = choose_ladder(video(side * 2, side), "auto")
        rates = [rung.maxrate for rung in rungs]
        assert rates == sorted(rates, reverse=True)
        assert all(big > small for big, small in itertools.pairwise(rates))


def test_named_rungs_and_what_is_left_out() -> None:
    rungs, notes = choose_ladder(video(1280, 720), "1080p, 360p,720p")
    assert [rung.name for rung in rungs] == ["720p", "360p"]
    assert [(note.kind, note.what) for note in notes] == [("info", "rungs left out: 1080p")]


def test_own_rungs() -> None:
    mine = (Rung(name="low", short_side=90, maxrate=100_000), Rung(name="high", short_side=180, maxrate=300_000))
    rungs, _ = choose_ladder(video(320, 180), mine)
    assert [rung.name for rung in rungs] == ["high", "low"]


@pytest.mark.parametrize("text", ["", " , ", "1081p", "standart", "720p,720p", "auto,720p"])
def test_unknown_names(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        named(text)
    assert caught.value.code == "ladder-unknown"
    assert caught.value.hint


def test_nothing_fits() -> None:
    with pytest.raises(UsageError, match="shorter side is 144") as caught:
        choose_ladder(video(176, 144), "720p,480p")
    assert caught.value.code == "ladder-impossible"


@pytest.mark.parametrize(("source", "ladder"), [
    (video(320, 240, sample_aspect="4096/1"), "auto"), (video(40_000, 1080), "720p,1080p"),
])  # fmt: skip
def test_too_long_for_the_encoder(source: VideoFacts, ladder: str) -> None:
    """x264 opens for 16384 pixels, and says "invalid width x height" of two more."""
    with pytest.raises(SourceError, match="16384 is the longest") as caught:
        choose_ladder(source, ladder)
    assert caught.value.code == "source-too-large-pictures"


def test_long_and_narrow_as_far_as_the_encoder_goes() -> None:
    (rung,), _ = choose_ladder(video(16_384, 720), "720p")
    assert rung.short_side == 720


@pytest.mark.parametrize(
    ("width", "height", "sides"), [(16_500, 412, [360]), (17_000, 416, [360]), (16_000, 412, [412])]
)
def test_auto_keeps_a_rung_that_is_short_enough(width: int, height: int, sides: list[int]) -> None:
    rungs, _ = choose_ladder(video(width, height), "auto")
    assert [rung.short_side for rung in rungs] == sides


def test_rungs_that_are_too_long_are_left_out() -> None:
    (rung,), notes = choose_ladder(video(20_000, 1080), "720p,1080p")
    assert rung.short_side == 720
    assert [(note.what, note.why) for note in notes] == [
        ("rungs left out: 1080p", "a side would be longer than 16384 pixels")
    ]


@pytest.mark.parametrize("source", [video(64, 14), video(16, 16, sample_aspect="1/4"), video(8, 720)])
def test_too_small_to_be_a_video(source: VideoFacts) -> None:
    with pytest.raises(SourceError, match="16 is the least") as caught:
        choose_ladder(source, "auto")
    assert caught.value.code == "source-too-small"
