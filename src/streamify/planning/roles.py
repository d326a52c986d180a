"""What a track of sound is for, as its container or its title says. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from streamify.model.source import AudioFacts
from streamify.model.track import Role

OWN: Final = ("main", "dub")
"""Roles of the film's own sound."""

WORDS: Final = MappingProxyType[Role, str](
    {
        "main": "",
        "dub": "dubbed",
        "commentary": "commentary",
        "description": "audio description",
        "speech": "clear speech",
        "effects": "music and effects",
        "karaoke": "karaoke",
    }
)
"""In names for people."""

_TITLES: Final = MappingProxyType[Role, re.Pattern[str]](
    {
        "description": re.compile(
            r"\b(audio[- ]?descri|described (audio|video)|descriptive|video description|dvs\b|audiodes[ck]|hörfilm)",
            re.IGNORECASE,
        ),
        "commentary": re.compile(r"commentar|kommentar|commentaire|comentario", re.IGNORECASE),
        "speech": re.compile(
            r"\b(clear|enhanced) (speech|dialog(ue)?|voice)|\bdialog(ue)? (boost|enhance)", re.IGNORECASE
        ),
    }
)
"""Of tracks without a flag; many tools know only titles."""


def role_of(facts: AudioFacts) -> Role:
    """Return the role of a track: by the container's flags, else by its title."""
    flags: tuple[tuple[Role, bool], ...] = (
        ("description", facts.description),
        ("speech", facts.speech),
        ("commentary", facts.commentary),
        ("effects", facts.effects),
        ("karaoke", facts.karaoke),
        ("dub", facts.dub),
    )
    flagged = next((role for role, given in flags if given), None)
    if flagged is not None:
        return flagged
    return next((role for role, words in _TITLES.items() if words.search(facts.title or "")), "main")


def says(title: str, role: Role) -> bool:
    """Return whether a title tells the role of its track."""
    return role in OWN or role not in _TITLES or _TITLES[role].search(title) is not None
