"""The samples of a track whose packets were counted at split: each packet's lie where the plan says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO, cast

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from streamify.bitstream.sound import sound_reader
from streamify.errors import SourceError
from streamify.media.audio.mixing import Mixer
from streamify.media.audio.resample import Resampling, Samples
from streamify.media.source.opening import keep_only, open_media
from streamify.media.source.reading import UnreadableError, decode, decoder, offset_of, read_packets, seek_to
from streamify.media.source.splice import SplicedFile, opened
from streamify.model.plan import AudioPiece, Range, SoundRun, Splice

if TYPE_CHECKING:
    from streamify.media.audio.samples import AudioLog

SOUGHT = 4000
"""Packets read at most, behind a seek or in a splice, to find the one to begin with."""
OFF = Fraction(1, 200)
"""Seconds by which decoded samples may be off the plan before they are placed anew."""


class PieceError(SourceError):
    """The first packet of a piece is not where the plan says."""

    def __init__(self, piece: AudioPiece) -> None:
        super().__init__(
            "source-unreadable",
            f"packet {piece.number} of audio stream {piece.stream} is not found again",
            "check that the source is still the one that was planned",
        )


@dataclass(frozen=True)
class OpenPiece:
    """A piece that is opened for reading."""

    stream: AudioStream
    packets: Iterator[Packet[AudioStream]]
    """From the packet that decoding begins with."""


@contextmanager
def open_piece(file: BinaryIO, piece: AudioPiece, *, spliced_only: bool = False) -> Iterator[OpenPiece]:
    """Open a piece of the source `file`.

    Raises:
        PieceError: The packet that it begins with cannot be found.
    """
    for way in (_spliced,) if spliced_only else (_spliced, _sought, _counted):
        found = way(file, piece)
        if found is None:
            continue
        container, opening = found
        with container:
            yield opening
        return
    raise PieceError(piece)


Opening = tuple[InputContainer, OpenPiece]


def _spliced(file: BinaryIO, piece: AudioPiece) -> Opening | None:
    if piece.splice is None:
        return None
    spliced = SplicedFile(piece.splice, opened(file, piece.within))
    try:
        container = open_media(cast("BinaryIO", spliced), format=piece.splice.format)
    except SourceError:
        return None
    ahead = _ahead(piece.splice)
    return _from_anchor(container, piece, piece.position - ahead)


def _ahead(splice: Splice) -> int:
    """Return by how much bytes of a splice come earlier than in the file."""
    offset = 0
    for one in splice.pieces:
        if isinstance(one, Range):
            return one.offset - offset
        offset += len(one.bytes)
    return 0


def _sought(file: BinaryIO, piece: AudioPiece) -> Opening | None:
    if piece.position < 0:
        return None
    container = _whole(file, piece)
    stream = _stream(container, piece)
    if stream is None or not seek_to(container, piece.pts, stream):
        container.close()
        return None
    return _from_anchor(container, piece, piece.position)


def _counted(file: BinaryIO, piece: AudioPiece) -> Opening | None:
    container = _whole(file, piece)
    stream = _stream(container, piece)
    if stream is None:
        container.close()
        return None
    keep_only(container, stream)
    packets = (packet for packet in read_packets(container, stream) if packet.size)
    for _ in range(piece.number):
        next(packets, None)
    return container, OpenPiece(stream, packets)


def _whole(file: BinaryIO, piece: AudioPiece) -> InputContainer:
    within = piece.within
    return open_media(opened(file, within), format=within.format if within is not None else None)


def _stream(container: InputContainer, piece: AudioPiece) -> AudioStream | None:
    streams = container.streams.audio
    if container.format.name in ("mpegts", "mpeg"):  # in the order of their appearance
        return next((one for one in streams if one.id == piece.id), None)
    if len(container.streams) == 1:
        return next(iter(streams), None)
    return next((one for one in streams if one.index == piece.stream), None)


def _from_anchor(container: InputContainer, piece: AudioPiece, position: int) -> Opening | None:
    """Read up to the packet that a piece begins with; close the container where it does not come."""
    stream = _stream(container, piece)
    if stream is not None:
        packets = (packet for packet in read_packets(container, stream) if packet.size)
        with suppress(UnreadableError):
            for passed, packet in enumerate(packets):
                if offset_of(packet) == position and packet.size == piece.size:
                    return container, OpenPiece(stream, _chained(packet, packets))
                if passed > SOUGHT or ((at := offset_of(packet)) is not None and at > position):
                    break
    container.close()
    return None


def _chained(first: Packet[AudioStream], rest: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
    yield first
    yield from rest


@dataclass(frozen=True)
class Output:
    """What frames become."""

    mixer: Mixer
    layout: str
    """FFmpeg's name of the layout that comes out of the mixer."""
    rate: int
    """Samples per second."""


class Refusals:
    """Takes note of packets that a decoder refuses, of those that a piece needs."""

    def __init__(self, errors: list[str]) -> None:
        self._errors = errors
        self.wanted = False
        """Whether the packet at hand belongs to the piece, and not to its lead."""

    def __call__(self, error: str) -> None:
        """Take note."""
        if self.wanted:
            self._errors.append(error)


def counted_samples(
    file: BinaryIO, piece: AudioPiece, output: Output, start: int, stop: int, log: AudioLog
) -> Iterator[Samples]:
    """Yield runs of resampled samples and where they lie.

    Args:
        file: The source.
        piece: What is read of it.
        output: What becomes of its frames.
        start: First sample that is wanted.
        stop: The one behind the last.
        log: Receives a line for each packet that is refused, and how long those last whose header cannot be read.
    """
    refused, rate = Refusals(log.errors), output.rate
    usual = 0  # samples of a packet
    with open_piece(file, piece) as found:
        context = decoder(found.stream, output.mixer.told)
        extradata, claimed = bytes(context.extradata or b""), (context.sample_rate, context.layout.nb_channels)
        reader = sound_reader(context.name, extradata, *claimed)
        runs, number, total = list(piece.runs), piece.number, 0
        run: SoundRun | None = None
        placing = _Placing(output)
        try:
            for packet in found.packets:
                heard = reader(bytes(packet)) if reader is not None else None
                if runs and runs[0].first <= number:
                    run, total = runs.pop(0), 0
                at = run.at + Fraction(total * rate, run.played) if run is not None else None
                refused.wanted = at is not None and start <= at < stop
                given = packet.pts
                frames = decode(context, packet, refused)
                if run is not None and at is not None:
                    samples = heard.samples if heard is not None else 0
                    usual = samples or usual
                    if heard is None and not frames and refused.wanted:
                        log.undecoded += Fraction(usual, run.played)  # nobody promised them
                    yield from placing.place(frames, run, at, samples, given)
                    total += samples
                    if at > stop + rate:
                        return
                number += 1
        except UnreadableError as error:
            log.errors.append(f"the container cannot be read on: {error.reason}")
        yield from placing.flush()


class _Placing:
    """Resamples frames and holds them to their places."""

    def __init__(self, output: Output) -> None:
        self._output, self._rate = output, output.rate
        self._resampling: Resampling | None = None
        self._expected = Fraction(0)

    def place(
        self, frames: list[AudioFrame], run: SoundRun, at: Fraction, samples: int, given: int | None
    ) -> Iterator[Samples]:
        """Yield what comes out with the frames of a packet.

        Args:
            frames: What was decoded.
            run: Of the packet.
            at: Where it begins.
            samples: That it holds, as coded.
            given: Its timestamp; a frame with a later one lacks its first samples.
        """
        came = sum((Fraction(one.samples * run.rate, one.sample_rate) for one in frames), Fraction(0))
        if frames and came < samples and given is not None and frames[0].pts is not None and frames[0].pts > given:
            at += (samples - came) * self._rate / run.played
        for frame in frames:
            length = Fraction(frame.samples * run.rate * self._rate, frame.sample_rate * run.played)
            if self._resampling is None or abs(at - self._expected) > OFF * self._rate:
                yield from self.flush()
                self._resampling = Resampling(self._output.layout, self._rate, round(at))
                self._expected = at
            mixed = self._output.mixer(frame)
            if run.played != run.rate:
                mixed.sample_rate = round(Fraction(mixed.sample_rate * run.played, run.rate))
            yield from self._resampling.push(mixed)
            self._expected += length
            at += length

    def flush(self) -> Iterator[Samples]:
        """Yield what is held back."""
        if self._resampling is not None:
            yield from self._resampling.flush()
