"""What a command owes to stdout with ``--json``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Document:
    """The one JSON document that a command writes to stdout."""

    owed: bool = False
    """Whether it is still to be written: false where nobody asked for it, and from just before its first byte."""
