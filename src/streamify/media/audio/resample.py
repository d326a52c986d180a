"""Frames of sound into runs of samples at the output's rate, also of frames whose rate or format changes midway."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

FORMAT = "fltp"
"""Samples as they leave the resampler: floating point, one plane for each channel."""
WIDTH = 4
"""Bytes of a sample."""

Planes = tuple[bytes, ...]
"""Samples of each channel."""
Samples = tuple[int, Planes]
"""Position of the first sample on the output's timeline, and the samples."""


class Resampling:
    """Resamples frames of the output's layout that follow each other.

    PyAV's resampler is made for frames of one kind: it passes others through unchanged, at the wrong pitch, or raises.
    So each kind gets its own; what the one before still holds comes out first.

    Args:
        layout: FFmpeg's name of the output's layout, which all frames have.
        rate: Of the output, samples per second.
        position: Of the first sample that comes out.
    """

    def __init__(self, layout: str, rate: int, position: int) -> None:
        self._layout, self._rate = layout, rate
        self._resampler: AudioResampler | None = None
        self._kind: object = None
        self.position = position
        """Of the next sample that comes out."""

    def push(self, frame: AudioFrame) -> Iterator[Samples]:
        """Yield what comes out with a frame."""
        kind = frame.sample_rate, frame.format.name
        if self._resampler is None or kind != self._kind:
            yield from self.flush()
            self._resampler = AudioResampler(format=FORMAT, layout=self._layout, rate=self._rate)
            self._kind = kind
        frame.pts = None
        yield from self._placed(self._resampler.resample(frame))

    def flush(self) -> Iterator[Samples]:
        """Yield what is held back; the next frame begins a new run at `position`."""
        if self._resampler is not None:
            held, self._resampler = self._resampler.resample(None), None
            # One that passes its frames through gives back what it is flushed with.
            yield from self._placed([one for one in held if isinstance(one, AudioFrame)])

    def _placed(self, frames: Iterable[AudioFrame]) -> Iterator[Samples]:
        for frame in frames:
            size = frame.samples * WIDTH  # planes are padded
            yield self.position, tuple(bytes(plane)[:size] for plane in frame.planes)
            self.position += frame.samples
