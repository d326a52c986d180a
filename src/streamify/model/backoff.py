"""How long to wait before the next try; one rule for tasks, storages and AWS."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Backoff:
    """Pauses that grow by a factor up to a limit, each drawn at random: what failed together comes back apart."""

    first: float
    """Seconds before the second try, on average."""
    factor: float
    longest: float
    """Seconds, on average."""
    spread: float = 0.25
    """Share by which a pause may be shorter or longer."""
    random: random.Random = field(default_factory=random.SystemRandom, repr=False)

    def pause(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number `attempt` (1 is the first)."""
        mean: float = min(self.longest, self.first * self.factor ** (attempt - 1))
        return mean * self.random.uniform(1 - self.spread, 1 + self.spread)
