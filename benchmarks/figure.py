"""One measured figure, its limit, and how both are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Unit = Literal["x", "%", "s", "MiB", ""]


@dataclass(frozen=True)
class Figure:
    """A ratio or amount and what lies behind it."""

    name: str
    value: float
    unit: Unit
    limit: float | None = None
    """``None``: shown for what it explains, with no limit of its own."""
    at_least: bool = False
    """Whether the limit is a floor instead of a ceiling."""
    behind: dict[str, float | str] = field(default_factory=dict)
    """What the value was computed from; names end in their unit."""

    @property
    def met(self) -> bool:
        """Whether the limit holds."""
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def lines(self) -> str:
        """Return the figure for people: one line, and one of what is behind it."""
        text = f"{self.name}: {_number(self.value)}{self._unit}"
        if self.limit is not None:
            bound = "at least" if self.at_least else "limit"
            text += f" ({bound} {_number(self.limit)}{self._unit}) {'ok' if self.met else 'MISSED'}"
        parts = [f"{key} {value if isinstance(value, str) else _number(value)}" for key, value in self.behind.items()]
        return "\n    ".join([text, *_wrapped(parts)])

    def document(self) -> dict[str, Any]:
        """Return the figure for machines."""
        return asdict(self) | {"met": self.met}

    @property
    def _unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:.0f}"
    return (
        f"{value:.3g}"
        if abs(value) < 0.1
        else f"{value:.3f}".rstrip("0").rstrip(".")
        if abs(value) < 100
        else f"{value:.1f}"
    )


def _wrapped(parts: list[str], width: int = 110) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 2 <= width:
            lines[-1] += f"; {part}"
        else:
            lines.append(part)
    return lines
