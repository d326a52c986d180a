"""``--ladder auto-content`` leaves out what shows nothing more, and only that, whatever the source."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e.drawn import (
    Draw,
    begun_early,
    dark_at_first,
    dimmed,
    film,
    noise,
    plain,
    split_plan,
    spots,
    waves,
    written,
)  # fmt: skip
from e2e.driving import streamify as run
from streamify.model.plan import Plan
from streamify.model.settings import Engine, MediaSettings

MORE: Any = {"preset": "ultrafast", "thumbnails": "off", "poster": "off"}


def planned(source: Path, ladder: str = "auto-content") -> Plan:
    return split_plan(source, MediaSettings(ladder=ladder, preset="medium", deinterlace="off"))


def ladder(plan: Plan) -> str:
    return " ".join(track.name for track in plan.video)


def told(plan: Plan) -> str:
    (note,) = (note for note in plan.notes if "left out" in note.what)
    return f"{note.what}: {note.why}"


@pytest.mark.parametrize(
    ("draw", "more", "kept", "words"),
    [
        (waves(), {}, "360p", "left out: 480p"),
        (waves(480, 640), {}, "360p", "left out: 480p"),
        (waves(), {"pts": lambda n: n + n // 3}, "360p", "left out: 480p"),  # of variable rate
        (dimmed(waves()), {}, "480p 360p", "480p shows more than 360p: once encoded"),
        (waves(), {"count": 40}, "360p", "judged by 25 pictures"),
        (dark_at_first(waves()), {}, "360p", "left out: 480p"),
        (lambda _: waves()(0), {}, "360p", "left out: 480p"),  # pictures that stand
        (written(waves()), {}, "480p 360p", "480p shows more than 360p"),
        (spots(500, 400), {}, "480p 360p", "480p shows more than 360p"),
        (noise, {}, "480p 360p", "480p shows more than 360p"),
        (plain(16), {}, "480p 360p", "8 of a single colour"),
        (plain(120), {}, "480p 360p", "of a single colour"),
        (waves(1280, 720), {}, "480p 360p", "left out: 720p"),
        (waves(), {"count": 1}, "360p", "left out: 480p"),
        (written(waves()), {"count": 1}, "480p 360p", "480p shows more than 360p"),
        (waves(), {"count": 12, "gop": 9}, "480p 360p", "4 needed"),
        (spots(8, 8, (64, 16)), {}, "16p", "16p is the only one"),
        (waves(500, 500), {}, "360p", "left out: 500p"),
    ],
)  # fmt: skip
def test_what_is_left_out(tmp_path: Path, draw: Draw, more: dict[str, Any], kept: str, words: str) -> None:
    source = film(tmp_path / "a.mp4", draw, **more)
    plan = planned(source)
    assert ladder(plan) == kept
    assert words in told(plan)
    assert planned(source, "auto").source.detail is None


def test_interlaced_pictures_are_not_judged(tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), size=(640, 480), interlaced=True, audio=None), tmp_path).path
    plan = planned(source)
    assert ladder(plan) == "480p 360p"
    assert "interlaced pictures are not judged" in told(plan)


def test_every_engine_leaves_out_the_same_and_says_so(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", waves(), count=8)
    engines: tuple[Engine, ...] = ("inline", "local")
    files = []
    for number, engine in enumerate(engines):
        dest = tmp_path / str(number)
        report = streamify.transcode(source, dest, ladder="auto-content", engine=engine, **MORE)
        assert [track.id.split("-")[0] for track in report.tracks] == ["360p"]
        assert [note.what for note in report.notes if note.kind == "info"] == ["rungs left out: 480p"]
        files.append({path.relative_to(dest): path.read_bytes() for path in dest.rglob("*.m4s")})
    assert files[0]
    assert files[0] == files[1]
    alone = streamify.transcode(source, tmp_path / "2", ladder="360p", **MORE)
    assert [track.id for track in alone.tracks] == [track.id for track in report.tracks]
    assert "rungs left out: 480p" in run("plan", source, "--ladder", "auto-content").out


def test_the_first_segment_is_begun_before_the_ladder_is_known(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", waves())
    plan, kept = begun_early(source, MediaSettings(ladder="auto-content", preset="ultrafast"))
    assert ladder(plan) == "360p"
    assert kept
