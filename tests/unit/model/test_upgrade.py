"""State of earlier schemas: plans as Streamify wrote them (plan-schema-*.json, made by that code) are still read."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from streamify.model.plan import Plan
from streamify.model.words import CaptionsPart
from streamify.storage.saved import parse_saved

OLD = Path(__file__).with_name("plan-schema-1.json").read_text()


def test_a_plan_of_schema_1_is_read() -> None:
    plan = Plan.from_json(OLD)
    assert (plan.schema_version, plan.media_version) == (3, 1)  # the media is that of the old version
    assert [track.folder for track in plan.tracks] == [
        "video/120p-c9502874",
        "video/90p-76bf9c2a",
        "audio/und-aac-1bdfc33d",
    ]
    top, sound = plan.video[0], plan.audio[0]
    assert (top.name, top.width, top.height, top.timescale) == ("120p", 214, 120, 25)
    assert top.frame_rate == Fraction(25)
    assert (top.recipe.codec, top.recipe.crf, top.recipe.maxrate, top.recipe.bframes) == ("h264", 23, 300_000, 3)
    assert (sound.stream, sound.sample_rate, sound.timescale, sound.samples) == (1, 48_000, 48_000, 192_000)
    assert (sound.recipe.codec, sound.recipe.channels, sound.recipe.origin) == ("aac", 2, Fraction(0))
    assert sound.labels.model_dump() == {
        "name": "Les coulisses", "language": "fra", "role": "commentary", "default": False, "original": False,
    }  # fmt: skip


def test_what_is_read_is_written_in_the_new_schema() -> None:
    plan = Plan.from_json(OLD)
    assert json.loads(plan.to_json())["schema"] == 3
    assert Plan.from_json(plan.to_json()) == plan


def test_a_plan_of_schema_2_is_read() -> None:
    old = Path(__file__).with_name("plan-schema-2.json").read_text()
    plan = Plan.from_json(old)
    assert (plan.schema_version, plan.media_version) == (3, 2)
    assert [track.folder for track in plan.tracks] == [
        "video/120p-3854d47f",
        "video/90p-0255d186",
        "audio/und-aac-78bcad9b",
    ]
    assert (plan.settings.short_start, plan.timeline.opening) == (False, ())
    assert (plan.segments, plan.audio[0].recipe.piece_segments, plan.audio[0].recipe.samples) == (4, 300, 192_000)


def test_captions_that_were_collected_without_services_are_read_again() -> None:
    """A part of schema 1 has line 21 alone: services read from it would have no words."""
    part = CaptionsPart(triples=3, data="")
    assert parse_saved(CaptionsPart, part.to_json(), "part") == part
    assert parse_saved(CaptionsPart, b'{"schema":1,"triples":3,"broken":[],"data":""}', "part") is None
