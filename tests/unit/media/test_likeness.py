"""The judgement of sound against its source, with made-up sound: what is right passes, what is wrong is named."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from selection import sample
from streamify.media.audio import likeness
from streamify.media.audio.likeness import RATE, STRETCH, Found, Stretch, compare

SECONDS = 12
Sound = list[float]


def noise(seed: int = 1, seconds: float = SECONDS, level: float = 0.1) -> Sound:
    """Noise below 1 kHz, left and right alike in level, not in content."""
    made = np.random.default_rng(seed).normal(0, 1, (round(seconds * RATE) + 8, 2))
    smooth = sum(made[shift : len(made) - 8 + shift] for shift in range(8)) * level / 3
    return [float(value) for value in np.asarray(smooth).reshape(-1)]


def stretches(sound: Sound, shift: float = 0.0, slack: float = 0.0) -> list[Stretch]:
    """The sound in stretches, which a container's times say are later by `shift`."""
    size = 2 * STRETCH
    return [
        Stretch(at / 2 / RATE + shift, sound[at : at + size], slack=slack)
        for at in range(0, len(sound) - size + 1, size)
    ]


def parts(sound: Sound, start: int = 0) -> Iterator[tuple[int, Sound]]:
    """The sound as it comes out of a decoder."""
    for at in range(0, len(sound), 2 * 171):
        yield start + at // 2, sound[at : at + 2 * 171]


def judged(source: list[Stretch], track: Sound, gain: float = 0.0) -> Found:
    return compare(source, parts(track), gain, levels=True, cut=False)


def replaced(sound: Sound, start: float, stop: float, by: Callable[[int], Sound]) -> Sound:
    first, last = round(start * RATE) * 2, round(stop * RATE) * 2
    return sound[:first] + by(last - first) + sound[last:]


NOISE = noise()


def later(sound: Sound, seconds: float) -> Sound:
    return ([0.0] * (2 * round(seconds * RATE)) + sound)[: len(sound)]


def test_the_same_sound_passes() -> None:
    found = judged(stretches(NOISE), NOISE)
    assert found.faults == []
    assert found.compared == SECONDS * 4


def test_coding_noise_and_some_milliseconds_pass() -> None:
    noisy = [value + random.Random(at).gauss(0, 0.03) for at, value in enumerate(later(NOISE, 0.012))]
    assert judged(stretches(NOISE), noisy).faults == []


def test_gain_is_taken_into_account() -> None:
    loud = [value * 4 for value in NOISE]
    assert judged(stretches(NOISE), loud, 12.0).faults == []
    [fault] = judged(stretches(NOISE), loud).faults
    assert fault == "sound from 0.0 to 12.0 s is 12 dB louder than it should be"


@pytest.mark.parametrize(
    ("seconds", "word"),
    sample([(0.2, "0.200 s late"), (-0.25, "0.250 s early"), (0.03, "0.030 s late")], (-0.25, "0.250 s early")),
)
def test_late_and_early(seconds: float, word: str) -> None:
    track = later(NOISE, seconds) if seconds > 0 else NOISE[round(-seconds * RATE) * 2 :]
    faults = judged(stretches(NOISE), track).faults
    assert word in faults[0], faults


def test_a_little_late_passes_where_times_are_not_exact() -> None:
    assert judged(stretches(NOISE, slack=0.015), later(NOISE, 0.03)).faults == []


def test_silence_in_place_of_sound() -> None:
    quiet = replaced(NOISE, 6, 9, lambda count: [0.0] * count)
    assert judged(stretches(NOISE), quiet).faults == ["sound is silent from 6.0 to 9.0 s where the source is not"]


def test_other_sound() -> None:
    other = replaced(NOISE, 6, 7, lambda count: noise(2)[:count])
    assert judged(stretches(NOISE), other).faults == ["sound from 6.0 to 7.0 s is not the source's"]


@pytest.mark.long
def test_two_seconds_swapped() -> None:
    swapped = NOISE[: 8 * RATE] + NOISE[12 * RATE : 16 * RATE] + NOISE[8 * RATE : 12 * RATE] + NOISE[16 * RATE :]
    faults = judged(stretches(NOISE), swapped).faults
    assert faults, "not found"
    assert "from 4.0 to 8.0 s" in faults[0]


@pytest.mark.long
def test_another_pitch() -> None:
    every = np.asarray(NOISE[: 12 * RATE]).reshape(-1, 2)
    at = np.arange(len(every)) * 44100 / 48000
    slow = np.stack([np.interp(at, np.arange(len(every)), every[:, side]) for side in (0, 1)], axis=1)
    assert judged(stretches(NOISE[: 12 * RATE]), slow.reshape(-1).tolist()).faults


def test_sound_where_the_source_has_none() -> None:
    source = stretches(NOISE)
    quiet = replaced(NOISE, 6, 9, lambda count: [0.0] * count)
    wrong = ["there is sound from 6.0 to 9.0 s where the source has none"]
    assert judged(stretches(quiet), NOISE).faults == wrong
    [fault] = judged([one for one in source if not 6 <= one.at < 9], NOISE).faults
    assert fault.startswith("there is sound from 6.")


def test_one_channel_is_silent() -> None:
    left = [value if number % 2 == 0 else 0.0 for number, value in enumerate(NOISE)]
    assert judged(stretches(NOISE), left).faults == [
        "the right channel is silent from 0.0 to 12.0 s where the source's is not"
    ]


@pytest.mark.long
@pytest.mark.parametrize("shared", sample([0.0, 0.1, 0.9], 0.1))
def test_channels_are_swapped(shared: float) -> None:
    """Also where most of the sound is the same on both."""
    sides = np.asarray(NOISE).reshape(-1, 2)
    both = shared * sides.mean(axis=1, keepdims=True) + (1 - shared) * sides
    [fault] = judged(stretches(both.reshape(-1).tolist()), both[:, ::-1].reshape(-1).tolist()).faults
    assert fault == "the left and right channels are swapped from 0.0 to 12.0 s"


@pytest.mark.long
def test_a_channel_is_missing_in_the_mix() -> None:
    one, two = np.asarray(NOISE), np.asarray(noise(2))
    mixed = (0.6 * one + 0.4 * two).tolist()
    assert judged(stretches(mixed), (0.6 * one).tolist()).faults == [
        "its channels are not mixed as the source's are (correlation 0.83)"
    ]


def test_a_gap_of_the_source_is_silence() -> None:
    one, two = NOISE[: 16 * RATE], NOISE[16 * RATE :]
    source = [*stretches(one), *stretches(two, 8 + 3)]
    track = one + [0.0] * (6 * RATE) + two
    assert judged(source, track).faults == []
    assert judged(source, one + two).faults


def test_the_end_is_missing() -> None:
    faults = judged(stretches(NOISE), NOISE[: 18 * RATE]).faults
    assert faults == ["sound ends at 9.0 s, that of the source goes on"]
    assert compare(stretches(NOISE), parts(NOISE[: 18 * RATE]), 0, levels=True, cut=True).faults == []


def test_damage_excuses() -> None:
    quiet = replaced(NOISE, 6, 7, lambda count: [0.0] * count)
    source = [Stretch(one.at, one.samples, marred=5.5 <= one.at < 7.5) for one in stretches(NOISE)]
    assert judged(source, quiet).faults == []


def test_tones_between_samples_pass() -> None:
    at = np.arange(SECONDS * RATE) / RATE
    for hertz in (440, 1000, 2500, 3400):
        one, two = (np.repeat(0.2 * np.sin(2 * np.pi * hertz * (at + off)), 2).tolist() for off in (0.0, 0.0000625))
        assert judged(stretches(one), two).faults == [], hertz


@pytest.mark.long
def test_all_wrong_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "BAD", 30)
    found = judged(stretches(NOISE), noise(3))
    assert found.compared == 30
    assert found.faults[-1] == "so much of the sound is wrong that the rest was not compared"
