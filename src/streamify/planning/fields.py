"""What becomes of interlaced pictures: how many are shown for each, and what notes say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from streamify.model.plan import Timeline
from streamify.model.settings import Deinterlace
from streamify.model.source import FieldsSeen, Note, VideoFacts
from streamify.model.text import decimal

MOST = Fraction(61, 2)
"""Pictures per second up to which both fields of each are shown: 60 are the most (HLS authoring rule 1.19)."""


def fields_shown(video: VideoFacts, wanted: Deinterlace) -> int:
    """Return how many pictures are shown for each of the source."""
    rate = video.rate or video.average_rate
    return 2 if wanted == "field" and video.mostly_interlaced and rate <= MOST else 1


def applied(video: VideoFacts, timeline: Timeline, wanted: Deinterlace) -> Deinterlace:
    """Return what is done with interlaced pictures; ``frame`` also where there are none."""
    if not video.interlaced or (wanted == "field" and timeline.fields == 1):
        return "frame"
    return wanted


def field_notes(video: VideoFacts, timeline: Timeline, wanted: Deinterlace) -> Iterator[Note]:
    """Yield what becomes of interlaced pictures and of telecine."""
    rate = video.rate or video.average_rate
    if video.interlaced:
        some = "" if video.mostly_interlaced else "some "
        flagged = f", not flagged as such, {video.combed} field first" if video.combed else ""
        done = applied(video, timeline, wanted)
        why = {
            "field": f"each field becomes a picture, {decimal(2 * rate)} a second (HLS rule 1.14)",
            "frame": "deinterlaced, one picture for each (HLS rule 1.14)",
            "off": "left as they are, by the setting deinterlace",
        }[done]
        kind = "info" if done == "off" else "converted"
        yield Note(kind=kind, what=f"{some}interlaced pictures{flagged}", why=why)  # type: ignore[arg-type]
    if video.telecine and video.interlaced:
        yield Note(kind="info", what="hard telecine: 24 pictures a second spread over fields (3:2 pulldown)",
                   why="deinterlaced like other interlaced pictures; the 24 are not taken out again")  # fmt: skip
    elif video.telecine:
        yield Note(kind="converted", what="soft telecine: flags repeat fields to make 30 pictures a second of 24",
                   why=f"the pictures are shown as they are coded, evenly, {decimal(rate)} a second")  # fmt: skip


PROOF = 4
"""Pictures that must show two moments before flags that say otherwise are doubted."""
CYCLE = 5
"""Pictures in which hard telecine repeats two fields."""


def seen_fields(video: VideoFacts, seen: Sequence[FieldsSeen]) -> VideoFacts:
    """Return the facts with what a look at some places says of fields."""
    flagged = sum(one.flagged for one in seen)
    top, bottom = sum(one.top for one in seen), sum(one.bottom for one in seen)
    most, least = max(top, bottom), min(top, bottom)
    progressive = sum(one.progressive for one in seen)
    combed = most >= PROOF and 4 * least <= most and 2 * most >= progressive
    interlaced = video.interlaced or flagged > 0 or combed
    if not interlaced:
        return video
    votes = [one.interlaced if combed else 2 * one.flagged >= max(1, one.pictures) for one in seen]
    return video.model_copy(
        update={
            "interlaced": True,
            "mostly_interlaced": 2 * sum(votes) >= len(votes),
            "combed": ("top" if top > bottom else "bottom") if combed else None,
            "telecine": _hard_telecine(seen),
        }
    )


def _hard_telecine(seen: Sequence[FieldsSeen]) -> bool:
    """Whether two of five pictures repeat a field, always the same two of the five."""
    pictures, repeated = sum(one.pictures for one in seen), sum(len(one.repeated) for one in seen)
    steady = all(len({number % CYCLE for number in one.repeated}) <= 2 for one in seen)
    return steady and pictures >= 2 * CYCLE and 3 * pictures <= 10 * repeated <= 5 * pictures
