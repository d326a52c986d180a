"""What people and players are told of audio tracks: names, languages, roles, and which one plays first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streamify.model.source import AudioFacts
from streamify.model.text import clean, unique
from streamify.model.track import Labels, Role
from streamify.planning.languages import autonym, bcp47

_ROLES: dict[Role, str] = {"main": "", "commentary": "commentary", "description": "audio description"}


def audio_labels(audio: Sequence[AudioFacts]) -> tuple[Labels, ...]:
    """Return the labels of all audio tracks, in order.

    The default is the first track that the source marks as such and that is the film's own sound; failing that the
    first of those; failing that the first. Names are unique: the title that the source gives a track, or the language
    in that language; both where several tracks share a language.
    """
    if not audio:
        return ()
    roles = [_role(facts) for facts in audio]
    languages = [bcp47(facts.language) for facts in audio]
    default = min(range(len(audio)), key=lambda n: (roles[n] != "main", not audio[n].default, n))
    used: set[str] = set()
    found = []
    for number, (facts, role, language) in enumerate(zip(audio, roles, languages, strict=True)):
        shared = language is not None and languages.count(language) > 1
        name = unique(clean(_name(clean(facts.title or ""), language, role, number, shared=shared)), used)
        found.append(Labels(name=name, language=language, role=role, default=number == default))
    return tuple(found)


def _role(facts: AudioFacts) -> Role:
    if facts.description:
        return "description"
    return "commentary" if facts.commentary else "main"


def _name(title: str, language: str | None, role: Role, number: int, *, shared: bool) -> str:
    base = autonym(language) if language is not None else f"Audio {number + 1}"
    if title:
        return f"{base} ({title})" if shared and base.casefold() not in title.casefold() else title
    return f"{base} ({_ROLES[role]})" if role != "main" else base
