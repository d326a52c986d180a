"""What is said of a source whose times could not be taken as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from streamify.bitstream.clock import Timed
from streamify.bitstream.packets import NONE, Packets
from streamify.errors import counted
from streamify.model.source import Note

NAMED = 20
"""Breaks that are named one by one; the rest are counted."""


def clock_notes(packets: Packets, timed: Timed, time_base: Fraction) -> Iterator[Note]:
    """Yield what was made of the times of a stream's packets; times are those of the finished stream."""
    origin = _origin(timed)

    def at(packet: int) -> str:
        return _shown_at(packet, timed, origin, time_base)

    joined = "recordings that were joined, or a clock that was set: one timeline in the order of the file"
    for number, one in enumerate(timed.breaks):
        if number == NAMED:
            yield Note(kind="converted", what=f"{len(timed.breaks) - NAMED} more breaks of the clock", why="as above")
            break
        jump = float((one.after - one.before) * time_base)
        how = "jumps ahead" if jump > 0 else "starts anew"
        yield Note(kind="converted", what=f"the clock {how} at {at(one.packet)} ({jump:+.3f} s)", why=joined)
    if timed.wild:
        named = ", ".join(at(packet) for packet in timed.wild[:5])
        yield Note(
            kind="converted",
            what=f"{counted(len(timed.wild), 'wild timestamp')}, at {named}",
            why="far from those around them: replaced by the times between their neighbours",
        )
    if timed.late:
        yield Note(
            kind="damaged",
            what=f"{counted(len(timed.late), 'picture')} whose packets come long after their time",
            why="what they are decoded from has gone by then, as where PIDs change",
        )
    lost = [packet for packet, count in enumerate(packets.lost) if count]
    if lost:
        named = ", ".join(at(packet) for packet in lost[:5]) + (" ..." if len(lost) > 5 else "")
        yield Note(
            kind="damaged",
            what=f"{counted(sum(packets.lost), 'picture')} of packed MPEG-4, at {named}",
            why="decoders show one picture for each packet and keep only an I or B picture for the next one",
        )
    if not timed.ordered:
        yield Note(
            kind="info",
            what="the container gives no presentation times, only those of decoding",
            why="pictures are shown in the order that the bitstream says, as FFmpeg shows them",
        )
    elif timed.filled - len(timed.wild) > 0:
        yield Note(
            kind="info",
            what=f"{timed.filled - len(timed.wild)} pictures without a usable timestamp",
            why="spread evenly between their neighbours, in the order that the bitstream says",
        )
    second = sum(picture < 0 for picture in packets.picture)
    if second:
        yield Note(
            kind="info",
            what=f"{second} packets that begin no picture",
            why="second fields, parameters or messages: they are no pictures of their own",
        )


def corrupt_notes(corrupt: Sequence[int], timed: Timed, time_base: Fraction) -> Iterator[Note]:
    """Yield a note of the packets that the demuxer found damaged."""
    if corrupt:
        named = ", ".join(_shown_at(packet, timed, _origin(timed), time_base) for packet in corrupt[:5])
        yield Note(
            kind="damaged",
            what=f"{len(corrupt)} packets are incomplete, at {named}",
            why="the container's own counters or checksums say so: data was lost before it came here",
        )


def join_notes(joined: Iterable[int], timed: Timed, time_base: Fraction) -> Iterator[Note]:
    """Yield a note of joins at which nothing is missing, and of what came twice.

    Args:
        joined: First packets behind joins.
        timed: The times of the stream's packets.
        time_base: Seconds per tick.
    """
    named = {one.packet for one in timed.breaks} | timed.repeated | {number + 1 for number in timed.repeated}
    plain = sorted(set(joined) - named)
    if plain:
        times = ", ".join(_shown_at(packet, timed, _origin(timed), time_base) for packet in plain[:5])
        yield Note(
            kind="info",
            what=f"{len(plain)} joins, at {times}",
            why="packet counters start anew between two pictures, and none is missing",
        )
    if timed.repeated:
        first = _shown_at(min(timed.repeated), timed, _origin(timed), time_base)
        yield Note(
            kind="info",
            what=f"{len(timed.repeated)} packets that came before, from {first} on",
            why="the same stretch is in the file twice, as where a segment was downloaded again: it is shown once",
        )


def _origin(timed: Timed) -> int:
    return min((time for time in timed.times if time != NONE), default=0)


def _shown_at(packet: int, timed: Timed, origin: int, time_base: Fraction) -> str:
    """Return where a packet is shown, from the first picture on."""
    shown = next((time for time in timed.times[packet:] if time != NONE), origin)
    return f"{float((shown - origin) * time_base):.3f} s"
