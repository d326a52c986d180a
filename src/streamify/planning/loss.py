"""How much of a film damage may cost."""

from __future__ import annotations

from fractions import Fraction

ALLOWED = 2
"""Seconds of pictures that damage may cost in any film."""


def allowed_loss(whole: Fraction, limit: float) -> Fraction:
    """Return how many seconds of a film of `whole` seconds may be lost.

    Args:
        whole: Length of the film, what is lost included.
        limit: The setting `loss_limit`, per cent.
    """
    return max(whole * Fraction(limit) / 100, Fraction(ALLOWED))
