"""How long packets last of which a decoder gives nothing: hand calculations over their times."""

from __future__ import annotations

from fractions import Fraction

import pytest

from streamify.media.audio.samples import AudioLog, Undecoded

CASES: dict[str, tuple[Fraction, str, Fraction]] = {
    # Seconds of a packet, what came of each ("+" frames, "-" refused, "." taken), and what is lost.
    "all came": (Fraction(1, 50), "++++", Fraction(0)),
    "the last is refused": (Fraction(1, 50), "+++-", Fraction(1, 50)),
    "long ones": (Fraction(256, 245), "+---", 3 * Fraction(256, 245)),
    "none came": (Fraction(256, 245), "----", 4 * Fraction(256, 245)),
    "a frame of every second packet": (Fraction(1, 50), ".+.+.+", Fraction(0)),
    "taken behind a refused one": (Fraction(1, 50), "+-.-+-+", Fraction(4, 50)),
}


@pytest.mark.parametrize("name", CASES)
def test_lost_time(name: str) -> None:
    length, packets, lost = CASES[name]
    log = AudioLog()
    undecoded = Undecoded((Fraction(0), Fraction(100)), log)
    for number, came in enumerate(packets):
        undecoded.see(number * length, length, heard={"+": True, "-": False, ".": None}[came])
    undecoded.end()
    assert log.undecoded == lost


def test_a_gap_is_not_lost() -> None:
    log = AudioLog()
    undecoded = Undecoded((Fraction(0), Fraction(100)), log)
    for at in (0, 50):
        undecoded.see(Fraction(at), Fraction(1, 2), heard=False)
    undecoded.end()
    assert log.undecoded == 1
