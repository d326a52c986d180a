"""Whether a stream fits: refused where it is likely not to, warned of where its caps alone could fill the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streamify.errors import DestinationError
from streamify.jobs.disk import check_disk, planning
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.planning.estimate import likely_bytes
from streamify.storage.local import LocalStorage

DEST = Location.parse("/out")


class Disk(LocalStorage):
    def __init__(self, free: int | None) -> None:
        super().__init__(Path("/out"))
        self._free = free

    def free_bytes(self) -> int | None:
        return self._free


@pytest.fixture
def plan(stream: Path) -> Plan:
    return Plan.from_json((stream / ".streamify" / "plan.json").read_bytes())


def check(plan: Plan, free: int | None, done: int = 0, *, refuse: bool = True) -> list[str]:
    notes: list[str] = []

    def tell(kind: str, message: str, data: dict[str, Any]) -> None:
        assert kind == "note"
        assert set(data) == {"likely_bytes", "most_bytes", "free_bytes"}
        notes.append(message)

    check_disk(plan, Disk(free), DEST, done, tell, refuse=refuse)
    return notes


def test_what_a_stream_took_is_near_what_was_likely_and_far_below_its_caps(plan: Plan, stream: Path) -> None:
    took = sum(path.stat().st_size for path in stream.glob("*/*/*.m*"))
    assert took / 3 <= likely_bytes(plan) <= took * 3
    assert plan.estimate.media_bytes > 3 * took


def test_between_likely_and_most_it_warns(plan: Plan) -> None:
    likely, most = likely_bytes(plan), plan.estimate.media_bytes
    assert check(plan, most) == []
    assert check(plan, None) == []
    (note,) = check(plan, likely)
    assert 100_000 <= likely < 999_500, likely
    assert f"{likely / 1e3:.0f} kB" in note
    assert f"{most / 1e6:.1f} MB" in note


def test_below_what_is_likely_it_refuses_unless_told_not_to(plan: Plan) -> None:
    with pytest.raises(DestinationError) as caught:
        check(plan, likely_bytes(plan) - 1)
    assert (caught.value.code, "--no-disk-check" in caught.value.hint) == ("disk-too-small", True)
    assert len(check(plan, likely_bytes(plan) - 1, refuse=False)) == 1


@pytest.mark.parametrize(("refuse", "code"), [(True, "disk-too-small"), (False, "disk-full")])
def test_a_disk_that_does_not_even_hold_the_plan_is_too_small(refuse: bool, code: str) -> None:
    with pytest.raises(DestinationError) as caught, planning(Disk(4096), DEST, refuse=refuse):
        raise DestinationError("disk-full", "cannot write segments", "free space")
    assert (caught.value.code, caught.value.exit_code) == (code, 5)


def test_other_faults_of_planning_stay_what_they_are() -> None:
    with pytest.raises(DestinationError) as caught, planning(Disk(4096), DEST, refuse=True):
        raise DestinationError("storage-failed", "cannot write segments", "check the path")
    assert caught.value.code == "storage-failed"


def test_what_is_there_needs_no_room(plan: Plan) -> None:
    total = plan.segments * len(plan.tracks)
    assert check(plan, 0, done=total) == []
    check(plan, likely_bytes(plan) // 2, done=total // 2 + 1)
