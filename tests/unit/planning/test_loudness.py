"""EBU R128 by hand: gating, the gain, the room below the peak."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from plan_samples import plan
from streamify.model.track import AudioTrack
from streamify.planning.loudness import blocks, integrated, settled


def track(target: float = -16.0) -> AudioTrack:
    return plan(loudness=target)[0].audio[0]


def test_the_gates_of_bs_1770() -> None:
    assert integrated([]) is None
    assert integrated([-120.0, -70.0]) is None
    assert integrated([-23.0] * 10) == pytest.approx(-23)
    assert integrated([-23.0] * 10 + [-71.0] * 90) == pytest.approx(-23)  # absolute gate
    assert integrated([-23.0] * 10 + [-36.0] * 10) == pytest.approx(-23)  # 10 LU below the mean, -25.8: left out
    mean = -0.691 + 10 * math.log10((10 ** ((-20 + 0.691) / 10) + 10 ** ((-26 + 0.691) / 10)) / 2)
    assert integrated([-20.0, -26.0]) == pytest.approx(mean)  # both count


@pytest.mark.parametrize(
    ("loudness", "peak", "gain", "limited"),
    [
        (-23.0, 0.1, 7.0, False),  # up by all that is wanted: the peak of -20 dBTP comes to -13
        (-10.0, 0.9, -6.0, False),
        (-30.0, 0.5, 5.02, True),  # 14 dB are wanted; -6.02 dBTP leave 5.02 below -1 dBTP
        (-16.0, 1.0, -1.0, True),  # right already, but for its peak
    ],
)
def test_gain(loudness: float, peak: float, gain: float, limited: bool) -> None:
    found = settled(track(), [loudness] * 20, peak)
    assert (found.gain, found.limited, found.integrated) == (gain, limited, loudness)
    assert found.gain + 20 * math.log10(peak) <= -1 + 1e-9


def test_silence_is_left_alone() -> None:
    found = settled(track(), [-120.0] * 20, 0.0)
    assert (found.gain, found.limited, found.integrated, found.true_peak) == (0, False, None, None)


def test_pieces_meet_without_a_gap() -> None:
    """Access units of 1024 samples, the first is priming; stretches of 4,800 samples."""
    sound = track()
    assert sound.samples == 672_672
    units = [0, 283, 600, 658]
    found = [blocks(sound, first, last) for first, last in pairwise(units)]
    assert found == [(0, 61), (61, 128), (128, 141)]  # 282 x 1024 / 4800 = 60.2; 672672 / 4800 = 140.1
