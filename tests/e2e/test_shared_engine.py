"""Two jobs of one process over one engine: the same bytes as alone, and no worker more than was asked for."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

from clips.make import ClipSpec, make_clip
from e2e.driving import media, rungs
from streamify.backends.here import Here
from streamify.jobs.engine import Engine
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.model.settings import Settings

SETTINGS: dict[str, Any] = {
    "ladder": rungs(120), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast", "workers": 2,
}  # fmt: skip


def test_two_jobs_share_their_workers(shared: Path, tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(4), rate=Fraction(25), size=(214, 120)), shared / "clips").path
    settings = Settings(**SETTINGS)
    events: list[Event] = []

    def make(backend: Here, name: str) -> None:
        backend.transcode(
            Location.of_source(str(source)), Location.of_dest(str(tmp_path / name)), settings, events.append
        )

    make(Here(), "alone")
    alone, events[:] = {event.worker for event in events if event.worker}, []
    with Engine(settings, remote=False) as engine:
        both = [threading.Thread(target=make, args=(Here(engine=engine), name)) for name in ("a", "b")]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        make(Here(engine=engine), "later")
    workers = {event.worker for event in events if event.worker}
    assert 0 < len(workers) <= 2  # on a busy machine, one may have done all before the other was there
    assert not workers & alone
    assert media(tmp_path / "alone") == media(tmp_path / "a") == media(tmp_path / "b") == media(tmp_path / "later")
