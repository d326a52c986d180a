"""Ids of tracks: they change exactly where bytes may, and pinned ones guard that they do not change by accident."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import create_model

from plan_samples import AUDIO, VIDEO, facts, ids, plan
from streamify.model.burn import BurnIn
from streamify.model.recipe import Tuning
from streamify.model.settings import MediaSettings
from streamify.planning.identity import track_hash


def sound_ids(*changes: dict[str, Any]) -> list[str]:
    return ids(plan(facts(VIDEO, tuple(AUDIO | one for one in changes))))[4:]


@pytest.mark.parametrize("label", [{"title": "Director"}, {"default": True}, {"commentary": True}])
def test_labels_decide_no_byte(label: dict[str, Any]) -> None:
    assert sound_ids(label) == sound_ids({})
    found, _ = plan(facts(VIDEO, (AUDIO | label,)))
    if "default" not in label:  # one track is always the default
        assert found.audio[0].labels != plan()[0].audio[0].labels


@given(st.text(max_size=20), st.booleans(), st.booleans())
def test_no_label_of_any_kind_decides_a_byte(title: str, default: bool, commentary: bool) -> None:
    assert sound_ids({"title": title, "default": default, "commentary": commentary}) == sound_ids({})


def test_the_stream_decides_bytes() -> None:
    two = sound_ids({}, {"stream": 2})
    assert len(set(two)) == 2
    assert two[0] == sound_ids({})[0]


def test_a_new_field_at_its_default_keeps_every_url() -> None:
    found, _ = plan()
    for recipe in (found.video[0].recipe, found.audio[0].recipe):
        later: Any = create_model("Later", __base__=type(recipe), grain=(int, 0))
        before = track_hash(found.source, found.settings, found.timeline, recipe, "av 1")
        for grain, same in ((0, True), (1, False)):
            wider = later(**recipe.model_dump(), grain=grain)
            hashed = track_hash(found.source, found.settings, found.timeline, wider, "av 1")
            assert (hashed == before) is same


def test_every_field_of_a_recipe_is_hashed() -> None:
    found, _ = plan()
    for recipe in (found.video[0].recipe, found.audio[0].recipe):
        before = track_hash(found.source, found.settings, found.timeline, recipe, "av 1")
        for name, value in recipe.model_dump(exclude={"kind"}).items():
            others = {"loudness": -16.0, "range": "PQ", "tone_mapped_at": (1920, 1080), "joined": (3,)}
            others |= {"captions": True, "within": True, "burn": BurnIn(stream=3, codec="hdmv_pgs_subtitle")}
            others |= {"tuning": Tuning(ref=1)}
            other = others[name] if name in others else value + ("x" if isinstance(value, str) else 1)
            changed = recipe.model_copy(update={name: other})
            assert track_hash(found.source, found.settings, found.timeline, changed, "av 1") != before, name


def test_pinned() -> None:
    """Ids of media version 5. Other ids for the same recipe mean new URLs for every stream: is that meant?"""
    alike = ids(plan(short_start=False, preset="medium"))
    assert alike == ["1080p-d0d34bbc", "720p-23fe73e4", "480p-d29f5b85", "360p-bc15f218", "en-aac-fa710de3"]
    assert ids(plan(preset="medium")) == [
        "1080p-629344c1",
        "720p-c3a3851a",
        "480p-55d02e3a",
        "360p-63a6e3bf",
        "en-aac-49633aab",
    ]


def test_settings_of_the_grid_count() -> None:
    found, _ = plan()
    recipe = found.video[0].recipe
    hashes = {
        track_hash(found.source, MediaSettings(**one), found.timeline, recipe, "av 1")
        for one in ({}, {"segment_seconds": 4}, {"keyframe_seconds": 1}, {"preset": "fast"}, {"ladder": "720p"})
    }
    assert len(hashes) == 3  # preset and ladder come in by the recipe alone
