"""A stream made by the pipeline satisfies the conformance list, and the judge sees each kind of fault."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.make import Clip
from e2e.driving import rungs
from judges.conformance import RULES, check
from judges.sabotage import SABOTAGES
from judges.stream import Stream
from judges.variants import rule_17_video_range, rule_18_pictures


@pytest.fixture(scope="module")
def verdict(stream: Path) -> list[str]:
    return check(stream)


def test_finished_stream_satisfies_every_rule(verdict: list[str]) -> None:
    assert verdict == []


@pytest.mark.long
def test_a_stream_with_a_short_start_satisfies_every_rule(card: Clip, tmp_path: Path) -> None:
    """60, 120, 180 and 60 pictures of 1001 / 30000 s; sound on the nearest borders of 1024 samples."""
    dest = tmp_path / "out"
    streamify.transcode(card.path, dest, engine="inline", ladder=rungs(144), preset="ultrafast")
    assert check(dest) == []
    video, sound = ([Fraction(line) for line in re.findall(r"#EXTINF:([\d.]+)", page.read_text())]
                    for page in sorted(dest.glob("*o/*/playlist.m3u8"), reverse=True))  # fmt: skip
    assert video == [Fraction("2.002"), Fraction("4.004"), Fraction("6.006"), Fraction("2.002")]
    frame = Fraction(1024, 48_000)
    assert all(abs(sum(sound[:n]) - sum(video[:n]) - frame) <= frame / 2 + Fraction(1, 10_000) for n in (1, 2, 3))
    timeline = (dest / "manifest.mpd").read_text().partition("</SegmentTimeline>")[0]
    assert re.findall(r"<S (.*?) />", timeline) == [
        't="0" d="60060"', 't="60060" d="120120"', 't="180180" d="180180"', 't="360360" d="60060"'
    ]  # fmt: skip


@pytest.mark.parametrize("deed", SABOTAGES)
def test_judge_sees(deed: str, stream: Path, verdict: list[str], tmp_path: Path) -> None:
    rule, act = SABOTAGES[deed]
    broken = tmp_path / "broken"
    shutil.copytree(stream, broken, ignore=shutil.ignore_patterns(".streamify"))
    assert not [fault for fault in verdict if fault.startswith(rule)], "broken before it was sabotaged"
    act(broken)
    assert check(broken, rule), f"{rule} let it pass"


def test_every_rule_has_been_seen_to_fail() -> None:
    assert {rule.__name__ for rule in RULES} <= {rule for rule, _ in SABOTAGES.values()}


@pytest.mark.parametrize(
    "change",
    [
        {"interlaced": 3},
        {"aspects": frozenset([Fraction(4, 3)])},
        {"sizes": frozenset([(64, 64)])},
    ],
)
def test_judge_sees_pictures(change: dict[str, object], stream: Path) -> None:
    judged = Stream(stream)
    track = judged.video[-1]
    track.__dict__["decoded"] = replace(track.decoded, **change)  # type: ignore[arg-type]  # overrides the cached value
    assert list(rule_18_pictures(judged))


def test_judge_sees_hdr_sold_as_sdr(stream: Path) -> None:
    judged = Stream(stream)
    track = judged.video[0]
    track.__dict__["decoded"] = replace(track.decoded, colours=frozenset([(9, 16, 9)]))
    assert list(rule_17_video_range(judged))
