"""Titles and languages of audio streams, and the names of handlers that are no titles."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NO_TITLE = re.compile(
    r"handle|core ?media|iso media|gpac|mainconcept|l-smash|bento4|lavf|mp4box|quicktime|^und$"
    r"|^(audio|sound|track|stream|mono|stereo|surround)[ #]*\d*$",
    re.IGNORECASE,
)
"""What writers of MP4 and MOV files put where a name for people belongs (hdlr, ISO/IEC 14496-12, 8.4.3)."""


def audio_title(metadata: Mapping[str, str]) -> str | None:
    """Return the title that someone gave a stream, or ``None``.

    Some tools have no other place for it than the handler's name, which others fill with their own.
    """
    title = metadata.get("title", "").strip()
    if title:
        return title
    handler = metadata.get("handler_name", "").strip()
    return handler if handler and not _NO_TITLE.search(handler) else None


def audio_language(metadata: Mapping[str, str]) -> str | None:
    """Return the language as the container has it; ``None`` where it says that it does not know."""
    language = metadata.get("language", "").strip()
    return language if language not in ("", "und") else None
