"""Flags made from the settings model: one field, one flag, its documentation the help."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

import click
from click.core import ParameterSource
from pydantic.fields import FieldInfo

from streamify.cli import complete
from streamify.model.settings import KEYS, Settings
from streamify.settings.read import Effective

F = TypeVar("F", bound=Callable[..., Any])
_METAVARS = {"from_": "TIME", "to": "TIME", "ladder": "auto|NAME,...|FILE.yaml", "audio_bitrate": "RATE",
             "segment_seconds": "SECONDS", "keyframe_seconds": "SECONDS", "workers": "N", "crf": "N",
             "stack": "NAME", "address": "ADDRESS", "max_cost": "USD", "replace_grace": "SECONDS",
             "loss_limit": "PERCENT",
             "program": "N", "audio_map": "MAP",
             "loudness": "LUFS|off", "max_duration": "SECONDS", "max_pause": "SECONDS",
             "hold_limit": "SECONDS", "thumbnails": "SECONDS|off", "thumbnail_size": "PIXELS",
             "poster": "TIME|auto|off", "subtitles": "LANGUAGE:FILE,...|auto|off", "burn_in": "TRACK|off",
             "burn_in_font": "FILE", "preview": "SECONDS|off",
             "caption_tracks": "CHANNEL[:LANGUAGE],...|auto|off"}  # fmt: skip
_ORDER = (
    "from_", "to", "ladder", "segment_seconds", "keyframe_seconds", "short_start", "preset", "adapt", "crf",
    "deinterlace", "audio_bitrate", "surround", "loudness", "program", "audio_map", "thumbnails",
    "thumbnail_size", "poster", "preview", "subtitles", "caption_tracks", "burn_in", "burn_in_font",
    "max_duration", "max_pause", "hold_limit", "loss_limit", "strict", "engine", "address", "stack", "max_cost",
    "workers", "publish",
)  # fmt: skip


def settings_flags(function: F) -> F:
    """Add a flag for every setting; the model checks the values, so that files and flags have the same messages."""
    names = sorted(Settings.model_fields, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    for name in reversed(names):
        function = _flag(name, Settings.model_fields[name])(function)
    return function


def effective(ctx: click.Context) -> Effective:
    """Return the settings that hold for this command: flags over environment over file over defaults."""
    import os

    from streamify.cli.options import Common
    from streamify.settings.read import effective as read

    flags = {
        key: ",".join(ctx.params[name]) if name == "subtitles" else ctx.params[name]
        for key, name in KEYS.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    return read(flags, os.environ, Common.of(ctx).config)


def _flag(name: str, field: FieldInfo) -> Callable[[F], F]:
    flag = "--" + (field.alias or name).replace("_", "-")
    text = " ".join((field.description or "").replace("`", "").replace("; None takes", "; by default").split())
    if field.annotation is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
    default = field.default.numerator if isinstance(field.default, Fraction) else field.default
    text += "" if default is None else f"  [default: {default}]"
    kinds = get_args(field.annotation) if get_origin(field.annotation) is UnionType else (field.annotation,)
    choices = [value for kind in kinds if get_origin(kind) is Literal for value in get_args(kind)]
    kind = click.Choice(choices) if choices else click.STRING
    many = name == "subtitles"  # a list: given again, it adds to itself
    shown = complete.ladders if name == "ladder" else None
    return click.option(
        flag, name, type=kind, metavar=_METAVARS.get(name), multiple=many, shell_complete=shown, help=text
    )
