"""Thumbnails as text: an image playlist for HLS, an AdaptationSet for DASH, a WebVTT storyboard. Pure functions."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction
from urllib.parse import quote

from streamify.dest.layout import PLAYLIST, sheet_name
from streamify.manifests.chapters import vtt_time
from streamify.model.images import StoryboardReport

_TILES = "http://dashif.org/guidelines/thumbnail_tile"
"""Scheme of the layout of a sheet (DASH-IF Interoperability Points 4.3, 6.2.6)."""


def image_playlist(board: StoryboardReport, duration: Fraction, *, ended: bool = True) -> str:
    """Return the playlist of the sheets ("HLS image media playlist", version 0.4, by Roku and others).

    Args:
        board: Of the stream.
        duration: Of the stream, seconds.
        ended: No more sheets follow.
    """
    layout = f"RESOLUTION={board.width}x{board.height},LAYOUT={board.columns}x{board.rows}"
    tiles = f"#EXT-X-TILES:{layout},DURATION={_number(board.interval)}"
    length = board.columns * board.rows * board.interval
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, -(-min(length, duration) // 1))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        "#EXT-X-IMAGES-ONLY",
    ]
    for number in range(len(board.sheets)):
        lasts = min(length, duration - number * length)
        lines += [f"#EXTINF:{_number(lasts)},", tiles, sheet_name(number)]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if ended else [])]) + "\n"


def image_stream(board: StoryboardReport) -> str:
    """Return the line of the master playlist that names the image playlist."""
    uri = quote(f"{board.folder}/{PLAYLIST}")
    return (
        f'#EXT-X-IMAGE-STREAM-INF:BANDWIDTH={bandwidth(board)},RESOLUTION={board.width}x{board.height},CODECS="jpeg",'
        f'URI="{uri}"'
    )


def bandwidth(board: StoryboardReport) -> int:
    """Return the bits per second of the largest sheet."""
    largest = max(sheet.size for sheet in board.sheets)
    return -int(-(8 * largest) / (board.columns * board.rows * board.interval) // 1)


def storyboard(board: StoryboardReport, duration: Fraction) -> str:
    """Return a WebVTT metadata track: for each thumbnail its sheet and place in it (Media Fragments URI 1.0, 4.2.2)."""
    cues = []
    for number in range(board.count):
        start, end = number * board.interval, min((number + 1) * board.interval, duration)
        sheet, place = divmod(number, board.columns * board.rows)
        row, column = divmod(place, board.columns)
        place_text = f"{column * board.width},{row * board.height},{board.width},{board.height}"
        if int(end * 1000) > int(start * 1000):
            cues.append(f"{vtt_time(start)} --> {vtt_time(end)}\n{sheet_name(sheet)}#xywh={place_text}\n")
    return "\n".join(["WEBVTT\n", *cues])


def add_thumbnails(period: ET.Element, number: int, board: StoryboardReport, *, ended: bool = True) -> None:
    """Add the AdaptationSet of the sheets to a Period.

    Args:
        period: Of the MPD.
        number: The set's id.
        board: Of the stream.
        ended: No more sheets follow; else those that there are, which a duration alone would not say, are counted by a
            SegmentTimeline.
    """
    seconds = board.columns * board.rows * board.interval
    found = ET.SubElement(period, "AdaptationSet", id=str(number), contentType="image", mimeType="image/jpeg")
    representation = ET.SubElement(
        found,
        "Representation",
        id=board.id,
        bandwidth=str(bandwidth(board)),
        width=str(board.columns * board.width),
        height=str(board.rows * board.height),
    )
    layout = f"{board.columns}x{board.rows}"
    ET.SubElement(representation, "EssentialProperty", schemeIdUri=_TILES, value=layout)
    length = {"duration": str(seconds.numerator)} if ended else dict[str, str]()
    attributes = {
        "media": f"{quote(board.folder)}/$Number%05d$.jpg",
        "timescale": str(seconds.denominator),
        **length,
        "startNumber": "0",
    }
    template = ET.SubElement(representation, "SegmentTemplate", attributes)
    if not ended:
        counted = {"t": "0", "d": str(seconds.numerator), "r": str(len(board.sheets) - 1)}
        ET.SubElement(ET.SubElement(template, "SegmentTimeline"), "S", counted)


def _number(value: Fraction) -> str:
    return f"{float(value):.6f}".rstrip("0").rstrip(".")
