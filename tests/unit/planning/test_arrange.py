"""Mono streams that are one programme's channels, by their labels and by the setting `audio_map`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify import Settings, UsageError
from streamify.model.audio_map import parse_audio_map
from streamify.model.source import AudioFacts, Note
from streamify.planning.arrange import arrange
from streamify.settings.read import from_arguments

BASE: dict[str, Any] = {
    "codec": "pcm_s24le",
    "sample_rate": 48_000,
    "channels": 1,
    "layout": "mono",
    "time_base": Fraction(1, 48_000),
}


def mono(*labels: str | None, **more: Any) -> list[AudioFacts]:
    """Return streams 1, 2, ... each with the layout that FFmpeg gives one labelled channel; ``None``: no label."""
    return [
        AudioFacts.model_validate(BASE | {"stream": n, "layout": f"1 channels ({label})" if label else "mono"} | more)
        for n, label in enumerate(labels, start=1)
    ]


def shape(sounds: tuple[AudioFacts, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.layout, (one.stream, *one.joined)) for one in sounds]


def said(notes: tuple[Note, ...], kind: str) -> list[str]:
    return [note.what for note in notes if note.kind == kind]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["FL", "FR"], [("stereo", (1, 2))]),
        (["FR", "FL"], [("stereo", (2, 1))]),
        (["FL", "FR", "FL", "FR"], [("stereo", (1, 2)), ("stereo", (3, 4))]),
        (["FL", "FR", "FC", "LFE", "SL", "SR"], [("5.1(side)", (1, 2, 3, 4, 5, 6))]),
        (["FL", "FC", "FR", "SL", "SR", "LFE"], [("5.1(side)", (1, 3, 2, 6, 4, 5))]),
        (["FL", "FR", "FC", "LFE", "SL", "SR", "DL", "DR"],
         [("5.1(side)", (1, 2, 3, 4, 5, 6)), ("stereo", (7, 8))]),
        (["FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"], [("7.1", (1, 2, 3, 4, 5, 6, 7, 8))]),
        ([None, "FL", "FR"], [("mono", (1,)), ("stereo", (2, 3))]),
        (["FL", "FC"], [("1 channels (FL)", (1,)), ("1 channels (FC)", (2,))]),
        (["FL"], [("1 channels (FL)", (1,))]),
        ([None, None], [("mono", (1,)), ("mono", (2,))]),
        (["FL", "FR", None, "LFE", "SL", "SR"], [("5.1(side)", (1, 2, 3, 4, 5, 6))]),
        (["FL", "FR", "LFE", "SL", "SR", None], [("5.1(side)", (1, 2, 6, 3, 4, 5))]),
        (["FL", None, "FR", "SL", "SR"], [("5.0(side)", (1, 3, 2, 4, 5))]),
        (["FL", "FR", "SL", "SR", None],  # another programme, mono
         [*((f"1 channels ({one})", (at,)) for at, one in enumerate(("FL", "FR", "SL", "SR"), start=1)),
          ("mono", (5,))]),
        (["FL", "FR", "LFE", "SL", "SR", None, None],
         [*((f"1 channels ({one})", (at,)) for at, one in enumerate(("FL", "FR", "LFE", "SL", "SR"), start=1)),
          ("mono", (6,)), ("mono", (7,))]),
    ],
)  # fmt: skip
def test_labels_join_what_belongs_together(
    labels: list[str | None], expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    sounds, notes = arrange(mono(*labels), None)
    found = [(layout, streams) for layout, streams in shape(sounds)]
    assert sorted(found, key=lambda one: min(one[1])) == expected
    joined = [streams for _, streams in expected if len(streams) > 1]
    assert said(notes, "converted") == [f"mono audio streams {', '.join(map(str, one))}" for one in joined]


@pytest.mark.parametrize(
    ("left", "right"),
    [("Left", "Right"), ("L", "R"), ("Audio L", "audio r"), ("Front Left", "FRONT RIGHT"), ("Lt", "Rt")],
)
def test_titles_are_labels(left: str, right: str) -> None:
    first, second = mono(None, None)
    sounds, _ = arrange([first.model_copy(update={"title": left}), second.model_copy(update={"title": right})], None)
    assert shape(sounds) == [("stereo", (1, 2))]
    assert sounds[0].title is None


@pytest.mark.parametrize("other", [{"language": "fre"}, {"sample_rate": 44_100}, {"commentary": True}])
def test_tracks_of_different_kinds_stay_apart(other: dict[str, Any]) -> None:
    first, second = mono("FL", "FR")
    sounds, _ = arrange([first, second.model_copy(update=other)], None)
    assert len(sounds) == 2


def test_languages_are_programmes() -> None:
    streams = [
        one.model_copy(update={"language": "eng" if one.stream < 3 else "fre"}) for one in mono(*["FL", "FR"] * 2)
    ]
    assert [(one.language, one.stream, one.joined) for one in arrange(streams, None)[0]] == [
        ("eng", 1, (2,)), ("fre", 3, (4,)),
    ]  # fmt: skip


def test_mono_without_labels_is_named() -> None:
    sounds, notes = arrange(mono(None, None, None), None)
    assert len(sounds) == 3
    assert said(notes, "info") == ["mono audio streams 1, 2, 3 stay tracks of their own"]
    assert not arrange([one.model_copy(update={"title": f"t{one.stream}"}) for one in mono(None, None)], None)[1]
    languages = [one.model_copy(update={"language": "eng" if one.stream == 1 else "ger"}) for one in mono(None, None)]
    assert not arrange(languages, None)[1]


def test_the_map_chooses_joins_orders_and_names() -> None:
    sounds, notes = arrange(mono(None, "FL", None, None), "en=3+2, pt-BR=1")
    assert [(one.language, one.layout, one.stream, one.joined, one.default) for one in sounds] == [
        ("en", "stereo", 3, (2,), True), ("pt-BR", "mono", 1, (), False),
    ]  # fmt: skip
    assert said(notes, "dropped") == ["audio stream 4"]
    assert said(notes, "converted") == ["mono audio streams 3, 2"]
    six, _ = arrange(mono(*[None] * 8), "1+2+3+4+5+6,7+8")
    assert shape(six) == [("5.1(side)", (1, 2, 3, 4, 5, 6)), ("stereo", (7, 8))]


@pytest.mark.parametrize(
    ("audio_map", "says"),
    [
        ("9", "audio map 9: stream 9 is no audio stream of the source; these are: 1, 2, 3, 4"),
        ("en=1+9", "audio map en=1\\+9: stream 9 is no audio stream"),
        ("1+3", "audio map 1\\+3: stream 3 has 2 channels, only mono streams are joined"),
        ("1+4", "audio map 1\\+4: streams of 48000 and 44100 Hz cannot be joined"),
    ],
)
def test_a_map_that_does_not_fit_says_why(audio_map: str, says: str) -> None:
    streams = mono(None, None, None, None)
    streams[2] = streams[2].model_copy(update={"channels": 2, "layout": "stereo"})
    streams[3] = streams[3].model_copy(update={"sample_rate": 44_100})
    with pytest.raises(UsageError, match=says) as caught:
        arrange(streams, audio_map)
    assert caught.value.code == "audio-map-unfit"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "should be streams such as"),
        ("1,", "should be streams such as"),
        ("one", "should be streams such as"),
        ("1-2", "should be streams such as"),
        ("=1", "should be streams such as"),
        ("en=", "should be streams such as"),
        ("1+2+3", "joins 3 streams in 1\\+2\\+3: 2 make stereo, 6 make 5.1, 8 make 7.1"),
        ("1+1", "names a stream twice"),
        ("1,1", "names a track twice"),
    ],
)
def test_a_map_that_is_none_says_why(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        from_arguments({"audio_map": text})
    assert caught.value.code == "bad-setting"


def test_a_number_in_a_file_is_a_map() -> None:
    assert Settings(audio_map=1).audio_map == "1"  # type: ignore[arg-type]  # YAML: audio-map: 1


ENTRIES = st.tuples(
    st.one_of(st.none(), st.sampled_from(["en", "pt-BR", "zh-Hant-TW"])),
    st.sampled_from([1, 2, 6, 8]).flatmap(
        lambda count: st.lists(st.integers(0, 999), unique=True, min_size=count, max_size=count)
    ),
)


@given(st.lists(ENTRIES, min_size=1, max_size=4, unique_by=str))
def test_maps_are_read_as_they_are_written(entries: list[tuple[str | None, list[int]]]) -> None:
    text = " , ".join(
        ("" if lang is None else f"{lang} = ") + " + ".join(map(str, numbers)) for lang, numbers in entries
    )
    found = parse_audio_map(text)
    assert [(one.language, list(one.streams)) for one in found] == entries
    assert parse_audio_map(",".join(map(str, found))) == found


@given(
    st.lists(st.sampled_from(["FL", "FR", "FC", "LFE", "SL", "SR", "BL", "BR", "DL", "DR", None, "XX"]), max_size=10)
)
def test_no_stream_is_lost_or_heard_twice(labels: list[str | None]) -> None:
    sounds, _ = arrange(mono(*labels), None)
    heard = [number for one in sounds for number in (one.stream, *one.joined)]
    assert sorted(heard) == list(range(1, len(labels) + 1))
