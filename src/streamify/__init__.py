"""Streamify turns one uploaded video into an adaptive HLS + DASH stream.

    >>> import streamify
    >>> report = streamify.transcode("in.mp4", "out")  # doctest: +SKIP

Names are loaded on first use, so that ``streamify --help`` imports next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamify._version import __version__

if TYPE_CHECKING:
    from streamify.api import plan, predict, probe, transcode, verify
    from streamify.errors import StreamifyError
    from streamify.model.settings import Rung, Settings

_HOMES = {
    "plan": "streamify.api",
    "predict": "streamify.api",
    "probe": "streamify.api",
    "transcode": "streamify.api",
    "verify": "streamify.api",
    "StreamifyError": "streamify.errors",
    "Rung": "streamify.model.settings",
    "Settings": "streamify.model.settings",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'streamify' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = ["Rung", "Settings", "StreamifyError", "__version__", "plan", "predict", "probe", "transcode", "verify"]
