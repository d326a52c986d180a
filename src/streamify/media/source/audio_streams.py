"""The audio streams of a source that was read from end to end, those included that appear only late in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from av.audio.stream import AudioStream
from av.container import InputContainer

from streamify.errors import SourceError
from streamify.media.source.audio_packets import AudioPackets, StreamPackets, read_audio_packets
from streamify.media.source.flv import flv_head
from streamify.media.source.opening import open_media
from streamify.media.source.sound import Laid, late, lay_out
from streamify.media.source.splice import opened
from streamify.model.plan import Inline, Range, Splice
from streamify.model.source import AudioFacts, ClockBreak

Describe = Callable[[InputContainer, AudioStream], AudioFacts]
"""Says what a container says of a stream."""


@dataclass(frozen=True)
class PlacedAudio:
    """What became of the sound."""

    audio: tuple[AudioFacts, ...]
    """All streams that can be heard."""
    laid: Mapping[int, Laid]
    """By stream: those that were counted."""


@dataclass(frozen=True)
class Reading:
    """A source that was read from end to end."""

    open_source: Callable[[], BinaryIO]
    size: int
    """Bytes."""
    format_name: str
    breaks: Sequence[ClockBreak]
    alone: bool
    """Whether it has no pictures."""
    growing: bool
    """Whether streams that appear late count."""


def place_sound(
    source: Reading,
    audio_packets: AudioPackets,
    audio: Sequence[AudioFacts],
    silent: Mapping[int, AudioFacts],
    describe: Describe,
) -> PlacedAudio:
    """Return the audio streams of a source as they turned out to be.

    Args:
        source: What was read.
        audio_packets: What was read of their packets.
        audio: The streams that the container describes.
        silent: Those of which it says neither rate nor channels, because their sound begins late.
        describe: Describes a stream that appeared late.
    """
    found: list[AudioFacts] = []
    laid: dict[int, Laid] = {}

    def add(facts: AudioFacts, packets: StreamPackets | None) -> bool:
        one = _lay(source, facts, packets) if packets is not None and packets.counted else None
        if one is not None:
            laid[facts.stream] = one
        if one is not None or facts.sample_rate:
            found.append(one.facts if one is not None else facts)
        return one is not None

    for facts in audio:
        add(facts, audio_packets.by_stream.get(facts.stream))
    known = {packets.id for number, packets in audio_packets.by_stream.items() if packets.sizes}
    starts = list(audio_packets.appeared) if source.growing else []
    for number, packets in audio_packets.by_stream.items():
        if number in {one.stream for one in audio} or not packets.sizes:
            continue
        if number not in silent or not add(silent[number], packets):
            known.discard(packets.id)
            starts.append((packets.since,))
    number = max([*audio_packets.by_stream, *(one.stream for one in audio)], default=0)
    for places in dict.fromkeys(starts):
        since, new = next(
            ((at, new) for at in places if (new := _late(source, at, known, describe))), (0, list[Laid]())
        )
        for one in new:
            number += 1
            known.add(one.packets.id)
            moved = late(one, number, _part(source, since))
            laid[number] = moved
            found.append(moved.facts)
    return PlacedAudio(tuple(sorted(found, key=lambda one: one.stream)), laid)


def _lay(source: Reading, facts: AudioFacts, packets: StreamPackets) -> Laid | None:
    return lay_out(facts, packets, source.format_name, source.breaks, alone=source.alone)


def _part(source: Reading, since: int) -> Splice:
    head: tuple[Inline, ...] = ()
    if source.format_name == "flv":
        with source.open_source() as file:
            head = (Inline.of(flv_head(file)),)
    return Splice(pieces=(*head, Range(offset=since, length=source.size - since)), format=source.format_name)


def _late(source: Reading, since: int, known: set[int], describe: Describe) -> list[Laid]:
    """Return streams that are found where the file is opened at a later place."""
    part = _part(source, since)
    try:
        with source.open_source() as file, open_media(opened(file, part), format=part.format) as container:
            new = {
                one.index: describe(container, one)
                for one in container.streams.audio
                if one.codec_context is not None and (source.format_name == "flv" or one.id not in known)
            }
            audio_packets = read_audio_packets(container, new)
    except SourceError:
        return []
    laid = (
        _lay(source, new[number], packets) for number, packets in audio_packets.by_stream.items() if packets.counted
    )
    return [one for one in laid if one is not None]
