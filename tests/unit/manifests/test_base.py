from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from manifest_samples import audio, video, video_track
from streamify.dest.layout import segment_name
from streamify.manifests.base import (
    SegmentLine,
    TrackManifest,
    frame_rate,
    peak_rate,
    variant_order,
)

S = Fraction


@pytest.mark.parametrize(
    ("durations", "sizes", "peak"),
    [
        ([6, 6], [600_000, 750_000], 1_000_000),  # 750,000 x 8 / 6
        ([6, 1], [600_000, 500_000], 1_257_143),  # the short last one only with its neighbour: 8.8 Mbit / 7 s
        ([6, 3], [600_000, 500_000], 1_333_334),  # half a target counts by itself: 4 Mbit / 3 s, rounded up
        ([1], [100_000], 800_000),  # shorter than half a target: the average
        ([2, 2, 2], [250_000, 1_000_000, 250_000], 2_500_000),  # 4 s: 1,250,000 x 8 / 4; 2 s alone is too short
        ([10, 10], [100, 100], 80),  # no set is short enough: the average
    ],
)
def test_peak_rate(durations: list[int], sizes: list[int], peak: int) -> None:
    assert peak_rate([S(d) for d in durations], sizes, 6) == peak


def test_measures() -> None:
    manifest = video(600_000, 750_000)
    assert manifest.duration == 12
    assert manifest.target == 6
    assert manifest.bandwidth == 1_000_000
    assert manifest.average_bandwidth == 900_000
    assert manifest.size == 1_350_800


def test_audio_measures() -> None:
    manifest = audio(282, 281)
    assert manifest.duration == S(563 * 1024, 48_000)
    assert manifest.target == 6


@pytest.mark.parametrize("lines", [[], [SegmentLine(0, 10, 0)]])
def test_empty_is_refused(lines: list[SegmentLine]) -> None:
    with pytest.raises(ValueError, match="needs segments"):
        TrackManifest(video_track(), "avc1.640028", 800, lines)


def test_iframes_must_start_at_zero() -> None:
    manifest = TrackManifest(video_track(), "avc1.640028", 800, [SegmentLine(144, 10, 144)])
    with pytest.raises(ValueError, match="IDR pictures"):
        _ = manifest.iframes


def test_files_beyond_five_digits() -> None:
    assert [segment_name(n) for n in (0, 99_999, 100_000)] == ["00000.m4s", "99999.m4s", "100000.m4s"]


def test_url_is_quoted() -> None:
    assert audio(282, name="a b$c-1").url("init.mp4") == "audio/a%20b%24c-1/init.mp4"


@pytest.mark.parametrize(
    ("averages", "order"),
    [
        ([5_000_000, 1_900_000, 500_000], [1, 0, 2]),  # best that averages at most 2 Mbit/s
        ([5_000_000, 3_000_000], [1, 0]),  # none does: the lowest
        ([900_000, 500_000], [0, 1]),
        ([], []),
    ],
)
def test_variant_order(averages: list[int], order: list[int]) -> None:
    ladder = [video(rate * 6 // 8, name=f"r{n}") for n, rate in enumerate(averages)]
    assert [ladder.index(one) for one in variant_order(ladder)] == order


def test_a_stream_that_is_made_while_it_is_watched_starts_on_the_lowest_rung() -> None:
    ladder = [replace(video(1, name=f"r{rate}"), declared=rate) for rate in (5_000_000, 1_900_000, 500_000, 900_000)]
    assert [one.declared for one in variant_order(ladder)] == [500_000, 5_000_000, 1_900_000, 900_000]


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (S(24000, 1001), "23.976"),
        (S(30000, 1001), "29.970"),
        (S(60000, 1001), "59.940"),
        (S(25), "25.000"),
        (S(25, 2), "12.500"),
        (S(2997, 100), "29.970"),
    ],
)
def test_frame_rate(rate: Fraction, text: str) -> None:
    assert frame_rate(rate) == text
