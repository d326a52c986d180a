"""What all models share: frozen, strict about unknown keys, exact numbers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema


class Frozen(BaseModel):
    """A frozen value; unknown keys are errors; JSON in and JSON out are the same value."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def to_json(self) -> bytes:
        """Return compact, key-ordered JSON: equal values give equal bytes."""
        return self.model_dump_json(by_alias=True).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Parse what `to_json` wrote.

        Raises:
            pydantic.ValidationError: `data` is not JSON or not of this model.
        """
        return cls.model_validate_json(data)


def _fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be a number, a decimal string or 'N/D'")
    try:
        return Fraction(str(value).strip())  # str: 0.1 becomes 1/10, not its binary neighbour
    except ZeroDivisionError as error:
        raise ValueError("has a zero denominator") from error


Rational = Annotated[
    Fraction,
    BeforeValidator(_fraction),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": ["number", "string"], "description": "a number, a decimal string or 'N/D'"}),
]
"""An exact number; in JSON a string such as ``30000/1001``."""
