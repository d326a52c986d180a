"""Captions inside the pictures that become subtitle tracks, as the setting `caption_tracks` gives them."""

from __future__ import annotations

import re
from typing import NamedTuple

from streamify.model.base import Frozen
from streamify.model.subtitle import TextRole, labels_of

CODEC, SERVICE_CODEC = "cea608", "cea708"
"""Of the recipes of their tracks."""
CHANNELS = ("CC1", "CC2", "CC3", "CC4")
"""Of CEA-608."""
SERVICE = "SERVICE"
"""What the names of services of CEA-708 begin with; a number from 1 to 63 follows."""
_ENTRY = re.compile(r"(CC[1-4]|SERVICE(?:[1-9]|[1-5][0-9]|6[0-3]))(?::(.+))?", re.IGNORECASE)


class CaptionTrack(Frozen):
    """A channel that becomes a subtitle track."""

    channel: str
    """One of `CHANNELS`, or a service: ``SERVICE1``."""
    language: str | None = None
    """BCP 47 or ISO 639; ``None``: unknown."""
    role: TextRole = "sdh"
    """Captions are made for those who hear badly, unless another role is given."""
    default: bool = False

    def __str__(self) -> str:
        words = (self.language, None if self.role == "sdh" else self.role, "default" if self.default else None)
        marks = ".".join(filter(None, words))
        return f"{self.channel}:{marks}" if marks else self.channel


class CaptionChannel(NamedTuple):
    """A channel inside the pictures, as manifests declare it."""

    name: str
    """As INSTREAM-ID of EXT-X-MEDIA: ``CC1``, ``SERVICE1``."""
    language: str | None = None
    """BCP 47; ``None``: nothing says it."""
    code: str = "und"
    """The same as ISO 639-2/B."""


def is_service(channel: str) -> bool:
    """Return whether a channel is a service of CEA-708."""
    return channel.startswith(SERVICE)


def service_number(channel: str) -> int:
    """Return the number of a service."""
    return int(channel.removeprefix(SERVICE))


def parse_caption_tracks(text: str) -> tuple[CaptionTrack, ...] | None:
    """Return the channels that the setting names; ``None``: ``auto``, all that split saw.

    Raises:
        ValueError: It is neither, or names a channel twice.
    """
    if text.strip().lower() == "auto":
        return None
    found = tuple(_entry(part.strip()) for part in text.split(","))
    if len({one.channel for one in found}) < len(found):
        raise ValueError(f"'{text}' names a channel twice")
    return found


def _entry(text: str) -> CaptionTrack:
    found = _ENTRY.fullmatch(text)
    labels = labels_of(found[2].split(".")) if found is not None and found[2] else {}
    if found is None or labels is None:
        raise ValueError(f"'{text}' should be auto, or channels such as CC1, CC1:en, CC3:es.forced or SERVICE1:en")
    return CaptionTrack.model_validate({"channel": found[1].upper(), **labels})
