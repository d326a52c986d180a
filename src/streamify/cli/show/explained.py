"""The page of errors, which is part of the package, taken apart by code."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Explanation:
    """What the page says of one error code."""

    section: str
    """Heading of its section, such as ``The source (exit code 3)``."""
    text: str
    """In Markdown."""


def explanations() -> dict[str, Explanation]:
    """Return what ``docs/reference/errors.md`` says of each code."""
    return parse(files("streamify.cli").joinpath("errors.md").read_text("utf-8"))


def parse(page: str) -> dict[str, Explanation]:
    """Return the text below each heading of the third level, with the heading of the second level above it."""
    found: dict[str, Explanation] = {}
    section = ""
    for part in re.split(r"^(?=##)", page, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        level, _, title = heading.partition(" ")
        if level == "##":
            section = title
        else:
            found[title] = Explanation(section, text.strip())
    return found


def plain(markdown: str) -> list[str]:
    """Return Markdown as lines for a terminal: without the marks of emphasis and code and the targets of links."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"\*([^*\n]+)\*", r"\1", text).replace("`", "").split("\n")
