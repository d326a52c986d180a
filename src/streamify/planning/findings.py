"""What made a run take as long as it did, and what can be done about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from streamify.model.analysis import Finding, RunTime

LEAST = 0.1
"""Part of the workers' time from which a cause is named."""


def time_findings(run: RunTime, width: int) -> tuple[Finding, ...]:
    """Return the causes that cost much of the workers' time, the dearest first.

    Args:
        run: Where its time went.
        width: Segments that memory allows at the same moment; 0: not known.
    """
    whole = run.wall_seconds * run.workers
    found = list(_stages(run, whole))
    if run.engine != "aws":  # where an idle worker is no worker
        found += _idle(run)
    if run.lost:
        found.append(Finding(
            cause="attempts-lost", seconds=run.lost,
            text=f"attempts that gave no result took {_part(run.lost, whole)} of the workers' time",
            advice="see the tasks that were tried again",
        ))  # fmt: skip
    found = [one for one in found if whole and one.seconds >= LEAST * whole]
    if 0 < width < run.workers and run.engine != "aws":
        found.append(Finding(
            cause="memory-short", text=f"memory allowed {width} segments at a time, of {run.workers} workers",
            advice="give the machine more memory, or leave out the largest rungs",
        ))  # fmt: skip
    if run.paused:
        found.append(Finding(
            cause="tasks-paused", text=f"tasks stood still for {run.paused:.1f} s so that viewers' segments came first",
        ))  # fmt: skip
    return tuple(sorted(found, key=lambda one: -one.seconds))


def _stages(run: RunTime, whole: float) -> Iterator[Finding]:
    spent = run.spent
    texts = {
        "encode": ("encoding", "a faster --preset, fewer rungs (--ladder) or more cores"),
        "decode": ("decoding", "the source's codec, size or distance of keyframes makes it dear; more cores help"),
        "scale": ("scaling and converting colours", "fewer rungs (--ladder) or more cores; HDR is dear to convert"),
        "other": ("reading the index, packaging and hashes", "one whole file is dearer than one with an index"),
        "start": ("starting workers", "it does not grow with the length of the source"),
        "wait": ("waiting", "for storage, or for cores that other programs had: look at both"),
    }
    for name, (what, advice) in texts.items():
        seconds = getattr(spent, name)
        text = f"{what} took {_part(seconds, whole)} of the workers' time"
        yield Finding(cause=f"mostly-{name}", seconds=seconds, text=text, advice=advice)


def _idle(run: RunTime) -> Iterator[Finding]:
    whole, idle = run.wall_seconds * run.workers, run.idle
    texts = {
        "planning": (
            "while the source was planned",
            "it counts in short jobs, and where a source without an index is read from end to end",
        ),
        "between": (
            "while there were tasks left",
            "memory, pauses before other attempts, or other jobs of the process held them up",
        ),
        "tail": ("while the last tasks ended", "shorter segments (--segment-seconds) end more evenly"),
        "finishing": ("while the certificate and the manifests were made", "look at how fast DEST's storage is"),
    }
    for name, (when, advice) in texts.items():
        seconds = getattr(idle, name)
        text = f"workers had nothing to do for {_part(seconds, whole)} of their time, {when}"
        yield Finding(cause=f"idle-{name}", seconds=seconds, text=text, advice=advice)


def _part(seconds: float, whole: float) -> str:
    return f"{seconds / whole:.0%}" if whole else "0%"
