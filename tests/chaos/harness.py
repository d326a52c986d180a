"""Carries a run out and judges it."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from random import Random

from chaos.base import End, Field, Run
from chaos.draw import Drawn
from chaos.faults import FAULTS, Scene
from clouds import media
from e2e.driving import disk, wait_for
from streamify.jobs import verify as verifying
from streamify.model.location import Location
from streamify.model.settings import Settings

DISK = (120, 240)
"""KiB of a disk that is too small: the plan fits, the stream does not."""
ATTEMPTS = 3
"""Runs of one command in all: the first, and those that resume it."""


@dataclass
class Line:
    """What happened in a run: a line of the log."""

    engine: str
    number: int
    fault: str
    did: str = ""
    at: str = ""
    """Key of the write that was stopped, below DEST."""
    in_flight: list[str] = field(default_factory=list)
    """Tasks that had begun when the fault came."""
    ends: list[str] = field(default_factory=list)
    """How each run of the command ended."""
    rerun: int = 0
    """How often tasks began once more."""
    allowed: int = 0
    seconds: float = 0

    def __str__(self) -> str:
        return json.dumps(asdict(self))


class Harness:
    """Runs on one engine, over one undisturbed stream that all others must equal."""

    def __init__(self, engine: Field, more: Mapping[str, Callable[[Scene], str]] | None = None) -> None:
        self._engine = engine
        self._faults = {**FAULTS, **(more or {})}
        gate, dest = engine.gate, f"{engine.media}/undisturbed"
        gate.arm("undisturbed", 0)
        end = engine.start(engine.source, dest).end()
        assert end.done, end.said
        self.writes = gate.writes
        self.wanted = media(dest)
        assert len(self.wanted) > 10

    def carry_out(self, drawn: Drawn) -> Line:
        """Make a stream with a fault in the middle; resume it until it is whole; make sure that it is."""
        if drawn.fault == "full":
            return self._fill(drawn)
        began, engine = time.monotonic(), self._engine
        name = f"{drawn.engine}-{drawn.number}"
        dest, line = f"{engine.media}/{name}", Line(drawn.engine, drawn.number, drawn.fault)
        stop = engine.gate.arm(name, drawn.write)
        runs = [engine.start(engine.source, dest)]
        scene: Scene | None = None
        try:
            wait_for(lambda: stop.held.is_set() or runs[0].over(), 120)
            if stop.held.is_set():
                flying = wait_for(runs[0].flying)
                line.in_flight, line.at = sorted(flying), stop.key.removeprefix(f"{name}/")
                scene = Scene(engine, runs[0], stop, victim(flying, line.at), Random(drawn.seed))
                line.did = self._faults[drawn.fault](scene)
            self._resume(runs, dest, line, scene)
        finally:
            stop.open()
            for run in runs:
                with suppress(OSError):
                    run.kill()
            engine.gate.heal()
            engine.mend()
        self.judge(dest, line, runs, scene.faults if scene is not None else 0)
        line.seconds = round(time.monotonic() - began, 1)
        return line

    def _fill(self, drawn: Drawn) -> Line:
        """Make a stream on a disk that is too small for it; give it room, and resume."""
        began, engine, dice = time.monotonic(), self._engine, Random(drawn.seed)
        kib = dice.randrange(*DISK, 4)
        line = Line(drawn.engine, drawn.number, drawn.fault, f"let a disk of {kib} KiB fill up")
        with disk(engine.folder(f"disk-{drawn.number}"), f"size={kib}k") as folder:
            dest = str(folder / "dest")
            runs: list[Run] = [engine.start(str(engine.clip), dest, "--no-disk-check")]
            try:
                self._end(runs[0], line)
                if "disk-full" in runs[0].codes():
                    line.in_flight = runs[0].failed()
                subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
                runs.append(engine.start(str(engine.clip), dest))
                end = self._end(runs[-1], line)
                assert end.done, (line, end.said)
            finally:
                for run in runs:
                    run.kill()
            self.judge(dest, line, runs, 1)
            assert not list(folder.rglob(".tmp-*"))
        line.seconds = round(time.monotonic() - began, 1)
        return line

    def _resume(self, runs: list[Run], dest: str, line: Line, scene: Scene | None) -> None:
        """Wait for the end; run the same command again until the stream is made."""
        engine = self._engine
        end = self._end(runs[-1], line)
        while not end.done:
            assert len(runs) < ATTEMPTS, line
            if scene is not None and scene.after and scene.stop.opened.is_set():
                scene.after = []
            engine.gate.heal()
            engine.mend()
            runs.append(engine.start(engine.source, dest, clock=scene.clock if scene is not None else 0))
            if scene is not None:
                scene.clock = 0
            end = self._end(runs[-1], line)
        for act in scene.after if scene is not None else ():
            act()
        engine.gate.settle()

    def _end(self, run: Run, line: Line) -> End:
        end = run.end()
        line.ends.append("done" if end.done else "killed" if end.killed else end.code)
        assert end.clean, (line, end.said)
        return end

    def judge(self, dest: str, line: Line, runs: list[Run], faults: int) -> None:
        """Make sure that a stream is the undisturbed one, and that no task ran more often than faults explain."""
        assert media(dest) == self.wanted, line
        verifying.verify(Location.of_dest(dest), None, settings=Settings(engine="inline")).check()
        tries = sum((run.tries() for run in runs), Counter[str]())
        del tries["split"]  # of every run that found no plan
        line.rerun = sum(tries.values()) - len(tries)
        failed = sum(len(run.failed()) for run in runs)  # each made room for a task that the end of the job met
        line.allowed = faults * self._engine.places + failed
        assert line.rerun <= line.allowed, (line, tries)


def victim(flying: Mapping[str, int], key: str) -> int:
    """Return the process that has the task which wrote a key, as far as its name tells."""
    kind = "audio/" if "aac" in key else "video/"
    number = key.rpartition("/")[2].partition(".")[0]
    named = [task for task in flying if task.startswith(kind)]
    exact = [task for task in named if kind == "audio/" or f"/{number}/" in task]
    return flying[(exact or named or sorted(flying))[0]]
