"""How tracks of words are offered in HLS and DASH. Pure functions."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import quote

from streamify.dest.layout import ALL_WORDS, PLAYLIST
from streamify.model.text import clean, unique
from streamify.model.track import TextTrack

GROUP = "subtitles"
"""Of EXT-X-MEDIA."""
_ROLE = "urn:mpeg:dash:role:2011"
_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"


@dataclass(frozen=True)
class TextManifest:
    """One finished track of words."""

    track: TextTrack
    durations: tuple[Fraction, ...]
    """Of the segments that are published, seconds."""
    size: int
    """Bytes of the file of all cues; 0: not known yet."""

    def url(self, name: str) -> str:
        """Return the URL of one of the track's files, relative to DEST."""
        return quote(f"{self.track.folder}/{name}")


@dataclass(frozen=True)
class TextNames:
    """What a person and a player are told of a track of words."""

    name: str
    """Unique among the tracks; safe in an HLS quoted string and in XML."""
    autoselect: bool
    """Whether a player may choose it by the language and by what its user needs."""


def describe(tracks: Sequence[TextManifest]) -> tuple[TextNames, ...]:
    """Return the names of all tracks, in order.

    Of several of one language and of one kind only the first may be chosen by itself (RFC 8216, 4.3.4.1.1); those that
    are forced always may, for a player has to (4.3.4.1), and so may the default one.
    """
    taken, used, found = set(), set[str](), []
    for one in tracks:
        labels = one.track.labels
        kind = labels.language, labels.role
        auto = labels.default or labels.role == "forced" or (labels.role != "commentary" and kind not in taken)
        taken.add(kind)
        found.append(TextNames(unique(clean(labels.name), used), auto))
    return tuple(found)


def media_tags(tracks: Sequence[TextManifest]) -> list[str]:
    """Return the lines of the master playlist that offer the tracks."""
    return [_media(one, names) for one, names in zip(tracks, describe(tracks), strict=True)]


def _media(one: TextManifest, names: TextNames) -> str:
    labels = one.track.labels
    # Both are to be given for SDH (HLS authoring rule 4.6).
    heard = ("public.accessibility.transcribes-spoken-dialog", "public.accessibility.describes-music-and-sound")
    extra = {"sdh": heard, "commentary": ("public.auxiliary-content",)}.get(labels.role, ())
    attributes = [
        "TYPE=SUBTITLES",
        f'GROUP-ID="{GROUP}"',
        f'NAME="{names.name}"',
        f'LANGUAGE="{labels.language or "und"}"',
        f"DEFAULT={'YES' if labels.default else 'NO'}",
        f"AUTOSELECT={'YES' if names.autoselect else 'NO'}",
        f"FORCED={'YES' if labels.role == 'forced' else 'NO'}",
        *([f'CHARACTERISTICS="{",".join(extra)}"'] if extra else []),
        f'URI="{one.url(PLAYLIST)}"',
    ]
    return "#EXT-X-MEDIA:" + ",".join(attributes)


def add_text_sets(period: ET.Element, numbers: Mapping[str, int], tracks: Sequence[TextManifest]) -> None:
    """Add an AdaptationSet for each track to a Period.

    The Representation is one file of all cues: dash.js reads WebVTT in segments only inside of MP4, all players read it
    in a single file (DASH-IF Interoperability Points 4.3, 6.4.2).

    Args:
        period: To add to.
        numbers: Ids of the AdaptationSets, by track.
        tracks: In order.
    """
    for one, names in zip(tracks, describe(tracks), strict=True):
        labels, number = one.track.labels, str(numbers[one.track.id])
        found = ET.SubElement(period, "AdaptationSet", id=number, contentType="text", mimeType="text/vtt")
        if labels.language:
            found.set("lang", labels.language)
        ET.SubElement(found, "Label").text = names.name
        if labels.role == "sdh":  # 2: for those who hear badly
            ET.SubElement(found, "Accessibility", schemeIdUri=_PURPOSE, value="2")
        roles = {"forced": "forced-subtitle", "sdh": "caption", "commentary": "commentary"}
        values = (*(("main",) if labels.default else ()), roles.get(labels.role, "subtitle"))
        for value in values:
            ET.SubElement(found, "Role", schemeIdUri=_ROLE, value=value)
        length = sum(one.durations, Fraction())
        rate = max(1, -int(-(8 * one.size) / length // 1)) if length else 1
        representation = ET.SubElement(found, "Representation", id=one.track.id, bandwidth=str(rate))
        ET.SubElement(representation, "BaseURL").text = one.url(ALL_WORDS)
