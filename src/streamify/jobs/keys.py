"""Keys of tasks as people write them: which part of a plan they mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from streamify.errors import UsageError
from streamify.jobs.words import TEXT, tasks_of
from streamify.jobs.work import audio_key, missing_pieces, video_key
from streamify.model.plan import Plan
from streamify.model.result import SPLIT


class Named(NamedTuple):
    """What a key means: the split, a segment in some renditions, or a piece of an audio track."""

    key: str
    """As the job itself writes it."""
    kind: str
    """``split``, ``video``, ``audio``, ``loudness`` or ``text``."""
    first: int = 0
    """Segment."""
    stop: int = 0
    """The segment after the last."""
    tracks: tuple[int, ...] = ()
    """Indices into the plan's renditions or audio tracks."""


def named(plan: Plan, text: str) -> Named:
    """Return what a key means. Of an audio track's id the beginning is enough.

    Raises:
        UsageError: ``task-unknown``, the plan has no such task; ``task-ambiguous``, it has several.
    """
    kind, *parts = text.strip("/").split("/")
    if kind == SPLIT and not parts:
        return Named(SPLIT, SPLIT)
    if kind == "video" and len(parts) == 2:
        return _video(plan, text, *parts)
    if kind in ("audio", "loudness") and len(parts) == 2:
        return _sound(plan, text, kind, *parts)
    if kind == TEXT and parts:
        for task in tasks_of(plan, plan.text):
            if task.key == text.strip("/"):
                return Named(task.key, TEXT)
    raise _unknown(plan, text, "no task is named like that")


def task_keys(plan: Plan) -> Iterator[Named]:
    """Yield the tasks of a plan: one for each segment in all renditions, one for each piece of sound."""
    everything = tuple(range(len(plan.video)))
    for segment in range(plan.segments if everything else 0):
        yield Named(video_key(plan, segment, everything), "video", segment, segment + 1, everything)
    for number, track in enumerate(plan.audio):
        for first, stop in missing_pieces(plan, track, frozenset()):
            yield Named(audio_key(track, first), "audio", first, stop, (number,))
    yield from (Named(task.key, TEXT) for task in tasks_of(plan, plan.text))


def _video(plan: Plan, text: str, segment: str, names: str) -> Named:
    index = _segment(plan, text, segment)
    numbers = []
    for name in names.split(","):
        found = [number for number, track in enumerate(plan.video) if name in (track.name, track.id)]
        if len(found) > 1:
            raise _ambiguous(text, [plan.video[number].id for number in found])
        if not found:
            known = ", ".join(track.name for track in plan.video) or "none"
            raise _unknown(plan, text, f"there is no rendition '{name}', but {known}")
        numbers += [number for number in found if number not in numbers]
    chosen = tuple(sorted(numbers))
    return Named(video_key(plan, index, chosen), "video", index, index + 1, chosen)


def _sound(plan: Plan, text: str, kind: str, track: str, segment: str) -> Named:
    index = _segment(plan, text, segment)
    ids = [item.id for item in plan.audio]
    found = [number for number, name in enumerate(ids) if name == track] or [
        number for number, name in enumerate(ids) if name.startswith(track)
    ]
    if len(found) > 1:
        raise _ambiguous(text, [ids[number] for number in found])
    if not found:
        raise _unknown(plan, text, f"there is no audio track '{track}', but {', '.join(ids) or 'none'}")
    item = plan.audio[found[0]]
    if kind == "loudness" and item.recipe.loudness is None:
        raise _unknown(plan, text, f"the loudness of {item.id} was not to be measured")
    first, stop = next((a, b) for a, b in missing_pieces(plan, item, frozenset()) if a <= index < b)
    key = audio_key(item, first)
    return Named(key if kind == "audio" else key.replace("audio/", "loudness/", 1), kind, first, stop, (found[0],))


def _segment(plan: Plan, text: str, number: str) -> int:
    if not number.isdecimal() or len(number) > 12 or int(number) >= plan.segments:
        raise _unknown(plan, text, f"segments go from 0 to {plan.segments - 1}")
    return int(number)


def _unknown(plan: Plan, text: str, why: str) -> UsageError:
    examples = [SPLIT, *(named.key for named in list(task_keys(plan))[:: max(1, plan.segments)][:2])]
    return UsageError(
        "task-unknown",
        f"there is no task '{text}': {why}",
        f"give a key such as {', '.join(examples)}; --list shows all",
    )


def _ambiguous(text: str, ids: list[str]) -> UsageError:
    return UsageError("task-ambiguous", f"'{text}' can mean {', '.join(ids)}", "give the whole id")
