"""Probes a file in the process of the test: what a worker finds, without the half second that it takes to start."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from streamify.media.source.probe import probe_source
from streamify.model.source import SourceFacts, SourceRef
from streamify.planning.rate import fit_rate


def probe(path: Path) -> SourceFacts:
    """Return the facts of a source."""
    ref = SourceRef(key=path.name, size=path.stat().st_size, version="1", identity="1")
    return probe_source(lambda: path.open("rb"), ref, fit_rate, long_sound=Fraction(60)).facts
