"""What a release of media version 1 left at DEST: whole streams still hold, half-done jobs are planned anew."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import media, rungs, verify
from selection import sample
from streamify.model.event import Event
from streamify.model.plan import MEDIA_VERSION

SETTINGS: dict[str, Any] = {
    "ladder": rungs(120, 90), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast", "engine": "inline",
}  # fmt: skip


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(4), rate=Fraction(25), size=(214, 120), gop=25)
    return make_clip(spec, shared / "clips").path


def plan_of_schema_1(dest: Path) -> None:
    """Write the plan as media version 1 had it; tests/unit/model/plan-schema-1.json is one that it wrote itself."""
    path = dest / ".streamify" / "plan.json"
    plan = json.loads(path.read_text()) | {"schema": 1, "media_version": 1}
    for track in (*plan["video"], *plan["audio"]):
        recipe, labels = track.pop("recipe"), track.pop("labels")
        recipe.pop("codec"), recipe.pop("kind"), recipe.pop("range", None)
        recipe.pop("tuning", None), track.pop("chosen", None), track.pop("why", None)  # of later versions
        track |= recipe
        if track["kind"] == "video":
            track["name"] = labels["name"]
        else:
            track.pop("timescale")
            track |= {"language": None, "title": None, "default": labels["default"], "commentary": False}
    path.write_text(json.dumps(plan))


def other_ids(dest: Path) -> None:
    """Give every track another hash, as media version 1 did."""
    path = dest / ".streamify" / "plan.json"
    text = path.read_text()
    for folder in (*dest.glob("video/*"), *dest.glob("audio/*"), *dest.glob(".streamify/ledger/*")):
        other = f"{folder.name[:-8]}00000000"
        text = text.replace(folder.name, other)
        folder.rename(folder.with_name(other))
    path.write_text(text)


def test_verify_holds_for_a_stream_of_an_earlier_release(source: Path, tmp_path: Path) -> None:
    streamify.transcode(source, tmp_path, **SETTINGS)
    plan_of_schema_1(tmp_path)
    found = verify(tmp_path, source)
    assert found.faults == ()
    assert min(one.psnr_min for one in found.checks if one.psnr_min) > 25  # pictures were compared


@pytest.mark.parametrize("schema", sample([1, 2], 2))
def test_a_job_of_an_earlier_media_version_is_planned_anew(schema: int, source: Path, tmp_path: Path) -> None:
    streamify.transcode(source, tmp_path, **SETTINGS)
    wanted = media(tmp_path)
    plan = tmp_path / ".streamify" / "plan.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"media_version": 1}))
    if schema == 1:
        plan_of_schema_1(tmp_path)
    other_ids(tmp_path)
    for path in (tmp_path / "report.json", tmp_path / "master.m3u8", next(tmp_path.glob("video/*/00002.m4s"))):
        path.unlink()
    old = set(media(tmp_path))
    notes: list[Event] = []
    report = streamify.transcode(source, tmp_path, on_event=notes.append, **SETTINGS)
    said = [one.message for one in notes if one.kind == "note" and "planned anew" in one.message]
    assert len(said) == 1
    assert "media version 1" in said[0]
    assert f"version {MEDIA_VERSION}" in said[0]
    assert report.tasks_reused == 0
    assert {key: value for key, value in media(tmp_path).items() if key not in old} == wanted
    assert json.loads(plan.read_text())["media_version"] == MEDIA_VERSION
    assert verify(tmp_path, source).faults == ()


def test_a_job_of_the_same_media_version_goes_on(source: Path, tmp_path: Path) -> None:
    streamify.transcode(source, tmp_path, **SETTINGS)
    next(tmp_path.glob("video/*/00002.m4s")).unlink()
    notes: list[Event] = []
    report = streamify.transcode(source, tmp_path, on_event=notes.append, **SETTINGS)
    assert (report.tasks_run, report.tasks_reused) == (1, 11)
    assert not [one for one in notes if "planned anew" in one.message]
