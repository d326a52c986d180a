"""The harness of the players, proved on a hand-made stream: a sound one is accepted, known faults are noticed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from clips.make import Clip
from clips.toy import broken_copy, make_toy
from players_harness import ALL, Browsers, Player, in_lanes, misplaced, play
from selection import sample

pytestmark = pytest.mark.players

BUSY = 500
"""Milliseconds of each 1.3 s in which the page does nothing, where it is late."""
FAULTS: list[tuple[str, Player]] = [
    ("missing", "hlsjs"), ("gap", "hlsjs"), ("gap", "shaka"), ("swapped", "native"), ("repeated", "dashjs"),
    ("repeated", "firefox"),
]  # fmt: skip
"""No gap for the native player: it places segments one behind the other as the playlist lists them, so a wrong tfdt
plays well there; the other three see it."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, Path]:
    folder = tmp_path_factory.mktemp("toy")
    return make_toy(folder, seconds=10), folder / "dest"


@pytest.fixture(scope="module")
def plays(
    request: pytest.FixtureRequest, browsers: Browsers, toy: tuple[Clip, Path]
) -> dict[str, Future[dict[str, Any]]]:
    broken = {fault: broken_copy(toy[1], fault) for fault in {fault for fault, _ in FAULTS}}
    late = broken_copy(toy[1], "late")
    kept: dict[str, Any] = {"late": BUSY, "times": toy[0].times}
    kinds: dict[str, Callable[..., dict[str, Any]]] = {
        "test_a_page_that_is_late_sees_and_hears_the_same": partial(play, browsers, toy[1], **kept),
        "test_a_page_that_is_late_notices_faults": partial(_play_broken, browsers, broken, **kept),
        "test_a_page_that_is_late_hears_a_picture_that_is_20_ms_late": partial(
            play, browsers, late, "hlsjs", "sync", **kept
        ),
        "test_the_harness_notices_faults": partial(_play_broken, browsers, broken),
        "test_the_harness_hears_a_picture_that_is_20_ms_late": partial(play, browsers, late, "hlsjs", "sync"),
    }
    return in_lanes(request, kinds)


def _play_broken(
    browsers: Browsers, broken: dict[str, Path], fault: str, player: Player, **more: Any
) -> dict[str, Any]:
    return play(browsers, broken[fault], player, timeout=40, **more)


@pytest.fixture
def played(request: pytest.FixtureRequest, plays: dict[str, Future[dict[str, Any]]]) -> dict[str, Any]:
    """What the player of this test reported."""
    return plays[request.node.nodeid].result()


@pytest.mark.parametrize("player", sample(ALL, "firefox"))
def test_the_harness_accepts_a_sound_stream(browsers: Browsers, toy: tuple[Clip, Path], player: Player) -> None:
    clip, dest = toy
    result = play(browsers, dest, player, again=True, times=clip.times)
    assert result["problems"] == []
    assert result["decoded"] == clip.frames
    assert misplaced(result, clip.times) == []


@pytest.mark.parametrize(("fault", "player"), sample(FAULTS))
def test_the_harness_notices_faults(played: dict[str, Any], toy: tuple[Clip, Path], fault: str, player: Player) -> None:
    assert played["problems"] or misplaced(played, toy[0].times)


def test_the_harness_hears_a_picture_that_is_20_ms_late(played: dict[str, Any]) -> None:
    offsets = [offset for _, offset in played["offsets"]]
    assert offsets == pytest.approx([-20] * len(offsets), abs=1)
    assert len(offsets) > 5


@pytest.mark.long
@pytest.mark.parametrize(("player", "scenario"), [("hlsjs", "sync"), ("own", "play"), ("firefox", "play")])
def test_a_page_that_is_late_sees_and_hears_the_same(
    played: dict[str, Any], toy: tuple[Clip, Path], player: Player, scenario: str
) -> None:
    """On a busy machine little is measured, but nothing wrong."""
    assert played["problems"] == []
    if scenario == "sync":
        offsets = [offset for _, offset in played["offsets"]]
        assert offsets == pytest.approx([0] * len(offsets), abs=1)
        assert len(offsets) > 1
    else:
        assert played["decoded"] == toy[0].frames
        assert len(played["shown"]) > 10
        assert misplaced(played, toy[0].times) == []


@pytest.mark.long
@pytest.mark.parametrize(("fault", "player"), [("swapped", "native"), ("repeated", "own")])
def test_a_page_that_is_late_notices_faults(
    played: dict[str, Any], toy: tuple[Clip, Path], fault: str, player: Player
) -> None:
    assert misplaced(played, toy[0].times)


@pytest.mark.long
def test_a_page_that_is_late_hears_a_picture_that_is_20_ms_late(played: dict[str, Any]) -> None:
    offsets = [offset for _, offset in played["offsets"]]
    assert offsets == pytest.approx([-20] * len(offsets), abs=1)
    assert len(offsets) > 1
