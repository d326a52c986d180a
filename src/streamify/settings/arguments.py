"""The keyword arguments of the Python API, typed: the keys of `Settings`, each with all types that it accepts.

Without ``from __future__ import annotations``: as text, ``Required`` would not reach ``__required_keys__``.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Required, TypedDict

from streamify.model.burn import FontFile
from streamify.model.settings import (
    Adapt,
    Deinterlace,
    Engine,
    PosterChoice,
    Preset,
    Publish,
    Rung,
    SubtitleChoice,
    Surround,
)
from streamify.model.subtitle import SubtitleFile, TextRole

Seconds = int | float | str | Decimal | Fraction
"""A number of seconds; exact as text (``"24/5"``, ``"4.8"``, of times also ``"1:02:03.25"``) or as a `Fraction`."""


class RungDict(TypedDict, total=False):
    """A `Rung` as a mapping."""

    name: Required[str]
    short_side: Required[int]
    crf: float | None
    maxrate: Required[int | str]
    bufsize: int | str | None


class SubtitleDict(TypedDict, total=False):
    """A `SubtitleFile` as a mapping."""

    file: Required[str]
    language: str | None
    role: TextRole
    default: bool


class SettingsDict(TypedDict, total=False):
    """Settings of a job as keyword arguments; each may be left out. ``docs/reference/settings.md`` explains them.

    ``from`` is a keyword of Python: here it is ``from_``.
    """

    from_: Seconds | None
    to: Seconds | None
    ladder: str | Path | Sequence[Rung | RungDict]
    segment_seconds: Seconds
    keyframe_seconds: Seconds
    short_start: bool
    preset: Preset
    adapt: Adapt
    crf: float
    deinterlace: Deinterlace
    audio_bitrate: int | str
    program: int | None
    surround: Surround
    loudness: float | str | None
    audio_map: str | None
    thumbnails: Seconds | None
    thumbnail_size: int
    poster: Seconds | PosterChoice
    preview: Seconds | None
    subtitles: SubtitleChoice | str | Sequence[SubtitleFile | SubtitleDict]
    caption_tracks: str | None
    burn_in: str | int | None
    burn_in_font: str | Path | FontFile | None
    max_duration: Seconds
    max_pause: Seconds
    hold_limit: Seconds
    loss_limit: float
    strict: bool
    engine: Engine
    address: str | None
    stack: str
    max_cost: float | None
    workers: int | None
    publish: Publish | None
    replace: bool
    replace_grace: float
    disk_check: bool
