"""States of segments, and attempts on the lanes of a timeline."""

from __future__ import annotations

import random
import re

from streamify.planning.cells import AGAIN, FAILED, RUNNING, Cells, run_lengths
from streamify.planning.lanes import KEPT, Lanes

TRACKS = ("1080p-00000001", "360p-00000002")


def told(texts: list[str]) -> list[str]:
    """Decode snapshots as a reader would."""
    return ["".join(letter * int(count) for letter, count in re.findall(r"([a-z])(\d+)", text)) for text in texts]


def test_a_segment_goes_from_waiting_to_done() -> None:
    cells = Cells(TRACKS, 4, {(TRACKS[1], 3)})
    assert cells.texts() == ["w4", "w3d1"]
    assert cells.take_changes() == []
    cells.change([(track, 0) for track in TRACKS], RUNNING)
    cells.change([(TRACKS[1], 3)], RUNNING)  # it exists: made twice it is the same
    assert cells.texts() == ["r1w3", "r1w2d1"]
    assert cells.take_changes() == [0, 1, "r", 4, 1, "r"]
    cells.make(TRACKS[0], 0)
    assert cells.state(TRACKS[0], 0) == "d"
    assert cells.take_changes() == [0, 1, "d"]


def test_a_failure_is_seen_until_another_attempt_makes_the_segment_and_told_after_that() -> None:
    cells = Cells(TRACKS, 2)
    cells.change([(TRACKS[0], 0)], AGAIN)
    cells.change([(TRACKS[0], 1)], FAILED)
    assert cells.texts() == ["a1f1", "w2"]
    cells.make(TRACKS[0], 0)
    cells.make(TRACKS[0], 1)
    cells.make(TRACKS[1], 0)
    assert cells.texts() == ["e2", "d1w1"]
    assert not cells.complete
    cells.make(TRACKS[1], 1)
    assert cells.complete


def test_when_the_job_ends_nothing_runs_any_more() -> None:
    cells = Cells(TRACKS, 3)
    cells.change([(TRACKS[0], 0)], RUNNING)
    cells.change([(TRACKS[0], 1)], AGAIN)
    cells.change([(TRACKS[0], 2)], FAILED)
    cells.stop()
    assert cells.texts() == ["w2f1", "w3"]


def test_a_snapshot_and_all_changes_after_it_give_the_state_of_every_cell() -> None:
    chance = random.Random(5)
    cells, segments = Cells(TRACKS, 50), 50
    known = list("".join(told(cells.texts())))
    for _ in range(40):
        for _ in range(chance.randrange(30)):
            cell = (chance.choice(TRACKS), chance.randrange(segments))
            if chance.random() < 0.3:
                cells.make(*cell)
            else:
                cells.change([cell], chance.choice((RUNNING, AGAIN, FAILED)))
        changes = cells.take_changes()
        for first, count, letter in zip(changes[::3], changes[1::3], changes[2::3], strict=True):
            known[int(first) : int(first) + int(count)] = str(letter) * int(count)
        assert "".join(known) == "".join(told(cells.texts()))
        assert "".join(known) == "".join(cells.state(track, n) for track in TRACKS for n in range(segments))


def test_cells_of_a_long_film_are_told_in_few_bytes() -> None:
    cells = Cells([f"track-{number:08d}" for number in range(12)], 4000)
    for segment in range(2000):
        cells.make("track-00000003", segment)
    assert len("".join(cells.texts())) < 100
    assert ("track-00000003", 3999) in cells
    assert ("track-00000003", 4000) not in cells
    assert ("other", 0) not in cells


def test_lengths_are_told_as_runs() -> None:
    assert run_lengths([180, 180, 180, 90]) == [3, 180, 1, 90]
    assert run_lengths([]) == []


def test_a_worker_keeps_its_lane_and_lanes_are_no_more_than_run_at_once() -> None:
    lanes = Lanes()
    lanes.begin("a", 1, "11", 0)
    lanes.begin("b", 1, "12", 0)
    lanes.end("a", 1, "11", 5, "finished", cpu_seconds=4.5)
    lanes.begin("c", 1, "12x", 5)  # its own worker: a lane that is free
    lanes.end("b", 1, "12", 6, "finished")
    lanes.begin("d", 1, "12", 6)
    lanes.begin("e", 1, "13", 7)
    assert [(line.task, line.lane) for line in lanes] == [("a", 0), ("b", 1), ("c", 0), ("d", 1), ("e", 2)]
    assert [line.task for line in lanes.running] == ["c", "d", "e"]
    assert [line.task for line in lanes.take_changes()] == ["a", "b", "c", "d", "e"]
    lanes.stop(9)
    assert {(line.outcome, line.ended) for line in lanes.take_changes()} == {("cancelled", 9)}


def test_an_attempt_whose_begin_was_not_told_is_kept() -> None:
    lanes = Lanes()
    lanes.end("a", 1, "", 5, "retried", message="no worker", log="log")
    [line] = lanes
    assert (line.started, line.ended, line.message, line.log) == (5, 5, "no worker", "log")


def test_the_latest_attempts_are_kept_and_those_that_run() -> None:
    lanes = Lanes()
    lanes.begin("long", 1, "1", 0)
    for number in range(3 * KEPT):
        lanes.begin(str(number), 1, "2", number)
        lanes.end(str(number), 1, "2", number + 1, "finished")
    tasks = [line.task for line in lanes]
    assert len(tasks) == KEPT
    assert tasks[0] == "long"
    assert tasks[-1] == str(3 * KEPT - 1)
    assert [line.task for line in lanes.take_changes()] == tasks
