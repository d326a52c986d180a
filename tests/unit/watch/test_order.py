"""Which job starts next."""

from __future__ import annotations

from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.upload import Accepted
from streamify.watch.order import next_job


def upload(key: str, accepted: float, size: int) -> Accepted:
    place = Location.parse(f"/x/{key}")
    return Accepted(id=key, key=key, size=size, version="1", source=place, dest=place, settings=MediaSettings(),
                    accepted=accepted)  # fmt: skip


CLIP, FILM = upload("clip", 100, 5_000_000), upload("film", 0, 10_000_000_000)


def name(*waiting: Accepted, busy: tuple[str, ...] = ()) -> str | None:
    found = next_job(waiting, frozenset(busy))
    return found.key if found is not None else None


def test_a_clip_passes_a_film_that_came_before() -> None:
    assert name(FILM, CLIP) == "clip"


def test_clips_cannot_hold_a_film_for_ever() -> None:
    assert name(FILM, upload("late clip", 10_001, 1)) == "film"  # 10 GB count as 10,000 s


def test_of_equals_the_first() -> None:
    assert name(upload("b", 2, 7), upload("a", 1, 7)) == "a"


def test_one_job_at_a_dest() -> None:
    assert name(FILM, CLIP, busy=("clip",)) == "film"
    assert name(CLIP, busy=("clip",)) is None
    assert name() is None
