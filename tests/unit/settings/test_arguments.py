"""`SettingsDict`, which types the keyword arguments, and `Settings`, which judges them, are one model."""

from __future__ import annotations

import itertools
import types
import typing
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest

from streamify.model.settings import Rung, Settings
from streamify.model.subtitle import SubtitleFile
from streamify.settings.arguments import RungDict, SettingsDict
from streamify.settings.read import from_arguments

VALUES: dict[Any, dict[str, Any]] = {
    int: {"audio_bitrate": 128_000, "maxrate": 500_000, "bufsize": 500_000, "short_side": 144, "thumbnail_size": 240},
    float: {"loudness": -16.0},
    str: {
        "ladder": "240p",
        "name": "144p",
        "audio_bitrate": "128k",
        "maxrate": "0.5M",
        "bufsize": "500k",
        "audio_map": "1+2",
        "loudness": "off",
        "hold_limit": "2.5",
        "thumbnails": "off",
        "poster": "2.5",
        "preview": "off",
        "subtitles": "en:film.srt",
        "caption_tracks": "CC1:en",
        "burn_in": "en.forced",
    },
}
"""Values that are allowed, by type and key, where a plain one is not: see `_value`."""


def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _members(hint: Any) -> list[Any]:
    """Return the types of a union, each alone."""
    if typing.get_origin(hint) is typing.Annotated:
        return _members(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [member for part in typing.get_args(hint) for member in _members(part)]
    return [hint]


def _value(key: str, kind: Any, folder: Path) -> Any:
    """Return an allowed value of exactly that type."""
    if kind is Path:
        (folder / "ladder.yaml").write_text("- {name: 144p, short_side: 144, maxrate: 500000}\n")
        return folder / "ladder.yaml"
    if typing.get_origin(kind) is Sequence:
        if key == "subtitles":
            return [SubtitleFile(file="a.srt"), {"file": "b.srt", "language": "en", "role": "sdh"}]
        rungs: list[Any] = [Rung(name="144p", short_side=144, maxrate=500_000)]
        return [*rungs, {"name": "96p", "short_side": 96, "maxrate": 300_000}]
    plain = {int: 2, float: 2.5, Fraction: Fraction(5, 2), Decimal: Decimal("2.5"), bool: True, type(None): None}
    seconds = key in ("from_", "to") or key.endswith(("_seconds", "_duration", "_pause", "_limit"))
    text = "2.5" if seconds else "streamify"
    return VALUES.get(kind, {}).get(key, text if kind is str else plain.get(kind))


CASES = [(key, member) for key, hint in _hints(SettingsDict).items() for member in _members(hint)]


def test_the_keys_are_those_of_the_model() -> None:
    assert list(SettingsDict.__annotations__) == list(Settings.model_fields), "see settings/arguments.py"
    assert SettingsDict.__required_keys__ == set()
    assert list(RungDict.__annotations__) == list(Rung.model_fields)
    required = {key for key, field in Rung.model_fields.items() if field.is_required()}
    assert RungDict.__required_keys__ == required


@pytest.mark.parametrize(("key", "kind"), CASES, ids=str)
def test_a_value_of_each_type_is_accepted(key: str, kind: Any, tmp_path: Path) -> None:
    values = typing.get_args(kind) if typing.get_origin(kind) is Literal else [_value(key, kind, tmp_path)]
    for value in values:
        from_arguments({key: value})


@pytest.mark.parametrize(("typed", "model"), [(SettingsDict, Settings), (RungDict, Rung)])
def test_what_the_model_gives_can_be_passed_again(typed: Any, model: Any) -> None:
    hints = _hints(typed)
    for key, field in model.model_fields.items():
        given, accepted = _members(field.annotation), _members(hints[key])
        for kind in given:
            assert kind in accepted or _is_tuple_of_models(kind), f"{key}: the model holds {kind}, not among {accepted}"


def _is_tuple_of_models(kind: Any) -> bool:
    return typing.get_origin(kind) is tuple and typing.get_args(kind)[0] in (Rung, SubtitleFile)


def test_nothing_that_is_typed_contradicts_the_choices_of_the_model() -> None:
    hints = _hints(SettingsDict)
    for key, field in Settings.model_fields.items():
        chosen = list(itertools.chain(*(typing.get_args(m) for m in _members(field.annotation) if _is_literal(m))))
        typed = list(itertools.chain(*(typing.get_args(m) for m in _members(hints[key]) if _is_literal(m))))
        assert chosen == typed, key


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal
