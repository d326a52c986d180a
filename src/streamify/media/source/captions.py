"""Captions inside the pictures of a source, as far as split saw them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from streamify.bitstream.captions import messages
from streamify.bitstream.channels import Channels
from streamify.model.source import Note

LOOKED_AT = 12
"""Places of an indexed file that are searched for captions."""
SEARCHED = 1 << 16
"""Bytes of each: several pictures, unless they are large; messages come before pictures."""


@dataclass(frozen=True)
class Captions:
    """What was seen."""

    channels: tuple[str, ...]
    """As of `streamify.bitstream.channels.Channels`."""
    where: str
    """When, for people."""

    @property
    def note(self) -> Note:
        """That they are kept."""
        channels = ", ".join(self.channels) or "of no channel"
        return Note(
            kind="info",
            what=f"captions inside the pictures (CEA-608/708): {channels}, {self.where}",
            why="kept in every video rendition",
        )


def sampled(
    start: Sequence[bytes], places: Iterable[int], read: Callable[[int], bytes], *, escaped: bool
) -> tuple[int, tuple[str, ...]] | None:
    """Look for captions in places of a file.

    Args:
        start: Triples of each message of its first packets.
        places: Numbers of samples.
        read: Returns bytes of a file from a sample on.
        escaped: As of `cc_data`.

    Returns:
        The first sample with captions, and the channels seen; CC1 where what was seen does not tell. ``None``: there
        are no captions.
    """
    channels, first = Channels(), 0 if start else None
    for triples in start:
        channels.add(triples)
    for number in places:
        if there := messages(read(number), escaped=escaped):  # of several pictures, in the order of decoding
            for triples in there:
                channels.add(triples)
            first = first if first is not None else number
    return None if first is None else (first, channels.names or ("CC1",))
