"""The tasks of a job: each part of the stream once, what viewers want first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from plan_samples import plan, segments_of
from streamify.errors import SourceError
from streamify.jobs.agenda import Agenda
from streamify.jobs.demands import Demands
from streamify.jobs.work import video_task
from streamify.model.plan import Plan, Segment
from streamify.model.result import Blob, MediaResult, SegmentRecord
from streamify.model.task import InitTask, Task
from streamify.planning.agenda import DEMANDED, DEMANDED_SOUND, FIRST, FOLLOWING, Wanted
from streamify.planning.schedule import Group


def sample(**settings: Any) -> tuple[Plan, list[Segment]]:
    found, windows = plan(ladder="1080p,360p", segment_seconds=2, keyframe_seconds=2, **settings)
    return found, segments_of(windows)


def agenda_of(found: Plan, segments: list[Segment], demands: Demands, done: set[tuple[str, int]] | None = None) -> Any:
    return Agenda(found, segments, done or set(), 1, demands)


def result(task: Task, tracks: dict[str, range]) -> MediaResult:
    blob = Blob(key="k", size=1, sha256="0")
    records = tuple(
        SegmentRecord(track=track, segment=index, media=blob, init=blob, start=0, duration=1, frames=1)
        for track, indices in tracks.items()
        for index in indices
    )
    return MediaResult(key=task.key, records=records)


def test_without_viewers_sound_comes_first_and_then_segment_by_segment() -> None:
    found, segments = sample()
    keys = [task.key for task in agenda_of(found, segments, Demands()).rest()]
    assert keys == [
        f"audio/{found.audio[0].id}/00000",
        *(f"video/{number:05d}/1080p,360p" for number in range(found.segments)),
    ]


def test_a_viewers_segment_is_made_alone_and_what_follows_it_too() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    low = found.video[1].id
    demands.want(Wanted(low, 3))
    tasks = list(agenda.urgent())
    assert [task.key for task in tasks] == ["video/00003/360p", "video/00004/360p", "video/00005/360p"]
    assert tasks[0].priority == DEMANDED > tasks[1].priority > tasks[2].priority
    assert list(agenda.urgent()) == []
    rest = [task.key for task in agenda.rest()]
    assert [key for key in rest if key.startswith("video/0000")] == [
        "video/00000/1080p,360p", "video/00001/1080p,360p", "video/00002/1080p,360p", "video/00003/1080p",
        "video/00004/1080p", "video/00005/1080p", "video/00006/1080p,360p",
    ]  # fmt: skip


def test_what_is_made_ahead_hurries_once_a_viewer_waits_for_it() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    low = found.video[1].id
    demands.want(Wanted(low, 1))
    assert [task.key for task in agenda.urgent()] == ["video/00001/360p", "video/00002/360p", "video/00003/360p"]
    assert list(agenda.ranked()) == []
    demands.want(Wanted(low, 3))
    assert [task.key for task in agenda.urgent()] == ["video/00004/360p", "video/00005/360p"]
    assert list(agenda.ranked()) == [("video/00003/360p", DEMANDED)]
    demands.want(Wanted(low, 3))
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == []


def test_a_task_in_its_turn_that_makes_one_rung_hurries_in_place_of_being_given_out_twice() -> None:
    found, segments = sample()
    high, low = (track.id for track in found.video)
    demands = Demands()
    agenda = agenda_of(found, segments, demands, {(low, 0)})
    tasks = agenda.rest()
    keys = [next(tasks).key, next(tasks).key]
    assert keys[1] == "video/00000/1080p"
    demands.want(Wanted(high, 0))
    assert [task.key for task in agenda.urgent()] == ["video/00001/1080p", "video/00002/1080p"]
    assert list(agenda.ranked()) == [("video/00000/1080p", DEMANDED)]


def test_sound_that_is_being_made_hurries_once_a_viewer_waits_for_it() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    piece = next(agenda.rest())
    assert list(agenda.ranked()) == []
    demands.want(Wanted(found.audio[0].id, 4))
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == [(piece.key, DEMANDED_SOUND)]
    demands.want(Wanted(found.audio[0].id, 5))
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == []


def test_sound_hurries_until_the_segment_that_is_waited_for_exists() -> None:
    """A piece has many segments; what a viewer does not wait for must not take a core from his pictures."""
    found, segments = sample()
    demands, made = Demands(), set[Wanted]()
    agenda = Agenda(found, segments, set(), 1, demands, exists=made.__contains__)
    sound = found.audio[0].id
    futures = [demands.want(Wanted(sound, number)) for number in (0, 2)]
    assert agenda.patience > 1
    [piece] = agenda.urgent()
    assert piece.priority == DEMANDED_SOUND > DEMANDED
    assert agenda.patience < 0.1
    made.add(Wanted(sound, 0))
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == []  # another one is waited for
    assert [future.done() for future in futures] == [True, False]
    made.add(Wanted(sound, 2))
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == [(piece.key, FOLLOWING)]
    assert futures[1].done()
    assert agenda.patience > 1
    demands.want(Wanted(sound, 3))
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == [(piece.key, DEMANDED_SOUND)]
    agenda.failed(piece.key, SourceError("source-changed", "it did", ""))
    assert agenda.patience > 1


def test_what_all_viewers_wait_for_goes_first() -> None:
    found, segments = sample()
    demands = Demands()
    demands.want(Wanted(found.video[1].id, 0))
    first = InitTask(tracks=found.tracks, video=found.source.video, timeline=found.timeline, priority=FIRST)
    agenda = Agenda(found, segments, set(), 1, demands, first=first)
    tasks = list(agenda.urgent())
    assert [task.key for task in tasks] == ["init", "video/00000/360p", "video/00001/360p", "video/00002/360p"]
    assert tasks[0].priority > DEMANDED_SOUND > tasks[1].priority
    assert list(agenda.urgent()) == []


def test_sound_that_is_being_made_hurries_also_where_there_is_no_room_for_more_pictures() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    piece = next(agenda.rest())
    high, low = (track.id for track in found.video)
    for wanted in (Wanted(high, 6), Wanted(low, 6), Wanted(high, 0), Wanted(found.audio[0].id, 4)):
        demands.want(wanted)
    assert [task.key for task in agenda.urgent()] == ["video/00006/1080p", "video/00006/360p"]
    assert list(agenda.ranked()) == [(piece.key, DEMANDED_SOUND)]


def test_what_is_made_ahead_leaves_room_for_what_is_waited_for() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    high, low = (track.id for track in found.video)
    given = []
    for track, segment in ((high, 0), (low, 0), (high, 3), (low, 3)):
        demands.want(Wanted(track, segment))
        tasks = list(agenda.urgent())
        assert tasks[0].priority == DEMANDED
        given.append(len(tasks))
        agenda.made(result(tasks[0], {track: range(segment, segment + 1)}))
    assert given == [3, 3, 1, 1]  # four are being made ahead, and nobody waits for them


def test_what_a_viewer_asks_for_while_the_rest_goes_on_is_left_out_of_the_rest() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    rest = agenda.rest()
    next(rest), next(rest)
    demands.want(Wanted(found.video[0].id, 6))
    assert [task.key for task in agenda.urgent()] == ["video/00006/1080p"]
    assert [task.key for task in rest][-1] == "video/00006/360p"


def test_what_the_last_viewer_left_makes_room_for_where_he_went() -> None:
    """Who seeks while a segment of a large rung is made would wait for it: of equal tasks the older one goes on."""
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    high, low = (track.id for track in found.video)
    futures = [demands.want(Wanted(high, number)) for number in (0, 1)]
    left = list(agenda.urgent())[:2]
    assert not agenda.news.done()
    for number, future in enumerate(futures):
        demands.leave(Wanted(high, number), future)
    demands.want(Wanted(low, 6))
    assert agenda.news.done()
    assert [task.key for task in agenda.urgent()] == ["video/00006/360p"]
    assert dict(agenda.ranked()) == {task.key: FOLLOWING for task in left}
    demands.want(Wanted(high, 0))  # he came back
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == [("video/00000/1080p", DEMANDED)]


def test_sound_that_nobody_waits_for_any_more_hurries_no_longer() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    futures = [demands.want(Wanted(found.audio[0].id, number)) for number in (2, 5)]
    [piece] = agenda.urgent()
    demands.leave(Wanted(found.audio[0].id, 2), futures[0])
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == []
    demands.leave(Wanted(found.audio[0].id, 5), futures[1])
    assert list(agenda.urgent()) == []
    assert list(agenda.ranked()) == [(piece.key, FOLLOWING)]
    assert agenda.patience > 1


def test_more_viewers_than_cores_wait_where_they_can_leave() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    high, low = (track.id for track in found.video)
    wanted = [Wanted(track, number) for number in (6, 0) for track in (high, low)]
    futures = [demands.want(one) for one in wanted]
    tasks = list(agenda.urgent())
    assert [task.key for task in tasks] == ["video/00006/1080p", "video/00006/360p"]  # twice as many as workers
    assert not agenda.news.done()
    demands.leave(wanted[2], futures[2])
    agenda.made(result(tasks[0], {high: range(6, 7)}))
    assert agenda.news.done()
    assert next(agenda.urgent()).key == "video/00000/360p"


def test_a_piece_of_sound_is_made_once_whatever_segments_of_it_are_asked_for() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    sound = found.audio[0].id
    futures = [demands.want(Wanted(sound, number)) for number in (2, 5)]
    [task] = agenda.urgent()
    assert (task.key, task.priority) == (f"audio/{sound}/00000", DEMANDED_SOUND)
    agenda.made(result(task, {sound: range(found.segments)}))
    assert [future.exception() for future in futures] == [None, None]
    assert all(task.key.startswith("video/") for task in agenda.rest())


def test_a_failure_reaches_the_viewer_who_can_ask_again() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    wanted = Wanted(found.video[1].id, 6)
    future = demands.want(wanted)
    [task] = agenda.urgent()
    agenda.failed(task.key, SourceError("broken", "the source is broken"))
    assert isinstance(future.exception(), SourceError)
    demands.want(wanted)
    assert [task.key for task in agenda.urgent()] == ["video/00006/360p"]


def test_what_does_not_exist_is_never_made() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands, {(found.video[1].id, 3)})
    for wanted in (Wanted("nothing", 0), Wanted(found.video[1].id, found.segments), Wanted(found.video[1].id, -1)):
        demands.want(wanted)
    assert demands.want(Wanted(found.video[1].id, 3)).done()
    assert list(agenda.urgent()) == []


def test_a_segment_that_was_begun_is_not_given_out_again() -> None:
    found, segments = sample()
    low = found.video[1].id
    begun = video_task(found, segments[0], Group(0, (1,), threads=2)).model_copy(update={"priority": DEMANDED})
    demands = Demands()
    agenda = Agenda(found, segments, set(), 1, demands, begun=begun)
    waited = demands.want(Wanted(low, 0))
    assert [task.key for task in agenda.urgent()] == ["video/00001/360p", "video/00002/360p"]
    assert "video/00000/1080p" in [task.key for task in agenda.rest()]
    assert not waited.done()
    agenda.made(result(begun, {low: range(1)}))
    assert waited.done()


def test_a_segment_that_was_begun_and_failed_is_made_when_it_is_asked_for_again() -> None:
    found, segments = sample()
    low = found.video[1].id
    begun = video_task(found, segments[0], Group(0, (1,), threads=2)).model_copy(update={"priority": DEMANDED})
    demands = Demands()
    agenda = Agenda(found, segments, set(), 1, demands, begun=begun)
    waited = demands.want(Wanted(low, 0))
    list(agenda.urgent())
    agenda.failed(begun.key, SourceError("no-pictures", "nothing decodes"))
    assert isinstance(waited.exception(), SourceError)
    demands.want(Wanted(low, 0))
    assert begun.key in [task.key for task in agenda.urgent()]


def test_a_rung_that_a_viewer_wants_is_taken_out_of_a_task_that_has_not_begun() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    rest = agenda.rest()
    assert [next(rest).key for _ in range(4)][1:] == [f"video/{number:05d}/1080p,360p" for number in range(3)]
    demands.want(Wanted(found.video[1].id, 0))
    asked: list[str] = []

    def take_back(key: str) -> bool:
        asked.append(key)
        return key != "video/00001/1080p,360p"  # which has begun

    tasks = [(task.key, task.priority) for task in agenda.urgent(take_back)]
    assert asked == [f"video/{number:05d}/1080p,360p" for number in range(3)]
    assert tasks == [
        ("video/00000/360p", DEMANDED), ("video/00000/1080p", 0),
        ("video/00002/360p", FOLLOWING), ("video/00002/1080p", 0),
    ]  # fmt: skip
    assert next(rest).key == "video/00003/1080p,360p"


def test_two_rungs_that_viewers_want_are_taken_out_of_one_task_and_made_once_each() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    rest = agenda.rest()
    assert [next(rest).key for _ in range(2)][1] == "video/00000/1080p,360p"
    for track in found.video:
        demands.want(Wanted(track.id, 0))
    tasks = [task.key for task in agenda.urgent(lambda _: True) if task.key.startswith("video/00000/")]
    assert sorted(tasks) == ["video/00000/1080p", "video/00000/360p"]
    (other,) = [key for key, priority in agenda.ranked() if priority == DEMANDED]
    assert other in tasks  # what was left of the task is waited for, too


def test_a_rung_that_a_viewer_waits_for_is_made_beside_a_task_that_has_begun() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    list(agenda.rest())
    demands.want(Wanted(found.video[1].id, 0))
    assert [task.key for task in agenda.urgent(lambda _: False)] == ["video/00000/360p"]


def test_each_rung_of_a_film_is_made_once_where_nothing_has_begun() -> None:
    found, segments = sample()
    demands = Demands()
    agenda = agenda_of(found, segments, demands)
    given = {task.key: task for task in agenda.rest()}
    for segment in range(found.segments):
        demands.want(Wanted(found.video[segment % 2].id, segment))
        for task in agenda.urgent(lambda key: given.pop(key, None) is not None):
            given[task.key] = task
            if task.priority:
                agenda.made(result(task, {task.renditions[0].id: range(task.segment.index, task.segment.index + 1)}))
    made = Counter(
        (task.segment.index, track.id) for task in given.values() if task.kind == "video" for track in task.renditions
    )
    assert made == Counter((segment, track.id) for segment in range(found.segments) for track in found.video)
