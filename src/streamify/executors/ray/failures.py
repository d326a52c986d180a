"""Failures of tasks that a cluster explains, in our words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streamify.errors import Failure, StreamifyError
from streamify.executors.ray.news import Node
from streamify.machine.limits import GIB

OUT_OF_MEMORY = "worker-out-of-memory"
"""Code of an attempt in which memory ran out."""
AGAIN = "what is finished is kept: once the cluster is well, run the same command again"


def of_error(error: StreamifyError) -> Failure:
    """Return an error as the failure of any task."""
    return Failure("", error.code, error.message, hint=error.hint, exit_code=error.exit_code)


def gone(cause: str) -> Failure:
    """Return the failure of what ran on a cluster that answers no more."""
    return Failure("", "ray-lost", f"the Ray cluster is gone: {cause}", exit_code=5, hint=AGAIN)


def full(cause: str) -> Failure:
    """Return the failure of what would run on a cluster whose memory is used up by other things."""
    hint = "end what else uses memory there, or start nodes with more of it; RAY_memory_usage_threshold is Ray's limit"
    return Failure("", "ray-out-of-memory", cause, exit_code=5, hint=hint)


def not_started(cause: str) -> Failure:
    """Return the failure of what would run on a cluster where no process comes as far as a task."""
    return Failure("", "ray-failed", cause, exit_code=5, hint=AGAIN)


def too_large(key: str, memory: int, nodes: Sequence[Node], join: str) -> Failure:
    """Return the failure of a task for which no node is large enough.

    Args:
        key: Of the task.
        memory: Bytes that it asks for.
        nodes: Of the cluster.
        join: Address that a machine gives to become a node.
    """
    if not nodes:
        cause = "the cluster has no node that takes tasks"
        hint = f"start one: ray start --address {join}"
    else:
        most = max(node.memory for node in nodes)
        cause = f"the task asks for {memory / GIB:.1f} GiB, and no node offers more than {most / GIB:.1f} GiB"
        hint = "add a node with more memory, or make fewer renditions of less size: --ladder"
    return Failure(key, "ray-too-small", cause, hint=hint, exit_code=5)


def may_be_memory(failure: Failure) -> bool:
    """Return whether an attempt may have failed because memory ran out: the kernel ends processes by SIGKILL then."""
    killed = failure.code == "worker-killed" and failure.signal in (None, "SIGKILL")
    return killed or failure.code == OUT_OF_MEMORY


def asked(failure: Failure, memory: int) -> Failure:
    """Return the failure of an attempt, with what it had asked for."""
    cause = f"{failure.cause}; it had asked for {memory / GIB:g} GiB"
    return replace(failure, cause=cause, hint=failure.hint or "add nodes with more memory, or make a smaller --ladder")
