"""What people and players are told of audio tracks: names, languages, roles, and which one plays first. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from streamify.model.source import AudioFacts
from streamify.model.text import clean, unique
from streamify.model.track import Labels, Role
from streamify.planning.languages import autonym, bcp47
from streamify.planning.roles import OWN, WORDS, role_of, says


def audio_labels(audio: Sequence[AudioFacts]) -> tuple[Labels, ...]:
    """Return the labels of all audio tracks, in order.

    The default is the first track that the source marks as such and that is the film's own sound; failing that the
    first of those; failing that the first. Names are unique: the title that the source gives a track, or the language
    in that language; both where several tracks share a language. They tell the role, those of audio description in any
    case (HLS authoring rule 2.14).
    """
    if not audio:
        return ()
    roles = [role_of(facts) for facts in audio]
    languages = [bcp47(facts.language) for facts in audio]
    default = min(range(len(audio)), key=lambda n: (roles[n] not in OWN, not audio[n].default, n))
    used: set[str] = set()
    found = []
    for number, (facts, role, language) in enumerate(zip(audio, roles, languages, strict=True)):
        shared = language is not None and languages.count(language) > 1
        name = _name(facts, language, role, number, shared=shared, alone=len(audio) == 1)
        found.append(
            Labels(
                name=unique(clean(name), used),
                language=language,
                role=role,
                original=facts.original,
                default=number == default,
            )
        )
    return tuple(found)


def _name(facts: AudioFacts, language: str | None, role: Role, number: int, *, shared: bool, alone: bool) -> str:
    title = clean(facts.title or "")
    base = autonym(language) if language is not None else f"Audio {number + 1}"
    word = WORDS[role] or ("original" if facts.original and not alone else "")
    if not title:
        return f"{base} ({word})" if word else base
    if not says(title, role):
        title = f"{title}, {word}" if shared else f"{title} ({word})"
    return f"{base} ({title})" if shared and base.casefold() not in title.casefold() else title
