"""Which Lambda calls a job consists of, and what each takes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from streamify.jobs.words import tasks_of
from streamify.jobs.work import audio_key, missing_pieces, missing_renditions, video_key
from streamify.model.plan import Plan, Segment
from streamify.planning.budget import audio_budget
from streamify.planning.estimate import MIB, video_memory
from streamify.planning.schedule import Groups, each_alone, opened, spread
from streamify.planning.speed import AFTER, OPENING_CPU, Speed

CALL_CPU = 0.03 + OPENING_CPU
"""CPU seconds of one call beside decoding, scaling and encoding: requests, opening, checksums, JSON.

Median of ten calls through the handlers, 0.022 to 0.032 s without opening (AMD EPYC, 2026-11).
"""
REQUEST_SECONDS = 0.008
"""Waiting for one request to S3: 3 to 9 ms with an S3 emulated on the loopback interface (2026-11)."""
WRITES_A_SECOND = 3500
"""What S3 takes of one prefix; `streamify.storage.many.AT_ONCE` writers would send more."""

HANDLER = 128 * MIB
"""Bytes of a function's memory beside its worker: Lambda's runtime and the process that has the credentials."""

READ = 256 * 1024
"""Bytes of one range request, as `streamify.storage.objects.READ_AHEAD`."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one segment asks of a decoder and of encoders."""

    decoded: int
    """Pictures, those before and after the segment included."""
    encoded: int
    """Pictures of each rendition."""
    bytes: int
    """Of the source that are read for them, about."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the transcoder."""

    key: str
    """Of the task."""
    memory: int
    """MB that a function needs for it: the process that decodes, and the one that has the credentials."""
    what: str
    """Renditions, such as ``1080p``, or ``audio``."""
    cpu: float
    """Seconds on one vCPU."""
    alone: float
    """Of them, those of the stage that takes longest, which no second vCPU shortens."""
    gets: int
    """Requests to S3."""
    puts: int
    beside: int = 0
    """Of them, those that are written side by side."""

    @property
    def waits(self) -> float:
        """Seconds in which it waits for S3."""
        return (self.gets + self.puts - self.beside) * REQUEST_SECONDS + self.beside / WRITES_A_SECOND


def load_of(plan: Plan, segment: Segment) -> Load:
    """Return what a segment asks."""
    before = 0
    video, time_base = plan.source.video, plan.timeline.time_base
    if video is not None and segment.entries:
        before = max(0, round((segment.earliest - segment.entries[0].pts) * time_base * video.average_rate))
    decoded = segment.frames + before
    size = segment.weight * decoded // max(1, segment.frames)
    kept = -(-segment.frames // plan.timeline.keep_every) + segment.repeated
    return Load(decoded + AFTER, kept, size)


def calls(
    plan: Plan,
    loads: Iterable[Load],
    speed: Speed,
    groups: Groups | None = None,
    done: Collection[tuple[str, int]] = (),
    opening: int = 0,
) -> Iterator[Call]:
    """Yield the calls of a job in the order of its items: `streamify.jobs.items.items` without a storage.

    Args:
        plan: Of the job.
        loads: Of all segments, in order.
        speed: What the parts of a task take.
        groups: As in `items`.
        done: (track, segment) of everything that exists.
        opening: Segments whose smallest rendition, and whose sound, come first; 0 where nothing is published early.
    """
    finished, each = set(done), list(loads)
    missing, chosen = missing_renditions(plan, finished), groups or each_alone(plan.video)
    sound = list(_sound(plan, finished, speed))
    yield from (call for first, call in sound if first < opening)
    for group in opened(missing, chosen, opening):
        yield video_call(plan, group.segment, group.renditions, each[group.segment], speed)
    yield from (call for first, call in sound if first >= opening)
    yield from _words(plan)
    for group in spread(missing, chosen, opening):
        yield video_call(plan, group.segment, group.renditions, each[group.segment], speed)


def _sound(plan: Plan, done: set[tuple[str, int]], speed: Speed) -> Iterator[tuple[int, Call]]:
    """Yield the first segment of each piece of sound, and its call."""
    seconds = float(plan.timeline.end / plan.timeline.timescale) / max(1, plan.segments)
    for track in plan.audio:
        for first, stop in missing_pieces(plan, track, done):
            count = stop - first
            # The sound lies between the pictures: to read it is to read through the file.
            size = plan.source.ref.size * count // plan.segments
            cpu = CALL_CPU + count * seconds * speed.sound
            memory = megabytes(audio_budget(count * seconds, track).memory_bytes)
            gets = _GETS + count + -(-size // READ)
            yield first, Call(audio_key(track, first), memory, "audio", cpu, cpu, gets, 3 * count + 1)


def _words(plan: Plan) -> Iterator[Call]:
    for words in tasks_of(plan, plan.text):
        read = plan.source.ref.size // words.parts if words.tracks[0].recipe.file is None else 0
        files = len(words.tracks) * (plan.segments + 2)
        cpu = CALL_CPU + read * DEMUX + files * _FILE
        memory = megabytes(words.budget.memory_bytes)
        yield Call(words.key, memory, "subtitles", cpu, cpu, _GETS + -(-read // READ), files + 1, files)


def video_call(plan: Plan, segment: int, made: tuple[int, ...], load: Load, speed: Speed) -> Call:
    """Return the call that makes renditions of one segment.

    Args:
        plan: Of the job.
        segment: Its number.
        made: Renditions, as indices into the ladder.
        load: Of the segment.
        speed: What the parts of a task take.
    """
    decoding = load.decoded * speed.decode
    encoding = [load.encoded * speed.renditions[number] for number in made]
    return Call(
        key=video_key(plan, segment, made),
        memory=megabytes(video_memory(plan.source.video, [plan.video[number] for number in made])),
        what="+".join(plan.video[number].name for number in made),
        cpu=CALL_CPU + decoding + sum(encoding),
        alone=CALL_CPU + max(decoding, *encoding),
        gets=_GETS + len(made) + -(-load.bytes // READ) + (plan.burn is not None),
        puts=3 * len(made) + 1,
    )


def megabytes(worker: int) -> int:
    """Return the memory of a function, MB, whose worker takes so many bytes."""
    return -(-(worker + HANDLER) // MIB)


DEMUX = 1 / 1_000_000_000
"""CPU seconds for a byte of a source that is read for its words alone."""
_FILE = 0.0005
"""CPU seconds for a file of words."""

_GETS = 6
"""Requests of every call that read: the plan, the segment list (size, lines), the source (version, size, header).

To these come the ranges of the source and, for each rendition or segment of sound, the init that is there already,
read back. Each of them writes three objects: media, init, ledger entry; and each call one: its attempt. Counted in the
handlers, 2026-11.
"""
