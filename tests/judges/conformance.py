"""A judge over a finished DEST: every rule of the conformance list that applies to H.264 and AAC.

Use it in a test as ``assert check(dest) == []``, or by hand: ``PYTHONPATH=tests python -m judges.conformance DEST``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from judges import dash, hls, parsers, thumbnails, variants
from judges.stream import Stream

Rule = Callable[[Stream], Iterator[str]]
RULES: tuple[Rule, ...] = (
    *hls.RULES,
    *variants.RULES,
    *dash.RULES,
    *parsers.RULES,
    *thumbnails.RULES,
)


def check(dest: Path, only: str | None = None) -> list[str]:
    """Return every violation as ``rule: what``; an empty list is a pass. `only` names the one rule to judge by."""
    try:
        stream = Stream(dest)
    except (OSError, ValueError, KeyError, StopIteration, SyntaxError) as error:  # ElementTree's is a SyntaxError
        return [f"readable: {error!r}"]
    rules = [rule for rule in RULES if only in (None, rule.__name__)]
    return [f"{rule.__name__}: {fault}" for rule in rules for fault in _apply(rule, stream)]


def advise(dest: Path) -> list[str]:
    """Return what Apple advises and content or settings decide: 7.5 and 1.30."""
    stream = Stream(dest)
    found = [f"7.5: target of {t.name} is {t.playlist.target} s" for t in stream.tracks if t.playlist.target != 6]
    found += [f"1.30: peak of {t.name} above 200 % of average" for t in stream.video if t.peak > 2 * t.average]
    return found


def _apply(rule: Rule, stream: Stream) -> Iterator[str]:
    try:
        yield from rule(stream)
    except Exception as error:  # a stream so broken that the rule cannot be judged has broken it
        yield f"cannot be judged: {error!r}"


if __name__ == "__main__":
    faults = check(Path(sys.argv[1]))
    sys.stdout.write("\n".join([*faults, f"{len(RULES)} rules, {len(faults)} violations\n"]))
    sys.exit(bool(faults))
