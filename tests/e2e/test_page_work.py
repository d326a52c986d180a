"""The page while a stream is made: steps, grid, timeline and segments, and the proof at the end without a reload."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from e2e import chromium
from e2e.accessible import judge, needs_axe
from e2e.driving import wait_for
from selection import slowness
from streamify.errors import SourceError
from streamify.http.files import FolderFiles
from streamify.http.play import open_play
from streamify.jobs.live import LiveStream
from streamify.jobs.segments import borders
from streamify.model.event import Event, EventKind
from streamify.model.plan import Plan
from streamify.planning.cells import RUNNING, Cells
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan

pytestmark = [
    pytest.mark.players,
    pytest.mark.skipif(not chromium.PATH.exists(), reason="no Chromium"),
    needs_axe,
]
VIDEO = "document.getElementById('video')"
HOVER = "document.getElementById('seek').dispatchEvent(new PointerEvent('pointermove', {clientX: 100}))"


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    with chromium.chromium("--autoplay-policy=no-user-gesture-required") as found:
        yield found


@contextmanager
def served(live: LiveStream, root: Path) -> Iterator[str]:
    """Serve a job that the test plays, over the files of a finished stream."""
    with open_play(FolderFiles(root), "127.0.0.1", 0, log=print, job=live, live=live) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server.url
        finally:
            server.stop()
            thread.join()


class Job:
    """A job that goes as the test says."""

    def __init__(self, dest: Path) -> None:
        self.live, self.media = LiveStream(), LocalStorage(dest)
        plan = read_plan(self.media)
        assert plan is not None
        self.plan: Plan = plan
        self.began = time.time() - 9

    def tell(self, kind: EventKind, task: str | None = None, after: float = 0, **fields: Any) -> None:
        attempt = {"worker": 4711, "attempt": 1} if task is not None else {}
        self.live.progress.see(Event(time=self.began + after, kind=kind, task=task, **(attempt | fields)))

    def start(self) -> None:
        self.tell("job.started", data={"source": "uploads/a film.mp4"})
        self.tell("engine.ready", data={"engine": "local", "workers": 2})
        self.tell("task.started", "split", 0.1)

    def ready(self) -> None:
        plan = self.plan
        self.tell("task.finished", "split", 0.5)
        self.live.surveyed(plan, self.media, (), borders(plan, self.media))
        names, total = [track.name for track in plan.video], plan.segments * len(plan.tracks)
        data = {
            "segments": plan.segments,
            "renditions": names,
            "audio": len(plan.audio),
            "duration": 14,
            "total": total,
        }
        self.tell("plan.ready", after=0.6, data=data)
        self.live.planned(plan, self.media, workers=64)

    def key(self, segment: int) -> str:
        return f"video/{segment:05d}/" + ",".join(track.name for track in self.plan.video)

    def make(self, segment: int, after: float) -> None:
        for track in self.plan.video:
            data = {"track": track.id, "name": track.name, "segment": segment, "bytes": 1, "cpu_seconds": 1.0}
            self.tell("segment.finished", self.key(segment), after, worker=None, attempt=None, data=data)


def text(page: chromium.Page, name: str) -> str:
    return str(page.run(f"document.getElementById('{name}').innerText"))


def counts(page: chromium.Page) -> list[list[int]]:
    """Return the numbers of the table for those who do not see the grid: done, running, retrying, failed, waiting."""
    rows = "[...document.getElementById('work-table').rows]"
    return list(page.run(f"{rows}.map((row) => [...row.cells].slice(1).map((one) => Number(one.textContent)))"))


def test_the_page_follows_a_job_from_planning_to_its_proof(browser: chromium.Browser, stream: Path) -> None:
    job = Job(stream)
    with served(job.live, stream) as url, browser.page() as page:
        job.start()
        page.call("Page.navigate", url=url)
        page.wait("document.getElementById('title')?.innerText === 'a film.mp4'")
        page.wait("document.getElementById('now').innerText === 'Planning: the source is read'")
        steps = "document.getElementById('steps').textContent.replace(/\\s+/g, ' ')"
        page.wait(f"{steps}.includes('Segments waiting')")
        assert page.run("document.getElementById('ladder-card').hidden") is True  # there is none yet
        page.wait(f"{steps}.includes('Split in progress')")
        assert judge(page) == []

        job.ready()
        page.wait("document.documentElement?.dataset.ready")
        page.wait(f"{VIDEO}.readyState >= 2")
        page.wait("document.getElementById('work-table').rows.length > 0")  # drawn by an event of its own
        segments = job.plan.segments
        wait_for(lambda: counts(page) == [[0, 0, 0, 0, segments]] * 3)
        assert judge(page) == []

        job.tell("task.started", job.key(0), 1)
        job.tell("task.finished", job.key(0), 3, data={"cpu_seconds": 2})
        job.make(0, 3)
        job.tell("task.started", job.key(1), 3)
        job.tell("task.started", job.key(2), 3.1, worker=4712)
        log = {"log": "one line\nanother <b>line</b>\n", "code": "worker-died"}
        job.tell("task.retried", job.key(2), 4, worker=4712, message=f"{job.key(2)}: the worker died", data=log)
        page.wait("document.getElementById('legend').innerText.includes('2 retrying')")
        last = segments - 3
        wait_for(lambda: counts(page)[:2] == [[1, 1, 1, 0, last]] * 2)
        look_at_a_segment(page, job)
        assert judge(page) == []
        assert page.run("document.getElementById('proof').hidden") is True

        for segment in range(1, segments):
            job.make(segment, 8)
        data = {"track": job.plan.audio[0].id, "name": "audio", "bytes": 1, "cpu_seconds": 0.1}
        for segment in range(segments):
            job.tell("segment.finished", "x", 8, worker=None, attempt=None, data=data | {"segment": segment})
        page.wait("document.getElementById('steps').children[2].dataset.state === 'runs'")
        job.tell("job.finished", after=9, data={"wall_seconds": 9})
        source = page.run(f"{VIDEO}.src")
        with job.live.ending():
            pass
        page.wait("!document.getElementById('proof').hidden")
        page.wait("document.getElementById('proof-line').innerText.includes('frames')")
        page.wait("!document.getElementById('work').open")
        page.wait("document.getElementById('work-title').innerText === 'How it was made: in 9.0 s'")
        wait_for(lambda: counts(page)[0] == [segments, 0, 0, 0, 0])
        assert page.run(f"{VIDEO}.src") == source  # it plays on
        page.wait(f"{VIDEO}.poster")
        page.run("document.getElementById('seek').dispatchEvent(new PointerEvent('pointerleave'))")
        page.wait("document.getElementById('preview').hidden")
        page.wait(f"{HOVER}, !document.getElementById('preview-picture').hidden")
        assert judge(page) == []
        page.run("document.getElementById('work').open = true")
        assert judge(page) == []
        assert page.complaints == []


def look_at_a_segment(page: chromium.Page, job: Job) -> None:
    """Choose segments with the keyboard and with the mouse."""
    page.run("document.getElementById('grid-scroll').focus()")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight"):
        press(page, key)
    high = job.plan.video[0].name
    assert text(page, "cell-title") == f"{high}, segment 3 of {job.plan.segments}"
    page.wait("!!document.querySelector('#cell-attempts pre')")
    shown = page.run("document.getElementById('cell-attempts').textContent")
    assert f"Attempt 1 failed, another follows · 0.9 s from 0:03 · worker 4712 {job.key(2)}" in shown
    assert "another <b>line</b>" in shown  # a log is text, never markup
    press(page, "Enter")
    starts = [0.0]
    page.wait(f"{VIDEO}.currentTime > 3")
    starts = page.run(f"{VIDEO}.currentTime")
    page.run(f"{VIDEO}.pause()")
    press(page, "ArrowDown")
    assert text(page, "cell-title").startswith(job.plan.video[1].name)
    box = page.run("(({left, top}) => [left, top])(document.getElementById('grid-wide').getBoundingClientRect())")
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=box[0] + 4, y=box[1] + 4, button="left", clickCount=1)
    assert text(page, "cell-title") == f"{high}, segment 1 of {job.plan.segments}"
    page.wait(f"{VIDEO}.currentTime < 1 && {VIDEO}.currentTime < {starts}")


def press(page: chromium.Page, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text="\r" if key == "Enter" else "")


def test_a_job_that_fails_is_told_and_what_exists_plays_on(browser: chromium.Browser, stream: Path) -> None:
    job = Job(stream)
    with served(job.live, stream) as url, browser.page() as page:
        job.start()
        job.ready()
        job.make(0, 3)
        job.tell("task.started", job.key(1), 3)
        page.call("Page.navigate", url=url)
        page.wait("document.documentElement?.dataset.ready")
        page.wait(f"{VIDEO}.readyState >= 2")
        job.tell("task.failed", job.key(1), 5, message="the source is gone", data={"log": "", "exit_code": 3})
        job.tell("job.failed", after=6)
        with suppress(SourceError), job.live.ending():
            raise SourceError("source-gone", "a film.mp4 is gone", "put it back")
        page.wait("!document.getElementById('work-error').hidden")
        assert "a film.mp4 is gone" in text(page, "work-error")
        page.wait("document.getElementById('steps').textContent.replace(/\\s+/g, ' ').includes('Segments failed')")
        wait_for(lambda: counts(page)[0][3] == 1)
        page.run(f"{VIDEO}.play()")
        page.wait(f"{VIDEO}.currentTime > 0.5")
        assert judge(page) == []
        assert page.complaints == []


TRACKS = tuple(f"{number}p-{number:08x}" for number in range(12))


class LongJob(LiveStream):
    """12 tracks x 4,000 segments, of which some change all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = Cells(TRACKS, 4000, {(track, segment) for track in TRACKS for segment in range(1000)})
        self._state = "making"
        self._texts = {"master.m3u8": b"#EXTM3U\n"}
        self._next = 1000

    def _head(self, now: float) -> dict[str, Any]:
        return {
            "edition": 1, "now": now, "state": "making", "error": None, "source": "long.mp4", "report": False,
            "times": {"started": now - 9, "planned": now - 8}, "share": 0.3, "speed": 3.1, "seconds_left": 3000,
            "workers": 8,
        }  # fmt: skip

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return all."""
        attempts = [
            [n, f"video/{n:05d}/0p", 1, str(n % 8), n % 8, now - 9 + n // 8 * 0.07, now - 8.95 + n // 8 * 0.07, "d"]
            for n in range(1000)
        ]
        return self._head(now) | {
            "tracks": [{"id": track, "name": track[:4], "kind": "video"} for track in TRACKS], "segments": 4000,
            "timescale": 1, "lengths": [4000, 6], "cells": self.cells.texts(), "attempts": attempts,
        }  # fmt: skip

    def changes(self, now: float) -> dict[str, Any]:
        """Return what the last quarter of a second changed."""
        for track in TRACKS:
            self.cells.make(track, self._next)
            self.cells.change([(track, self._next + 8)], RUNNING)
        self._next += 1
        return self._head(now) | {"cells": self.cells.take_changes(), "attempts": []}

    def look(self) -> None:
        """See nothing."""


@pytest.mark.long
@pytest.mark.parametrize("near", [False, True])
def test_48_000_segments_are_drawn_in_less_than_8_ms_a_change(
    browser: chromium.Browser, tmp_path: Path, near: bool
) -> None:
    with served(LongJob(), tmp_path) as url, browser.page() as page:
        page.call("Page.navigate", url=url)
        page.wait("document.getElementById('legend')?.innerText.includes('done')")
        if near:
            page.run("document.getElementById('grid-near').click()")
        page.call("Performance.enable", timeDomain="threadTicks")  # CPU time, whatever else runs on the machine
        seen, each = text(page, "legend"), []
        for _ in range(3):  # the best of three: what else runs on the machine takes from its caches
            before = spent(page)
            time.sleep(2)
            each.append(1000 * (spent(page) - before) / (2 * 4))
        assert text(page, "legend") != seen
        assert min(each) < 8 * max(1, slowness())


def spent(page: chromium.Page) -> float:
    """Return the CPU seconds of the page's main thread in scripts, styles and layout."""
    found = {one["name"]: one["value"] for one in page.call("Performance.getMetrics")["metrics"]}
    return float(found["ScriptDuration"] + found["LayoutDuration"] + found["RecalcStyleDuration"])
