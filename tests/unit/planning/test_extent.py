"""How long the first and the last picture stand for sound beside them, and what of the sound is named as left out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plan_samples import AUDIO, VIDEO
from streamify.model.source import AudioFacts, VideoFacts
from streamify.planning.extent import Extent, extent

FILM = VideoFacts.model_validate(VIDEO | {"time_base": "1/1000", "first": 10_000, "end": 20_000})


def sound(begin: float | None, end: float | None, stream: int = 1) -> AudioFacts:
    """Return a stream of sound; seconds."""
    known: dict[str, Any] = {"stream": stream, "time_base": "1/1000"}
    known["start"] = None if begin is None else round(begin * 1000)
    known["stop"] = None if end is None else round(end * 1000)
    return AudioFacts.model_validate(AUDIO | known)


def held(*audio: AudioFacts, limit: int = 3600) -> Extent:
    return extent(FILM, audio, Fraction(limit), constant=False)


def said(found: Extent) -> list[tuple[str, str]]:
    return [(note.kind, note.what) for note in found.notes]


@pytest.mark.parametrize("begin", [10, 9.99, 9.95, 9.8, 10.01, 12])
@pytest.mark.parametrize("end", [20, 20.05, 20.2, 19, None])
def test_small_offsets_change_nothing(begin: float, end: float | None) -> None:
    found = held(sound(begin, end))
    assert [found.lead, found.tail] == [0, 0]


@pytest.mark.parametrize(("begin", "end", "what"), [
    (9.95, 20, "0.050 s of audio stream 1"), (10, 20.2, "0.200 s of audio stream 1"),
])  # fmt: skip
def test_what_small_offsets_cost_is_named(begin: float, end: float, what: str) -> None:
    assert said(held(sound(begin, end))) == [("dropped", what)]


def test_sound_that_comes_late_is_named() -> None:
    assert said(held(sound(12, 20))) == [("info", "audio stream 1 starts 2.000 s late")]


def test_pictures_stand_for_the_longest_sound() -> None:
    found = held(sound(4, 21), sound(9, 50, stream=2))
    assert [found.lead, found.tail] == [6, 30]
    assert said(found) == [
        ("converted", "the first picture is shown for 6.000 s more"),
        ("converted", "the last picture is shown for 30.000 s more"),
        ("info", "audio stream 2 starts 5.000 s late"),
    ]


def test_beyond_the_limit_sound_is_left_out_and_named() -> None:
    found = held(sound(0, 100), limit=4)
    assert [found.lead, found.tail] == [4, 4]
    assert ("dropped", "6.000 s of audio stream 1") in said(found)
    assert ("dropped", "76.000 s of audio stream 1") in said(found)
    assert all("4 s of which are kept (hold_limit)" in note.why for note in found.notes if note.kind == "dropped")


def test_a_limit_of_nothing_ends_the_stream_with_the_pictures() -> None:
    found = held(sound(0, 100), limit=0)
    assert [found.lead, found.tail] == [0, 0]
    assert said(found) == [("dropped", "10.000 s of audio stream 1"), ("dropped", "80.000 s of audio stream 1")]


def test_the_last_picture_of_a_constant_rate_lasts_as_long_as_the_others() -> None:
    """Whatever the container says of it: Matroska mostly says nothing."""
    film = FILM.model_copy(update={"rate": Fraction(1), "frames": 5, "first": 0, "end": 4040})
    assert extent(film, (sound(0, 9),), Fraction(3600), constant=True).tail == 4
    assert extent(film, (sound(0, 9),), Fraction(3600), constant=False).tail == Fraction("4.96")
