"""Sound that a source holds twice: which overlaps are the same sound once more, of which nothing is lost."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from fractions import Fraction

from growth import assert_linear
from streamify.bitstream.soundline import SECOND, lay
from streamify.media.source.audio_packets import StreamPackets
from streamify.media.source.sound import Laid, sound_notes
from streamify.model.source import AudioFacts, Note

PACKET = SECOND // 50
GROUP = 10
"""Packets that come again together: 0.2 s."""
FACTS = AudioFacts(
    stream=1, time_base=Fraction(1, SECOND), codec="mp2", sample_rate=48000, channels=2, layout="stereo", counted=True
)


def laid(times: Sequence[int], prints: Sequence[int]) -> Laid:
    """Return packets of 20 ms that the container gives these times, as numbers of packets."""
    found = StreamPackets(1, 257, "mp2", b"", FACTS.time_base, (48000, 2), None)
    found.times, found.prints = array("q", (time * PACKET for time in times)), array("Q", prints)
    for _ in times:
        found.coded.add(48000, 2, 960)
    return Laid(FACTS, found, lay(found.coded, found.times))


def notes(times: Sequence[int], prints: Sequence[int]) -> list[Note]:
    return list(sound_notes(laid(times, prints), Fraction(0)))


def twice(groups: int) -> list[int]:
    """Return the packets of groups that all come twice in a row."""
    return [number for group in range(groups) for _ in "12" for number in range(group * GROUP, (group + 1) * GROUP)]


def test_groups_that_come_twice_lose_nothing() -> None:
    found = notes(twice(15), twice(15))
    assert [note.kind for note in found] == ["dropped"] * 15
    assert found[0].what == "audio stream 1: 0.200 s of sound at 0.200 s"
    many = notes(twice(30), twice(30))
    assert [note.kind for note in many] == ["dropped"] * 20 + ["info"]
    assert many[-1].what == "audio stream 1: 10 more gaps and overlaps, 2.000 s in all"


def test_a_packet_that_is_another_one_is_lost() -> None:
    """Also where it comes again later: it has to come before the overlap that cuts it out."""
    prints = twice(8)
    prints[3 * 2 * GROUP + GROUP + 4] = 1000
    assert [note.kind for note in notes(twice(8), prints)] == ["dropped"] * 3 + ["damaged"] + ["dropped"] * 4
    times = [*range(60), *range(20, 60), *range(20, 80)]
    prints = [*range(60), *range(20, 50), *range(1000, 1010), *range(20, 50), *range(1000, 1010), *range(60, 80)]
    assert [note.kind for note in notes(times, prints)] == ["damaged", "dropped"]


def test_what_comes_behind_a_stretch_that_is_cut_short_is_lost() -> None:
    """The second part begins 2 s early, and 0.8 s of it came before."""
    times = [*range(200), *range(100, 300)]
    prints = [*range(140), *range(500, 560), *range(100, 140), *range(1000, 1160)]
    assert [note.kind for note in notes(times, prints)] == ["damaged"]


def test_the_time_grows_with_the_packets() -> None:
    def groups(count: int) -> Callable[[], object]:
        sound = laid(twice(count), twice(count))
        return lambda: list(sound_notes(sound, Fraction(0)))

    def to_and_fro(count: int) -> Callable[[], object]:
        """Time leaps between two places all along, and each fall is as long as half of the stream."""
        numbers = [number + group % 2 * count * 100 for group in range(count) for number in range(200)]
        sound = laid(numbers, numbers)
        return lambda: list(sound_notes(sound, Fraction(0)))

    assert_linear(groups, 500)
    assert_linear(to_and_fro, 25)
