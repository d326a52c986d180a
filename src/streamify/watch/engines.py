"""The engine that jobs share while any of them runs: an idle `watch` keeps no worker, and memory is looked at anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from streamify.jobs.engine import Engine, Share, Turn
from streamify.model.settings import Settings


class Engines:
    """Opens an engine for the first job and closes it behind the last.

    Args:
        settings: ``engine`` and ``workers`` are those of all jobs.
        remote: Whether any of their sources or streams lies in an object store.
    """

    def __init__(self, settings: Settings, *, remote: bool) -> None:
        self._settings, self._remote = settings, remote
        self._lock = Lock()
        self._engine: Engine | None = None
        self._users = 0

    @contextmanager
    def share(self, turn: float) -> Iterator[Share | None]:
        """Give a job its share; ``None`` on AWS, where each job has an engine of its own. For `turn` see `Turn`."""
        if self._settings.engine == "aws":
            yield None
            return
        with self._lock:
            if self._engine is None:
                self._engine = Engine(self._settings, remote=self._remote)
            self._users += 1  # only now: a cluster may not be there
            engine = self._engine
        try:
            yield Turn(engine, turn)
        finally:
            with self._lock:
                self._users -= 1
                last = self._users == 0
                if last:
                    self._engine = None
            if last:
                engine.close()
