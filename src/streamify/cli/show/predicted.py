"""What people read of a prediction: a value in, lines out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamify.cli.text import clock, table
from streamify.errors import counted

if TYPE_CHECKING:
    from streamify.backends.aws.pricing.cost import Prediction


def predicted(found: Prediction) -> list[str]:
    """Return what ``plan --engine aws`` says beside the plan."""
    stack, cost = found.stack, found.cost
    lines = [f"AWS: {counted(found.invocations, 'call')} of Lambda, at most {found.concurrency} at once"]
    rows = [
        (
            f"  {work.what}",
            f"{work.calls} x",
            f"{work.seconds / work.calls:.1f} s",
            f"{work.memory} MB",
            f"{work.gb_seconds:,.1f} GB-s",
        )
        for work in found.work
    ]
    rows.append(("  starts of workers", f"{found.starts} x", "", "", f"{found.start_gb_seconds:,.1f} GB-s"))
    lines += table(rows)
    lines.append(f"Cost: {dollars(cost.total)} at list prices of {found.prices_region}, {found.prices_as_of}")
    lines += table(
        [
            ("  Lambda time", f"{found.gb_seconds:,.1f} GB-s ({stack.architecture})", dollars(cost.duration)),
            ("  Lambda requests", f"{found.invocations:,}", dollars(cost.requests)),
            ("  Step Functions", f"{found.transitions:,} transitions", dollars(cost.transitions)),
            ("  S3 requests", f"{found.puts:,} writes, {found.gets:,} reads", dollars(cost.storage_requests)),
        ]
    )
    lines.append(f"Keeping the stream: at most {dollars(found.month)} a month in S3")
    lines.append(
        f"Time: about {clock(found.finish_seconds)}; {found.concurrency} at once of a quota of {stack.quota}"
        f" and MaxConcurrency {stack.max_concurrency}"
    )
    if found.playable_seconds < found.finish_seconds:
        lines.append(f"First playable: after about {clock(found.playable_seconds)}, as it is published early")
    lines.append(f"Slowest task: {found.slowest.key}, about {found.slowest.seconds:.1f} s")
    if found.slowest.seconds > stack.longest_task:
        lines.append(f"  above half of TaskSeconds ({stack.task_seconds} s): refused; use shorter segments")
    if found.largest > stack.largest:
        lines.append(f"Largest task: {found.largest} MB, above LargestMemory ({stack.largest} MB): refused")
    where = "measured on this machine, on parts of this film" if found.sampled else "from a table"
    lines.append(f"CPU seconds are {where}; Lambda's own cores differ")
    return [*lines, *(f"Assumed: {assumption}" for assumption in stack.assumed)]


def dollars(amount: float) -> str:
    """Return an amount for people: cents, and below a dollar what two digits of it need."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}" if amount >= 0.001 else f"${amount:.6f}"
