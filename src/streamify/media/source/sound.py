"""What the sound of a source turned out to be where it was read from end to end: facts, notes, and its line in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from streamify.bitstream.pace import RECKONED
from streamify.bitstream.packets import NONE
from streamify.bitstream.soundline import SECOND, Hole, Line, lay, padding
from streamify.media.audio.notes import change_note, cut_note, padding_note
from streamify.media.source.audio_packets import CLOCKLESS, JUMPING, StreamPackets
from streamify.model.plan import Splice
from streamify.model.source import AudioFacts, ClockBreak, Note

LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0(side)", 6: "5.1(side)", 7: "6.1", 8: "7.1"}
NAMED = 20
"""Gaps that are named one by one; the rest are counted."""
APART = 10 * SECOND
"""Silence outside the pictures behind which sound is left out: a stray time must not make hours of a still picture."""
SMOOTHED = SECOND * 3 // 100
"""Jitter that is named."""
STRETCHED = SECOND // 100
"""Drift that is named."""


@dataclass(frozen=True)
class Laid:
    """An audio stream that was counted."""

    facts: AudioFacts
    packets: StreamPackets
    line: Line
    restarts: tuple[tuple[Fraction, Fraction], ...] = ()
    within: Splice | None = None
    """The part of the file in which it is found, where it appears only late."""
    pace: Fraction | None = None
    """How many times as fast as its samples its clock runs, where that cannot be right and only samples count."""


def lay_out(
    facts: AudioFacts, packets: StreamPackets, format_name: str, breaks: Sequence[ClockBreak], *, alone: bool
) -> Laid | None:
    """Return where a stream's sound lies; ``None`` where tasks go by its timestamps, which are exact.

    Args:
        facts: Of the stream, as its container says.
        packets: Its packets.
        format_name: Of the container.
        breaks: Where the clock of the pictures does not go on.
        alone: There are no pictures.
    """
    pace = packets.wrong_pace() if format_name == RECKONED else None
    clockless = format_name in CLOCKLESS or pace is not None
    times = packets.nanoseconds(breaks, alone=alone and not clockless, jumps=format_name in JUMPING)
    if all(one == NONE for one in times.ns):
        return None
    line = lay(packets.coded, times.ns, clockless=clockless, joins=times.joins)
    exact = not (1 / facts.time_base) % facts.sample_rate if facts.sample_rate else False
    tick = facts.time_base * SECOND
    if format_name.startswith("mov") and exact and len(line.runs) == 1 and line.jitter <= tick and not breaks:
        return None
    rate, channels = packets.coded.kinds[0]
    known = {} if facts.sample_rate else {"sample_rate": rate, "channels": channels}
    if known:
        known["layout"] = LAYOUTS.get(channels, f"{channels} channels")  # type: ignore[assignment]
    start = Fraction(line.runs[0].at, SECOND)
    changed = facts.model_copy(
        update={
            "counted": True,
            "start": round(start / facts.time_base),
            "stop": round(Fraction(line.end, SECOND) / facts.time_base),
            "duration": Fraction(line.end - line.runs[0].at, SECOND),
            **known,
        }
    )
    return Laid(changed, packets, line, times.restarts, pace=pace)


def late(laid: Laid, index: int, within: Splice) -> Laid:
    """Return a stream that was found in a part of the file as one of the whole."""
    return replace(laid, facts=laid.facts.model_copy(update={"stream": index}), within=within)


def near_pictures(laid: Laid, first: Fraction, last: Fraction) -> tuple[Laid, list[Note]]:
    """Return a stream without what long silence parts from the pictures, and what is said of that.

    Args:
        laid: The stream.
        first: When the pictures begin, seconds.
        last: When they end.
    """
    line, notes = laid.line, list[Note]()
    begin, end = line.runs[0].at, line.end
    for hole in line.holes:
        before, after = min(hole.at + hole.length, int(first * SECOND)), max(hole.at, int(last * SECOND))
        if before - hole.at > APART:
            notes += [_apart(laid, hole.at - begin, "before the first picture", hole)]
            begin = hole.at + hole.length
        elif hole.at + hole.length - after > APART:
            notes += [_apart(laid, end - hole.at - hole.length, "after the last picture", hole)]
            end = hole.at
            break
    if not notes:
        return laid, notes
    holes = tuple(one for one in line.holes if begin <= one.at < end)
    tick = laid.facts.time_base * SECOND
    seconds = Fraction(end - begin, SECOND)
    facts = laid.facts.model_copy(update={"start": round(begin / tick), "stop": round(end / tick), "duration": seconds})
    return replace(laid, facts=facts, line=replace(line, holes=holes, end=end)), notes


def _apart(laid: Laid, length: int, where: str, hole: Hole) -> Note:
    return Note(
        kind="dropped",
        what=f"{length / SECOND:.3f} s of audio stream {laid.facts.stream}",
        why=f"{hole.length / SECOND:.3f} s without sound part it from the others, {where}",
    )


def sound_notes(laid: Laid, origin: Fraction) -> Iterator[Note]:
    """Yield what is said of a stream's sound.

    Args:
        laid: The stream.
        origin: Where the output's timeline begins on the source's, seconds.
    """
    where = f"audio stream {laid.facts.stream}"
    base = int(origin * SECOND)
    for place, number in enumerate(laid.packets.coded.firsts[1 : NAMED + 1], 1):
        before, after = laid.packets.coded.kinds[place - 1 : place + 1]
        at = Fraction(_when(laid, number) - base, SECOND)
        yield change_note(laid.facts.stream, at, f"{_kind(before)} becomes {_kind(after)}")
    for begin, moved in laid.restarts[:NAMED]:
        what = f"{where}: the clock is set anew at {float(begin - origin):.3f} s ({float(-moved):+.3f} s)"
        yield Note(kind="converted", what=what, why="recordings that were joined: the sound goes on without a gap")
    if laid.pace is not None:
        yield _paced(where, laid.pace)
    again, padded = _heard_again(laid), _padded(laid)
    for hole in laid.line.holes[:NAMED]:
        when = f"at {(hole.at - base) / SECOND:.3f} s"
        if hole.length > 0:
            yield _silence(where, hole.length / SECOND, when)
        elif hole in padded and hole not in again:
            yield padding_note(laid.facts.stream, -hole.length / SECOND, f" {when}")
        elif hole.length < 0:
            yield cut_note(laid.facts.stream, -hole.length / SECOND, f" {when}", same=hole in again)
    if more := laid.line.holes[NAMED:]:
        lost = any(one.length < 0 and one not in again and one not in padded for one in more)
        yield _more_holes(where, more, lost=lost)
    if laid.line.jitter > SMOOTHED:
        what = f"{where}: timestamps that are up to {laid.line.jitter / 1_000_000:.0f} ms off"
        yield Note(kind="info", what=what, why="samples follow each other by their count: no gap is made of it")
    if abs(laid.line.drift) > STRETCHED:
        what = f"{where}: {laid.line.drift / SECOND:+.3f} s of drift between samples and timestamps"
        yield Note(kind="converted", what=what, why="played a little slower or faster, so that sync is kept")


def _paced(where: str, pace: Fraction) -> Note:
    what = f"{where}: its times, which run {float(pace):.3g} times as fast as its samples"
    return Note(kind="converted", what=what, why="the container's rates cannot be right: samples follow each other")


def _silence(where: str, seconds: float, when: str) -> Note:
    what = f"{where}: {seconds:.3f} s without sound {when}"
    return Note(kind="info", what=what, why="no packet that can be read lies there: silence fills it, and sync is kept")


def _more_holes(where: str, more: Sequence[Hole], *, lost: bool) -> Note:
    seconds = sum(abs(one.length) for one in more) / SECOND
    what = f"{where}: {len(more)} more gaps and overlaps, {seconds:.3f} s in all"
    return Note(kind="damaged" if lost else "info", what=what, why="as above")


def _heard_again(laid: Laid) -> set[Hole]:
    """Return the overlaps in which all that is cut out came before: packets of the same time and fingerprint.

    That is their length and the CRC of 512 bytes at either end (`print_of`).
    """
    packets, sums = laid.packets, laid.packets.coded.sums
    rates = {run.first: run.rate for run in laid.line.runs}
    ends: dict[Hole, int] = {}
    """Of each overlap the packet behind what is cut out."""
    for hole in laid.line.holes:
        if hole.length < 0:
            last = bisect_right(sums, sums[hole.packet] - hole.length * rates[hole.packet] // SECOND) - 1
            ends[hole] = max(hole.packet + 1, last)
    known: dict[tuple[int, int], int] = {}
    count = max(ends.values(), default=0)
    came = [known.setdefault((packets.times[at], packets.prints[at]), at) for at in range(count)]
    found, place = set[Hole](), 0
    for hole, end in ends.items():  # what came before an overlap came before those behind it, too: none is read twice
        place = max(place, hole.packet)
        while place < end and came[place] < hole.packet:
            place += 1
        if place >= end:
            found.add(hole)
    return found


def _padded(laid: Laid) -> Collection[Hole]:
    """Return the overlaps that are no longer than what encoders add where parts are joined."""
    sums, rates = laid.packets.coded.sums, {run.first: run.rate for run in laid.line.runs}
    found, since = set[Hole](), laid.line.runs[0].at
    for hole in laid.line.holes:
        packet = (sums[hole.packet + 1] - sums[hole.packet]) * SECOND // rates[hole.packet]
        if hole.length < 0 and padding(-hole.length, packet, hole.at - since):
            found.add(hole)
        since = hole.at + hole.length
    return found


def _kind(kind: tuple[int, int]) -> str:
    rate, channels = kind
    return f"{rate} Hz {LAYOUTS.get(channels, f'{channels} channels')}"


def _when(laid: Laid, number: int) -> int:
    run = next(one for one in reversed(laid.line.runs) if one.first <= number)
    sums = laid.packets.coded.sums
    return run.at + (sums[number] - sums[run.first]) * SECOND // run.played
