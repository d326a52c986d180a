"""What viewers want goes before what they will want, and that before the rest."""

from __future__ import annotations

from plan_samples import AUDIO, VIDEO, facts, plan
from streamify.planning.agenda import AHEAD, DEMANDED, FOLLOWING, URGENT, Wanted, agenda, foreseen
from streamify.planning.budget import AUDIO_PRIORITY


def test_what_is_asked_for_comes_first_and_what_follows_it_by_nearness() -> None:
    found = list(agenda([Wanted("v", 4), Wanted("a", 4)], 100, ()))
    assert found == [
        (Wanted("v", 4), DEMANDED),
        (Wanted("a", 4), DEMANDED),
        (Wanted("v", 5), FOLLOWING + 1),
        (Wanted("a", 5), FOLLOWING + 1),
        (Wanted("v", 6), FOLLOWING),
        (Wanted("a", 6), FOLLOWING),
    ]
    assert AHEAD == 2


def test_what_exists_is_not_made_again_and_nothing_is_made_behind_the_end() -> None:
    made = {("v", 8), ("v", 9)}
    assert list(agenda([Wanted("v", 8)], 11, made)) == [(Wanted("v", 10), FOLLOWING)]
    assert list(agenda([Wanted("v", 10)], 11, made)) == [(Wanted("v", 10), DEMANDED)]
    assert list(agenda([], 11, made)) == []


def test_two_viewers_share_what_both_want() -> None:
    found = dict(agenda([Wanted("v", 3), Wanted("v", 3), Wanted("v", 4)], 100, ()))
    assert found == {
        Wanted("v", 3): DEMANDED,
        Wanted("v", 4): DEMANDED,
        Wanted("v", 5): FOLLOWING + 1,
        Wanted("v", 6): FOLLOWING,
    }


def test_priorities_leave_room_for_the_tasks_that_nobody_waits_for() -> None:
    assert AUDIO_PRIORITY < URGENT <= FOLLOWING < FOLLOWING + AHEAD - 1 < DEMANDED


def test_the_start_of_the_lowest_rung_and_of_the_default_sound_are_foreseen() -> None:
    sounds = ({**AUDIO, "stream": 2}, {**AUDIO, "default": True})
    found, _ = plan(facts(VIDEO, sounds), ladder="360p,1080p")
    default = next(track for track in found.audio if track.labels.default)
    low = next(track for track in found.video if track.name == "360p")
    assert foreseen(found.video, found.audio) == (Wanted(low.id, 0), Wanted(default.id, 0))
    assert foreseen((), found.audio) == (Wanted(default.id, 0),)
    assert foreseen(found.video, ()) == (Wanted(low.id, 0),)
