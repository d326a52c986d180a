"""State that earlier runs left below ``.streamify/``: read, or refused with what to do about it."""

from __future__ import annotations

import json
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from streamify.errors import DestinationError
from streamify.model.base import Frozen
from streamify.storage.base import Storage

S = TypeVar("S", bound=Frozen)

StateLocation = Literal["DEST", "MEDIA"]
"""What a key is below."""


def read_saved(media: Storage, key: str, kind: type[S], *, at: StateLocation) -> S | None:
    """Return a value of the state, or ``None`` where there is none or it is of an older schema that is not read.

    Arguments as of `parse_saved`.

    Raises:
        DestinationError: ``state-newer``, a newer Streamify wrote it; ``state-damaged``, it is no such value.
    """
    data = media.get(key)
    if data is None:
        return None
    found = parse_saved(kind, data, key, at=at)
    if found is None and schema_of(data) is None:
        raise damaged(f"{key} at {at}", "it cannot be read", at=at)
    return found


def parse_saved(
    kind: type[S], data: bytes, key: str, *, newer: Literal["refuse", "ignore"] = "refuse", at: StateLocation = "DEST"
) -> S | None:
    """Return a value, or ``None`` where it is damaged or of an older schema.

    Args:
        kind: Of the value; its field ``schema_version`` defaults to the schema that this release writes.
        data: JSON.
        key: Where it lies, for a message.
        newer: Whether a newer schema is an error, or as good as damage because the user said ``--replace``.
        at: What `key` is below.

    Raises:
        DestinationError: ``state-newer``.
    """
    known: int = kind.model_fields["schema_version"].default
    try:
        found = kind.from_json(data)
        schema = getattr(found, "schema_version", None)
    except ValidationError:
        found, schema = None, schema_of(data)
    if schema is None or schema <= known:
        return found
    if newer == "ignore":
        return None
    anew = "make the stream anew: streamify transcode SOURCE DEST --replace" if at == "DEST" else "remove it"
    raise DestinationError(
        "state-newer",
        f"{key} at {at} was written by a newer Streamify: {kind.__name__} of schema {schema}, this one knows {known}",
        f"update Streamify, or {anew}",
    )


def parse_line(kind: type[S], line: bytes, key: str) -> S:
    """Return a value of a file of the state below DEST that has one a line.

    Raises:
        DestinationError: ``state-damaged``, such as of a file that was damaged since it was checked.
    """
    try:
        return kind.from_json(line)
    except ValidationError:
        raise damaged(f"{key} at DEST", "a line of it cannot be read") from None


def schema_of(data: bytes) -> int | None:
    """Return the schema that a JSON document names, or ``None``: it is damaged, or of before schemas were named."""
    try:
        found: Any = json.loads(data)
    except ValueError:
        return None
    schema = found.get("schema") if isinstance(found, dict) else None
    return schema if isinstance(schema, int) and not isinstance(schema, bool) else None


def damaged(what: str, why: str, *, at: StateLocation = "DEST") -> DestinationError:
    """Return the error for state that cannot be used; `at`: what it is below."""
    anew = ", or make anew what it tells of: streamify transcode SOURCE DEST --replace" if at == "DEST" else ""
    return DestinationError("state-damaged", f"{what}: {why}", f"remove it{anew}")
