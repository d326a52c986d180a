from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction

from manifest_samples import video
from streamify.manifests.dash import mpd
from streamify.manifests.hls import master
from streamify.manifests.images import image_playlist, storyboard
from streamify.model.images import SheetRecord, StoryboardReport

SHEETS = tuple(SheetRecord(key=f"{n}.jpg", size=size, sha256="") for n, size in enumerate((50_000, 40_000)))
BOARD = StoryboardReport(
    id="240x136-12345678", folder="thumbnails/240x136-12345678", width=240, height=136, columns=2, rows=2,
    interval=Fraction(5, 2), count=6, sheets=SHEETS,
)  # fmt: skip
LENGTH = Fraction("13.7")


def test_playlist() -> None:
    assert image_playlist(BOARD, LENGTH) == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:10\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-IMAGES-ONLY\n"
        "#EXTINF:10,\n#EXT-X-TILES:RESOLUTION=240x136,LAYOUT=2x2,DURATION=2.5\n00000.jpg\n"
        "#EXTINF:3.7,\n#EXT-X-TILES:RESOLUTION=240x136,LAYOUT=2x2,DURATION=2.5\n00001.jpg\n"
        "#EXT-X-ENDLIST\n"
    )


def test_storyboard() -> None:
    cues = storyboard(BOARD, LENGTH).split("\n\n")
    assert cues[0] == "WEBVTT"
    assert [cue.strip() for cue in cues[1:]] == [
        "00:00:00.000 --> 00:00:02.500\n00000.jpg#xywh=0,0,240,136",
        "00:00:02.500 --> 00:00:05.000\n00000.jpg#xywh=240,0,240,136",
        "00:00:05.000 --> 00:00:07.500\n00000.jpg#xywh=0,136,240,136",
        "00:00:07.500 --> 00:00:10.000\n00000.jpg#xywh=240,136,240,136",
        "00:00:10.000 --> 00:00:12.500\n00001.jpg#xywh=0,0,240,136",
        "00:00:12.500 --> 00:00:13.700\n00001.jpg#xywh=240,0,240,136",
    ]


def test_master() -> None:
    # 50,000 bytes in 10 s
    line = (
        '#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=40000,RESOLUTION=240x136,CODECS="jpeg",'
        'URI="thumbnails/240x136-12345678/playlist.m3u8"\n'
    )
    assert master([video(600_000)], [], thumbnails=BOARD).endswith(line)
    assert "IMAGE" not in master([video(600_000)], [])


def test_mpd() -> None:
    root = ET.fromstring(mpd([video(600_000)], [], LENGTH, thumbnails=BOARD))
    found = root.find(".//{*}AdaptationSet[@contentType='image']")
    assert found is not None
    representation, tile, template = (
        found.find(f".//{{*}}{name}") for name in ("Representation", "EssentialProperty", "SegmentTemplate")
    )
    assert representation is not None
    assert tile is not None
    assert template is not None
    assert (representation.get("width"), representation.get("height")) == ("480", "272")
    assert (tile.get("schemeIdUri"), tile.get("value")) == ("http://dashif.org/guidelines/thumbnail_tile", "2x2")
    assert Fraction(int(template.get("duration") or 0), int(template.get("timescale") or 0)) == 10
    assert template.get("media") == "thumbnails/240x136-12345678/$Number%05d$.jpg"


def test_while_sheets_are_made_those_that_there_are_can_be_counted() -> None:
    board = BOARD.model_copy(update={"count": 4, "sheets": SHEETS[:1]})
    text = image_playlist(board, LENGTH, ended=False)
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in text
    assert text.endswith("DURATION=2.5\n00000.jpg\n")
    assert image_playlist(BOARD, LENGTH).startswith(text.replace("EVENT", "VOD"))
    root = ET.fromstring(mpd([video(600_000)], [], LENGTH, thumbnails=board, illustrated=False))
    template = root.find(".//{*}AdaptationSet[@contentType='image']//{*}SegmentTemplate")
    assert template is not None
    assert template.get("duration") is None
    assert [(one.get("t"), one.get("d"), one.get("r")) for one in template.iter() if one.tag.endswith("}S")] == [
        ("0", "10", "0")
    ]
