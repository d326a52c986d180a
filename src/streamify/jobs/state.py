"""What lies at a DEST from earlier runs, and what a finished one leaves there."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from streamify._version import __version__
from streamify.dest.layout import LEDGER, REPORT, TRACK_FOLDERS, ledger_track, track_of
from streamify.errors import DestinationError
from streamify.jobs.assemble import Assembled
from streamify.machine.cpu import cpu_facts
from streamify.model.plan import MEDIA_VERSION, Plan
from streamify.model.report import Fingerprint, Report
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.storage.base import Storage
from streamify.tasks.plan_file import read_plan


@dataclass(frozen=True)
class Earlier:
    """The plan that an earlier run left at DEST."""

    plan: Plan | None = None
    """``None``: split again."""
    passed_over: str = ""
    """Why a plan of the same source is not used, for people; empty where there is none or it is used."""


def earlier_plan(media: Storage, ref: SourceRef, settings: Settings, dest: str) -> Earlier:
    """Return the plan at DEST where it is the one that split would make.

    Raises:
        DestinationError: DEST holds the stream of another source, or a plan that cannot be read, and is not replaced.
    """
    try:
        old = read_plan(media)
    except DestinationError:
        if not settings.replace:
            raise
        return Earlier()
    if old is None:
        return Earlier()
    if old.source.ref.identity != ref.identity:
        if settings.replace:
            return Earlier()
        raise DestinationError(
            "dest-other-source",
            f"DEST {dest} holds the stream of another source or of an earlier version of it",
            "name another DEST, or pass --replace",
        )
    why = "; ".join(_differences(old, media, ref, settings))
    return Earlier(passed_over=f"planned anew: {why}") if why else Earlier(old)


def _differences(old: Plan, media: Storage, ref: SourceRef, settings: Settings) -> Iterator[str]:
    """Yield what splitting now would do otherwise."""
    from streamify.media.build import codec_build  # which loads FFmpeg: a driver of a new job does without

    if old.media_version != MEDIA_VERSION:
        yield f"the plan at DEST is of media version {old.media_version}, this release makes version {MEDIA_VERSION}"
    if old.codec_build != codec_build():
        yield "the plan at DEST is for another codec build or kind of processor"
    if old.settings != settings.media():
        yield "its settings differ"
    if old.source.ref != ref:
        yield "the source has another name or time of change"
    if media.stat(old.segment_list) is None:
        yield "its list of segments is missing"


def known_tracks(media: Storage) -> frozenset[str]:
    """Return the ids of the tracks at DEST by its ledger, and by its report where the ledger was removed."""
    ledger = {ledger_track(one.key) for one in media.list(LEDGER)}
    report = read_report(media)
    return frozenset(ledger.union(one.id for one in report.tracks) if report is not None else ledger)


def read_report(media: Storage) -> Report | None:
    """Return the report of the finished stream at DEST, or ``None`` where there is none that can be read."""
    data = media.get(REPORT)
    try:
        return Report.from_json(data) if data is not None else None
    except ValidationError:
        return None


def remove_others(planned: Plan, media: Storage, before: frozenset[str]) -> None:
    """Remove tracks that belong to no rendition of the plan: what --replace replaced.

    Only tracks of this ledger and those of `before`, and of their folders only what Streamify writes: a user's file
    stays.
    """
    kept = {track.id for track in planned.tracks}
    ledger = {one.key: ledger_track(one.key) for one in media.list(LEDGER)}
    others = before.union(ledger.values()) - kept
    for folder in TRACK_FOLDERS if others else ():
        for one in list(media.list(folder)):
            if track_of(one.key) in others:
                media.delete(one.key)
    for key, track in ledger.items():  # last, so that a run that is cut off here can be finished by the next
        if track in others:
            media.delete(key)


def make_report(
    planned: Plan, made: Assembled, *, engine: str, workers: int, run: int, reused: int, wall: float, cpu: float
) -> Report:
    """Return the report of a finished job.

    Args:
        planned: Of the job.
        made: By assemble.
        engine: As in ``--engine``.
        workers: Tasks that ran at the same moment, at most.
        run: Segments x tracks that this run made.
        reused: Segments x tracks that were there.
        wall: Seconds of this run.
        cpu: CPU seconds of its tasks.
    """
    model, features = cpu_facts()
    length = planned.timeline.end / planned.timeline.timescale
    return Report(
        status="complete",
        source=planned.source,
        settings=planned.settings,
        tracks=made.tracks,
        manifests=made.manifests,
        certificate=made.certificate,
        notes=(*planned.notes, *made.notes),
        fingerprint=Fingerprint(
            streamify=__version__,
            codec_build=planned.codec_build,
            architecture=platform.machine(),
            cpu=model,
            cpu_features=features,
            python=platform.python_version(),
        ),
        engine=engine,
        workers=workers,
        tasks_run=run,
        tasks_reused=reused,
        wall_seconds=round(wall, 3),
        cpu_seconds=round(cpu, 3),
        speed=round(length / wall, 3) if wall > 0 else 0.0,
    )
