"""A source decoded from start to end, as a player does: no index, no plan, no slices, times as FFmpeg guesses them.

This is a second opinion about what a source shows. It shares nothing with index and tasks but FFmpeg's decoders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import BinaryIO, NamedTuple, cast

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamify.media.source.draining import Draining
from streamify.media.source.joints import Restarts
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.palette import CHANGING, INDEXED, read_palette, with_palette
from streamify.media.source.reading import UnreadableError, decode, decoder, read_packets, seek_to
from streamify.media.source.smeared import Smeared
from streamify.media.source.turn import Turn, Turns
from streamify.model.source import EditPart


@dataclass(frozen=True)
class Seen:
    """A picture as it comes out of the decoder."""

    frame: VideoFrame
    time: Fraction | None
    """FFmpeg's best guess of when it is shown, seconds on the source's clock."""
    aspect: Fraction
    """Width of its pixels over their height: the container's, until the bitstream says something else than at first."""
    turn: Turn
    """How a player turns it."""
    marred: bool = False
    """Whether the decoder met damage since the last keyframe: another start of decoding may give another picture."""
    decoded: Fraction | None = None
    """The container's time of its decoding, seconds."""
    doubted: bool = False
    """Whether `time` is that, because presentation times did not rise."""
    again: bool = False
    """Whether its packet came before, with the same bytes and time, and the clock goes on behind it."""


EARLIER = (0, 20, 120)
"""Seconds by which a seek goes before the time that is wanted, one try after the other; then all is decoded."""


LOWERED = 2
"""Seconds by which times fall more behind each recording than the container says, whose clock falls by little."""
STRIDE = 1 << 44
"""Ticks that decoders see between one recording and the next, or what came twice: their times never fall there."""
RUNS = 1 << 18
"""Most that are told apart, so that times fit into 63 bits; those behind count as one recording, none of it twice."""


def decode_parts(
    open_source: Callable[[], BinaryIO],
    stream: int,
    parts: Sequence[EditPart],
    time_base: Fraction,
    start: Fraction | None = None,
) -> Iterator[Seen]:
    """Yield the pictures that an edit list of several parts shows, each part decoded by itself.

    Args:
        open_source: Opens the source.
        stream: Index of the stream.
        parts: Of the edit list, in order.
        time_base: Seconds per tick of these.
        start: Seconds; parts that end before are left out.
    """
    for part in parts:
        begin, end, moved = (ticks * time_base for ticks in (part.begin, part.end, part.at - part.begin))
        if start is not None and end + moved <= start:
            continue
        for seen in decode_from(open_source, stream, max(begin, (start or 0) - moved), edited=False):
            if seen.time is None or seen.time < begin:
                continue
            if seen.time >= end:
                break
            yield replace(seen, time=seen.time + moved)


def decode_from(
    open_source: Callable[[], BinaryIO], stream: int, start: Fraction, *, edited: bool = True
) -> Iterator[Seen]:
    """Yield the pictures of a video stream from one at or before a time on, as a player shows them after a seek.

    Args:
        open_source: Opens the source.
        stream: Index of the stream.
        start: Seconds on the source's clock.
        edited: Whether an edit list is applied.
    """
    for earlier in EARLIER:
        pictures = decode_all(open_source, stream, start - earlier, edited=edited)
        first = next(pictures, None)
        if first is not None and first.time is not None and first.time <= start:
            yield first
            yield from pictures
            return
    yield from decode_all(open_source, stream, edited=edited)


def decode_all(
    open_source: Callable[[], BinaryIO], stream: int, start: Fraction | None = None, *, edited: bool = True
) -> Iterator[Seen]:
    """Yield all pictures of a video stream in the order in which the decoder gives them out.

    Args:
        open_source: Opens the source.
        stream: Index of the stream.
        start: Seconds on the source's clock to which FFmpeg seeks first; nothing comes out where it cannot, or
            where it passes over changes of a palette.
        edited: Whether an edit list is applied.
    """
    with open_source() as file, open_source() as beside, open_media(file, edited=edited) as container:
        video = cast("VideoStream", container.streams[stream])
        keep_only(container, video)
        context = decoder(video)
        restarts = Restarts(beside, container, cast("Fraction", video.time_base), whole=start is None)
        runs, guess, base, marred = Runs(), _Guess(), cast("Fraction", video.time_base), False
        if start is not None and context.pix_fmt == INDEXED and container.format.name == CHANGING:
            return
        if start is not None and not seek_to(container, int(start / base), video):
            return
        packets = read_packets(container, video)
        if start is not None and context.pix_fmt == INDEXED:
            with open_source() as whole:
                packets = with_palette(packets, read_palette(whole, stream))
        smeared = Smeared(context)
        aspects, turns, draining = _Aspects(video.sample_aspect_ratio), Turns(), Draining(context)
        refused: list[str] = []
        try:
            for packet, border, again in restarts.read(packets):
                runs.add(packet, anew=border is not None, again=again)
                if draining.drains and not packet.size:
                    frames = draining.drain()
                else:
                    frames = [*draining.before(packet), *decode(context, packet, refused.append)]
                marred = marred or bool(refused) or packet.is_corrupt  # what that costs is seen in the pictures
                refused.clear()
                aspects.add(packet.pts, context.sample_aspect_ratio)
                for frame in smeared.shown(frames):
                    marred = frame.is_corrupt or (marred and not frame.key_frame)
                    aspect, turn = aspects.of(frame.pts), turns.of(frame)
                    ticks = guess.of(frame.pts, frame.dts)
                    run = runs.of(ticks)
                    time = None if ticks is None else runs.time(ticks, base)
                    decoded = None if frame.dts is None else runs.time(frame.dts, base)
                    yield Seen(frame, time, aspect, turn, marred, decoded, guess.doubted, run.again)
                if not packet.size:
                    return
        except UnreadableError:
            return  # the container ends in damage; the plan's notes say so


class _Run(NamedTuple):
    recording: int
    again: bool


class Runs:
    """Numbers recordings and what came twice in the times of packets, and tells them from those of pictures."""

    def __init__(self) -> None:
        self._all = [_Run(0, again=False)]
        self._last = 0

    def add(self, packet: Packet[VideoStream], *, anew: bool, again: bool) -> None:
        """Move the times of a packet to its run."""
        if (anew or again != self._all[-1].again) and len(self._all) < RUNS:
            last = len(self._all) == RUNS - 1
            self._all.append(_Run(self._all[-1].recording + anew, again and not last))
        by = (len(self._all) - 1) * STRIDE
        if by and packet.size:
            packet.pts = None if packet.pts is None else packet.pts + by
            packet.dts = None if packet.dts is None else packet.dts + by

    def of(self, ticks: int | None) -> _Run:
        """Return the run of a picture; of one without a time, that of the picture before it."""
        self._last = self._last if ticks is None else self._number(ticks)
        return self._all[self._last]

    def time(self, ticks: int, base: Fraction) -> Fraction:
        """Return a time of the source's clock, seconds, which falls clearly where a recording begins."""
        number = self._number(ticks)
        return (ticks - number * STRIDE) * base - LOWERED * self._all[number].recording

    def _number(self, ticks: int) -> int:
        return min(max(0, (ticks + STRIDE // 2) // STRIDE), len(self._all) - 1)


class _Aspects:
    """Sample aspects by the packet that a picture comes from."""

    def __init__(self, container: Fraction | None) -> None:
        self._container = container or Fraction(0)
        self._first: Fraction | None = None
        self._by_time: dict[int | None, Fraction] = {}
        self._now = Fraction(0)

    def add(self, pts: int | None, coded: Fraction | None) -> None:
        self._now = coded or Fraction(0)
        if self._first is None:
            self._first = self._now
        self._by_time[pts] = self._now

    def of(self, pts: int | None) -> Fraction:
        coded = self._by_time.pop(pts, self._now)
        return (self._container if coded == self._first and self._container else coded) or Fraction(1)


class _Guess:
    """FFmpeg's choice between presentation and decode times (``guess_correct_pts`` in libavcodec/decode.c)."""

    def __init__(self) -> None:
        self._faulty_pts = self._faulty_dts = 0
        self._last_pts: int | None = None
        self._last_dts: int | None = None
        self.doubted = False
        """Whether presentation times have been wrong more often than those of decoding."""

    def of(self, pts: int | None, dts: int | None) -> int | None:
        """Return the time of the next picture, ticks."""
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        self.doubted = self._faulty_pts > self._faulty_dts
        return pts if pts is not None and not self.doubted else dts
