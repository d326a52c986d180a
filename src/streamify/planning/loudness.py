"""Integrated loudness (ITU-R BS.1770, EBU R128) and the gain that brings a track to a target. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

from streamify.codecs.registry import audio_codec
from streamify.model.loudness import BLOCKS, Loudness
from streamify.model.track import AudioTrack

ABSOLUTE = -70.0
"""LUFS below which a block does not count."""
RELATIVE = -10.0
"""LU below the mean of the others, below which it does not count either."""
PEAK = -1.0
"""dBTP that no gain goes beyond (EBU R128, requirement n)."""
_OFFSET = -0.691


def blocks(track: AudioTrack, first_unit: int, last_unit: int) -> tuple[int, int]:
    """Return which stretches of 100 ms begin in access units ``[first_unit, last_unit)`` of a track, as a range."""
    codec, step = audio_codec(track.recipe.codec), track.sample_rate // BLOCKS
    last = min(track.samples, (last_unit - codec.priming) * codec.frame)
    first = max(0, (first_unit - codec.priming) * codec.frame)
    return -(-first // step), -(-last // step)


def integrated(momentary: Iterable[float]) -> float | None:
    """Return the loudness of a programme, LUFS, from that of its blocks of 400 ms; ``None``: all of it is silent."""
    energies = [_energy(value) for value in momentary if value > ABSOLUTE]
    if not energies:
        return None
    least = _energy(_level(math.fsum(energies) / len(energies)) + RELATIVE)
    loud = [energy for energy in energies if energy > least]
    return _level(math.fsum(loud) / len(loud))


def settled(track: AudioTrack, momentary: Iterable[float], peak: float) -> Loudness:
    """Return what was measured of a track and the gain that follows.

    Args:
        track: With a target.
        momentary: Loudness of all its blocks of 400 ms, LUFS.
        peak: Its greatest true peak, factor.
    """
    target = track.recipe.loudness
    assert target is not None
    found = integrated(momentary)
    room = PEAK - 20 * math.log10(peak) if peak > 0 else math.inf
    wanted = target - found if found is not None else 0.0
    gain = math.floor(100 * min(wanted, room) + 0.5 * (wanted <= room)) / 100  # never rounded up beyond the peak
    return Loudness(
        track=track.id,
        target=target,
        integrated=round(found, 2) if found is not None else None,
        true_peak=round(20 * math.log10(peak), 2) if peak > 0 else None,
        gain=gain,
        limited=wanted > room,
    )


def factor(gain: float) -> float:
    """Return a gain in dB as a factor."""
    return float(10 ** (gain / 20))


def _energy(level: float) -> float:
    return float(10 ** ((level - _OFFSET) / 10))


def _level(energy: float) -> float:
    return _OFFSET + 10 * math.log10(energy)
