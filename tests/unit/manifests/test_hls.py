from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_samples import audio, video, video_track
from streamify.manifests.base import SegmentLine, TrackManifest
from streamify.manifests.hls import extinf, iframe_playlist, master, media_playlist
from streamify.model.result import IFrame

HALF = Fraction(1, 2)


def test_media_playlist() -> None:
    manifest = TrackManifest(video_track(), "avc1.640028", 800, [SegmentLine(144, 9, 144), SegmentLine(25, 9, 25)])
    assert media_playlist(manifest, 6) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:6\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:6.000000,\n"
        "00000.m4s\n"
        "#EXTINF:1.041667,\n"
        "00001.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_iframe_playlist() -> None:
    lines = [
        SegmentLine(144, 9, 144, (IFrame(start=0, offset=44, size=900), IFrame(start=48, offset=5000, size=800))),
        SegmentLine(24, 9, 24, (IFrame(start=144, offset=44, size=700),)),
    ]
    text = iframe_playlist(TrackManifest(video_track(), "avc1.640028", 800, lines), 6)
    assert "#EXT-X-I-FRAMES-ONLY\n" in text
    assert text.partition('init.mp4"\n')[2] == (
        "#EXTINF:2.000000,\n#EXT-X-BYTERANGE:900@44\n00000.m4s\n"
        "#EXTINF:4.000000,\n#EXT-X-BYTERANGE:800@5000\n00000.m4s\n"
        "#EXTINF:1.000000,\n#EXT-X-BYTERANGE:700@44\n00001.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_master() -> None:
    high = video(600_000, 7_500_000)  # average 5.4 Mbit/s, peak 10 Mbit/s
    low = video(600_000, 750_000, name="360p", width=640, height=360)
    text = master([high, low], [audio(282, 281, default=True), audio(282, 281, language="fr", name="fr-aac-1")])
    # Audio: 96,000 x 8 / (281 x 1024 / 48000) = 128,113.9 peak; 2 x 96,000 x 8 / 12.0107 s = 127,887 average.
    assert text == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="en",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",'
        'URI="audio/en-aac-8d41e07a/playlist.m3u8"\n'
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="fr",LANGUAGE="fr",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",'
        'URI="audio/fr-aac-1/playlist.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=1128114,AVERAGE-BANDWIDTH=1027887,CODECS="avc1.640028,mp4a.40.2",'
        'RESOLUTION=640x360,FRAME-RATE=24.000,VIDEO-RANGE=SDR,AUDIO="audio",CLOSED-CAPTIONS=NONE\n'
        "video/360p-3f9a2c1b/playlist.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=10128114,AVERAGE-BANDWIDTH=5527887,CODECS="avc1.640028,mp4a.40.2",'
        'RESOLUTION=1920x1080,FRAME-RATE=24.000,VIDEO-RANGE=SDR,AUDIO="audio",CLOSED-CAPTIONS=NONE\n'
        "video/1080p-3f9a2c1b/playlist.m3u8\n"
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1200,AVERAGE-BANDWIDTH=1200,"
        'CODECS="avc1.640028",RESOLUTION=1920x1080,VIDEO-RANGE=SDR,URI="video/1080p-3f9a2c1b/iframes.m3u8"\n'
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1200,AVERAGE-BANDWIDTH=1200,"
        'CODECS="avc1.640028",RESOLUTION=640x360,VIDEO-RANGE=SDR,URI="video/360p-3f9a2c1b/iframes.m3u8"\n'
    )


def test_video_without_audio() -> None:
    text = master([video(600_000)], [])
    assert "EXT-X-MEDIA" not in text
    assert 'BANDWIDTH=800000,AVERAGE-BANDWIDTH=800000,CODECS="avc1.640028",RES' in text
    assert "AUDIO=" not in text


def test_audio_only() -> None:
    text = master([], [audio(282, name="x"), audio(282, default=True, language="de", name="y")])
    variants = [line for line in text.splitlines() if not line.startswith("#")]
    assert variants == ["audio/y/playlist.m3u8"]
    assert 'CODECS="mp4a.40.2",AUDIO="audio"' in text
    assert text.count("EXT-X-MEDIA") == 2
    assert "RESOLUTION" not in text
    assert "VIDEO-RANGE" not in text


def test_name_cannot_break_out() -> None:
    text = master([video(600_000)], [audio(282, title='x",DEFAULT=NO\n#EXT-X-ENDLIST\nhttp://evil/', default=True)])
    assert 'NAME="x\u201d,DEFAULT=NO #EXT-X-ENDLIST http://evil/",LANGUAGE="en",DEFAULT=YES' in text
    assert len(text.splitlines()) == 7


def test_segment_above_target_is_refused() -> None:
    with pytest.raises(ValueError, match=r"segment 1 lasts 6\.5 s"):
        list(extinf([Fraction(6), Fraction(13, 2)], 6))


def test_just_below_the_limit_is_not_rounded_up() -> None:
    # 6.4999999 s would be 6.500000 in microseconds, which rounds to 7.
    assert list(extinf([Fraction(64_999_999, 10_000_000)], 6)) == ["6.499999"]


def _judge(durations: list[Fraction], target: int, frame: Fraction) -> None:
    errors = [Fraction()]
    for text, duration in zip(extinf(durations, target), durations, strict=True):
        assert int(Fraction(text) + HALF) <= target
        errors.append(errors[-1] + Fraction(text) - duration)
    assert max(errors) - min(errors) < frame  # of every run: the difference of two prefix sums


@given(
    st.sampled_from([Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25)]),
    st.integers(1, 12),
    st.integers(1, 3000),
    st.integers(1, 1000),
)
@settings(max_examples=40, deadline=None)
def test_extinf_at_constant_rates(rate: Fraction, seconds: int, count: int, rest: int) -> None:
    nominal = max(1, round(seconds * rate)) / rate
    durations = [nominal] * count + [min(nominal, rest / rate)]
    _judge(durations, int(nominal + HALF), 1 / rate)


@given(st.lists(st.integers(1, 90_000 * 6 + 44_999), min_size=1, max_size=300))
def test_extinf_at_variable_rate(ticks: list[int]) -> None:
    durations = [Fraction(tick, 90_000) for tick in ticks]
    _judge(durations, 6, Fraction(1, 60))


def test_drift_over_ten_hours() -> None:
    nominal = 180 * Fraction(1001, 30000)
    total = sum((Fraction(text) for text in extinf([nominal] * 6000, 6)), Fraction())
    assert abs(total - 6000 * nominal) <= Fraction(1, 2_000_000)
