"""Rungs that show nothing more than smaller ones are left out, from the largest downwards, and never all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.model.source import DetailSeen, RungSeen, VideoFacts
from streamify.planning.content import LEAST, LOST, WORSE, needed_rungs
from streamify.planning.ladder import choose_ladder

SIDES = (1080, 720, 480, 360)


def film(frames: int = 100, **more: Any) -> VideoFacts:
    known: dict[str, Any] = {
        "stream": 0, "codec": "h264", "width": 1920, "height": 1080, "sample_aspect": 1, "pixel_format": "yuv420p",
        "time_base": "1/25", "frames": frames, "first": 0, "end": frames, "rate": 25, "average_rate": 25,
    }  # fmt: skip
    return VideoFacts.model_validate(known | more)


def seen(*lost: int, worse: int = 0, pictures: int = LEAST, flat: int = 0) -> DetailSeen:
    rungs = [RungSeen(short_side=SIDES[n + 1], lost=one, worse=worse) for n, one in enumerate(lost)]
    return DetailSeen(pictures=pictures, flat=flat, rungs=tuple(rungs))


@pytest.mark.parametrize(
    ("detail", "video", "kept", "words"),
    [
        (seen(LOST + 1), film(), "1080p 720p 480p 360p", ("no rung", "720p: scaling costs 1.125")),
        (seen(LOST, LOST + 1), film(), "720p 480p 360p", ("left out: 1080p", "720p shows as much")),
        (seen(0, 0, LOST + 1), film(), "480p 360p", ("left out: 1080p, 720p", "480p shows as much")),
        (seen(0, worse=WORSE), film(), "720p 480p 360p", ("left out: 1080p", "once encoded 0.15 more")),
        (seen(0, worse=WORSE + 1), film(), "1080p 720p 480p 360p", ("no rung", "once encoded 0.16 more")),
        (seen(0, 0, 0), film(), "360p", ("left out: 1080p, 720p, 480p", "360p shows as much")),
        (seen(0, 0, 0, pictures=LEAST - 1), film(), "1080p 720p 480p 360p", ("no rung", f"{LEAST} needed")),
        (seen(0, 0, 0, pictures=0, flat=25), film(), "1080p 720p 480p 360p", ("no rung", "25 of a single colour")),
        (seen(0, 0, 0, pictures=1), film(1), "360p", ("left out", "judged by the picture:")),
        (seen(0, 0, 0, pictures=0, flat=1), film(1), "1080p 720p 480p 360p", ("no rung", "1 of a single colour")),
        (None, film(interlaced=True), "1080p 720p 480p 360p", ("no rung", "interlaced")),
        (None, film(), "1080p 720p 480p 360p", ("no rung", "not looked at")),
        (seen(pictures=0), film(width=320, height=180), "180p", ("no rung", "only one")),
    ],
)  # fmt: skip
def test_what_is_left_out_and_what_is_said(
    detail: DetailSeen | None, video: VideoFacts, kept: str, words: tuple[str, str]
) -> None:
    rungs, _ = choose_ladder(video, "auto-content")
    assert rungs == choose_ladder(video, "auto")[0]
    needed, (note,) = needed_rungs(rungs, detail, video)
    assert " ".join(rung.name for rung in needed) == kept
    assert words[0] in note.what
    assert words[1] in note.why


@given(
    detail=st.builds(
        seen, *[st.integers(0, 255)] * 3, worse=st.integers(0, 99), pictures=st.integers(0, 30), flat=st.integers(0, 30)
    ),
    frames=st.integers(1, 100),
)
def test_the_smallest_rung_always_stays(detail: DetailSeen, frames: int) -> None:
    rungs, _ = choose_ladder(film(), "auto-content")
    needed, _ = needed_rungs(rungs, detail, film(frames))
    assert needed == rungs[len(rungs) - len(needed) :]
    assert needed
