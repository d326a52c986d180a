"""Times at which text is drawn, held against times at which a source says something."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from e2e.test_burn_in_text import LINES, film
from streamify.media.drawn.witness import joined, unlike

FILM = (Fraction(0), Fraction(5))
DRAWN = [(0.52, 1.48), (1.8, 2.4), (2.4, 3.2), (3.2, 4.0)]


def spans(*times: tuple[float, float]) -> list[tuple[Fraction, Fraction]]:
    return [(Fraction(str(start)), Fraction(str(end))) for start, end in times]


def test_spans_that_touch_are_one() -> None:
    assert joined(spans((3, 4), (-1, 1), (2, 3), (4.5, 9)), FILM) == spans((0, 1), (2, 4), (4.5, 5))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("w") / "f.mkv", lines=LINES)


@pytest.mark.parametrize(
    ("drawn", "found"),
    [
        (DRAWN, []),
        (DRAWN[:-1], ["the source says something from 3.200 to 4.000 s of its clock, nothing is drawn"]),
        (DRAWN[1:], ["the source says something from 0.520 to 1.480 s of its clock, nothing is drawn"]),
        ([*DRAWN, (4.5, 9)], ["something is drawn from 4.500 to 5.000 s, at which the source says nothing"]),
        ([(0.52, 4)], ["something is drawn from 1.480 to 1.800 s, at which the source says nothing"]),
        ([], ["the source says something from 0.520 to 1.480 s of its clock, nothing is drawn",
              "the source says something from 1.800 to 4.000 s of its clock, nothing is drawn"]),
    ],
)  # fmt: skip
def test_what_is_said_and_not_drawn_and_the_other_way_round(
    source: Path, drawn: list[tuple[float, float]], found: list[str]
) -> None:
    assert list(unlike(lambda: source.open("rb"), 1, spans(*drawn), FILM)) == found
