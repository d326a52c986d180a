"""What is known of a deployed stack and its account; where nothing is, what is assumed is said."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from streamify.backends.aws.account import Account, find_stack
from streamify.backends.aws.pricing.prices import PRICES, Architecture
from streamify.backends.aws.shares import workers_of
from streamify.errors import DestinationError
from streamify.model.base import Frozen

QUOTA = 1000
"""Concurrent executions that AWS gives an account by default; new accounts have less until they ask."""

_PARAMETERS = {
    "Architecture": "architecture",
    "TranscoderMemory": "memory",
    "LargeMemory": "large_memory",
    "LargestMemory": "largest_memory",
    "GroupBelow": "group_below",
    "MaxConcurrency": "max_concurrency",
    "Transcoders": "transcoders",
    "TaskSeconds": "task_seconds",
}


class Deployment(Frozen):
    """What decides how a job runs; the defaults are those of ``deploy/aws/template.yaml``."""

    name: str = "streamify"
    architecture: Architecture = "x86_64"
    memory: int = 1769
    """Of the transcoder, MB."""
    large_memory: int = 3008
    """Of the transcoder for tasks that need more memory than the first one has, MB."""
    largest_memory: int = 3008
    """Of the transcoder for those that need still more, MB."""
    group_below: int | None = None
    """Renditions with a shorter side below this, pixels, share one call a segment; ``None``: what costs least."""
    max_concurrency: int = 1000
    """Tasks of one job at the same moment."""
    transcoders: int = 0
    """Tasks of all jobs at the same moment; 0 for what `streamify.backends.aws.shares.workers_of` says of the quota."""
    task_seconds: int = 900
    """Longest time of one call of the transcoder."""
    quota: int = QUOTA
    """Lambda calls that the account may run at the same moment, without those reserved for other functions."""
    assumed: tuple[str, ...] = ()
    """What could not be read, and what was taken in its place; one sentence each."""

    @field_validator("group_below", mode="before")
    @classmethod
    def _chosen(cls, value: int | str | None) -> int | None:
        """Return ``None`` for what stands for it in the template, whose numbers are never empty."""
        return None if value is None or int(value) < 0 else int(value)

    @property
    def functions(self) -> tuple[int, ...]:
        """Memory of the transcoders, MB, in the order in which they are asked: by default the smallest first."""
        return self.memory, self.large_memory, self.largest_memory

    @property
    def largest(self) -> int:
        """Memory of the transcoder that has most, MB."""
        return max(self.functions)

    @property
    def longest_task(self) -> float:
        """Seconds that a task may be predicted to take: half of what it gets, as predictions are off by as much."""
        return self.task_seconds / 2

    @property
    def concurrency(self) -> int:
        """Tasks of one job that can run at the same moment, while no other job runs."""
        return max(1, min(self.max_concurrency, self.transcoders or workers_of(self.quota)))


def read_deployment(name: str) -> Deployment:
    """Return what AWS says of a stack and of the account, with defaults for what it does not say."""
    defaults = f"the template's default parameters and a quota of {QUOTA} are assumed"
    try:
        account = Account(patient=False)
    except DestinationError as error:
        why = f"{error.message} ({error.hint})" if error.code == "aws-extra" else error.message
        return Deployment(name=name, assumed=(f"stack '{name}' was not looked up, {_line(why)}: {defaults}",))
    if not account.known:
        return Deployment(name=name, assumed=(f"stack '{name}' was not found, no AWS credentials: {defaults}",))
    assumed: list[str] = []
    found: dict[str, Any] = {}
    if account.region != PRICES.region:
        assumed.append(f"prices of {PRICES.region} are taken for {account.region}")
    try:
        given = find_stack(account, name).parameters
        found = {field: given[key] for key, field in _PARAMETERS.items() if key in given}
    except DestinationError as error:
        if error.code == "aws-unreachable":
            why = _line(error.message)
            return Deployment(name=name, assumed=(*assumed, f"stack '{name}' was not found, {why}: {defaults}"))
        why = "" if "does not exist" in error.message else f", {_line(error.message)}"
        assumed.append(f"stack '{name}' was not found{why}: the template's default parameters are assumed")
    try:
        limits = account.ask("lambda", "GetAccountSettings")["AccountLimit"]
        found["quota"] = limits.get("UnreservedConcurrentExecutions") or limits["ConcurrentExecutions"]
    except DestinationError as error:
        why = _line(error.message)
        assumed.append(f"the account's quota could not be read, {why}: {QUOTA} concurrent calls are assumed")
    return Deployment.model_validate({"name": name, "assumed": tuple(assumed), **found})


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
