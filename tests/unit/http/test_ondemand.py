"""Answers that wait for a segment that is being made."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from pathlib import Path

import pytest
from starlette.exceptions import HTTPException

from streamify.errors import StreamifyError
from streamify.http import ondemand
from streamify.http.files import FolderFiles, Served, StaticSite
from streamify.http.ondemand import OnDemandSite
from streamify.http.threads import Threads
from streamify.jobs.live import LiveStream
from streamify.planning.agenda import Wanted

PARTS = ["video", "360p-01234567", "00000.m4s"]


class Making(LiveStream):
    """A stream of which one segment is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._state = "making"
        self.asked: list[Future[None]] = []

    def wanted(self, key: str) -> Wanted | None:
        return Wanted("360p", 0) if key == "/".join(PARTS) else None


async def answer(site: OnDemandSite, live: Making, root: Path, end: StreamifyError | None) -> Served | None:
    asked = asyncio.ensure_future(site.find(PARTS))
    while not live.demands.news.done():  # the segment is asked for
        await asyncio.sleep(0.001)
    if end is None:
        (root / "/".join(PARTS)).parent.mkdir(parents=True)
        (root / "/".join(PARTS)).write_bytes(b"segment")
        live.demands.made([("360p", 0)])
    else:
        live.demands.close(end)
    return await asked


@pytest.mark.parametrize("failed", [False, True])
def test_an_answer_comes_when_the_segment_is_made_not_at_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, failed: bool
) -> None:
    monkeypatch.setattr(ondemand, "_POLL", 1000)
    monkeypatch.setattr(ondemand, "LONGEST_WAIT", 900)
    live, threads = Making(), Threads()
    site = OnDemandSite(StaticSite(FolderFiles(tmp_path), threads), live, threads)
    error = StreamifyError("source-changed", "it did")

    async def ask() -> Served | None:
        async with asyncio.timeout(120):
            return await answer(site, live, tmp_path, error if failed else None)

    if failed:
        with pytest.raises(StreamifyError, match="it did"):
            asyncio.run(ask())
    else:
        found = asyncio.run(ask())
        assert found is not None
        assert found.size == 7


def test_an_answer_ends_before_players_give_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ondemand, "LONGEST_WAIT", 0.1)
    live, threads = Making(), Threads()
    site = OnDemandSite(StaticSite(FolderFiles(tmp_path), threads), live, threads)
    with pytest.raises(HTTPException) as raised:
        asyncio.run(site.find(PARTS))
    assert raised.value.status_code == 503
    assert raised.value.headers == {"Retry-After": "1"}
