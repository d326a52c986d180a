"""Labels of audio tracks: names that people read, languages that players know. Names as CLDR has them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_samples import AUDIO
from streamify.model.source import AudioFacts
from streamify.model.text import clean
from streamify.planning.labels import audio_labels
from streamify.planning.languages import autonym, bcp47


def sound(*changes: dict[str, Any]) -> tuple[AudioFacts, ...]:
    return tuple(AudioFacts.model_validate(AUDIO | {"stream": n} | one) for n, one in enumerate(changes))


def names(*changes: dict[str, Any]) -> list[str]:
    return [labels.name for labels in audio_labels(sound(*changes))]


@pytest.mark.parametrize(
    ("code", "tag"),
    [
        ("eng", "en"),
        ("ENG", "en"),
        ("ger", "de"),  # bibliographic
        ("deu", "de"),  # terminological
        ("en", "en"),
        ("pt-BR", "pt-BR"),
        ("pt_BR", "pt-BR"),
        ("zh-hant", "zh-Hant"),
        ("iw", "he"),  # withdrawn in 1989
        ("gsw", "gsw"),  # has no two-letter code
        ("und", None),
        ("mul", None),
        ("zxx", None),
        ("qaa", None),
        ("", None),
        (None, None),
        ('en",URI="x', None),
        ("english", None),
    ],
)
def test_bcp47(code: str | None, tag: str | None) -> None:
    assert bcp47(code) == tag


@given(st.one_of(st.text(), st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,6}", fullmatch=True)))
def test_bcp47_is_a_tag_or_nothing(code: str) -> None:
    tag = bcp47(code)
    assert tag is None or re.fullmatch(r"[A-Za-z0-9-]+", tag)


@pytest.mark.parametrize(
    ("tag", "name"),
    [("fr", "Français"), ("en", "English"), ("de", "Deutsch"), ("ja", "日本語"), ("ar", "العربية"), ("zu", "isiZulu"),
     ("pt-BR", "Português (BR)"), ("gsw", "Schwiizertüütsch"), ("tlh", "tlh")],
)  # fmt: skip
def test_a_language_in_its_own_words(tag: str, name: str) -> None:
    assert autonym(tag) == name


def test_names_are_languages() -> None:
    assert names({"language": "fre"}, {"language": "eng"}, {"language": None}) == ["Français", "English", "Audio 3"]


def test_a_title_wins() -> None:
    assert names({"language": "fre", "title": "Version française"}, {"language": "eng"}) == [
        "Version française",
        "English",
    ]


def test_a_title_is_appended_where_tracks_share_a_language() -> None:
    assert names({"title": "5.1"}, {"title": "2.0"}, {"title": "English for all"}, {"language": "fr"}) == [
        "English (5.1)", "English (2.0)", "English for all", "Français",
    ]  # fmt: skip


def test_roles_are_named() -> None:
    assert names({}, {"commentary": True}, {"description": True}) == [
        "English", "English (commentary)", "English (audio description)",
    ]  # fmt: skip


def test_a_title_of_audio_description_says_so() -> None:
    """HLS authoring rule 2.14."""
    described = {"description": True}
    assert names({}, described | {"title": "Narrated"}, described | {"title": "Audio description"}) == [
        "English", "English (Narrated, audio description)", "English (Audio description)",
    ]  # fmt: skip
    assert names({"language": None}, described | {"language": None, "title": "AD"}) == [
        "Audio 1", "AD (audio description)",
    ]  # fmt: skip


def test_the_original_and_its_dubs_are_named() -> None:
    assert names({"original": True}, {"language": "fre", "dub": True}) == ["English (original)", "Français (dubbed)"]
    assert names({"original": True}) == ["English"]


@pytest.mark.parametrize(
    ("facts", "role"),
    [
        ({}, "main"),
        ({"title": "Stereo"}, "main"),
        ({"title": "Director's Commentary"}, "commentary"),
        ({"title": "Regiekommentar"}, "commentary"),
        ({"title": "Documentary"}, "main"),
        ({"title": "Audiokommentar mit dem Regisseur"}, "commentary"),
        ({"title": "Audio Description"}, "description"),
        ({"title": "English Descriptive Audio"}, "description"),
        ({"title": "Enhanced dialogue"}, "speech"),
        ({"title": "Uncommented"}, "main"),
        ({"title": "Commentary", "dub": True}, "dub"),
        ({"commentary": True, "description": True}, "description"),
        ({"speech": True}, "speech"),
        ({"effects": True}, "effects"),
        ({"karaoke": True}, "karaoke"),
    ],
)
def test_roles_by_flag_and_else_by_title(facts: dict[str, Any], role: str) -> None:
    assert [one.role for one in audio_labels(sound(facts))] == [role]


def test_names_are_unique() -> None:
    assert names({}, {}, {"title": "x"}, {"title": "x\n"}) == [
        "English", "English (2)", "English (x)", "English (x) (2)",
    ]  # fmt: skip


def test_names_that_are_cut_stay_unique_within_the_limit() -> None:
    found = names(*({"language": None, "title": "x" * 99 + "\x07" * n + "yy"} for n in range(3)), {"title": "é" * 300})
    assert found == ["x" * 99 + "y", "x" * 99, "x" * 96 + " (2)", "é" * 100]
    assert [clean(name) for name in found] == found  # manifests write them as they are


FLAGS = ("default", "commentary", "description", "speech", "effects", "karaoke", "dub", "original")

TRACKS = st.fixed_dictionaries(
    {
        "language": st.sampled_from(["eng", "fre", "pt-BR", None, "?"]),
        "title": st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["English", "x", 'a"b'])),
        "default": st.booleans(),
        "commentary": st.booleans(),
        "description": st.booleans(),
    }
)


@given(st.lists(TRACKS, min_size=1, max_size=8))
def test_whatever_the_source_says(tracks: list[dict[str, Any]]) -> None:
    found = audio_labels(sound(*tracks))
    assert len({one.name for one in found}) == len(found)
    assert all(one.name and not set(one.name) & set('"\r\n') for one in found)
    assert [one.default for one in found].count(True) == 1


@pytest.mark.parametrize(
    ("flags", "default"),
    [
        (["", ""], 0),
        (["", "default"], 1),
        (["default", "default"], 0),
        (["default commentary", ""], 1),
        (["default description", ""], 1),
        (["commentary", "default commentary"], 1),
        (["default speech", "dub"], 1),
        (["", "default dub"], 1),
    ],
)
def test_exactly_one_default(flags: list[str], default: int) -> None:
    tracks = [{name: name in flag for name in FLAGS} for flag in flags]
    assert [n for n, one in enumerate(audio_labels(sound(*tracks))) if one.default] == [default]
