"""Captions inside the pictures, as HLS and DASH declare them. Pure.

Their language is not known: cc_data of ATSC A/53 does not tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

GROUP = "captions"
"""GROUP-ID of EXT-X-MEDIA."""
_SERVICE = "SERVICE"
_SCHEME = "urn:scte:dash:cc:cea-{}:2015"


def captions_media(channels: Sequence[str]) -> Iterator[str]:
    """Yield an EXT-X-MEDIA for each channel (RFC 8216, 4.3.4.1); the first is chosen where captions are wanted."""
    for channel in channels:
        first = "YES" if channel == channels[0] else "NO"
        yield (
            f'#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="{GROUP}",NAME="{_name(channel)}",DEFAULT=NO,'
            f'AUTOSELECT={first},INSTREAM-ID="{channel}"'
        )


def dash_captions(channels: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield scheme and value of the Accessibility descriptors of a video AdaptationSet (SCTE 214-1, 7.1.2).

    Channels of CEA-608 are ``CC1=und;CC3=und``, services of CEA-708 ``1=lang:und;2=lang:und``.
    """
    lines = [f"{channel}=und" for channel in channels if not channel.startswith(_SERVICE)]
    services = [f"{channel[len(_SERVICE) :]}=lang:und" for channel in channels if channel.startswith(_SERVICE)]
    if lines:
        yield _SCHEME.format(608), ";".join(lines)
    if services:
        yield _SCHEME.format(708), ";".join(services)


def _name(channel: str) -> str:
    return f"Captions {channel[len(_SERVICE) :]} (708)" if channel.startswith(_SERVICE) else f"Captions {channel}"
