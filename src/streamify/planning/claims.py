"""Does a track claim to be what the source says of its streams? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamify.model.source import AudioFacts
from streamify.model.track import AudioTrack
from streamify.planning.arrange import arrange
from streamify.planning.languages import bcp47
from streamify.planning.roles import role_of


def claim_faults(track: AudioTrack, audio: Sequence[AudioFacts], audio_map: str | None) -> Iterator[str]:
    """Yield what a track claims that the source does not say.

    Args:
        track: Of the plan.
        audio: What the source says of its streams.
        audio_map: The setting by which streams were joined.
    """
    sounds, _ = arrange(audio, audio_map)
    facts = next((one for one in sounds if one.stream == track.stream), None)
    if facts is None and all(one.stream != track.stream for one in audio):
        return  # the start of the source does not tell of it; whether it sounds the same is compared in any case
    if facts is None:
        yield f"it is made of audio stream {track.stream}, which is no track of its own in the source"
        return
    streams = (facts.stream, *facts.joined)
    if streams != track.streams or (facts.joined and facts.layout != track.recipe.layout):
        yield (
            f"it joins audio streams {_joined(track.streams, track.recipe.layout)}; "
            f"by the source these are {_joined(streams, facts.layout)}"
        )
    language, role = bcp47(facts.language), role_of(facts)
    if language != track.labels.language:
        yield f"its language is {track.labels.language or 'unknown'}, that of the source's {language or 'unknown'}"
    if role != track.labels.role:
        yield f"its role is {track.labels.role}, that of the source's {role}"


def _joined(streams: Sequence[int], layout: str) -> str:
    return f"{', '.join(map(str, streams))} as {layout}" if len(streams) > 1 else str(streams[0])
