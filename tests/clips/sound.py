"""Listens to what came out: when beeps start, how far from their flashes, and what a sweep lost at the joins."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import numpy as np
import numpy.typing as npt

from clips.identity import joined, pictures, read_flash
from clips.make import Clip
from streamify.media import testcard

Wave = npt.NDArray[np.float64]

WINDOW, HOP = 512, 128
"""Short-time error windows, samples: about half an AAC frame."""
NEAR = 2048
"""A window belongs to a join when its middle is no further away than two AAC frames."""


@dataclass(frozen=True)
class Sound:
    """Decoded audio on its own clock, mixed to mono."""

    samples: Wave
    rate: int
    start: Fraction = Fraction(0)
    """Presentation time of the first sample, seconds."""
    holes: int = 0
    """Places where a frame did not begin where the one before it ended; a gap is filled with silence."""

    def at(self, index: int, count: int) -> Wave:
        """Return `count` samples from sample `index` of the presentation clock on; silence outside."""
        begin = index - round(self.start * self.rate)
        out = np.zeros(count)
        low, high = max(0, begin), min(len(self.samples), begin + count)
        if low < high:
            out[low - begin : high - begin] = self.samples[low:high]
        return out

    @property
    def end(self) -> Fraction:
        """Presentation time of the end."""
        return self.start + Fraction(len(self.samples), self.rate)


def decode_sound(source: Path | str | IO[bytes]) -> Sound:
    """Decode the first audio stream with PyAV; edit lists and skipped samples are FFmpeg's matter."""
    parts: list[Wave] = []
    start: Fraction | None = None
    expected, holes, rate = Fraction(0), 0, 0
    with av.open(str(source) if isinstance(source, Path) else source, "r") as container:
        for frame in container.decode(audio=0):
            if frame.pts is None or frame.time_base is None:
                raise AssertionError("a decoded audio frame has no time")
            time, rate = frame.pts * frame.time_base, frame.sample_rate
            if start is None:
                start = time
            elif abs(time - expected) > max(Fraction(1, rate), frame.time_base):
                holes += 1
                if time > expected:
                    parts.append(np.zeros(round((time - expected) * rate)))
            parts.append(_mono(frame))
            expected = time + Fraction(len(parts[-1]), rate)
    return Sound(np.concatenate(parts), rate, start or Fraction(0), holes)


def decode_audio(dest: Path, track_folder: str) -> Sound:
    """Decode a finished audio rendition with PyAV, all segments appended to the init segment."""
    return decode_sound(joined(dest / track_folder))


def decode_audio_ffmpeg(dest: Path, track_folder: str) -> Sound:
    """Do the same with the system's ffmpeg on the media playlist."""
    command = [
        "ffmpeg",
        "-nostdin",
        "-v",
        "error",
        "-xerror",
        "-copyts",
        "-i",
        str(dest / track_folder / "playlist.m3u8"),
    ]
    # FFmpeg 5.1 hands over the encoder's priming with negative times; NUT would move it to 0 and all else with it.
    command += ["-map", "0:a:0", "-af", "atrim=start=0", "-c:a", "pcm_f32le", "-f", "nut", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        sound = decode_sound(process.stdout)
        errors = process.stderr.read().decode()
    assert process.returncode == 0, errors
    assert not errors, errors
    return sound


def beep_times(sound: Sound) -> list[float]:
    """Return when beeps start, seconds: found by loudness, then placed to the sample by correlation with the beep."""
    loud = np.abs(sound.samples) > testcard.BEEP_LEVEL / 4
    tone = np.asarray(testcard.beep(sound.rate), dtype=np.float64)
    quiet, half_period = int(0.2 * sound.rate), sound.rate // testcard.BEEP_HERTZ // 2
    found: list[float] = []
    last = -quiet
    for index in np.flatnonzero(loud):
        if index - last >= quiet:
            offsets = range(-half_period, half_period + 1)
            base = round(sound.start * sound.rate) + int(index)
            scores = [float(sound.at(base + offset, len(tone)) @ tone) for offset in offsets]
            found.append((base + offsets[int(np.argmax(scores))]) / sound.rate)
        last = int(index)
    return found


def flash_times(dest: Path, track_folder: str) -> list[Fraction]:
    """Return when the flashing pictures of a finished video rendition are shown: of one that stands, for the last time.

    The first picture stands where sound begins before it, until its own time.
    """
    shown = [(time, read_flash(picture)) for time, picture in pictures(joined(dest / track_folder))]
    following = [flashing for _, flashing in shown[1:]] + [False]
    return [time for (time, flashing), stands in zip(shown, following, strict=True) if flashing and not stands]


def sync_errors(clip: Clip, flashes: Sequence[Fraction], beeps: Sequence[float]) -> list[float]:
    """Return by how many milliseconds each beep comes later after its flash than it does in the clip.

    Beeps before the first and after the last flash are ignored; a flash without a beep within 0.4 s is an error, unless
    the clip's own audio has none there.
    """
    errors: list[float] = []
    for number, (flash, truth) in enumerate(zip(flashes, clip.flashes, strict=True)):
        if Fraction(number) not in clip.beeps:
            continue
        nearest = min(beeps, key=lambda beep: abs(beep - float(flash)))
        assert abs(nearest - float(flash)) < 0.4, f"no beep near the flash at {float(flash):.3f} s"
        errors.append(((nearest - float(flash)) - float(number - truth)) * 1000)
    return errors


@dataclass(frozen=True)
class SweepReport:
    """Error energy of a sweep, dB below the sweep itself; the worst short window of each kind of place."""

    at_joins: float
    elsewhere: float
    plain_at_joins: float
    """The plain encode at the same places, where it has no joins."""
    plain_elsewhere: float
    drift_start: int
    """Samples by which ours is late against the source at its start."""
    drift_end: int
    holes: int


def compare_sweep(source: Sound, plain: Sound, ours: Sound, joins: Iterable[Fraction]) -> SweepReport:
    """Compare our sweep and a plain encode of it with the source, around `joins` (seconds) and everywhere else.

    All three have one sample rate and one clock: give `source.start` the presentation time that its first sample has in
    the output. Half a second at either end is left out.
    """
    rate = source.rate
    assert ours.rate == rate == plain.rate, "rates differ"
    begin = round(source.start * rate)
    count = min(len(source.samples), round(ours.end * rate) - begin, round(plain.end * rate) - begin)
    reference = source.at(begin, count)
    power = float(np.mean(reference**2))
    middles = np.arange(0, count - WINDOW + 1, HOP) + WINDOW // 2
    inner = (middles > rate // 2) & (middles < count - rate // 2)
    near = np.zeros(len(middles), dtype=bool)
    for join in joins:
        near |= np.abs(middles - (round(join * rate) - begin)) <= NEAR
    mine, theirs = (_error(one.at(begin, count) - reference, power) for one in (ours, plain))
    drifts = [_lag(reference, ours.at(begin, count), at, rate // 2) for at in (rate // 4, count - rate * 3 // 4)]
    return SweepReport(
        _worst(mine, near & inner),
        _worst(mine, ~near & inner),
        _worst(theirs, near & inner),
        _worst(theirs, ~near & inner),
        drifts[0],
        drifts[1],
        ours.holes,
    )


def _mono(frame: av.AudioFrame) -> Wave:
    data = frame.to_ndarray().astype(np.float64)
    if np.issubdtype(frame.to_ndarray().dtype, np.integer):
        data /= float(1 << (8 * frame.format.bytes - 1))
    if frame.format.is_packed:
        data = data.reshape(-1, len(frame.layout.channels)).T
    mono: Wave = data.mean(axis=0)
    return mono


def _error(difference: Wave, power: float) -> Wave:
    total = np.concatenate([[0.0], np.cumsum(difference**2)])
    starts = np.arange(0, len(difference) - WINDOW + 1, HOP)
    energy: Wave = 10 * np.log10((total[starts + WINDOW] - total[starts]) / WINDOW / power + 1e-12)
    return energy


def _worst(levels: Wave, where: npt.NDArray[np.bool_]) -> float:
    return float(levels[where].max()) if where.any() else float("-inf")


def _lag(reference: Wave, late: Wave, at: int, length: int, reach: int = 2400) -> int:
    """Return by how many samples `late` follows `reference` near sample `at`, by cross-correlation."""
    at = min(max(at, reach), len(reference) - length - reach)
    piece = reference[at : at + length]
    field, size = late[at - reach : at + length + reach], 1 << (length + 2 * reach - 1).bit_length()
    scores = np.fft.irfft(np.fft.rfft(field, size) * np.fft.rfft(piece, size).conj(), size)[: 2 * reach + 1]
    return int(np.argmax(scores)) - reach
