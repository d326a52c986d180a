"""Bitmap subtitles of a source, read in one pass."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import BinaryIO

from streamify.bitstream.bitmaps.base import Display, Reader
from streamify.bitstream.bitmaps.dvb import DvbReader
from streamify.bitstream.bitmaps.pgs import PgsReader
from streamify.bitstream.bitmaps.vobsub import VobSubReader
from streamify.errors import SourceError, counted
from streamify.media.bitmaps.shown import Account, TooManyError, stretches
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, read_packets
from streamify.model.burn import BITMAP_CODECS, SHOWN, BurnIn, Shown
from streamify.model.source import ClockBreak, Note, VideoFacts

_DAMAGE = 1000
"""Faults that are kept and counted at most."""


class BitmapStream:
    """Reads what a stream of bitmap subtitles shows.

    Args:
        open_source: Opens the source.
        burn: Which stream, and what of it.
        video: The pictures that it is drawn into.
        breaks: Where the source's clock does not go on.
    """

    def __init__(
        self,
        open_source: Callable[[], BinaryIO],
        burn: BurnIn,
        video: VideoFacts,
        breaks: Sequence[ClockBreak] = (),
    ) -> None:
        self._open, self._burn, self._video = open_source, burn, video
        self._positions, self._breaks = sorted(one.position for one in breaks), breaks
        self._account, self._guessed = Account(), False
        assert burn.stream is not None
        self._stream = burn.stream
        self.name = f"subtitle stream {burn.stream} ({BITMAP_CODECS.get(burn.codec, burn.codec)})"

    def shown(self) -> Iterator[Shown]:
        """Yield what is shown when, in order.

        Raises:
            SourceError: ``burn-in-too-much``.
        """
        try:
            yield from stretches(self._displays(), self._account, forced=self._burn.forced)
        except TooManyError as error:
            raise SourceError(
                "burn-in-too-much",
                f"{self.name} shows something more than {SHOWN} times",
                "leave out --burn-in: the stream is damaged, or it is no subtitles",
            ) from error

    def _displays(self) -> Iterator[Display]:
        account = self._account
        with self._open() as file, open_media(file) as container:
            stream = container.streams[self._stream]
            header = bytes(stream.codec_context.extradata or b"")
            reader = self._reader(header)
            keep_only(container, stream)
            try:
                for packet in read_packets(container, stream):
                    if not packet.size:
                        continue
                    if packet.pts is None or packet.time_base is None:
                        account.untimed += 1
                        continue
                    at = packet.pts * packet.time_base + self._shift(packet.pos)
                    yield from reader.read(bytes(packet), at)
                    del reader.damage[_DAMAGE:]
            except UnreadableError as error:
                reader.damage.append(f"not read to its end: {error.message}")
            yield from reader.finish()
            account.damage += reader.damage

    def _reader(self, header: bytes) -> Reader:
        if self._burn.codec == "hdmv_pgs_subtitle":
            return PgsReader()
        if self._burn.codec == "dvb_subtitle":
            return DvbReader(header)
        reader = VobSubReader(header, (self._video.width, self._video.height))
        self._guessed = reader.guessed
        return reader

    def _shift(self, position: int | None) -> Fraction:
        passed = bisect_right(self._positions, position) if position is not None else 0
        return self._breaks[passed - 1].shift if passed else Fraction(0)

    def notes(self) -> Iterator[Note]:
        """Yield what was met; call it when all was read."""
        account, name = self._account, self.name
        if account.damage:
            more = f", and {len(account.damage) - 1} more" if len(account.damage) > 1 else ""
            yield Note(kind="damaged", what=f"{name}: not all of it could be read", why=f"{account.damage[0]}{more}")
        if account.untimed or account.unordered:
            count = account.untimed + account.unordered
            why = "no time, or one before that of the packet in front"
            yield Note(kind="dropped", what=f"{name}: {counted(count, 'packet')}", why=why)
        if account.outside:
            yield Note(kind="converted", what=f"{name}: {counted(account.outside, 'bitmap')} cut off",
                       why="beyond the canvas of the subtitles")  # fmt: skip
        if self._guessed:
            yield Note(kind="converted", what=f"{name}: its colours are greys", why="the source does not name them")
        if self._burn.forced and not account.shown:
            yield Note(kind="info", what=f"{name}: nothing is drawn", why="none of its bitmaps is marked as forced")
        elif not account.shown:
            yield Note(kind="info", what=f"{name}: nothing is drawn", why="it shows nothing")
