"""Channels of every layout into stereo and 5.1: each tone at the level that a hand calculation gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from clips.tones import LEVEL, PITCHES, tone_levels, tones, write_plain_wav, write_sound
from streamify.media.audio.matrix import Levels, matrix
from streamify.media.audio.mixing import Mixer
from streamify.media.source.loudspeakers import ORDER

C = math.sqrt(0.5)
NAMES = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")


def mixed(path: Path, layout: str = "stereo", channels: int = 2, gain: float = 1.0) -> Any:
    mixer, resampler, parts = Mixer(layout, channels, gain), av.AudioResampler(format="fltp"), []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            before = (frame.samples, frame.pts)
            found = mixer(frame)
            assert (found.samples, found.pts, found.layout.name) == (*before, layout)
            parts += [part.to_ndarray() for part in resampler.resample(found)]
    return np.concatenate(parts, axis=1).astype(np.float64)


def memory(samples: Any, layout: str) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32), format="fltp", layout=layout)
    frame.sample_rate, frame.pts = 48000, 7
    return frame


def rows(left: dict[int, float], right: dict[int, float], channels: int) -> Any:
    """Return the wanted levels, lowered so that neither side sums to more than 1."""
    found = np.zeros((2, channels))
    for side, taken in enumerate((left, right)):
        for channel, level in taken.items():
            found[side, channel] = level
    return found / max(1, *found.sum(axis=1))


LAYOUTS: dict[str, tuple[dict[int, float], dict[int, float], int]] = {
    "mono": ({0: 1}, {0: 1}, 1),
    "stereo": ({0: 1}, {1: 1}, 2),
    "2.1": ({0: 1, 2: C}, {1: 1, 2: C}, 3),  # FFmpeg's guess for three channels without labels
    "3.0": ({0: 1, 2: C}, {1: 1, 2: C}, 3),
    "3.0(back)": ({0: 1, 2: 0.5}, {1: 1, 2: 0.5}, 3),
    "3.1": ({0: 1, 2: C}, {1: 1, 2: C}, 4),
    "quad": ({0: 1, 2: C}, {1: 1, 3: C}, 4),
    "4.0": ({0: 1, 2: C, 3: 0.5}, {1: 1, 2: C, 3: 0.5}, 4),
    "5.0": ({0: 1, 2: C, 3: C}, {1: 1, 2: C, 4: C}, 5),
    "5.1": ({0: 1, 2: C, 4: C}, {1: 1, 2: C, 5: C}, 6),
    "5.1(side)": ({0: 1, 2: C, 4: C}, {1: 1, 2: C, 5: C}, 6),
    "6.1": ({0: 1, 2: C, 4: 0.5, 5: C}, {1: 1, 2: C, 4: 0.5, 6: C}, 7),
    "7.1": ({0: 1, 2: C, 4: C, 6: C}, {1: 1, 2: C, 5: C, 7: C}, 8),
    "ambisonic 1": ({0: 0.5, 1: 0.5}, {0: 0.5, 1: 0.5}, 4),  # W, and Y by its size
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_channel_at_its_level(layout: str, tmp_path: Path) -> None:
    left, right, channels = LAYOUTS[layout]
    if layout.startswith("ambisonic"):  # no encoder of the wheel takes it as it is
        found = Mixer("stereo", 2)(memory(tones(channels, 0.5), layout)).to_ndarray()
    else:
        container = "wav" if channels <= 2 else "mov"
        found = mixed(write_sound(tmp_path / f"a.{container}", tones(channels, 0.5), layout))
    levels = tone_levels(found.astype(np.float64), PITCHES[:channels])
    assert levels == pytest.approx(rows(left, right, channels), abs=0.002)


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7, 8, 12])
def test_a_wav_without_labels_loses_no_channel_but_lfe(count: int, tmp_path: Path) -> None:
    found = mixed(write_plain_wav(tmp_path / "a.wav", tones(count, 0.5)))
    heard = tone_levels(found, PITCHES[: min(count, 8)]).max(axis=0)
    quiet = [PITCHES[number] for number, level in enumerate(heard) if level < 0.02]
    assert quiet == ([50] if count in (6, 7, 8) else [])


@pytest.mark.parametrize("channels", [6, 8, 16])
def test_full_scale_on_all_channels_does_not_clip(channels: int, tmp_path: Path) -> None:
    square = np.sign(tones(1, 0.2)).repeat(channels, axis=0)
    found = mixed(write_plain_wav(tmp_path / "a.wav", square))
    assert 0.99 < np.abs(found).max() <= 1.0


AC3 = {
    "the encoder's own": ({}, 0.5946, 0.5),
    "as standard": ({"center_mixlev": "0.707", "surround_mixlev": "0.707"}, C, C),
    "no surround": ({"center_mixlev": "0.5", "surround_mixlev": "0"}, 0.5, 0.0),
}


@pytest.mark.parametrize("codec", ["ac3", "eac3"])
@pytest.mark.parametrize("case", AC3)
def test_the_levels_of_the_stream(codec: str, case: str, tmp_path: Path) -> None:
    options, centre, surround = AC3[case]
    if codec == "eac3":  # which has the levels in its mixing metadata
        options = {
            name.replace("center_", "loro_c").replace("surround_", "loro_sur"): value for name, value in options.items()
        }
    path = tmp_path / f"a.{codec}"
    write_sound(path, tones(6, 1), "5.1(side)", codec=codec, form="fltp", options=options, bit_rate=448_000)
    levels = tone_levels(mixed(path), PITCHES[:6])
    wanted = rows({0: 1, 2: centre, 4: surround}, {1: 1, 2: centre, 5: surround}, 6)
    assert levels == pytest.approx(wanted, abs=0.01)


def test_gain(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", tones(2, 0.5), "stereo")
    assert tone_levels(mixed(path, gain=0.5), PITCHES[:2]) == pytest.approx(np.eye(2) / 2, abs=0.001)


@pytest.mark.parametrize(
    ("layout", "wanted"),
    [
        ("5.1", np.eye(6)),
        ("5.0", np.insert(np.eye(5), 3, 0, axis=0)),  # no LFE: silent
        # Two pairs of surrounds, each at -3 dB; the sum of 3 dB above full scale lowers all.
        ("7.1", np.vstack([np.eye(8)[:4], [0, 0, 0, 0, C, 0, C, 0], [0, 0, 0, 0, 0, C, 0, C]]) * C),
    ],
)
def test_into_5_1(layout: str, wanted: Any, tmp_path: Path) -> None:
    channels = wanted.shape[1]
    path = write_sound(tmp_path / "a.mov", tones(channels, 0.5), layout)
    levels = tone_levels(mixed(path, "5.1(side)", 6), PITCHES[:channels])
    assert levels == pytest.approx(wanted, abs=0.002)


@pytest.mark.parametrize("outputs", [2, 6])
@pytest.mark.parametrize("layout", ["3.1", "5.1", "7.1", "hexadecagonal", "22.2", "downmix"])
def test_no_row_sums_to_more_than_1_and_nothing_but_lfe_is_lost(layout: str, outputs: int) -> None:
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    found = np.array(matrix(names, outputs, Levels()))
    assert np.abs(found).sum(axis=1).max() <= 1 + 1e-12
    lost = {name for name, column in zip(names, found.T, strict=True) if not column.any()}
    assert lost <= ({"LFE", "LFE2"} if outputs == 2 else set())


def test_levels_that_cannot_be_are_the_standard_ones() -> None:
    assert Levels.given(math.nan, -1, math.inf) == Levels()


def test_a_layout_that_changes_midway() -> None:
    mixer = Mixer("stereo", 2)
    for layout, channels in (("mono", 1), ("5.1", 6), ("stereo", 2), ("mono", 1)):
        found = mixer(memory(tones(channels, 0.1), layout))
        assert (found.layout.name, found.samples, found.pts) == ("stereo", 4800, 7)
        if channels <= 2:
            assert np.abs(found.to_ndarray()).max() == pytest.approx(LEVEL, abs=0.001)


def test_the_order_of_loudspeakers_is_that_of_ffmpeg() -> None:
    """Else a layout of FFmpeg's own would count as a list."""
    assert tuple(one.name for one in av.AudioLayout("+".join(ORDER)).channels) == ORDER
