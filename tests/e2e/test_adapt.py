"""``--adapt auto`` gives screens settings of their own, whatever the source, and says so."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
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
    page,
    plain,
    split_plan,
    spots,
    waves,
    written,
)  # fmt: skip
from e2e.driving import streamify as run
from streamify.model.plan import Plan
from streamify.model.recipe import Tuning
from streamify.model.settings import Adapt, Engine, MediaSettings

MORE: Any = {"thumbnails": "off", "poster": "off"}


def small(draw: Draw) -> Draw:
    return lambda number: draw(number)[:32, :64].copy()


def tiny(draw: Draw) -> Draw:
    return lambda number: draw(number)[:16, :16].copy()


def either(first: Draw, then: Draw, after: int) -> Draw:
    return lambda number: first(number) if number < after else then(number)


def planned(source: Path, adapt: Adapt = "auto", **more: Any) -> Plan:
    return split_plan(source, MediaSettings(adapt=adapt, **more))


def searched_further(plan: Plan) -> list[str]:
    found = {track.name: track.recipe.tuning.me or "hex" for track in plan.video if track.recipe.preset == "medium"}
    assert all((found.get(track.name) == "umh") == (track.recipe.bframes == 8) for track in plan.video)
    return [f"{name} {motion}" for name, motion in found.items() if motion != "dia"]


@pytest.mark.parametrize(
    ("draw", "more", "rungs", "words"),
    [
        (page, {}, ["480p umh", "360p hex"], "5 of 5 pictures are screens"),
        (page, {"count": 1}, ["480p umh", "360p hex"], "1 of 1 picture is a screen"),
        (page, {"pts": lambda n: n + n // 3}, ["480p umh", "360p hex"], "5 of 5"),  # of variable rate
        (either(page, waves(), 1), {}, ["480p hex", "360p hex"], "1 of 5 pictures is a screen"),
        (either(waves(), page, 5), {}, ["480p hex"], "2 of 5 pictures are screens"),
        (either(waves(), page, 3), {}, ["480p umh"], "3 of 5 pictures are screens"),
        (dark_at_first(page), {}, ["480p umh"], "this rung is begun before it is known"),
        (waves(), {}, [], "nothing with edges to go by"),
        (waves(), {"count": 1}, [], "1 picture looked at"),
        (dimmed(waves()), {}, [], "nothing with edges"),
        (written(waves()), {}, [], "none of 5"),
        (spots(500, 400), {}, [], "none of 5"),
        (noise, {}, [], "none of 5"),
        (plain(16), {}, [], "5 pictures looked at: nothing with edges to go by"),
        (plain(235), {"count": 1}, [], "1 picture looked at: nothing"),
        (small(page), {}, ["32p hex"], "the first picture is a screen"),
        (small(noise), {}, [], "none of 5"),
        (tiny(page), {}, [], "nothing with edges"),
        (page, {"count": 12, "gop": 9}, ["480p umh", "360p hex"], "2 of 2"),
    ],
)  # fmt: skip
def test_what_is_taken_for_a_screen(
    tmp_path: Path, draw: Draw, more: dict[str, Any], rungs: Sequence[str], words: str
) -> None:
    source = film(tmp_path / "a.mp4", draw, **more)
    plan = planned(source)
    assert searched_further(plan) == rungs
    assert any(words in track.why for track in plan.video)
    off, x264 = planned(source, "off"), planned(source, preset="medium")
    assert searched_further(off) == []
    assert all(track.recipe.tuning == Tuning() for track in x264.video)
    assert all("--adapt off" in track.why for track in off.video)
    assert not any(track.why for track in x264.video)
    same = {track.id for track in plan.video} & {track.id for track in off.video}
    assert len(same) == len(plan.video) - len(rungs)


@pytest.mark.parametrize(
    ("name", "screen"),
    [
        ("nat_agent327_1080p24_83s.mp4", False), ("nat_bbb_1080p24_30s_aac51.mp4", False),
        ("nat_car_detection_30s.mp4", False), ("nat_vtest_79s.avi", False), ("nat_4k_dv_p10_ipt_av1_4s.mp4", False),
        ("nat_tos_battle_70s_vp8.webm", False), ("nat_testvideo_720p2997_24s_noaudio.mp4", False),
        ("hdr10_vfr_container_says_sdr.mp4", False), ("rot_180.mp4", False), ("ps_city_cc0.mpg", False),
        ("gop_hevc_open_cra_rasl.mp4", True), ("ts_mp3_720p2997_35s.ts", True),
    ],
)  # fmt: skip
def test_films_of_the_corpus(corpus: Path, tmp_path: Path, name: str, screen: bool) -> None:
    """Looked at by eye: the last two are drawn, with much text."""
    (tmp_path / name).symlink_to(corpus / name)
    assert bool(searched_further(planned(tmp_path / name))) == screen


def test_every_engine_takes_the_same_settings_and_says_so(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", dark_at_first(page))
    engines: tuple[Engine, ...] = ("inline", "local")
    files = []
    for number, engine in enumerate(engines):
        dest = tmp_path / str(number)
        report = streamify.transcode(source, dest, engine=engine, **MORE)
        chosen = {track.id.split("-")[0]: track.chosen or "" for track in report.tracks}
        assert "motion is searched further" in chosen["480p"]
        assert "bframes=8" in chosen["480p"]
        assert "bframes=5" in chosen["360p"]
        files.append({path.relative_to(dest): path.read_bytes() for path in dest.rglob("*.m4s")})
    assert files[0]
    assert files[0] == files[1]
    assert run("verify", dest, "--source", source).code == 0
    assert "motion is searched further" in run("plan", source).out
    assert "motion is searched further" not in run("plan", source, "--adapt", "off").out


@pytest.mark.parametrize("part", [{}, {"to": Fraction(1)}, {"from": Fraction(3, 5)}], ids=["whole", "to", "from"])
@pytest.mark.parametrize("draw", [page, waves(), dark_at_first(page)], ids=["screen", "film", "screen later"])
def test_the_first_segment_is_begun_before_all_pictures_are_looked_at(
    tmp_path: Path, draw: Draw, part: dict[str, Any]
) -> None:
    source = film(tmp_path / "a.mp4", draw)
    plan, kept = begun_early(source, MediaSettings(**part))
    assert plan.video == planned(source, **part).video
    assert kept


@pytest.mark.parametrize(("count", "others"), [(1, 0), (3, 2), (8, 4), (24, 4), (40, 4)])
def test_few_pictures_are_looked_at_whatever_the_length(tmp_path: Path, count: int, others: int) -> None:
    content = planned(film(tmp_path / "a.mp4", page, count=count)).source.content
    assert content is not None
    assert (content.first is not None, len(content.others)) == (True, others)


def test_places_that_are_looked_at_again_count_once(tmp_path: Path) -> None:
    """Where some pictures are interlaced and others are not, more places are looked at."""
    parts = []
    for interlaced in (False, True):
        spec = ClipSpec(size=(720, 480), interlaced=interlaced, gop=10, container="ts", audio=None)
        parts.append(make_clip(spec, tmp_path).path.read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    content = planned(tmp_path / "both.ts").source.content
    assert content is not None
    assert 12 < len(content.others) <= 16


def test_what_is_behind_damage_is_not_looked_at(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", page, count=8)
    with av.open(str(source)) as container:
        *_, (position, length) = ((packet.pos, packet.size) for packet in container.demux(video=0) if packet.size)
    assert position is not None
    data = bytearray(source.read_bytes())
    data[position + length // 2 : position + length // 2 + 40] = bytes(40)
    source.write_bytes(data)
    content = planned(source).source.content
    assert content is not None
    assert len(content.others) == 3


def test_what_comes_before_a_part_is_none_of_it(tmp_path: Path) -> None:
    """One group of pictures: to show the part, those before it are decoded."""
    part: dict[str, Any] = {"from": Fraction(4, 5)}
    source = film(tmp_path / "a.mp4", either(page, spots(500, 400), 4), gop=8)
    assert searched_further(planned(source, **part)) == []
    source = film(tmp_path / "b.mp4", either(spots(500, 400), page, 4), gop=8)
    assert searched_further(planned(source, **part)) == ["480p umh"]


def test_a_wrong_choice_is_told_with_the_right_ones(tmp_path: Path) -> None:
    (tmp_path / "streamify.yaml").write_text("adapt: on\n")
    ran = run("plan", "a.mp4", "--config", tmp_path / "streamify.yaml")
    assert ran.code == 2
    assert "adapt: should be 'auto' or 'off'" in ran.err
