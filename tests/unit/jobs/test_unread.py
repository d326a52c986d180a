"""What `verify --source` says that it did not compare."""

from __future__ import annotations

from fractions import Fraction

import pytest

from plan_samples import plan as planned
from streamify.cli.show.summary import verified
from streamify.jobs.verify import Verification
from streamify.jobs.verify_words import unread
from streamify.model.burn import BurnPlan
from streamify.model.recipe import TextRecipe
from streamify.model.track import TextTrack

OF_STREAM = TextTrack(id="en-11111111", recipe=TextRecipe(stream=2, codec="subrip", origin=Fraction(0)), source="two")
OF_FILE = TextTrack(
    id="de-22222222", recipe=TextRecipe(file="a" * 64, codec="srt", origin=Fraction(0)), source="f.de.srt"
)


def test_tracks_of_files_but_not_of_streams() -> None:
    film = planned()[0].model_copy(update={"text": (OF_STREAM, OF_FILE)})
    [line] = unread(film, {OF_STREAM.id, OF_FILE.id})
    assert line == "the words of 1 subtitle track with f.de.srt"
    assert not [*unread(film, {OF_STREAM.id})]  # a track without a cue is not offered


@pytest.mark.parametrize(
    ("burn", "named"),
    [
        (BurnPlan(stream=3, codec="hdmv_pgs_subtitle"), "subtitle stream 3"),
        (BurnPlan(stream=3, codec="dvb_teletext", page="888", shaper="x"), "subtitle stream 3"),
        (BurnPlan(stream=3, codec="stpp", shaper="x"), "subtitle stream 3"),
        (BurnPlan(file="a" * 64, codec=".srt", name="f.srt", shaper="x"), "f.srt"),
        (BurnPlan(stream=3, codec="subrip", shaper="x"), None),
    ],
)
def test_what_is_drawn_but_for_text_that_ffmpeg_decodes(burn: BurnPlan, named: str | None) -> None:
    found = list(unread(planned()[0].model_copy(update={"burn": burn}), ()))
    if named is None:
        assert found == []
    else:
        assert [named in line for line in found] == [True]


def test_people_are_told() -> None:
    assert verified(Verification(faults=(), checks=(), unread=("a with b",)))[-1] == "Not compared: a with b"
