"""The PQ curve of HDR: signal to light, and back. Pure arithmetic."""

from __future__ import annotations

PQ_PEAK = 10_000.0
"""cd/m2 of the largest PQ signal."""


def pq_light(signal: float) -> float:
    """Return the light of a PQ signal in 0 to 1, cd/m2 (BT.2100, table 4)."""
    power = signal ** (1 / _M2)
    return float(PQ_PEAK * (max(0.0, power - _C1) / (_C2 - _C3 * power)) ** (1 / _M1))


def pq_signal(light: float) -> float:
    """Return the PQ signal of a light, cd/m2."""
    power = max(0.0, light / PQ_PEAK) ** _M1
    return float(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
