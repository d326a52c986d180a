"""Which rungs of a ladder show nothing that smaller ones do not."""

from __future__ import annotations

from itertools import takewhile

from streamify.errors import counted
from streamify.model.settings import Rung
from streamify.model.source import DetailSeen, Note, RungSeen, VideoFacts

LOST = 8
"""`RungSeen.lost` above which a larger rung is needed."""
WORSE = 15
"""`RungSeen.worse` above which one is."""
LEAST = 4
"""Pictures that must show something, of films that have as many."""


def needed_rungs(
    rungs: tuple[Rung, ...], detail: DetailSeen | None, video: VideoFacts
) -> tuple[tuple[Rung, ...], tuple[Note, ...]]:
    """Return a ladder without the rungs at its top that show nothing more than smaller ones; the smallest one stays.

    Args:
        rungs: Largest first.
        detail: What pictures showed; ``None``: they were not looked at.
        video: Of the source.
    """
    if len(rungs) == 1:
        return rungs, (_none(f"{rungs[0].name} is the only one"),)
    if detail is None or not detail.rungs:
        lines = "interlaced pictures are not judged: the lines of two fields look like detail"
        return rungs, (_none(lines if video.interlaced or video.telecine else "pictures were not looked at"),)
    if detail.rungs and not _as_good(detail.rungs[0]):
        return rungs, (_none(f"{rungs[0].name} shows more than {rungs[1].name}: {_lacking(detail.rungs[0])}"),)
    needed = max(1, min(LEAST, video.frames - detail.flat))
    if detail.pictures < needed:
        return rungs, (_none(_too_few(detail, needed)),)
    count = sum(1 for _ in takewhile(_as_good, detail.rungs))
    names = ", ".join(rung.name for rung in rungs[:count])
    seen = f"{detail.pictures} pictures all over the film" if detail.pictures > 1 else "the picture"
    why = f"{rungs[count].name} shows as much, judged by {seen}: {_lacking(detail.rungs[count - 1])}"
    return rungs[count:], (Note(kind="info", what=f"rungs left out: {names}", why=why),)


def _as_good(rung: RungSeen) -> bool:
    return rung.lost <= LOST and rung.worse <= WORSE


def _lacking(rung: RungSeen) -> str:
    if rung.lost > LOST:
        return f"scaling costs {rung.lost / 8:g} in squared error of luma, and may cost {LOST / 8:g}"
    return f"once encoded {rung.worse / 100:g} more in squared error of luma, where {WORSE / 100:g} counts as none"


def _too_few(detail: DetailSeen, needed: int) -> str:
    flat = f", and {detail.flat} of a single colour" if detail.flat else ""
    return f"{counted(detail.pictures, 'picture')} with any detail{flat}; {needed} needed"


def _none(why: str) -> Note:
    return Note(kind="info", what="no rung is left out", why=why)
