"""The tasks of a job in the order in which they should start: what viewers want, then what else is missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

from streamify.errors import StreamifyError
from streamify.jobs.demands import Demands
from streamify.jobs.opening import Opening, Segments
from streamify.jobs.work import audio_key, audio_task, missing_pieces, missing_renditions, video_task
from streamify.model.plan import Plan
from streamify.model.result import MediaResult
from streamify.model.task import Task, VideoTask
from streamify.model.track import AudioTrack
from streamify.planning.agenda import DEMANDED, DEMANDED_SOUND, FOLLOWING, MOST_AHEAD, Wanted, agenda
from streamify.planning.lead import OPENING
from streamify.planning.schedule import Group, schedule

_LOOK = 0.02
"""Seconds after which it is looked again for a segment of sound whose piece is being made."""


class Agenda:
    """Gives out the tasks of one job, each part of the stream once.

    Args:
        plan: Of the job.
        segments: Of the plan.
        done: (track, segment) of everything that exists.
        workers: Segments that are transcoded at the same moment.
        demands: Of viewers.
        early: The stream is published while it is made: what a viewer needs who starts now comes first.
        first: Given out before all others.
        begun: Makes one segment, and was given out before.
        exists: Tells whether a segment of sound exists; asked while its piece is being made and a viewer waits for it.
    """

    def __init__(
        self,
        plan: Plan,
        segments: Segments,
        done: Iterable[tuple[str, int]],
        workers: int,
        demands: Demands,
        *,
        early: bool = False,
        first: Task | None = None,
        begun: VideoTask | None = None,
        exists: Callable[[Wanted], bool] = lambda _: False,
    ) -> None:
        self._plan, self._segments, self._workers, self._demands = plan, segments, workers, demands
        self._taken = set(done)  # that exists, or is being made on a viewer's behalf
        self._numbers = {track.id: number for number, track in enumerate(plan.video)}
        self._sounds = {track.id: track for track in plan.audio}
        self._pieces: set[str] = set()  # keys of the audio tasks that were given out
        self._promised: dict[str, tuple[Wanted, ...]] = {}
        self._ranked: dict[str, int] = {}  # new priority by key, of tasks that were given out
        self._sought: dict[Wanted, str] = {}  # sound that viewers wait for, and the piece that is being made of it
        self._first, self._exists_now = first, exists
        self._urgent: dict[str, int] = {}  # priority by key, of tasks on behalf of viewers that have not ended
        self._shared: dict[int, tuple[str, tuple[int, ...]]] = {}  # tasks of several rungs given out, by segment
        self._opening = Opening(plan, segments, self._taken) if early else None
        demands.made(self._taken)
        if begun is not None:
            self._promise(begun, Wanted(begun.renditions[0].id, begun.segment.index))
            self._urgent[begun.key] = begun.priority

    @property
    def news(self) -> Future[None]:
        """Done when `urgent` has something new and may give it out."""
        return self._demands.news if self._room or self._demands.any_left else Future()

    @property
    def _room(self) -> int:
        """How many more segments that viewers wait for may be made; others wait where their viewers can leave."""
        return max(0, 2 * self._workers - self._given_out(lambda priority: priority >= DEMANDED))

    @property
    def patience(self) -> float:
        """See `streamify.jobs.engine.Urgent`."""
        return _LOOK if self._sought else float("inf")

    def rest(self) -> Iterator[Task]:
        """Yield the tasks that make what is missing, in the order in which one machine should start them."""
        opening = self._opening
        missing = ((track, *piece) for track in self._plan.audio for piece in self._missing(track))
        if opening is None:
            yield from self._sound(deque(missing), self._plan.segments)
            yield from self._pictures()
            return
        sound, pictures = deque(sorted(missing, key=lambda piece: piece[1])), self._pictures()
        while True:
            yield from self._sound(sound, opening.reached)
            alone = opening.alone()
            task = self._task(alone) if alone is not None else next(pictures, None)
            if task is None:
                break
            yield task if alone is None else task.model_copy(update={"priority": OPENING})
        yield from self._sound(sound, self._plan.segments)

    def _missing(self, track: AudioTrack) -> list[tuple[int, int]]:
        return list(missing_pieces(self._plan, track, self._taken))

    def _sound(self, pieces: deque[tuple[AudioTrack, int, int]], before: int) -> Iterator[Task]:
        """Yield the tasks of pieces that begin before a segment."""
        while pieces and pieces[0][1] < before:
            track, first, stop = pieces.popleft()
            if audio_key(track, first) not in self._pieces:
                task = self._piece(track, first, stop)
                opens = self._opening is not None and first == 0
                yield task.model_copy(update={"priority": OPENING}) if opens else task

    def _pictures(self) -> Iterator[Task]:
        missing = missing_renditions(self._plan, self._taken)
        for group in schedule(missing, self._workers, lambda index: self._segments[index].weight):
            lacks = tuple(number for number in group.renditions if not self._has(number, group.segment))
            if lacks:
                if self._opening is not None:
                    self._opening.handed_out(group.segment)
                yield self._several(replace(group, renditions=lacks, threads=min(group.threads, len(lacks))))

    def _several(self, group: Group) -> Task:
        """Return the task of a segment in some rungs, in its turn."""
        task = video_task(self._plan, self._segments[group.segment], group)
        if len(group.renditions) == 1:  # else a viewer who waits for one rung would wait for all of them
            self._promise(task, Wanted(self._plan.video[group.renditions[0]].id, group.segment))
        else:
            self._shared[group.segment] = task.key, group.renditions
        return task

    def urgent(self, take_back: Callable[[str], bool] = lambda _: False) -> Iterator[Task]:
        """Yield tasks for what viewers wait for, as many as there is room for, and for what they will want next.

        What waits in its turn as part of a task of several rungs is taken out of that one, so that it is made once.
        """
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        self._look()
        self._calm(self._demands.let_go())
        asked = [wanted for wanted in self._demands.take(self._room, self._sounds_soon) if self._exists(wanted)]
        self._hurry(asked)
        for wanted, priority in agenda(asked, self._plan.segments, self._taken):
            if priority == DEMANDED and wanted.track in self._sounds:
                priority, self._sought[wanted] = DEMANDED_SOUND, self._piece_key(wanted)
            if self._sounds_soon(wanted):
                key = self._piece_key(wanted)
                if self._urgent.get(key, 0) < priority:
                    self._urgent[key] = self._ranked[key] = priority
                continue
            if wanted in self._taken:  # what is left of a task that another rung was taken out of makes it
                if priority >= DEMANDED:
                    self._hurry([wanted])
                continue
            ahead = self._given_out(lambda priority: priority < DEMANDED)
            if priority < DEMANDED and ahead >= MOST_AHEAD * self._workers:
                continue  # what viewers wait for leaves no time for it
            shared = self._shared_by(wanted)
            rest = self._taken_out(wanted, shared, take_back) if shared is not None else None
            if shared is not None and rest is None and priority < DEMANDED:
                continue  # it is being made
            task = self._task(wanted)
            if task is not None:
                self._urgent[task.key] = priority
                yield task.model_copy(update={"priority": priority})
            if rest is not None:
                yield rest

    def _shared_by(self, wanted: Wanted) -> str | None:
        """Return the key of the task of several rungs that was given out and makes a segment of pictures."""
        key, renditions = self._shared.get(wanted.segment, (None, ()))
        return key if self._numbers.get(wanted.track) in renditions else None

    def _taken_out(self, wanted: Wanted, key: str, take_back: Callable[[str], bool]) -> Task | None:
        """Take a task back; return one of what is left of it without a rung. ``None``: it has begun."""
        if not take_back(key):
            return None
        _, renditions = self._shared.pop(wanted.segment)
        left = tuple(number for number in renditions if number != self._numbers[wanted.track])
        return self._several(Group(wanted.segment, left))

    def _look(self) -> None:
        """Look for sound that viewers wait for: it exists before its piece is done, which then need not hurry."""
        found = {wanted: key for wanted, key in self._sought.items() if self._exists_now(wanted)}
        if not found:
            return
        self._forget(found)
        for key in set(found.values()) - set(self._sought.values()):
            self._urgent[key] = self._ranked[key] = FOLLOWING
        self._demands.made(found)

    def _forget(self, sought: Iterable[tuple[str, int]]) -> None:
        for track, segment in sought:
            self._sought.pop(Wanted(track, segment), None)

    def _hurry(self, asked: Sequence[Wanted]) -> None:
        """Raise the priority of pictures that are being made, ahead of viewers or in their turn, where one waits."""
        pictures = {wanted for wanted in asked if wanted.track in self._numbers}
        for key, promised in self._promised.items():
            if self._urgent.get(key, 0) < DEMANDED and not pictures.isdisjoint(promised):
                self._urgent[key] = self._ranked[key] = DEMANDED

    def _calm(self, left: Iterable[Wanted]) -> None:
        """Lower the priority of what viewers left: of equal tasks the older one goes on, and where they went waits."""
        for wanted in left:
            if wanted in self._sought:
                key = self._sought.pop(wanted)
                keys = [] if key in self._sought.values() else [key]
            else:
                keys = [key for key, promised in self._promised.items() if promised == (wanted,)]
            for key in keys:
                if self._urgent.get(key, 0) >= DEMANDED:
                    self._urgent[key] = self._ranked[key] = FOLLOWING

    def ranked(self) -> Iterator[tuple[str, int]]:
        """Yield key and new priority of tasks that were given out, each once: viewers wait for them, or no longer."""
        while self._ranked:
            yield self._ranked.popitem()

    def made(self, result: MediaResult) -> None:
        """Take note of what a task made."""
        segments = [(record.track, record.segment) for record in result.records]
        self._taken.update(segments)
        self._forget(segments)
        if self._opening is not None:
            self._opening.made(result)
        self._urgent.pop(result.key, None)
        self._promised.pop(result.key, None)
        self._end_shared(result.key)
        self._demands.made(segments)

    def failed(self, key: str, error: StreamifyError) -> None:
        """Take note of a task that failed for good: a viewer who asks again starts it again."""
        promised = self._promised.pop(key, ())
        self._taken.difference_update(promised)
        self._forget(promised)
        self._pieces.discard(key)
        self._urgent.pop(key, None)
        self._end_shared(key)
        self._demands.failed(promised, error)

    def _end_shared(self, key: str) -> None:
        self._shared = {segment: shared for segment, shared in self._shared.items() if shared[0] != key}

    def _given_out(self, of: Callable[[int], bool]) -> int:
        """Return how many tasks on behalf of viewers, of such a priority, have not ended."""
        return sum(of(priority) for priority in self._urgent.values())

    def _sounds_soon(self, wanted: Wanted) -> bool:
        """Return whether a segment is part of a piece of sound that is being made."""
        return wanted.track in self._sounds and self._piece_key(wanted) in self._pieces

    def _has(self, number: int, segment: int) -> bool:
        return (self._plan.video[number].id, segment) in self._taken

    def _exists(self, wanted: Wanted) -> bool:
        known = wanted.track in self._numbers or wanted.track in self._sounds
        return known and 0 <= wanted.segment < self._plan.segments

    def _task(self, wanted: Wanted) -> Task | None:
        """Return the task that makes a segment; ``None``: the piece that it is part of is being made."""
        if (sound := self._sounds.get(wanted.track)) is not None:
            if self._sounds_soon(wanted):
                return None
            size, first = self._piece_of(wanted)
            return self._piece(sound, first, min(first + size, self._plan.segments))
        # Two threads: the next picture is decoded while one is encoded.
        group = Group(wanted.segment, (self._numbers[wanted.track],), threads=2)
        task = video_task(self._plan, self._segments[wanted.segment], group)
        self._promise(task, wanted)
        return task

    def _promise(self, task: Task, wanted: Wanted) -> None:
        """Take note of a task that makes one segment of pictures."""
        self._taken.add(wanted)
        self._promised[task.key] = (wanted,)

    def _piece_of(self, wanted: Wanted) -> tuple[int, int]:
        """Return how many segments a piece of sound has, and the first one of the piece that a segment is part of."""
        size = self._sounds[wanted.track].piece_segments or self._plan.segments
        return size, wanted.segment // size * size

    def _piece_key(self, wanted: Wanted) -> str:
        return audio_key(self._sounds[wanted.track], self._piece_of(wanted)[1])

    def _piece(self, track: AudioTrack, first: int, stop: int) -> Task:
        task = audio_task(self._plan, track, [self._segments[index] for index in range(first, stop)])
        self._pieces.add(task.key)
        self._promised[task.key] = tuple(Wanted(track.id, index) for index in range(first, stop))
        return task
