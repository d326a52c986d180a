"""A stream made by the pipeline satisfies the conformance list, and the judge sees each kind of fault."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from judges.conformance import RULES, check
from judges.sabotage import SABOTAGES
from judges.stream import Stream
from judges.variants import rule_17_video_range, rule_18_pictures


@pytest.fixture(scope="module")
def verdict(stream: Path) -> list[str]:
    return check(stream)


def test_finished_stream_satisfies_every_rule(verdict: list[str]) -> None:
    assert verdict == []


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
