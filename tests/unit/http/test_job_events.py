"""What a job does, as server-sent events: one snapshot, then changes; resumed where that is possible."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.driving import wait_for
from streamify.errors import SourceError
from streamify.http import job_events
from streamify.http.files import FolderFiles
from streamify.http.play import PlayServer, open_play
from streamify.jobs.found import FoundJob
from streamify.jobs.live import LiveStream
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.storage.local import LocalStorage
from unit.http.asking import ask, playing
from unit.jobs.test_progress import BORDERS, FOUND, HIGH, event, made

TASK = "video/00000/1080p"


def making() -> LiveStream:
    live = LiveStream()
    live.progress.see(event("job.started", 100))
    live.progress.planned(FOUND, BORDERS, ())
    live.progress.enter("making")
    return live


class Listener:
    """Reads events as browsers do."""

    def __init__(self, server: PlayServer, last: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._connection.request("GET", "/_play/job", headers={"Last-Event-ID": last} if last else {})
        self.answer = self._connection.getresponse()
        self.last = ""

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()
        self._connection.close()

    def next(self) -> tuple[str, dict[str, Any]] | None:
        """Return kind and document of the next event; ``None`` at the end."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line == "\n":
                if "data" in fields:
                    self.last = fields["id"]
                    return fields["event"], json.loads(fields["data"])
                fields = {}
            elif not line.startswith(":"):
                name, _, value = line.rstrip("\n").partition(": ")
                fields[name] = value
        return None


def test_a_page_gets_a_snapshot_and_then_what_changes(tmp_path: Path) -> None:
    live = making()
    with playing(tmp_path, live=live) as server, Listener(server) as page:
        assert page.answer.status == 200
        assert page.answer.getheader("Content-Type") == "text/event-stream; charset=utf-8"
        assert page.answer.getheader("Cache-Control") == "no-store"
        assert page.answer.getheader("Content-Security-Policy")
        kind, told = page.next() or ("", {})
        assert (kind, told["state"], told["cells"]) == ("snapshot", "making", ["w7", "w7", "w7"])
        live.progress.see(event("task.started", 101, TASK))
        kind, told = next_with_cells(page)
        assert (kind, told["cells"], told["attempts"][0][1]) == ("change", [0, 1, "r"], TASK)
        live.progress.see(made(102, TASK, HIGH, 0))
        kind, told = next_with_cells(page)
        assert (kind, told["cells"]) == ("change", [0, 1, "d"])


def next_with_cells(page: Listener) -> tuple[str, dict[str, Any]]:
    while (found := page.next()) is not None:
        if found[1]["cells"]:
            return found
    raise AssertionError("it ended")


def test_changes_come_at_most_four_times_a_second(tmp_path: Path) -> None:
    live, over = making(), threading.Event()

    def busy() -> None:
        for turn in range(10_000):
            if over.wait(0.005):
                return
            live.progress.see(event("task.started", 101, f"video/0000{turn % 7}/360p"))

    thread = threading.Thread(target=busy)
    with playing(tmp_path, live=live) as server, Listener(server) as page:
        page.next()
        began = time.monotonic()
        thread.start()
        for _ in range(7):
            page.next()
        took = time.monotonic() - began
        over.set()
        thread.join()
    assert took > 5 * 0.25  # five pauses, and one that may have begun before


def test_a_page_that_comes_back_goes_on_where_it_was(tmp_path: Path) -> None:
    live = making()
    with playing(tmp_path, live=live) as server:
        with Listener(server) as page, Listener(server) as other:
            page.next()
            other.next()
            live.progress.see(event("task.started", 101, TASK))
            next_with_cells(page)
            seen = page.last
            live.progress.see(made(102, TASK, HIGH, 0))
            next_with_cells(other)
            if other.last == seen:
                next_with_cells(other)
        live.progress.see(made(103, "x", HIGH, 1))  # while there is no page at all
        with Listener(server, seen) as page:
            kinds: list[str] = []
            cells: list[Any] = []
            while ["d" in cells, 1 in cells] != [True, True] or len(cells) < 6:
                kind, told = next_with_cells(page)
                kinds.append(kind)
                cells += told["cells"]
            assert set(kinds) == {"change"}
            assert cells == [0, 1, "d", 1, 1, "d"]


@pytest.mark.parametrize(
    "last", ["", "0badc0de-3", "nonsense", "-1", "{epoch}-999999", "{epoch}-²", "{epoch}-" + "9" * 400]
)
def test_a_page_of_another_server_or_with_nonsense_gets_a_snapshot(last: str, tmp_path: Path) -> None:
    with playing(tmp_path, live=making()) as server:
        with Listener(server) as first:
            first.next()
            epoch = first.last.partition("-")[0]
        with Listener(server, last.replace("{epoch}", epoch).encode().decode("latin-1")) as page:
            kind, _ = page.next() or ("", {})
            assert kind == "snapshot"


def test_a_page_that_is_behind_what_is_held_gets_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_events, "HELD_BYTES", 100)
    live = making()
    with playing(tmp_path, live=live) as server, Listener(server) as page:
        page.next()
        seen = page.last
        for segment in range(3):
            live.progress.see(made(102, "x", HIGH, segment))
            next_with_cells(page)
        with Listener(server, seen) as late:
            kind, told = late.next() or ("", {})
            assert (kind, told["cells"][0]) == ("snapshot", "d3w4")


def test_a_new_plan_is_told_as_a_snapshot(tmp_path: Path) -> None:
    live = making()
    with playing(tmp_path, live=live) as server, Listener(server) as page:
        page.next()
        live.progress.planned(FOUND, BORDERS, [(HIGH, 3)])
        while (found := page.next()) is not None and found[0] != "snapshot":
            pass
        assert found is not None
        assert found[1]["cells"][0] == "w3d1w3"


def test_silence_is_filled_with_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_events.JobEvents.__init__, "__kwdefaults__", {"every": 0.05, "keep_alive": 0.1})
    live = making()
    with playing(tmp_path, live=live) as server, Listener(server) as page:
        page.next()
        for _ in range(2):
            while not (line := page.answer.readline()).startswith(b":"):
                assert line, "it ended"
        live.progress.see(event("task.started", 101, TASK))
        next_with_cells(page)


@pytest.mark.parametrize("error", [None, SourceError("source-gone", "the source is gone", "put it back")])
def test_the_end_of_the_job_ends_the_answer(error: SourceError | None, tmp_path: Path) -> None:
    live = making()
    with playing(tmp_path, live=live) as server, Listener(server) as page:
        page.next()
        try:
            with live.ending():
                if error is not None:
                    raise error
        except SourceError:
            pass
        told: dict[str, Any] = {}
        while (found := page.next()) is not None:
            told = found[1]
        assert told["state"] == ("failed" if error else "complete")
        assert told["report"] == (error is None)
        if error:
            assert "the source is gone" in told["error"]
        with Listener(server) as late:
            kind, told = late.next() or ("", {})
            assert (kind, told["state"]) == ("snapshot", "failed" if error else "complete")
            assert late.next() is None


def test_the_server_ends_at_once_while_pages_listen(tmp_path: Path) -> None:
    with playing(tmp_path, live=making()) as server, Listener(server) as page:
        page.next()
        server.stop()
        while page.next() is not None:  # raises where the connection breaks instead of the answer ending
            pass  # and after 60 s: pages listen for as long as they are open


def test_too_many_pages_are_sent_away_and_those_that_leave_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_events, "PAGES", 2)
    with playing(tmp_path, live=making()) as server:
        with Listener(server) as first, Listener(server) as second:
            first.next()
            second.next()
            assert ask(server, "/_play/job")[:1] == (503,)

        def has_room() -> bool:
            with Listener(server) as again:
                return again.answer.status == 200

        wait_for(has_room)


def test_many_pages_are_told_the_same_from_one_encoding(tmp_path: Path) -> None:
    live = making()
    with playing(tmp_path, live=live) as server:
        pages = [Listener(server) for _ in range(50)]
        for page in pages:
            page.next()
        live.progress.see(event("task.started", 101, TASK))
        told = [next_with_cells(page)[1] for page in pages]
        assert all(one == told[0] for one in told)
        assert len({page.last for page in pages}) == 1
        for page in pages:
            page.__exit__()


@contextmanager
def found(root: Path) -> Iterator[PlayServer]:
    job = FoundJob(Location.of_dest(str(root)), LocalStorage(root), lambda _: False)
    with open_play(FolderFiles(root), "127.0.0.1", 0, log=print, job=job) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.stop()
            thread.join()


def test_of_a_finished_stream_it_is_told_that_it_is_complete(tmp_path: Path) -> None:
    (tmp_path / "master.m3u8").write_text("#EXTM3U\n")
    with found(tmp_path) as server:
        with Listener(server) as page:
            kind, told = page.next() or ("", {})
            assert (kind, told["state"], told["report"], told["tracks"]) == ("snapshot", "complete", False, [])
            assert page.next() is None
        assert ask(server, "/_play/job/x/0")[0] == 404
        assert ask(server, "/_play/job", "HEAD")[::2] == (200, b"")
        assert ask(server, "/_play/job", "POST")[0] == 405
    (tmp_path / "report.json").write_text("{}")
    with found(tmp_path) as server, Listener(server) as page:
        assert (page.next() or ("", {}))[1]["report"] is True


def test_a_segment_tells_its_attempts(tmp_path: Path) -> None:
    live = making()
    failing = Event(time=102, kind="task.retried", task=TASK, worker=7, attempt=1, message="died", data={"log": "<b>"})
    live.progress.see(event("task.started", 101, TASK))
    live.progress.see(failing)
    with playing(tmp_path, live=live) as server:
        status, headers, body = ask(server, f"/_play/job/{HIGH}/0")
        assert (status, headers["content-type"], headers["cache-control"]) == (200, "application/json", "no-store")
        told = json.loads(body)
        assert (told["state"], told["attempts"][0]["log"]) == ("a", "<b>")
        for wrong in (f"/_play/job/{HIGH}/7", "/_play/job/x/0", f"/_play/job/{HIGH}/-1", f"/_play/job/{HIGH}/x"):
            assert ask(server, wrong)[0] == 404
