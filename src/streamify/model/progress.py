"""How far a task is, while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Unit = Literal["pictures", "access units", "blocks"]

OnProgress = Callable[[int, int, Unit], None]
"""Takes how much of a task is done, how much there is in all, and in which unit; called often, so it must be cheap."""
