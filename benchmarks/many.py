"""Many films at once on AWS, simulated: what throttled tasks cost, and how long a small film waits. Needs no AWS.

Discrete events. The rule of retries is read from the state machine, who may start and with how many workers is decided
by the code of the stack (`streamify.backends.aws.shares`), prices and start times are those of the predictions.
"""

from __future__ import annotations

import heapq
import json
import random
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.command import ROOT
from benchmarks.figure import Figure
from benchmarks.lab import Lab
from benchmarks.sources import Source
from streamify.backends.aws.pricing.cost import JOB_TRANSITIONS, RAMP, RAMP_SECONDS, START_SECONDS
from streamify.backends.aws.pricing.deployment import Deployment
from streamify.backends.aws.pricing.prices import PRICES
from streamify.backends.aws.pricing.routing import CHILD_TRANSITIONS
from streamify.backends.aws.pricing.work import CALL_CPU
from streamify.backends.aws.shares import Lease, fits, shares, slot, workers_of
from streamify.planning.speed import DECODE, ENCODE, SCALE, SOUND

HOUR, MINUTE = 3600, 60
STARTS = 100
"""Children that a distributed map starts in a second: so it is reported. AWS publishes no number."""
LADDER = ((1920, 1080), (1280, 720), (854, 480), (640, 360))
RATE, SEGMENT, PREROLL, PIECE = 30, 6, 60, 300
"""Pictures a second; seconds of a segment; pictures that are decoded before one; seconds of a piece of sound."""
SPLIT, ASSEMBLE = 3.0, 10.0
"""Seconds of these steps, the start of their function included."""


def film(seconds: int) -> list[float]:
    """Return the seconds of each task of a film of 1080p30 in four renditions, by the table of the predictions."""
    source = LADDER[0][0] * LADDER[0][1] / 1e6
    tasks = [CALL_CPU + min(PIECE, seconds) * SOUND] * -(-seconds // PIECE)
    for _ in range(-(-seconds // SEGMENT)):
        for width, height in LADDER:
            encode = ENCODE["medium"] * width * height / 1e6 + SCALE * source * ((width, height) != LADDER[0])
            pictures = RATE * SEGMENT
            decode = DECODE["h264"] * source
            tasks.append(CALL_CPU + pictures * (decode + encode) + PREROLL * decode)
    return tasks


@dataclass(frozen=True)
class Rule:
    """A rule of retries of a state."""

    first: float
    rate: float
    longest: float
    attempts: int
    jitter: bool = True

    def wait(self, number: int, draw: random.Random) -> float:
        """Return the seconds before try `number`, 1 for the first one after a failure."""
        most = min(self.longest, self.first * self.rate ** (number - 1))
        return draw.uniform(0, most) if self.jitter else most


def rule_of_the_stack() -> Rule:
    """Return what the state machine does with a throttled task."""
    text = (ROOT / "deploy/aws/statemachine.asl.json").read_text()
    machine = json.loads(re.sub(r": \$\{\w+\}", ": 1", text))
    rules = machine["States"]["Make"]["Branches"][0]["States"]["Transcode"]["ItemProcessor"]["States"]["Task"]["Retry"]
    (rule,) = (one for one in rules if "Lambda.TooManyRequestsException" in one["ErrorEquals"])
    return Rule(
        rule["IntervalSeconds"],
        rule["BackoffRate"],
        rule["MaxDelaySeconds"],
        rule["MaxAttempts"],
        rule["JitterStrategy"] == "FULL",
    )


@dataclass
class Job:
    """One film on its way."""

    number: int
    arrives: float
    tasks: list[float]
    share: int = 0
    started: int = 0
    running: int = 0
    ended: int = 0
    ready: float = 0.0
    """When its map may start the next child."""
    done: float = 0.0


@dataclass
class Account:
    """Lambda's concurrent executions, and the execution environments of the transcoder."""

    quota: int
    running: int = 0
    environments: int = 0
    tokens: float = RAMP
    refilled: float = 0.0

    def take(self, now: float) -> float | None:
        """Return the seconds that a call takes to start; ``None``: it is throttled."""
        self.tokens = min(RAMP, self.tokens + (now - self.refilled) * RAMP / RAMP_SECONDS)
        self.refilled = now
        if self.running >= self.quota:
            return None
        if self.running < self.environments:
            self.running += 1
            return 0.0
        if self.tokens < 1:
            return None
        self.tokens -= 1
        self.environments += 1
        self.running += 1
        return START_SECONDS


@dataclass
class Cloud:
    """A stack in an account.

    Args:
        quota: Of the account.
        rule: Of throttled tasks.
        workers: Of the stack, which jobs share; ``None``: nobody shares, every job starts at once.
        jobs: As of `streamify.backends.aws.shares.fits`.
        most: MaxConcurrency.
    """

    quota: int
    rule: Rule
    workers: int | None
    jobs: int = 10
    most: int = 1000
    retries: int = 0
    seconds: float = 0.0
    invocations: int = 0
    now: float = 0.0
    events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = Account(self.quota)
        self.draw = random.Random(14)
        self.held: dict[int, Job] = {}
        self.lines: dict[bool, deque[Job]] = {True: deque(), False: deque()}  # small jobs have a line of their own
        self.split_retries = 0
        self._count = 0

    def run(self, jobs: list[Job]) -> None:
        """Carry all jobs out."""
        for job in jobs:
            self.at(job.arrives, partial(self._split, job, 0))
        while self.events:
            self.now, _, event = heapq.heappop(self.events)
            event()

    def at(self, when: float, event: Callable[[], None]) -> None:
        """Have something happen."""
        self._count += 1
        heapq.heappush(self.events, (when, self._count, event))

    def _split(self, job: Job, tries: int) -> None:
        if self.account.take(self.now) is None:
            self.split_retries += 1
            self.at(self.now + self.rule.wait(tries + 1, self.draw), partial(self._split, job, tries + 1))
            return
        self.at(self.now + SPLIT, partial(self._asks, job))

    def _asks(self, job: Job) -> None:
        self.account.running -= 1
        small = self.workers is None or self._wanted(job) <= slot(self.workers, self.jobs)
        self.lines[small].append(job)
        self._admit()

    def _admit(self) -> None:
        """Start the jobs at the head of each line that fit, and share the workers anew."""
        for line in self.lines.values():
            while line:
                leases = [self._lease(one) for one in self.held.values()]
                if self.workers is not None and not fits(leases, self._wanted(line[0]), self.workers, self.jobs):
                    break
                job = line.popleft()
                self.held[job.number] = job
        wanted = [self._wanted(job) for job in self.held.values()]
        given = wanted if self.workers is None else shares(wanted, self.workers)
        for job, share in zip(self.held.values(), given, strict=True):
            job.share = share
            self._start(job)

    def _wanted(self, job: Job) -> int:
        return min(len(job.tasks), self.most)

    def _lease(self, job: Job) -> Lease:
        return Lease(run=str(job.number), execution="", tasks=self._wanted(job), seen=0)

    def _start(self, job: Job) -> None:
        """Let the map of a job start what it may."""
        while job.running < job.share and job.started < len(job.tasks):
            job.ready = max(job.ready, self.now) + 1 / STARTS
            job.running += 1
            job.started += 1
            self.at(job.ready, partial(self._invoke, job, job.tasks[job.started - 1], 0))

    def _invoke(self, job: Job, task: float, tries: int) -> None:
        begin = self.account.take(self.now)
        if begin is None:
            if tries >= self.rule.attempts:
                raise AssertionError(f"a task was throttled {tries} times")
            self.retries += 1
            wait = self.rule.wait(tries + 1, self.draw)
            self.at(self.now + wait, partial(self._invoke, job, task, tries + 1))
            return
        self.invocations += 1
        self.seconds += begin + task
        self.at(self.now + begin + task, partial(self._ends, job))

    def _ends(self, job: Job) -> None:
        self.account.running -= 1
        job.running -= 1
        job.ended += 1
        if job.ended == len(job.tasks):
            job.done = self.now + ASSEMBLE
            del self.held[job.number]
            self._admit()
        else:
            self._start(job)

    @property
    def lambda_cost(self) -> float:
        """US dollars for the seconds and calls of the transcoder."""
        gb = self.seconds * Deployment().memory / 1024
        return gb * PRICES.gb_second["x86_64"] + self.invocations * PRICES.request

    @property
    def retry_cost(self) -> float:
        """US dollars for retries of throttled tasks and splits."""
        return (self.retries + self.split_retries) * PRICES.transition


def crowd(
    quota: int, rule: Rule, *, sharing: bool = True, films: int = 50, hour: int = HOUR
) -> tuple[Cloud, list[Job]]:
    """Return the end of films of an hour that arrive together, and of one of a minute in their midst, the last job."""
    cloud = Cloud(quota, rule, workers_of(quota) if sharing else None)
    tasks = film(hour)
    jobs = [Job(number, 0.1 * number, tasks) for number in range(films)]
    half = sum(tasks) * films / quota / 2
    jobs.append(Job(films, half, film(MINUTE)))
    cloud.run(jobs)
    return cloud, jobs


def storm(quota: int, rule: Rule, uploads: int, film_of: int = MINUTE) -> tuple[Cloud, list[Job]]:
    """Return the end of so many uploads of a minute each, all of which arrive within a minute."""
    cloud = Cloud(quota, rule, workers_of(quota))
    tasks = film(film_of)
    jobs = [Job(number, MINUTE * number / uploads, tasks) for number in range(uploads)]
    cloud.run(jobs)
    return cloud, jobs


def many(lab: Lab, _sources: list[Source]) -> Iterator[Figure]:
    """Simulate fifty films of an hour on a quota of 1,000, one on a quota of 10, and an upload in their midst."""
    hour = HOUR // 10 if lab.quick else HOUR
    rule = rule_of_the_stack()
    cloud, jobs = crowd(1000, rule, hour=hour)
    yield _retries("50 films of an hour, quota 1000", cloud, jobs[:-1])
    small = jobs[-1]
    yield Figure(
        "a film of a minute in their midst, done after", small.done - small.arrives, "s", 180.0,
        behind={"arrives s": small.arrives, "tasks": float(len(small.tasks))},
    )  # fmt: skip
    cloud, jobs = crowd(10, rule, films=1, hour=hour)
    yield _retries("a film of an hour, quota 10", cloud, jobs[:-1])
    cloud, jobs = crowd(1000, rule, films=1, hour=hour)
    yield _retries("a film of an hour, quota 1000", cloud, jobs[:-1])
    cloud, jobs = storm(1000, rule, 1000 if lab.quick else 10_000)
    yield _retries(f"{len(jobs):,} films of a minute in a minute, quota 1000", cloud, jobs)


def _retries(name: str, cloud: Cloud, jobs: list[Job]) -> Figure:
    ends = sorted(job.done - job.arrives for job in jobs)
    total: dict[str, Any] = {
        "retries": float(cloud.retries),
        "retries of Split": float(cloud.split_retries),
        "retries $": cloud.retry_cost,
        "Lambda $": cloud.lambda_cost,
        "other transitions $": sum(JOB_TRANSITIONS + CHILD_TRANSITIONS * len(job.tasks) for job in jobs)
        * PRICES.transition,
        "all done s": max(job.done for job in jobs),
        "all busy would take s": cloud.seconds / (cloud.workers or cloud.quota),
        "median job s": ends[len(ends) // 2],
    }
    return Figure(f"{name}, retries", 100 * cloud.retry_cost / cloud.lambda_cost, "%", 5.0, behind=total)
