"""Compares what a page shows with what the program says, and shows the lines that differ."""

from __future__ import annotations

import difflib


def assert_same(shown: str, said: str, remedy: str) -> None:
    """Fail with a diff and `remedy` where the page's text is not the program's."""
    lines = difflib.unified_diff(shown.splitlines(), said.splitlines(), "the page", "the program", lineterm="")
    assert shown == said, f"{remedy}\n" + "\n".join(lines)
