"""Whether the times of sound can be right beside what it decodes to, where its packets do not say how long they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from fractions import Fraction
from itertools import islice, pairwise
from typing import BinaryIO, cast

from av.audio.stream import AudioStream
from av.container import InputContainer

from streamify.bitstream.pace import RECKONED, wrong_pace
from streamify.errors import SourceError
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, decode, decoder, read_packets
from streamify.model.source import AudioFacts

COUNT = "ffmpeg -i SOURCE -c:v libx264 -crf 16 -c:a pcm_s16le -af asetpts=N/SR/TB OUT.mov"
"""What gives samples times by their count."""
PACKETS = 200
"""Packets that are decoded for that."""


def decoded_pace(container: InputContainer, stream: AudioStream) -> Fraction | None:
    """Return how many times as fast as its samples the clock of a stream runs, where that cannot be right.

    Args:
        container: Freshly opened, for this alone.
        stream: Of its sound.
    """
    keep_only(container, stream)
    context = decoder(stream)
    decoded: list[tuple[Fraction, Fraction]] = []
    with suppress(UnreadableError):
        for packet in islice(read_packets(container, stream), PACKETS):
            length = sum((Fraction(one.samples, one.sample_rate) for one in decode(context, packet)), Fraction(0))
            if packet.pts is not None and packet.time_base is not None:
                decoded.append((packet.pts * packet.time_base, length))
    return wrong_pace((after - time, length) for (time, length), (after, _) in pairwise(decoded))


def refuse_wrong_pace(open_source: Callable[[], BinaryIO], format_name: str, audio: Iterable[AudioFacts]) -> None:
    """Refuse a source whose sound has times that cannot be right, and packets that do not say how long they are.

    Raises:
        SourceError: ``no-timestamps``.
    """
    for one in audio if format_name == RECKONED else ():
        if one.counted:
            continue
        with open_source() as file, open_media(file) as container:
            pace = decoded_pace(container, cast("AudioStream", container.streams[one.stream]))
        if pace is not None:
            what = f"times of audio stream {one.stream} run {float(pace):.3g} times as fast as its samples"
            hint = f"count them anew: {COUNT}"
            raise SourceError("no-timestamps", what, hint)
