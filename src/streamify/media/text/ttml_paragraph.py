"""A paragraph of TTML as cue text: white space, line breaks, ruby, and spans that have times of their own. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import NamedTuple

from streamify.media.text.spans import Style, marked, tidy
from streamify.media.text.ttml_style import Props

_BLANKS = re.compile(r"[ \t\r\n]+")
BREAK = "\n"


class Ruby(NamedTuple):
    """Which part of which ruby container a run is (W3C TTML2, 10.2.37)."""

    container: int
    part: int
    """Number of its base or text in the container."""
    is_text: bool


@dataclass(frozen=True, slots=True)
class Run:
    """Words that look alike and are shown for the same time."""

    text: str
    style: Style
    begin: Fraction
    end: Fraction | None
    """``None``: nothing says."""
    preserve: bool = False
    """Whether blanks and line feeds are kept (``xml:space``); a line break is one."""
    ruby: Ruby | None = None


class Shown(NamedTuple):
    """Words of a paragraph that are shown for a while, seconds; an end of ``None``: nothing says."""

    start: Fraction
    end: Fraction | None
    text: str
    settings: str
    paragraph: int
    """Number of the paragraph in the document."""


@dataclass
class Paragraph:
    """A paragraph while it is read."""

    line: int
    begin: Fraction
    end: Fraction | None
    runs: list[Run] = field(default_factory=list)
    size: int = 0
    """Characters, blanks not counted."""
    parts: int = 0
    """Bases and texts of ruby."""
    timed: bool = True
    """Whether the times of all that is in it can be read."""
    region: str | None = None
    """The first in which words are."""
    computed: Props = field(default_factory=dict)
    """Of its first words."""
    lost: set[str] = field(default_factory=set)
    """Styling of its spans that is not kept."""

    def states(self) -> Iterator[tuple[Fraction, Fraction | None, str]]:
        """Yield each state of its words with its times; those that show nothing are left out, equal ones are joined."""
        last: tuple[Fraction, Fraction | None, str] | None = None
        for start, stop in self._intervals():
            shown = (run for run in self.runs if run.begin <= start and (run.end is None or run.end > start))
            text = cue_text_of(shown)
            if last is not None and last[2] == text and last[1] == start:
                last = last[0], stop, text
                continue
            if last is not None and last[2]:
                yield last
            last = start, stop, text
        if last is not None and last[2]:
            yield last

    @property
    def work(self) -> int:
        """Return how many times `states` looks at a run."""
        return len(self.runs) * len({self.begin, *(run.begin for run in self.runs), *(run.end for run in self.runs)})

    def _intervals(self) -> Iterator[tuple[Fraction, Fraction | None]]:
        times = {self.begin, *(run.begin for run in self.runs), *(run.end for run in self.runs if run.end is not None)}
        if self.end is not None:
            times = {time for time in times if time < self.end} | {self.end}
        ordered = sorted(time for time in times if time >= self.begin)
        yield from pairwise(ordered)
        if self.end is None and ordered:
            yield ordered[-1], None


def cue_text_of(runs: Iterable[Run]) -> str:
    """Return runs as WebVTT cue text."""
    groups = groupby(_collapsed(runs), key=lambda run: run.ruby.container if run.ruby is not None else None)
    return tidy("".join(_plain(group) if ruby is None else _ruby([*group]) for ruby, group in groups))


def _plain(runs: Iterable[Run]) -> str:
    return "".join(
        marked("".join(run.text for run in alike), style) for style, alike in groupby(runs, key=lambda run: run.style)
    )


def _ruby(runs: Sequence[Run]) -> str:
    parts: dict[bool, dict[int, list[Run]]] = {False: {}, True: {}}
    for run in runs:
        assert run.ruby is not None
        parts[run.ruby.is_text].setdefault(run.ruby.part, []).append(run)
    bases, texts = list(parts[False].values()), list(parts[True].values())
    if not bases or not texts:
        return _plain(runs)
    texts[len(bases) - 1 :] = [[run for text in texts[len(bases) - 1 :] for run in text]]  # more texts than bases
    told = "".join(f"{_plain(base)}<rt>{_plain(text)}</rt>" for base, text in zip(bases, texts, strict=False))
    return f"<ruby>{told}{''.join(map(_plain, bases[len(texts) :]))}</ruby>"


def _collapsed(runs: Iterable[Run]) -> Iterator[Run]:
    """Yield runs whose blanks are those that are shown (TTML2, 10.2.47, `xml:space` of 8.2.10)."""
    held: Run | None = None
    blank = True  # what was written ends with a blank, or nothing was
    for run in runs:
        text = run.text
        if not run.preserve:
            text = _BLANKS.sub(" ", text)
            text = text.removeprefix(" ") if blank else text
        if not text:
            continue
        if held is not None and text[0] == BREAK and not held.preserve:
            held = replace(held, text=held.text.rstrip(" "))
        if held is not None:
            yield held
        held, blank = replace(run, text=text), text[-1] in " \n"
    if held is not None:
        yield held
