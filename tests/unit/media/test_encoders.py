"""Encoders on threads: work shared out, errors raised where somebody waits, no thread left."""

from __future__ import annotations

import threading
from typing import cast

import pytest
from av.video.frame import PictureType, VideoFrame

from leaks import own_threads
from streamify.media.video.encode import VideoEncoder
from streamify.media.video.encoders import LAGGING, Encoders, share_out
from waiting import wait_until


class Recorder:
    """Stands where an encoder would; real ones are compared byte by byte in tests/e2e/test_same_bytes.py."""

    def __init__(self, fail_at: int | None = None) -> None:
        self.seen: list[int] = []
        self.flushed = False
        self._fail_at = fail_at

    def encode(self, frame: VideoFrame, *, ticks: int, kind: PictureType) -> None:
        if ticks == self._fail_at:
            raise ValueError("broken")
        self.seen.append(ticks)

    def flush(self) -> None:
        self.flushed = True

    def package(self, *, reorder: int, duration: int, start: int, sequence: int, captions: object) -> list[int]:
        assert self.flushed
        return self.seen


def run(recorders: list[Recorder], threads: int, pictures: int, frames: int | None = None) -> list[list[int]]:
    given = [cast("VideoFrame", None)] * (len(recorders) if frames is None else frames)
    costs = [4, 2, 1][: len(recorders)]
    with Encoders(cast("list[VideoEncoder]", recorders), costs, threads) as encoders:
        for ticks in range(pictures):
            encoders.encode(given, ticks, PictureType.NONE)
        return [
            cast("list[int]", one) for one in encoders.finish(reorder=0, duration=0, start=0, sequence=1, captions={})
        ]


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_every_encoder_sees_every_picture_in_order(threads: int) -> None:
    recorders = [Recorder(), Recorder(), Recorder()]
    before = own_threads()
    made = run(recorders, threads, 50)
    assert made == [list(range(50))] * 3
    assert own_threads() <= before


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_reaches_the_caller_and_leaves_no_thread(threads: int) -> None:
    before = own_threads()
    with pytest.raises(ValueError, match="broken"):
        run([Recorder(), Recorder(fail_at=5)], threads, 50)
    assert own_threads() <= before


def test_an_error_of_the_caller_leaves_no_thread() -> None:
    before = own_threads()
    with pytest.raises(IndexError):
        run([Recorder(), Recorder()], 2, 5, frames=1)
    assert own_threads() <= before


class Slow(Recorder):
    """Encodes nothing until it may."""

    def __init__(self, may: threading.Event) -> None:
        super().__init__()
        self._may = may

    def encode(self, frame: VideoFrame, *, ticks: int, kind: PictureType) -> None:
        self._may.wait(90)
        super().encode(frame, ticks=ticks, kind=kind)


@pytest.mark.timeout(120)
def test_the_dearest_encoder_need_not_wait_for_cheaper_ones() -> None:
    may = threading.Event()
    dear, cheap = Recorder(), Slow(may)
    frames = [cast("VideoFrame", None)] * 2
    with Encoders(cast("list[VideoEncoder]", [dear, cheap]), [4, 1], 2) as encoders:
        for ticks in range(LAGGING):
            encoders.encode(frames, ticks, PictureType.NONE)
        wait_until(lambda: len(dear.seen) == LAGGING)
        assert not cheap.seen
        may.set()
        made = encoders.finish(reorder=0, duration=0, start=0, sequence=1, captions={})
    assert cast("list[list[int]]", list(made)) == [list(range(LAGGING))] * 2


def test_shares_are_even() -> None:
    assert share_out([57, 25, 11, 7], 2) == [[0], [1, 2, 3]]
    assert share_out([57, 25, 11, 7], 3) == [[0], [1], [2, 3]]
    assert share_out([1], 4) == [[0]]


def test_a_process_that_may_not_change_priorities_encodes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: int) -> int:
        raise PermissionError

    monkeypatch.setattr("os.nice", refused)  # as the filter of a sealed process does
    assert run([Recorder(), Recorder()], 2, 50) == [list(range(50))] * 2
