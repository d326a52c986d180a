from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_samples import audio, video
from streamify.manifests.audio import describe
from streamify.manifests.language import bcp47


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
        ("gsw", "gsw"),  # has no two-letter code
        ("und", None),
        ("qaa", None),
        ("", None),
        (None, None),
        ('en",URI="x', None),
        ("english", None),
    ],
)
def test_bcp47(code: str | None, tag: str | None) -> None:
    assert bcp47(code) == tag


@given(st.text())
def test_bcp47_is_a_tag_or_nothing(code: str) -> None:
    tag = bcp47(code)
    assert tag is None or re.fullmatch(r"[A-Za-z0-9-]+", tag)


def test_names_are_unique() -> None:
    tracks = [audio(9), audio(9), audio(9, title="en"), audio(9, language=None), audio(9, commentary=True)]
    assert [one.name for one in describe(tracks)] == ["en", "en (2)", "en (3)", "Audio 4", "en (commentary)"]


@pytest.mark.parametrize(
    ("flags", "default"),
    [
        (["", ""], 0),
        (["", "default"], 1),
        (["default", "default"], 0),
        (["default commentary", ""], 1),
        (["commentary", "default commentary"], 1),
    ],
)
def test_exactly_one_default(flags: list[str], default: int) -> None:
    tracks = [audio(9, default="default" in flag, commentary="commentary" in flag) for flag in flags]
    assert [n for n, one in enumerate(describe(tracks)) if one.default] == [default]


def test_autoselect_once_per_language_and_never_commentary() -> None:
    tracks = [
        audio(9, language="eng"),
        audio(9, language="en", default=True),
        audio(9, language="fra"),
        audio(9, language="fre"),
        audio(9, language="deu", commentary=True),
    ]
    assert [one.autoselect for one in describe(tracks)] == [False, True, True, False, False]


def test_video_is_refused() -> None:
    with pytest.raises(ValueError, match="no audio track"):
        describe([video(9)])
