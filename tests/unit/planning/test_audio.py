"""Where sound is cut: on its own frames, next to the video grid, to the last sample."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.codecs.registry import audio_codec
from streamify.model.recipe import AudioRecipe
from streamify.model.source import AudioFacts
from streamify.planning.audio import cuts, output_rate, piece_segments


def audio(**changes: Any) -> AudioFacts:
    known: dict[str, Any] = {
        "stream": 1, "codec": "aac", "sample_rate": 48000, "channels": 2, "layout": "stereo", "time_base": "1/48000"
    }  # fmt: skip
    return AudioFacts.model_validate(known | changes)


def recipe(rate: int, samples: int) -> AudioRecipe:
    return AudioRecipe(codec="aac", stream=1, sample_rate=rate, channels=2, bitrate=128_000, samples=samples,
                       origin=Fraction(0), piece_segments=0)  # fmt: skip


@pytest.mark.parametrize(
    ("samples", "units"), [(1, 2), (1024, 2), (1025, 3), (288_000, 283), (288_288, 283), (384_000, 376)]
)
def test_priming_comes_on_top(samples: int, units: int) -> None:
    assert audio_codec("aac").units(samples) == units


def test_6_s_at_48_khz() -> None:
    # 6 s are 281.25 frames: segments take 281 or 282, the first one the priming as well.
    borders = [0, 6, 12, 18, 24, 26]
    found = cuts(borders, 1, recipe(48000, 26 * 48000), at_start=True, at_end=True)
    assert found == (0, 282, 564, 845, 1126, 1220)
    assert [b - a for a, b in itertools.pairwise(found)] == [282, 282, 281, 281, 94]


@given(
    durations=st.lists(st.integers(15_000, 300_300), min_size=1, max_size=40),
    rate=st.sampled_from([44100, 48000]),
    split=st.data(),
)
def test_cuts_cover_and_stay_near_the_grid(durations: list[int], rate: int, split: Any) -> None:
    borders = list(itertools.accumulate(durations, initial=0))
    samples = int(-(-Fraction(borders[-1] * rate, 30000) // 1))
    aac = recipe(rate, samples)
    found = cuts(borders, 30000, aac, at_start=True, at_end=True)
    assert found[0] == 0
    assert found[-1] == audio_codec("aac").units(samples)
    assert all(before < after for before, after in itertools.pairwise(found))
    for unit, border in zip(found[1:-1], borders[1:-1], strict=True):
        assert abs((unit - 1) * 1024 - Fraction(border * rate, 30000)) <= 512
    over = (found[-1] - 1) * 1024 - Fraction(borders[-1] * rate, 30000)
    assert 0 <= over < 1025
    at = split.draw(st.integers(0, len(durations)))  # pieces give the same cuts as the whole
    first = cuts(borders[: at + 1], 30000, aac, at_start=True, at_end=at == len(durations)) if at else (0,)
    second = cuts(borders[at:], 30000, aac, at_start=at == 0, at_end=True) if at < len(durations) else found[-1:]
    assert first[-1] == second[0] or at in (0, len(durations))
    assert (*first[:-1], *second) == found or at in (0, len(durations))


@pytest.mark.parametrize(("given_rate", "rate"), [(48000, 48000), (44100, 44100), (32000, 48000), (96000, 48000),
                                                  (22050, 48000), (8000, 48000)])  # fmt: skip
def test_rates(given_rate: int, rate: int) -> None:
    assert output_rate(audio(sample_rate=given_rate)) == rate


@pytest.mark.parametrize(
    ("facts", "whole"),
    [
        (audio(), False),
        (audio(time_base="1/90000"), True),  # 90000 / 48000 is no whole number of ticks
        (audio(time_base="1/1000"), True),
        (audio(sample_rate=44100, time_base="1/44100"), False),
        (audio(sample_rate=44100, time_base="1/90000"), True),
        (audio(sample_rate=48000, time_base="1/96000"), False),
    ],
)
def test_pieces_need_exact_times(facts: AudioFacts, whole: bool) -> None:
    found = piece_segments(facts, Fraction(6))
    assert (found == 0) == whole
    assert piece_segments(audio(), Fraction(10_000)) == 1
