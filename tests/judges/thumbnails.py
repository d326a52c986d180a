"""Thumbnails: DASH-IF Interoperability Points 4.3, 6.2.6, and the HLS image media playlist. Each rule yields faults."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from judges.playlist import attributes
from judges.stream import DASH, Stream

TILES = "http://dashif.org/guidelines/thumbnail_tile"


def rule_thumbnails_dash(stream: Stream) -> Iterator[str]:
    """Sheets of whole tiles, as large as the MPD says, one for each duration of the presentation."""
    for found in stream.mpd.iter(f"{DASH}AdaptationSet"):
        if found.get("contentType") != "image":
            continue
        if found.get("mimeType") != "image/jpeg":
            yield f"mimeType {found.get('mimeType')}"
        for own in found.iter(f"{DASH}Representation"):
            tile, template = own.find(f"{DASH}EssentialProperty"), own.find(f"{DASH}SegmentTemplate")
            if tile is None or template is None or tile.get("schemeIdUri") != TILES:
                yield f"Representation {own.get('id')}: no layout of tiles or no SegmentTemplate"
                continue
            columns, rows = map(int, (tile.get("value") or "").split("x"))
            width, height = int(own.get("width") or 0), int(own.get("height") or 0)
            if width % columns or height % rows:
                yield f"Representation {own.get('id')}: {width}x{height} does not divide into {columns}x{rows}"
            seconds = Fraction(template.get("duration") or "0") / Fraction(template.get("timescale") or "1")
            media = (template.get("media") or "").replace("$Number%05d$", "*")
            files = sorted(stream.root.glob(media))
            if len(files) != -(-_duration(stream) // seconds):
                yield f"Representation {own.get('id')}: {len(files)} sheets of {float(seconds)} s"
            for path in files:
                if _size(path) != (width, height):
                    yield f"{path.name} is no JPEG of {width}x{height}"
                if 8 * path.stat().st_size > int(own.get("bandwidth") or 0) * seconds:
                    yield f"{path.name}: bandwidth too low"


def rule_thumbnails_hls(stream: Stream) -> Iterator[str]:
    """The image playlist names sheets that are there, whose lengths sum to the film's."""
    for about in map(attributes, stream.master.tags.get("EXT-X-IMAGE-STREAM-INF", [])):
        path = stream.root / about["URI"]
        lines = path.read_text().splitlines()
        if "#EXT-X-IMAGES-ONLY" not in lines or lines[-1] != "#EXT-X-ENDLIST":
            yield f"{about['URI']}: no EXT-X-IMAGES-ONLY or no end"
        lengths = [Fraction(line[8:-1]) for line in lines if line.startswith("#EXTINF:")]
        if abs(sum(lengths) - _duration(stream)) > Fraction(1, 1000):
            yield f"{about['URI']}: sheets last {float(sum(lengths))} s"
        tiles = [attributes(line.partition(":")[2]) for line in lines if line.startswith("#EXT-X-TILES:")]
        for tile, name in zip(tiles, [line for line in lines if not line.startswith("#")], strict=True):
            columns, rows = map(int, tile["LAYOUT"].split("x"))
            width, height = map(int, tile["RESOLUTION"].split("x"))
            if tile["RESOLUTION"] != about["RESOLUTION"] or _size(path.with_name(name)) != (
                columns * width,
                rows * height,
            ):
                yield f"{name}: its size is not that of {tile}"


def _duration(stream: Stream) -> Fraction:
    found = re.fullmatch(r"PT([0-9.]+)S", stream.mpd.get("mediaPresentationDuration") or "")
    assert found is not None
    return Fraction(found[1])


def _size(path: Path) -> tuple[int, int] | None:
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", str(path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().rstrip(",").split(",")
    return (int(found[1]), int(found[2])) if len(found) == 3 and found[0] == "mjpeg" else None


RULES = (rule_thumbnails_dash, rule_thumbnails_hls)
