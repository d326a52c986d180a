"""Times that decoders see in a source of very many recordings, which no file of a test's size holds."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from streamify.media.source import linear
from streamify.media.source.linear import Runs


@pytest.mark.parametrize(("number", "again"), [(3, True), (3, False), (linear.RUNS + 2, True)])
def test_times_behind_any_number_of_recordings_fit_and_come_back(number: int, again: bool) -> None:
    """What came twice is never said of a picture that did not: it would not be compared."""
    assert linear.RUNS * linear.STRIDE <= 1 << 62  # as much again is left for the times themselves
    runs, empty, packet = Runs(), cast("Packet[VideoStream]", Packet()), cast("Packet[VideoStream]", Packet(b"picture"))
    for place in range(number - 1):
        runs.add(empty, anew=True, again=again and place % 2 == 0)
    runs.add(empty, anew=True, again=False)
    packet.pts = packet.dts = 1 << 33
    runs.add(packet, anew=False, again=False)
    assert packet.pts is not None
    assert packet.pts // linear.STRIDE == min(number, linear.RUNS - 1)
    run = runs.of(packet.pts)
    assert not run.again
    assert runs.time(packet.pts, Fraction(1)) == (1 << 33) - linear.LOWERED * run.recording
