"""What a shell offers for a word that is not finished yet."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def paths(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to complete the name of a file."""
    return [CompletionItem(incomplete, type="file")]


def folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to complete the name of a folder."""
    return [CompletionItem(incomplete, type="dir")]


def ladders(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a ladder, or the last of several rungs; otherwise the name of a file."""
    from streamify.planning.ladder import CONTENT, LADDERS, known_rungs

    before, comma, last = incomplete.rpartition(",")
    taken = before.split(",")
    names = [name for name in known_rungs() if name not in taken]
    names = names if comma else ["auto", CONTENT, *LADDERS, *names]
    found = [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]
    return found or [CompletionItem(incomplete, type="file")]


def error_codes(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete an error code."""
    from streamify.cli.show.explained import explanations

    return [CompletionItem(code) for code in explanations() if code.startswith(incomplete)]
