"""The report of a finished job: made, and read where one lies at DEST."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Literal

from streamify._version import __version__
from streamify.dest.layout import REPORT
from streamify.jobs.assemble import Assembled
from streamify.machine.cpu import cpu_facts
from streamify.model.plan import Plan
from streamify.model.report import CostReport, Fingerprint, Report
from streamify.storage.base import Storage
from streamify.storage.saved import parse_saved


@dataclass(frozen=True)
class RunTotals:
    """What one run of a job did."""

    engine: str
    """As in ``--engine``."""
    workers: int
    """Tasks that ran at the same moment, at most."""
    made: int
    """Segments x tracks that this run made."""
    reused: int
    """Segments x tracks that were there."""
    wall: float
    """Seconds of this run."""
    cpu: float
    """CPU seconds of its tasks."""
    stragglers: int = 0
    """Tasks that were begun a second time elsewhere."""
    more_memory: int = 0
    """Attempts that asked for more memory, because it had run out in earlier ones."""
    cost: CostReport | None = None
    """Where somebody asks for money."""


def make_report(plan: Plan, made: Assembled, totals: RunTotals) -> Report:
    """Return the report of a finished job."""
    model, features = cpu_facts()
    length = plan.timeline.end / plan.timeline.timescale
    return Report(
        status="complete",
        source=plan.source,
        settings=plan.settings,
        tracks=made.tracks,
        subtitles=made.words,
        manifests=made.manifests,
        certificate=made.certificate,
        chapters=plan.chapters,
        poster=made.poster,
        preview=made.preview,
        thumbnails=made.thumbnails,
        notes=tuple(dict.fromkeys((*plan.notes, *made.notes))),
        fingerprint=Fingerprint(
            streamify=__version__,
            codec_build=plan.codec_build,
            architecture=platform.machine(),
            cpu=model,
            cpu_features=features,
            python=platform.python_version(),
        ),
        engine=totals.engine,
        workers=totals.workers,
        cost=totals.cost,
        tasks_run=totals.made,
        tasks_reused=totals.reused,
        stragglers=totals.stragglers,
        more_memory=totals.more_memory,
        wall_seconds=round(totals.wall, 3),
        cpu_seconds=round(totals.cpu, 3),
        speed=round(length / totals.wall, 3) if totals.wall > 0 else 0.0,
    )


def read_report(media: Storage, *, newer: Literal["refuse", "ignore"] = "refuse") -> Report | None:
    """Return the report of the finished stream at DEST, or ``None`` where there is none that can be read.

    Args:
        media: Rooted at DEST.
        newer: What becomes of a newer schema: see `streamify.storage.saved.parse_saved`.

    Raises:
        DestinationError: ``state-newer``.
    """
    data = media.get(REPORT)
    return parse_saved(Report, data, REPORT, newer=newer) if data is not None else None
