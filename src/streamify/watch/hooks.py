"""Whom to tell how a job ended, and what. Pure but for the look at the secret."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from streamify.errors import UsageError
from streamify.model.upload import Delivery, Ended

When = Literal["job.done", "job.failed"]
EXEC = "exec:"
"""Begins a target that is a command."""


@dataclass(frozen=True)
class Target:
    """A webhook or a command that is called when a job ends."""

    when: When
    url: str = ""
    command: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Names it in records, without what may be secret in it."""
        return hashlib.sha256(json.dumps([self.url, *self.command]).encode()).hexdigest()

    def __str__(self) -> str:
        if self.command:
            return self.command[0]
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]  # with its port; what is left out may be a password or a token
        return f"{parts.scheme}://{host}"


def parse_target(text: str, when: When, flag: str) -> Target:
    """Return what ``--on-done`` or ``--on-failed`` names.

    Raises:
        UsageError: ``hook-target``.
    """
    if text.startswith(EXEC):
        try:
            command = tuple(shlex.split(text.removeprefix(EXEC)))
        except ValueError as error:
            raise UsageError("hook-target", f"{flag} {text}: {error}", "quote it as for a shell") from error
        if command:
            return Target(when, command=command)
    else:
        try:
            parts = urlsplit(text)
            if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port):
                return Target(when, url=text)
        except ValueError:
            pass
    raise UsageError(
        "hook-target",
        f"{flag} '{text}' is neither a URL nor a command",
        "write https://HOST/PATH or 'exec:PROGRAM ARGUMENTS'",
    )


def deliveries(ended: Ended, targets: Iterable[Target]) -> list[tuple[str, Delivery]]:
    """Return the calls that an ended upload causes, each with the name of its record."""
    when: When = "job.done" if ended.outcome == "complete" else "job.failed"
    found = []
    for target in targets:
        if target.when == when:
            name = f"{ended.id}-{target.digest[:12]}"
            body = json.dumps(_told(ended, when), ensure_ascii=False)
            delivery = Delivery(id=f"msg_{name}", target=target.digest, kind=when, body=body, created=ended.ended)
            found.append((name, delivery))
    return found


def _told(ended: Ended, when: When) -> dict[str, object]:
    return {
        "type": when,
        "timestamp": datetime.fromtimestamp(ended.ended, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {
            "id": ended.id,
            "upload": ended.key,
            "size": ended.size,
            "source": ended.source,
            "dest": ended.dest,
            "outcome": ended.outcome,
            "code": ended.code,
            "message": ended.message or None,
            "hint": ended.hint or None,
            "retry": ended.retry or None,
            "accepted": ended.accepted,
            "started": ended.started,
            "ended": ended.ended,
        },
    }
