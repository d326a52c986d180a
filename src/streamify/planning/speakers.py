"""Which loudspeakers mono tracks are for, and which of them are one programme's channels. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import Final

from streamify.model.source import AudioFacts

ORDER: Final = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR", "DL", "DR")
"""FFmpeg's names in FFmpeg's order, which is that of WAV; DL and DR are a stereo mix beside other channels."""

LAYOUTS: Final = MappingProxyType(
    {
        ("FL", "FR"): "stereo",
        ("DL", "DR"): "stereo",
        ("FL", "FR", "FC"): "3.0",
        ("FL", "FR", "BL", "BR"): "quad",
        ("FL", "FR", "FC", "BL", "BR"): "5.0",
        ("FL", "FR", "FC", "SL", "SR"): "5.0(side)",
        ("FL", "FR", "FC", "LFE", "BL", "BR"): "5.1",
        ("FL", "FR", "FC", "LFE", "SL", "SR"): "5.1(side)",
        ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"): "7.1",
    }
)
"""FFmpeg's names of the layouts that mono tracks are joined to."""

_TITLES: Final = MappingProxyType(
    {
        "FL": r"l|fl|(front )?left",
        "FR": r"r|fr|(front )?right",
        "FC": r"c|fc|(front )?cent(er|re)",
        "LFE": r"lfe|sub(woofer)?",
        "SL": r"ls|sl|left surround|surround left|side left",
        "SR": r"rs|sr|right surround|surround right|side right",
        "BL": r"lb|bl|lrs|rls|left (back|rear)|(back|rear) left|rear surround left|left rear surround",
        "BR": r"rb|br|rrs|right (back|rear)|(back|rear) right|rear surround right|right rear surround",
        "DL": r"lt|left total",
        "DR": r"rt|right total",
    }
)
"""What people call channels in titles of tracks."""

_LABEL = re.compile(r"1 channels \((\w+)\)")
"""FFmpeg's name of a layout of one labelled channel: from `chan` and `chnl` boxes, and from MXF's MCA labels."""


def speaker(facts: AudioFacts) -> str | None:
    """Return the loudspeaker that a mono track is for; ``None``: nothing says it, or it is no mono track."""
    if facts.channels != 1:
        return None
    label = _LABEL.fullmatch(facts.layout)
    if label is not None:
        return label[1] if label[1] in ORDER else None
    title = " ".join(re.sub(r"\b(channel|audio|track|mono)\b|[^a-z ]", " ", (facts.title or "").casefold()).split())
    return next((name for name, words in _TITLES.items() if re.fullmatch(words, title)), None)


def programmes(audio: Sequence[AudioFacts]) -> Iterator[tuple[str, tuple[AudioFacts, ...]]]:
    """Yield the layout and the tracks, in the layout's order, of each programme whose channels are mono tracks.

    A programme is a run of labelled tracks that share language, role, rate and clock, in which no label repeats; a
    stereo mix that stands beside it is one of its own. The one track without a label that such a run lacks is its
    centre: FFmpeg and others write and read a label of that as plain mono. It stands between the run's tracks, or the
    run has an LFE; else it is a programme of its own.
    """
    run: dict[str, AudioFacts] = {}
    plain: list[AudioFacts] = []
    for facts in audio:
        place = speaker(facts)
        if place is None:
            if facts.channels == 1 and not facts.title:
                plain.append(facts)
            continue
        if run and (place in run or _kind(facts) != _kind(next(iter(run.values())))):
            yield from _whole(run, plain)
            run, plain = {}, []
        run[place] = facts
    yield from _whole(run, plain)


def _kind(facts: AudioFacts) -> tuple[object, ...]:
    return facts.language, facts.commentary, facts.description, facts.sample_rate, facts.time_base


def _whole(run: dict[str, AudioFacts], plain: Sequence[AudioFacts]) -> Iterator[tuple[str, tuple[AudioFacts, ...]]]:
    for mix in (False, True):
        known = {place: facts for place, facts in run.items() if (place in ("DL", "DR")) == mix}
        centre = [facts for facts in plain if known and _is_centre(facts, known)]
        if _places(known) not in LAYOUTS and "FC" not in known and len(centre) == 1:
            known["FC"] = centre[0]
        places = _places(known)
        if places in LAYOUTS:
            yield LAYOUTS[places], tuple(known[place] for place in places)


def _is_centre(facts: AudioFacts, run: dict[str, AudioFacts]) -> bool:
    """Whether a track without a label is of the programme of labelled ones."""
    streams = [one.stream for one in run.values()]
    within = "LFE" in run or min(streams) < facts.stream < max(streams)
    return within and _kind(facts) == _kind(next(iter(run.values())))


def _places(run: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(run, key=ORDER.index))
