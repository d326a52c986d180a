"""How captions are declared, by RFC 8216 and SCTE 214-1."""

from __future__ import annotations

from fractions import Fraction

import m3u8

from manifest_samples import audio, video
from streamify.manifests.dash import mpd
from streamify.manifests.hls import master
from streamify.model.caption import CaptionChannel

CHANNELS = (
    CaptionChannel("CC1", "en", "eng"), CaptionChannel("CC3"), CaptionChannel("SERVICE1"), CaptionChannel("SERVICE2"),
)  # fmt: skip


def test_hls() -> None:
    text = master([video(1000)], [audio(282)], captions=CHANNELS[:3])
    parsed = m3u8.loads(text)
    media = [one for one in parsed.media if one.type == "CLOSED-CAPTIONS"]
    assert [(one.instream_id, one.autoselect, one.default, one.uri) for one in media] == [
        ("CC1", "YES", "NO", None), ("CC3", "NO", "NO", None), ("SERVICE1", "NO", "NO", None),
    ]  # fmt: skip
    assert [one.language for one in media] == ["en", None, None]
    assert len({one.name for one in media}) == 3
    assert {one.stream_info.closed_captions for one in parsed.playlists} == {f'"{media[0].group_id}"'}


def test_none() -> None:
    assert "CLOSED-CAPTIONS=NONE" in master([video(1000)], [])
    sound = master([], [audio(282, default=True)], captions=CHANNELS[:1])
    assert "CLOSED-CAPTIONS=NONE" in sound
    assert "TYPE=CLOSED-CAPTIONS" not in sound


def test_dash() -> None:
    text = mpd([video(1000)], [], Fraction(6), captions=CHANNELS)
    assert '<Accessibility schemeIdUri="urn:scte:dash:cc:cea-608:2015" value="CC1=eng;CC3=und" />' in text
    assert '<Accessibility schemeIdUri="urn:scte:dash:cc:cea-708:2015" value="1=lang:und;2=lang:und" />' in text
    assert text.index("<Accessibility") < text.index("<Role")  # the order of the schema (ISO/IEC 23009-1, 5.3.7.3)
    assert "Accessibility" not in mpd([video(1000)], [], Fraction(6))
