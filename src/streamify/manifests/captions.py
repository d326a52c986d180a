"""Captions inside the pictures, as HLS and DASH declare them. Pure.

cc_data of ATSC A/53 does not tell their language: it is known where the settings say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streamify.model.caption import CaptionChannel

GROUP = "captions"
"""GROUP-ID of EXT-X-MEDIA."""
_SERVICE = "SERVICE"
_SCHEME = "urn:scte:dash:cc:cea-{}:2015"


def captions_media(channels: Sequence[CaptionChannel]) -> Iterator[str]:
    """Yield an EXT-X-MEDIA for each channel (RFC 8216, 4.3.4.1); the first is chosen where captions are wanted."""
    for channel in channels:
        first = "YES" if channel == channels[0] else "NO"
        language = f'LANGUAGE="{channel.language}",' if channel.language is not None else ""
        yield (
            f'#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="{GROUP}",NAME="{_name(channel.name)}",{language}DEFAULT=NO,'
            f'AUTOSELECT={first},INSTREAM-ID="{channel.name}"'
        )


def dash_captions(channels: Sequence[CaptionChannel]) -> Iterator[tuple[str, str]]:
    """Yield scheme and value of the Accessibility descriptors of a video AdaptationSet (SCTE 214-1, 7.1.2).

    Channels of CEA-608 are ``CC1=eng;CC3=und``, services of CEA-708 ``1=lang:und;2=lang:und``.
    """
    lines = [f"{one.name}={one.code}" for one in channels if not one.name.startswith(_SERVICE)]
    services = [f"{one.name[len(_SERVICE) :]}=lang:{one.code}" for one in channels if one.name.startswith(_SERVICE)]
    if lines:
        yield _SCHEME.format(608), ";".join(lines)
    if services:
        yield _SCHEME.format(708), ";".join(services)


def _name(channel: str) -> str:
    return f"Captions {channel[len(_SERVICE) :]} (708)" if channel.startswith(_SERVICE) else f"Captions {channel}"
