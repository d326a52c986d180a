"""Pieces of a counted audio track: which packet decoding begins with, where its bytes are, where the samples lie."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO

from streamify.bitstream.soundline import SECOND, Run
from streamify.media.audio.counted import PieceError, open_piece
from streamify.media.audio.samples import LEAD
from streamify.media.source.audio_packets import CLOCKLESS
from streamify.media.source.cutters import walk_matroska
from streamify.media.source.sound import Laid
from streamify.media.source.splice import opened
from streamify.media.source.transport import TS_PACKET, TS_SEARCH, tables
from streamify.model.plan import AudioPiece, Inline, Range, SoundRun, Splice
from streamify.model.track import AudioTrack
from streamify.mp4.boxes import BoxError

SEARCHED = 12
"""Seconds before a piece's lead in which its first packet is chosen."""
PROVEN = 8
"""Packets of a splice that are compared with those of the whole file."""
PROBES = 3
"""Splices of a track that are opened at split."""


class Placer:
    """Says where the samples of one track lie.

    Args:
        laid: Its source stream.
        track: The track.
    """

    def __init__(self, laid: Laid, track: AudioTrack) -> None:
        self._laid, self._track = laid, track
        self._sums = laid.packets.coded.sums
        self._runs = tuple(self._placed(laid.line.runs))
        self._firsts = [one.first for one in self._runs]
        self._ats = [one.at for one in self._runs]

    def _placed(self, runs: Sequence[Run]) -> Iterator[SoundRun]:
        """Yield runs on the output's timeline; those that follow a gap begin with a whole sample."""
        rate, origin = self._track.sample_rate, self._track.recipe.origin
        before: SoundRun | None = None
        for run in runs:
            if run.joined and before is not None:
                at = self._after(before, run.first)
            else:
                at = Fraction(round((Fraction(run.at, SECOND) - origin) * rate))
            before = SoundRun(first=run.first, at=at, rate=run.rate, played=run.played)
            yield before

    def _after(self, run: SoundRun, number: int) -> Fraction:
        found = run.at + Fraction((self._sums[number] - self._sums[run.first]) * self._track.sample_rate, run.played)
        return found.limit_denominator(1 << 20)

    def at(self, number: int) -> Fraction:
        """Return where a packet begins, samples of the track."""
        return self._after(self._runs[bisect_right(self._firsts, number) - 1], number)

    def near(self, position: int) -> int:
        """Return the last packet of the last run that begins before a position."""
        run = next((n for n in range(len(self._runs) - 1, -1, -1) if self._runs[n].at <= position), 0)
        low = self._firsts[run]
        high = self._firsts[run + 1] if run + 1 < len(self._runs) else len(self._sums) - 1
        wanted = (position - self._runs[run].at) * self._runs[run].played / self._track.sample_rate
        return max(low, min(high - 1, bisect_right(self._sums, self._sums[low] + int(wanted), low, high) - 1))

    def piece(self, start: int, stop: int) -> tuple[AudioPiece, int]:
        """Return the piece of some samples, without a splice, and the packet behind the last that it needs."""
        heard, rate = self._laid.packets, self._track.sample_rate
        number = self._entry(start - LEAD * rate) if start > 0 or self._track.recipe.within else 0
        end = min(self.near(stop + rate) + 1, len(self._sums) - 1)
        first = number + 1 if number else 0  # what the first packet adds can depend on the one before it
        runs = [one for one in self._runs if first < one.first <= end]  # the one behind tells where the last one ends
        place = self._runs[bisect_right(self._firsts, first) - 1]
        runs.insert(0, place.model_copy(update={"first": first, "at": self.at(first)}))
        known = number > 0
        return (
            AudioPiece(
                track=self._track.id,
                stream=heard.index,
                id=heard.id,
                number=number,
                position=heard.positions[number] if known else -1,
                size=heard.sizes[number] if known else 0,
                pts=heard.times[number] if known else 0,
                runs=tuple(runs),
                promised=self._promised(max(start, 0), stop),
                within=self._laid.within,
            ),
            end,
        )

    def _entry(self, latest: int) -> int:
        """Return the packet to begin with: of those that can be found again the last before `latest`.

        Where a rate is converted, the one that lies best on the grid of the output's samples: the phase of a piece is
        then that of the piece before.
        """
        positions = self._laid.packets.positions
        last = self.near(latest)
        best, least = 0, Fraction(1)
        for number in range(last, 0, -1):
            if positions[number] < 0 or positions[number] <= positions[number - 1]:
                continue
            at = self.at(number + 1) if number + 1 < len(self._sums) - 1 else self.at(number)
            if best and at < latest - SEARCHED * self._track.sample_rate:
                break
            off = abs(at - round(at))
            if off < least - Fraction(1, 1000):
                best, least = number, off
            if off < Fraction(1, 1000):
                break
        return best

    def _promised(self, start: int, stop: int) -> int:
        """Return how many of some samples are not silence; what overlaps counts once."""
        total, have = 0, start
        for place, run in enumerate(self._runs):
            last = self._firsts[place + 1] if place + 1 < len(self._runs) else len(self._sums) - 1
            begin, end = max(have, round(run.at)), min(stop, round(self._after(run, last)))
            if end > begin:
                total, have = total + end - begin, end
        return total


def place_pieces(
    file: BinaryIO, size: int, format_name: str, laid: Laid, track: AudioTrack, windows: Sequence[tuple[int, int]]
) -> tuple[AudioPiece, ...]:
    """Return one piece for each window.

    Args:
        file: The source.
        size: Its size, bytes.
        format_name: Of its container.
        laid: The source stream.
        track: The track.
        windows: First sample of each piece and the one behind the last.
    """
    placer = Placer(laid, track)
    found = [placer.piece(*window) for window in windows]
    if len(found) == 1 and not found[0][0].number:
        return (found[0][0],)
    part, length = opened(file, laid.within), sum(_length(one) for one in laid.within.pieces) if laid.within else size
    cutter = _cutter(part, length, format_name)
    if cutter is None:
        return tuple(one for one, _ in found)
    positions = laid.packets.positions
    spliced = []
    for piece, end in found:
        splice = cutter(piece.position, positions[end] if end < len(positions) else -1) if piece.number else None
        spliced.append(piece.model_copy(update={"splice": splice}))
    step = max(1, (len(spliced) - 1) // PROBES)
    for piece in spliced[1::step] or spliced:
        if piece.splice is not None and not _reads_alike(file, laid, piece):
            return tuple(one for one, _ in found)
    return tuple(spliced)


class _Cutter:
    """Makes the splice from the packet at one byte offset to the one at another; -1: to the end."""

    def __init__(self, head: bytes, format_name: str, size: int, starts: Sequence[int] = ()) -> None:
        self._head, self._format, self._size, self._starts = head, format_name, size, starts

    def __call__(self, first: int, last: int) -> Splice | None:
        stop = self._size if last < first else min(self._size, last + TS_PACKET)
        if self._starts:
            place = bisect_right(self._starts, first) - 1
            if place < 0:
                return None
            first = self._starts[place]
            following = bisect_left(self._starts, stop)
            stop = self._starts[following] if following < len(self._starts) else self._size
        span = Range(offset=first, length=stop - first)
        return Splice(pieces=(Inline.of(self._head), span), format=self._format)


def _cutter(file: BinaryIO, size: int, format_name: str) -> _Cutter | None:
    if format_name in CLOCKLESS or format_name == "mpeg":
        return _Cutter(b"", format_name, size)
    if format_name == "mpegts":
        file.seek(0)
        head = tables(bytes(file.read(min(TS_SEARCH, size))))
        return _Cutter(head, format_name, size) if head is not None else None
    if format_name.startswith("matroska"):
        try:
            head, starts, _ = walk_matroska(file, size)
        except BoxError:
            return None
        return _Cutter(head, "matroska", size, starts) if starts else None
    return None


def _reads_alike(file: BinaryIO, laid: Laid, piece: AudioPiece) -> bool:
    sizes = laid.packets.sizes[piece.number : piece.number + PROVEN].tolist()
    try:
        with open_piece(file, piece, spliced_only=True) as found:
            return [packet.size for packet, _ in zip(found.packets, sizes, strict=False)] == sizes
    except PieceError:
        return False


def _length(piece: Inline | Range) -> int:
    return piece.length if isinstance(piece, Range) else len(piece.bytes)
