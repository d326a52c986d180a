"""An index that lies fails the job; a stream that was made by it all the same is found out by ``verify --source``."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.numbered import encode, remux
from e2e.driving import published, rungs
from selection import sample
from streamify.bitstream.clock import Timed, time_packets
from streamify.bitstream.packets import NONE
from streamify.errors import StreamifyError, VerificationFailed
from streamify.jobs import assemble, certify, verify
from streamify.media.source import scan

COUNT = 120
SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144), "segment_seconds": 2, "keyframe_seconds": 1, "preset": "ultrafast"
}  # fmt: skip


def by_one(times: array[int]) -> array[int]:
    times[60] = NONE
    return times


def by_a_third(times: array[int]) -> array[int]:
    return array("q", (NONE if place % 3 == 1 else time for place, time in enumerate(times)))


def in_order(times: array[int]) -> array[int]:
    # Two pictures far from a border of segments, which the decoder gives out one after the other.
    first = sorted(times)[70]
    one, two = times.index(first), times.index(sorted(times)[71])
    times[one], times[two] = times[two], times[one]
    return times


LIES = {"by one": by_one, "by a third": by_a_third, "in order": in_order}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """H.264 with B-frames in AVI: when its pictures are shown is only in its index."""
    folder = tmp_path_factory.mktemp("source")
    options = {"preset": "veryfast", "bf": "2", "g": "25", "x264-params": "b-adapt=0"}
    return remux(encode(folder / "film.mp4", range(COUNT), "libx264", "mp4", options), folder / "film.avi")


def lie(monkeypatch: pytest.MonkeyPatch, change: Callable[[array[int]], array[int]]) -> None:
    honest = time_packets

    def lying(*given: Any, **more: Any) -> Timed | None:
        found = honest(*given, **more)
        return None if found is None else replace(found, times=change(array("q", found.times)))

    monkeypatch.setattr(scan, "time_packets", lying)


@pytest.mark.parametrize("name", sample(LIES, "by one", "in order"))
def test_the_job_fails_and_nothing_is_published(
    name: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch, LIES[name])
    with pytest.raises(StreamifyError) as caught:
        streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    assert caught.value.exit_code in (4, 6)
    assert published(tmp_path / "dest") == []


@pytest.mark.parametrize("name", sample(LIES, "by one"))
def test_verify_with_the_source_finds_it(
    name: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie(monkeypatch, LIES[name])
    monkeypatch.setattr(certify, "check_video", lambda *_, **__: iter(()))
    monkeypatch.setattr(assemble, "check_count", lambda *_: iter(()))
    monkeypatch.setattr(assemble, "losses", lambda *_: iter(()))
    streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    monkeypatch.undo()
    with pytest.raises(VerificationFailed):
        streamify.verify(tmp_path / "dest", source)


def test_an_honest_one_has_no_fault(source: Path, tmp_path: Path) -> None:
    report = streamify.transcode(source, tmp_path / "dest", **SETTINGS)
    found = report.certificate
    assert (found.coded, found.promised, found.decoded, found.left_out) == (COUNT, COUNT, COUNT, 0)
    assert streamify.verify(tmp_path / "dest", source).faults == ()


@pytest.mark.parametrize("at", sample([49, 20, 0, COUNT - 2], 49))
def test_two_pictures_in_each_others_place_are_found_also_at_a_seam(at: int, tmp_path: Path) -> None:
    options = {"preset": "veryfast", "bf": "2", "g": "25"}
    numbers = list(range(COUNT))
    right = encode(tmp_path / "film.mp4", numbers, "libx264", "mp4", options)
    numbers[at], numbers[at + 1] = numbers[at + 1], numbers[at]
    wrong = encode(tmp_path / "wrong.mp4", numbers, "libx264", "mp4", options)
    streamify.transcode(right, tmp_path / "dest", **SETTINGS)
    streamify.transcode(wrong, tmp_path / "other", **SETTINGS)
    (ours,) = (tmp_path / "dest" / "video").iterdir()
    (theirs,) = (tmp_path / "other" / "video").iterdir()
    for file in theirs.glob("*.m4s"):
        (ours / file.name).write_bytes(file.read_bytes())
    with pytest.raises(VerificationFailed) as caught:
        streamify.verify(tmp_path / "dest", right)
    faults = caught.value.faults
    named = [one for one in faults if "shows the source's picture" in one]
    assert any(f"{at / 25:.3f} s shows the source's picture after it" in one for one in named), faults
    assert any(f"{(at + 1) / 25:.3f} s shows the source's picture before it" in one for one in named), faults


@pytest.mark.parametrize(
    ("muxer", "at"),
    sample([("mp4", None), ("matroska", None), ("mp4", 49), ("matroska", 49), ("mp4", 74)], ("matroska", None)),
)
def test_a_long_plain_film_is_followed_in_ranges(
    muxer: str, at: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "RANGE", 1)
    options = {"preset": "veryfast", "bf": "2", "g": "35"}  # keyframes are nowhere near the borders of ranges
    numbers = list(range(COUNT))
    right = encode(tmp_path / f"film.{muxer}", numbers, "libx264", muxer, options)
    settings = SETTINGS | {"segment_seconds": 1}
    streamify.transcode(right, tmp_path / "dest", **settings)
    events: list[str] = []
    if at is None:
        found = streamify.verify(tmp_path / "dest", right, on_event=lambda event: events.append(str(event.task)))
        assert found.faults == ()
        whole = {one for one in events if one.startswith(verify.WHOLE)}
        assert len(whole) == 6  # five ranges, and its streams
        return
    numbers[at], numbers[at + 1] = numbers[at + 1], numbers[at]
    wrong = encode(tmp_path / "wrong.mp4", numbers, "libx264", "mp4", options)
    streamify.transcode(wrong, tmp_path / "other", **settings)
    (ours,) = (tmp_path / "dest" / "video").iterdir()
    (theirs,) = (tmp_path / "other" / "video").iterdir()
    for file in theirs.glob("*.m4s"):
        (ours / file.name).write_bytes(file.read_bytes())
    with pytest.raises(VerificationFailed) as caught:
        streamify.verify(tmp_path / "dest", right)
    named = [one for one in caught.value.faults if "shows the source's picture" in one]
    assert any(f"{at / 25:.3f} s shows the source's picture after it" in one for one in named), caught.value.faults
