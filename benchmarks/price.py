"""What films cost on AWS by the table of speeds, beside MediaConvert: ``python -m benchmarks.price`` prints the rows.

Predictions of the code that ``plan --engine aws`` uses, for films that are described and not read; needs no AWS.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from streamify.backends.aws.pricing.cost import predict_job
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.routing import choose_groups
from streamify.backends.aws.pricing.work import Load, calls
from streamify.cli.text import clock
from streamify.jobs.items import OPENING_SECONDS
from streamify.model.plan import Plan
from streamify.model.settings import MediaSettings
from streamify.model.source import SourceFacts
from streamify.planning.build import build_plan
from streamify.planning.speed import AFTER, from_table

RATE, PREROLL, MINUTE = 30, 60, 60
"""Pictures a second; pictures that are decoded before a segment: half of a source's GOP of four seconds."""
BASIC, PROFESSIONAL = 0.0075, 0.012
"""MediaConvert, US dollars for a normalised minute: SD counts once, HD twice, what is larger four times (2026-11)."""
SPEEDS = (1.0, 1.5, 2.0)
"""A vCPU of Lambda, as a multiple of the core that the table of speeds was measured on."""


class Film(NamedTuple):
    """A film that is described."""

    name: str
    minutes: int
    size: tuple[int, int]
    ladder: str
    codec: str = "h264"
    hdr: bool = False
    megabits: int = 8
    """A second, of the source."""


FOUR, SIX = "1080p,720p,480p,360p", "2160p,1440p,1080p,720p,480p,360p"
FILMS = (
    Film("1080p30, 10 min, 4 rungs", 10, (1920, 1080), FOUR),
    Film("1080p30, 1 h, 4 rungs", 60, (1920, 1080), FOUR),
    Film("2160p30 SDR, 1 h, 6 rungs", 60, (3840, 2160), SIX, megabits=40),
    Film("2160p30 HDR, 1 h, 6 rungs", 60, (3840, 2160), SIX, codec="hevc", hdr=True, megabits=40),
)


def planned(film: Film) -> Plan:
    """Return the plan of a film, with stereo sound."""
    seconds = film.minutes * MINUTE
    colour: dict[str, Any] = {"primaries": 9, "transfer": 16, "matrix": 9, "peak": 1000} if film.hdr else {}
    video = {
        "stream": 0, "codec": film.codec, "width": film.size[0], "height": film.size[1], "sample_aspect": 1,
        "pixel_format": "yuv420p10le" if film.hdr else "yuv420p", "bit_depth": 10 if film.hdr else 8, "colour": colour,
        "time_base": "1/30000", "frames": seconds * RATE, "first": 0, "end": seconds * 30_000, "rate": RATE,
        "average_rate": RATE,
    }  # fmt: skip
    audio = {"stream": 1, "codec": "aac", "sample_rate": 48_000, "channels": 2, "layout": "stereo",
             "time_base": "1/48000", "start": 0, "duration": seconds}  # fmt: skip
    facts = SourceFacts.model_validate(
        {
            "ref": {"key": "a.mp4", "size": seconds * film.megabits * 125_000, "version": "1", "identity": "0" * 32},
            "container": "mov", "duration": seconds, "access": "sliced", "scanned": False, "video": video,
            "audio": [audio],
        }
    )  # fmt: skip
    settings = MediaSettings(ladder=film.ladder)
    plan, _ = build_plan(facts, range(0, seconds * 30_000, 1000), settings, "av 1")
    return plan


def row(film: Film, speed: float) -> tuple[str, ...]:
    """Return what a film takes: cost, time until it is done and until it can be played, MediaConvert's prices."""
    plan, stack = planned(film), Deployment()
    table = from_table(plan)
    scaled = table.model_copy(
        update={
            "decode": table.decode / speed,
            "renditions": tuple(one / speed for one in table.renditions),
            "sound": table.sound / speed,
        }
    )
    pictures = film.minutes * MINUTE * RATE // plan.segments
    load = Load(pictures + PREROLL + AFTER, pictures, plan.source.ref.size // plan.segments)
    opening = round(OPENING_SECONDS * plan.segments / (film.minutes * MINUTE)) + 1
    every = list(calls(plan, [load] * plan.segments, scaled, choose_groups(plan, stack), opening=opening))
    early = predict_job(plan, every, stack, sampled=False, early=True)
    every = list(calls(plan, [load] * plan.segments, scaled, choose_groups(plan, stack)))
    found = predict_job(plan, every, stack, sampled=False)
    normal = film.minutes * sum(_times(min(track.width, track.height)) for track in plan.video)
    basic = "-" if film.hdr else f"${normal * BASIC:,.2f}"
    return (
        film.name, f"x{speed:g}", f"${found.cost.total:,.2f}", clock(found.finish_seconds),
        clock(early.playable_seconds), basic, f"${normal * PROFESSIONAL:,.2f}",
    )  # fmt: skip


def _times(lines: int) -> int:
    """Return how often MediaConvert counts a minute of so many lines."""
    return 1 if lines < 720 else 2 if lines <= 1080 else 4


def rows() -> list[str]:
    """Return the rows of the guide's table, in Markdown."""
    return [f"| {' | '.join(row(film, speed))} |" for film in FILMS for speed in SPEEDS]


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
