"""A small HLS playlist parser of our own, so that the judge does not share one with what it judges."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote

_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)')


def attributes(text: str) -> dict[str, str]:
    """Parse an attribute list; raise ValueError where any of it is not one (RFC 8216, section 4.2)."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ATTRIBUTE.match(text, at)
        if match is None or match[1] in found:
            raise ValueError(f"malformed attribute list at {text[at : at + 40]!r}")
        found[match[1]] = match[2].strip('"')
        at = match.end()
    return found


@dataclass(frozen=True)
class Entry:
    """One segment or I-frame of a media playlist."""

    uri: str
    extinf: Fraction
    byterange: tuple[int, int] | None
    """Length and offset."""


class Playlist:
    """One playlist file: its tags, and its entries where it is a media playlist."""

    def __init__(self, root: Path, uri: str) -> None:
        self.uri = uri
        self.folder = uri.rpartition("/")[0]
        text = (root / uri).read_bytes().decode("utf-8")
        lines = text.split("\n")
        if lines[0] != "#EXTM3U" or lines[-1] != "" or "\r" in text:
            raise ValueError(f"{uri}: must begin with #EXTM3U and end its last line")
        self.tags: dict[str, list[str]] = {}
        self.entries: list[Entry] = []
        self.variants: list[tuple[dict[str, str], str]] = []
        for line in lines[1:-1]:
            if line.startswith("#"):
                name, _, value = line[1:].partition(":")
                self.tags.setdefault(name, []).append(value)
                last = name
            elif last == "EXT-X-STREAM-INF":
                self.variants.append((attributes(self.tags[last][-1]), unquote(line)))
            else:
                self._entry(line)

    def _entry(self, line: str) -> None:
        uri = "/".join(filter(None, [self.folder, unquote(line)]))
        spans = self.tags.get("EXT-X-BYTERANGE", [])
        span = None
        if len(spans) == len(self.tags["EXTINF"]):
            length, offset = spans[-1].split("@")
            span = int(length), int(offset)
        self.entries.append(Entry(uri, Fraction(self.tags["EXTINF"][-1].rstrip(",")), span))

    def one(self, name: str) -> str | None:
        """Return the value of a tag that may stand once."""
        values = self.tags.get(name, [])
        if len(values) > 1:
            raise ValueError(f"{self.uri}: {name} stands {len(values)} times")
        return values[0] if values else None

    @property
    def target(self) -> int:
        return int(self.one("EXT-X-TARGETDURATION") or -1)

    @property
    def map(self) -> str | None:
        tag = self.one("EXT-X-MAP")
        return None if tag is None else f"{self.folder}/{unquote(attributes(tag)['URI'])}"
