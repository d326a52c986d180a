"""The Python API: blocking functions that take paths and return frozen values.

    >>> import streamify
    >>> report = streamify.transcode("in.mp4", "out", ladder="720p,360p")  # doctest: +SKIP

Settings are keyword arguments with the names of ``docs/reference/settings.md``. Unlike the command line, the API
reads neither the environment nor ``streamify.yaml``: a program says all that it wants.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamify.errors import VerificationFailed
from streamify.model.location import Location

if TYPE_CHECKING:
    from streamify.backends.aws.pricing.cost import Prediction
    from streamify.executors.base import OnEvent
    from streamify.jobs.verify import Verification
    from streamify.model.event import Event
    from streamify.model.plan import Plan
    from streamify.model.report import Report
    from streamify.model.source import SourceFacts


def transcode(source: str | Path, dest: str | Path, *, on_event: OnEvent | None = None, **settings: Any) -> Report:
    """Turn `source` into an HLS + DASH stream at `dest`; block until it is complete. Run again, it resumes.

    Args:
        source: Path or URL (``s3://``, ``gs://``, ``az://``) of the video; never modified.
        dest: Folder of the stream, made where it does not exist, or URL of a prefix.
        on_event: Receives every `Event` of the job, in any thread; times are seconds since the epoch.
        **settings: Fields of `Settings`, such as ``ladder``, ``segment_seconds`` (seconds), ``crf``, ``workers``.

    Returns:
        What stands in ``report.json``: tracks (bytes, bits per second), certificate, notes, wall and CPU seconds.

    Raises:
        UsageError: A setting or a location is wrong.
        SourceError: The source cannot be used.
        TasksFailed: Tasks failed for good; `failures` lists each with its cause. What succeeded is kept.
        CapExceeded: The stack refuses it (``engine="aws"``).
        DestinationError: `dest` or the engine cannot be used.
        VerificationFailed: The certificate found a gap.
    """
    from streamify import control
    from streamify.settings.read import from_arguments

    chosen = from_arguments(settings)
    return control.transcode(Location.of_source(source), Location.of_dest(dest), chosen, on_event or _ignore)


def plan(source: str | Path, **settings: Any) -> Plan:
    """Return what `transcode` would do, without doing it: ladder, number of segments, predicted size in bytes.

    Raises:
        UsageError: A setting or the location is wrong.
        SourceError: The source cannot be used.
    """
    from streamify.jobs import run as jobs
    from streamify.settings.read import from_arguments

    return jobs.plan(Location.of_source(source), from_arguments(settings))


def predict(source: str | Path, **settings: Any) -> Prediction:
    """Return what transcoding `source` on AWS would cost, US dollars, and how long it would take, seconds.

    Asks AWS for the parameters of the stack (``stack``) and the account's quota, where it can be reached, and
    transcodes up to four seconds of the film on this machine, to see what its pictures cost.

    Raises:
        UsageError: A setting or the location is wrong.
        SourceError: The source cannot be used.
        CapExceeded: It would cost more than ``max_cost``, US dollars.
    """
    from streamify.backends.aws.pricing.cost import refuse_above
    from streamify.backends.aws.pricing.predict import predict_source
    from streamify.settings.read import from_arguments

    chosen = from_arguments(settings)
    _, prediction = predict_source(Location.of_source(source), chosen)
    refuse_above(prediction, chosen.max_cost)
    return prediction


def probe(source: str | Path) -> SourceFacts:
    """Return facts about a source: streams, exact rates and durations (seconds), rotation, colour, what is peculiar.

    Raises:
        UsageError: The location is of a kind that is not supported.
        SourceError: The source cannot be used.
    """
    from streamify.jobs import run as jobs

    return jobs.probe(Location.of_source(source))


def verify(dest: str | Path, source: str | Path | None = None, *, on_event: OnEvent | None = None) -> Verification:
    """Recompute the certificate of the stream at `dest` from its bytes; with `source`, compare the pictures too.

    Raises:
        VerificationFailed: Something is wrong; `faults` names each.
        UsageError: A location is of a kind that is not supported.
        DestinationError: There is no finished stream at `dest`.
    """
    from streamify.jobs.verify import verify as run

    found = run(Location.of_dest(dest), None if source is None else Location.of_source(source), on_event or _ignore)
    if found.faults:
        raise VerificationFailed(
            found.faults,
            "delete what is damaged of it, then transcode with the same settings: only what is missing is made",
        )
    return found


def _ignore(_: Event) -> None:
    """Take an event and do nothing."""
