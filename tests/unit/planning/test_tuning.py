"""Our own presets: which rows rungs get, what of them reaches the encoder, and what people are told."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import get_args

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_samples import facts, ids, plan
from streamify.codecs.h264 import H264
from streamify.model.recipe import Tuning
from streamify.model.settings import Adapt, MediaSettings, Preset, X264Preset
from streamify.model.source import ContentSeen, PictureSeen
from streamify.planning.agenda import foreseen
from streamify.planning.build import with_content
from streamify.planning.tuning import Row, choose_row

FILMED, SCREEN, NOTHING = (PictureSeen(edges=edges, plain=plain) for edges, plain in [(450, 60), (78, 59), (0, 0)])
LINE = PictureSeen(edges=15, plain=14)
"""Credits on black: they have few blocks with edges."""


def row_of(preset: Preset, *content: PictureSeen, lowest: bool = False, adapt: Adapt = "auto") -> Row:
    return choose_row(MediaSettings(preset=preset, adapt=adapt), seen_of(content), lowest=lowest)


def seen_of(content: Sequence[PictureSeen]) -> ContentSeen | None:
    return ContentSeen(first=content[0], others=tuple(content[1:])) if content else None


OWN = [one for one in get_args(Preset) if one not in get_args(X264Preset)]


@pytest.mark.parametrize("preset", get_args(X264Preset))
def test_presets_of_x264_stay_as_they_are(preset: X264Preset) -> None:
    found, _ = plan(preset=preset)
    assert {track.recipe.preset for track in found.video} == {preset}
    assert not any(H264().words(track.recipe.tuning) or track.chosen for track in found.video)


def test_what_differs_is_part_of_the_url() -> None:
    assert not set(ids(plan(preset="medium"))[:4]) & set(ids(plan(preset="balanced"))[:4])


@pytest.mark.parametrize("preset", OWN)
def test_people_are_told_what_a_preset_of_our_own_stands_for(preset: Preset) -> None:
    found, _ = plan(preset=preset)
    for track in found.video:
        row = row_of(preset)
        assert track.chosen.startswith(f"{preset} is {row.preset} with ")
        for name, value in H264().words(row.tuning).items():
            assert f"{name}={value}" in track.chosen


@pytest.mark.parametrize("preset", get_args(Preset))
def test_the_run_of_b_pictures_is_told_once(preset: Preset) -> None:
    found, _ = plan(preset=preset)
    for track in found.video:
        tuning = row_of(preset).tuning
        assert track.recipe.bframes == (tuning.bframes or H264().bframes(track.recipe.preset))
        assert f":bframes={track.recipe.bframes}:" in H264().options(track.recipe, track.timescale)["x264-params"]


@pytest.mark.parametrize(
    ("content", "motion", "lowest", "words"),
    [
        ((), "dia", "dia", "no picture was looked at"),
        ((FILMED,), "dia", "dia", "the picture shows no screen"),
        ((NOTHING,), "dia", "dia", "1 picture looked at: nothing with edges to go by"),
        ((NOTHING, NOTHING), "dia", "dia", "2 pictures looked at: nothing with edges to go by"),
        ((FILMED, LINE, NOTHING), "dia", "dia", "none of 3 pictures is a screen"),
        ((SCREEN, SCREEN), "umh", None, "2 of 2 pictures are screens"),
        ((SCREEN, FILMED), None, None, "1 of 2 pictures is a screen"),
        ((FILMED, SCREEN), None, "dia", "1 of 2 pictures is a screen"),
        ((NOTHING, SCREEN, SCREEN), "umh", "dia", "2 of 3 pictures are screens"),
        ((SCREEN,), "umh", None, "1 of 1 picture is a screen"),
    ],
)
def test_screens_are_searched_further_for_motion(
    content: tuple[PictureSeen, ...], motion: str | None, lowest: str | None, words: str
) -> None:
    row, first = row_of("balanced", *content), row_of("balanced", *content, lowest=True)
    assert (row.tuning.me, first.tuning.me) == (motion, lowest)
    assert (row.tuning.bframes, first.tuning.bframes) == (8 if motion == "umh" else 5, 5)
    assert words in row.why
    assert ("measured" in row.why) == (motion == "dia")
    off = row_of("balanced", *content, adapt="off")
    assert off.tuning == row_of("balanced").tuning
    assert "--adapt off" in off.why


@pytest.mark.parametrize(
    ("edges", "plain", "screen"), [(80, 40, True), (78, 39, False), (81, 40, False), (1000, 500, True), (0, 0, False)]
)
def test_what_is_just_a_screen(edges: int, plain: int, screen: bool) -> None:
    """Text in 40 blocks of 1,000, and in half of those with an edge."""
    row = row_of("balanced", PictureSeen(edges=edges, plain=plain))
    assert (row.tuning.me == "umh") == screen


@pytest.mark.parametrize("preset", OWN)
def test_screens_have_one_row_beside_the_preset(preset: Preset) -> None:
    """The best choice of runs of eight B pictures takes a fifth more bits where a page scrolls."""
    film, screen = row_of(preset).tuning, row_of(preset, SCREEN).tuning
    differs = {"me": "umh", "merange": 64, "aq_strength": 0.9, "bframes": 8, "b_adapt": None, "chroma_qp_offset": None}
    assert screen == film.model_copy(update=differs | {"ref": 1 if preset == "eco" else None})


def test_work_that_is_begun_before_any_picture_was_looked_at_goes_by_none() -> None:
    content = ContentSeen(others=(SCREEN, SCREEN))
    first = choose_row(MediaSettings(), content, lowest=True)
    assert (first.tuning.me, choose_row(MediaSettings(), content, lowest=False).tuning.me) == ("dia", "umh")
    assert "begun before" in first.why


@given(
    st.booleans(),
    st.lists(st.builds(PictureSeen, edges=st.integers(0, 1000), plain=st.integers(0, 1000)), max_size=20),
)  # fmt: skip
def test_presets_of_x264_do_not_go_by_pictures(lowest: bool, content: list[PictureSeen]) -> None:
    for preset in get_args(X264Preset):
        assert row_of(preset, *content, lowest=lowest) == Row(preset, Tuning(), "")


@pytest.mark.parametrize("content", [(), (FILMED,), (SCREEN,), (FILMED, SCREEN), (SCREEN, FILMED)])
@pytest.mark.parametrize("ladder", ["auto", "720p", "360p,240p"])
def test_a_plan_takes_what_pictures_show_later(content: tuple[PictureSeen, ...], ladder: str) -> None:
    """What is begun before, the first segment of the lowest rung, is the same in both."""
    first = ContentSeen(first=content[0]) if content else None
    draft, _ = plan(facts().model_copy(update={"content": first}), ladder=ladder)
    whole, _ = plan(facts().model_copy(update={"content": seen_of(content)}), ladder=ladder)
    assert with_content(draft, whole.source) == whole
    assert foreseen(draft.video, ()) == foreseen(whole.video, ())
    changed = {track.name for track in whole.video if track.recipe.tuning.me != "dia"}
    assert bool(changed) == (SCREEN in content and (len(whole.video) > 1 or SCREEN in content[:1]))


@pytest.mark.parametrize("content", [(), (SCREEN,)])
@pytest.mark.parametrize("preset", OWN)
def test_x264_takes_every_word(preset: Preset, content: tuple[PictureSeen, ...]) -> None:
    """It says nothing of words that it does not know, but writes what it made of all of them into its SEI message."""
    row = row_of(preset, *content)
    words = H264().words(row.tuning)
    options = {"preset": row.preset, "x264-params": ":".join(f"{name}={value}" for name, value in words.items())}
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.options = 64, 64, "yuv420p", options
    encoder.framerate, encoder.time_base = Fraction(25), Fraction(1, 25)
    frame = av.VideoFrame(64, 64, "yuv420p")
    frame.pts = 0
    data = b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
    told = data.decode("latin-1")
    names = {
        "mixed-refs": "mixed_ref",
        "merange": "me_range",
        "rc-lookahead": "rc_lookahead",
        "dct-decimate": "decimate",
    }
    written = {  # x264_param2string
        "aq-mode": lambda value: f" aq={value}:",
        "aq-strength": lambda value: f":{float(value):.2f}",  # as in aq=1:0.80
        "psy-rd": lambda value: f" psy_rd={float(value):.2f}:",
        "deblock": lambda value: f" deblock=1:{value}:{value} ",
        "chroma-qp-offset": lambda value: f" chroma_qp_offset={int(value) - 2} ",  # x264 takes off 2 for psy-rd
    }
    for name, value in words.items():
        as_they_are = f" {names.get(name, name.replace('-', '_'))}={value} "
        wanted = written[name](value) if name in written else as_they_are
        assert wanted in (told.split(" aq=")[1].split(" ")[0] if name == "aq-strength" else told), name
