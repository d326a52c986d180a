"""What a job on AWS will cost, and when it will be done. Pure: a plan's calls, a stack and prices in, figures out."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from streamify.backends.aws.growing import look_wait
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.prices import PRICES, Prices
from streamify.backends.aws.pricing.routing import CHILD_TRANSITIONS, FULL_VCPU, function_of, seconds_of
from streamify.backends.aws.pricing.work import DEMUX, Call
from streamify.errors import CapExceeded
from streamify.model.base import Frozen
from streamify.model.burn import PART_SEGMENTS
from streamify.model.plan import Plan
from streamify.planning.images import SAMPLES, largest, smallest
from streamify.storage.ranges import LONGEST

OTHER_MEMORY = 3008
"""MB of the functions that split and assemble, as in ``deploy/aws/template.yaml``."""

START_SECONDS = 0.7
"""Starting Python and loading our modules when Lambda starts another worker; billed since August 2025.

0.55 to 0.72 CPU seconds from a warm disk (AMD EPYC, 2026-11). What Lambda takes to fetch the layer is not known.
"""

RAMP, RAMP_SECONDS = 1000, 10
"""Lambda starts at most so many workers of one function in so many seconds."""

SPLIT_CPU, SPLIT_SEGMENT_CPU = 0.2, 0.0009
"""CPU seconds to plan a source, and more for each segment: 0.24 for 1080p; 6,000 segments took 5.4 (2026-11)."""
ASSEMBLE_CPU, ASSEMBLE_FILE_CPU = 0.02, 0.004
"""CPU seconds to write the manifests, and more for each media file that is checked: 0.12 for 25 files (2026-11)."""

IMAGE_PIXEL_CPU, THUMBNAIL_CPU, POSTER_CPU = 4e-9, 0.004, 0.3
"""CPU seconds to decode a pixel of a finished segment, to scale and tile a thumbnail, to encode a poster (2026-11)."""
PREVIEW_CPU = 0.5
"""CPU seconds to encode a second of an animated preview (2026-11)."""


JOB_TRANSITIONS = 13
"""Start, Split, Planned, Turn, Make, Transcode, Release, Early, Published, Assemble, Say, Ended, Complete."""
LOOK_MEMORY, LOOK_SECONDS, LOOK_TRANSITIONS = 1024, 1.0, 3
"""Of the function that publishes early: MB, seconds of a look at what exists, and transitions from a look to the next:
Publish, More, LetItGrow."""


class Work(Frozen):
    """Calls of one kind."""

    what: str
    """``split``, ``assemble``, ``audio``, or the renditions that a call makes, such as ``1080p``."""
    calls: int
    memory: int
    """MB of the function."""
    seconds: float
    """Billed, all calls together, without the starts of workers."""
    gb_seconds: float


class Cost(Frozen):
    """US dollars, at list prices."""

    duration: float
    """GB-seconds of Lambda."""
    requests: float
    """Calls of Lambda functions."""
    transitions: float
    """Of Step Functions."""
    storage_requests: float
    """To S3."""
    total: float


class Slowest(Frozen):
    """The task that takes longest."""

    key: str
    seconds: float


class Prediction(Frozen):
    """What a job will take on AWS."""

    stack: Deployment
    sampled: bool
    """Whether CPU seconds were measured on parts of this film, on the machine that planned it, or come from a table."""
    work: tuple[Work, ...]
    """By kind, in the order of a job."""
    invocations: int
    """Calls of Lambda functions."""
    starts: int
    """Workers that are started for them."""
    start_gb_seconds: float
    gb_seconds: float
    """All that is billed, the starts included."""
    transitions: int
    gets: int
    """GET and HEAD requests to S3."""
    puts: int
    """PUT and LIST requests to S3."""
    cost: Cost
    month: float
    """US dollars, at most, to keep the stream for a month; no part of `cost`."""
    slowest: Slowest
    largest: int
    """MB that the task which needs the most memory is predicted to need of a function."""
    concurrency: int
    """Tasks at the same moment, of a job alone: the least of the workers, MaxConcurrency and the number of tasks."""
    finish_seconds: float
    """From the start of the job to its end."""
    playable_seconds: float
    """From the start of the job until a player can begin: the end, unless the stream is published early."""
    prices_as_of: str
    """Year and month of the price table."""
    prices_region: str


def predict_job(
    plan: Plan, calls: Iterable[Call], stack: Deployment, *, sampled: bool, early: bool = False, prices: Prices = PRICES
) -> Prediction:
    """Add up what the calls of a job take.

    Args:
        plan: Of the job.
        calls: Of the transcoder, see `streamify.backends.aws.pricing.work.calls`.
        stack: Where it runs.
        sampled: See `Prediction`.
        early: Whether the stream is published while it is made.
        prices: Of AWS.
    """
    every = list(calls)
    memories = [stack.functions[function_of(item, stack)] for item in every]
    seconds = [seconds_of(item, memory) for item, memory in zip(every, memories, strict=True)]
    split, assemble = _split(plan), _assemble(plan)
    first, last = (seconds_of(item, OTHER_MEMORY) for item in (split, assemble))
    work = [_work("split", OTHER_MEMORY, [first])]
    kinds = [(item.what, memory) for item, memory in zip(every, memories, strict=True)]
    for kind in dict.fromkeys(kinds):
        picked = [spent for other, spent in zip(kinds, seconds, strict=True) if other == kind]
        work.append(_work(*kind, picked))
    concurrency = min(stack.concurrency, max(1, len(every)))
    begin = START_SECONDS * _slower(stack.memory)
    ends = map_ends(seconds, concurrency, begin)
    first_version = first_playable(every, ends) + LOOK_SECONDS
    looks = len(look_times(first_version, max(ends, default=0.0))) if early else 0
    if looks:
        work.append(_work("publish", LOOK_MEMORY, [first_version, *[LOOK_SECONDS] * (looks - 1)]))
    work.append(_work("assemble", OTHER_MEMORY, [last]))
    starts = min(concurrency, len(every)) + 2
    each = sum(memory * _slower(memory) for memory in memories) / max(1, len(every))
    start_gb = START_SECONDS * ((starts - 2) * each + 2 * OTHER_MEMORY) / 1024
    gb_seconds = start_gb + sum(item.gb_seconds for item in work)
    invocations = len(every) + 2 + looks
    transitions = JOB_TRANSITIONS + CHILD_TRANSITIONS * len(every) + LOOK_TRANSITIONS * looks
    finish = 2 * START_SECONDS + first + max(ends, default=0.0) + last
    gets, puts = (sum(getattr(item, kind) for item in (split, *every, assemble)) for kind in ("gets", "puts"))
    longest = max(zip(seconds, (item.key for item in every), strict=True), default=(first, "split"))
    return Prediction(
        stack=stack,
        sampled=sampled,
        work=tuple(work),
        invocations=invocations,
        starts=starts,
        start_gb_seconds=round(start_gb, 3),
        gb_seconds=round(gb_seconds, 3),
        transitions=transitions,
        gets=gets,
        puts=puts,
        cost=bill(gb_seconds, invocations, transitions, puts, gets, stack=stack, prices=prices),
        month=plan.estimate.media_bytes / 1e9 * prices.gb_month,
        slowest=Slowest(key=longest[1], seconds=round(longest[0], 1)),
        largest=max((item.memory for item in every), default=0),
        concurrency=concurrency,
        finish_seconds=round(finish, 1),
        playable_seconds=round(START_SECONDS + first + first_version if early else finish, 1),
        prices_as_of=prices.as_of,
        prices_region=prices.region,
    )


def bill(
    gb_seconds: float,
    requests: int,
    transitions: int,
    puts: int,
    gets: int,
    *,
    stack: Deployment,
    prices: Prices = PRICES,
) -> Cost:
    """Return what AWS asks for that much.

    Args:
        gb_seconds: Of Lambda.
        requests: Calls of Lambda functions.
        transitions: Of Standard workflows.
        puts: PUT and LIST requests to S3.
        gets: GET and HEAD requests to S3.
        stack: Whose architecture decides the price of a GB-second.
        prices: Of AWS.
    """
    duration = gb_seconds * prices.gb_second[stack.architecture]
    calls, steps = requests * prices.request, transitions * prices.transition
    storage = puts * prices.put + gets * prices.get
    return Cost(
        duration=duration,
        requests=calls,
        transitions=steps,
        storage_requests=storage,
        total=duration + calls + steps + storage,
    )


def first_playable(calls: Sequence[Call], ends: Sequence[float]) -> float:
    """Return when the first segment exists, with its sound.

    Args:
        calls: Of a job.
        ends: When each of them has ended, seconds.
    """
    sound = [end for call, end in zip(calls, ends, strict=True)
             if call.what == "audio" and int(call.key.rsplit("/", 1)[1]) == 0]  # fmt: skip
    picture = [end for call, end in zip(calls, ends, strict=True) if call.key.startswith("video/00000/")]
    return max([*sound, *([min(picture)] if picture else [])], default=0.0)


def look_times(first: float, end: float) -> list[float]:
    """Return when it is looked for what exists, up to the first look behind the end of the map; seconds.

    Args:
        first: When there is something to publish.
        end: Of the map.
    """
    times = [first]
    while times[-1] < end:
        times.append(times[-1] + look_wait(times[-1]))
    return times


def map_seconds(seconds: Sequence[float], concurrency: int, begin: float = 0) -> float:
    """Return how long tasks take that start in order, each as soon as one of `concurrency` workers is free.

    Args:
        seconds: Of each task.
        concurrency: Tasks at the same moment.
        begin: Seconds that every worker takes to start.
    """
    return max(map_ends(seconds, concurrency, begin), default=0.0)


def map_ends(seconds: Sequence[float], concurrency: int, begin: float = 0) -> list[float]:
    """Return when tasks end that start in order, each as soon as one of `concurrency` workers is free.

    Args:
        seconds: Of each task.
        concurrency: Tasks at the same moment.
        begin: Seconds that every worker takes to start.
    """
    ends = [begin + number // RAMP * RAMP_SECONDS for number in range(min(concurrency, len(seconds)))]
    found = []
    for spent in seconds:
        found.append(ends[0] + spent)
        heapq.heapreplace(ends, found[-1])  # ascending as it is made: a heap
    return found


def refuse_above(prediction: Prediction, max_cost: float | None) -> None:
    """Raise where a job is predicted to cost more than it may.

    Args:
        prediction: Of the job.
        max_cost: US dollars; ``None`` for no cap.

    Raises:
        CapExceeded: ``cost-too-high``.
    """
    if max_cost is not None and prediction.cost.total > max_cost:
        raise CapExceeded(
            "cost-too-high",
            f"the job is predicted to cost ${prediction.cost.total:,.4f} on AWS, the cap is ${max_cost:,.4f}",
            "choose a smaller ladder or a faster preset, or raise --max-cost (of the stack: MaxCost)",
        )


def _slower(memory: int) -> float:
    return max(1.0, FULL_VCPU / memory)


def _split(plan: Plan) -> Call:
    """Claim, records, index, ten pictures; plan, segment list, items. An index has about 500 bytes a second of film.

    Bitmap subtitles that are drawn are read from all of the source, and written some segments at a time.
    """
    cpu, gets, puts = SPLIT_CPU + plan.segments * SPLIT_SEGMENT_CPU, 28 + plan.segments // 30, 10
    if plan.burn is not None:
        cpu += plan.source.ref.size * DEMUX
        gets, puts = gets + -(-plan.source.ref.size // LONGEST), puts + -(-plan.segments // PART_SEGMENTS)
    return Call("split", OTHER_MEMORY, "split", cpu, cpu, gets, puts)


def _assemble(plan: Plan) -> Call:
    """Every ledger entry and media file, twice the init of each track; manifests, report, and what is listed."""
    files, tracks = plan.segments * len(plan.tracks), len(plan.tracks)
    cpu, gets, puts = _images(plan)
    cpu += ASSEMBLE_CPU + files * ASSEMBLE_FILE_CPU
    gets, puts = gets + 2 * files + 2 * tracks + 12, puts + 2 * tracks + 9
    return Call("assemble", OTHER_MEMORY, "assemble", cpu, cpu, gets, puts)


def _images(plan: Plan) -> tuple[float, int, int]:
    """Return CPU seconds, reads and writes of images: segments of two renditions are decoded."""
    cpu, gets, puts = 0.0, 0, 0
    if not plan.video:
        return cpu, gets, puts
    seconds = plan.timeline.end / plan.timeline.timescale / plan.segments
    small, large = (
        float(seconds * track.frame_rate) * track.width * track.height * IMAGE_PIXEL_CPU
        for track in (smallest(plan.video), largest(plan.video))
    )
    if (board := plan.storyboard) is not None:
        decoded = min(board.count, plan.segments)
        cpu += decoded * small + board.count * THUMBNAIL_CPU
        gets, puts = decoded + 6 * board.sheets, 2 * board.sheets + 2
    if plan.poster is not None:
        decoded = min(SAMPLES, plan.segments) if plan.poster.at is None else 0
        cpu += decoded * small + large + POSTER_CPU
        gets, puts = gets + decoded + 12, puts + 7
    if plan.preview is not None:
        decoded = min(2 * plan.preview.spots, plan.segments)
        cpu += decoded * small + float(plan.preview.seconds) * PREVIEW_CPU
        gets, puts = gets + decoded + 3, puts + 2
    return cpu, gets, puts


def _work(what: str, memory: int, seconds: Sequence[float]) -> Work:
    total = sum(seconds)
    return Work(
        what=what,
        calls=len(seconds),
        memory=memory,
        seconds=round(total, 3),
        gb_seconds=round(total * memory / 1024, 3),
    )
