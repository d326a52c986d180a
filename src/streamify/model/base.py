"""What all models share: frozen, strict about unknown keys, exact numbers."""

from __future__ import annotations

import re
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


_NUMBER = "must be a number, a decimal string or 'N/D'"
_TIME = "must be a time: seconds, or such as 1:02:03.5"
_POWER = re.compile(r"[eE][+-]?0*[0-9]{3}")
"""A power of ten that no setting has, and that would take Python minutes to write out."""


def _fraction(value: Any) -> Fraction:
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError(_NUMBER)
    if _POWER.search(str(value)):
        raise ValueError(_NUMBER)
    try:
        return Fraction(str(value).strip())  # str: 0.1 becomes 1/10, not its binary neighbour
    except ZeroDivisionError as error:
        raise ValueError("has a zero denominator") from error
    except ValueError as error:  # nan and inf among them
        raise ValueError(_NUMBER) from error


Rational = Annotated[
    Fraction,
    BeforeValidator(_fraction),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": ["number", "string"], "description": "a number, a decimal string or 'N/D'"}),
]
"""An exact number; in JSON a string such as ``30000/1001``."""


_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]{1,2}(?:\.[0-9]+)?)")


def _time(value: Any) -> Fraction:
    found = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        try:
            return _fraction(value)
        except ValueError as error:
            raise ValueError(_TIME) from error
    hours, minutes, seconds = int(found[1] or 0), int(found[2]), Fraction(found[3])
    if seconds >= 60 or (found[1] is not None and minutes >= 60):
        raise ValueError("has more than 59 minutes or seconds")
    return hours * 3600 + minutes * 60 + seconds


Time = Annotated[
    Fraction,
    BeforeValidator(_time),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": ["number", "string"], "description": "seconds: a number, a decimal string, 'N/D', "
                    "'MM:SS' or 'H:MM:SS', with a fraction or without"}),
]  # fmt: skip
"""An exact time of a film, seconds; in JSON a string as `Rational`."""


_RATE = r"([0-9]+(?:\.[0-9]+)?) ?([kKmMgG]?)(?:bit/s|bps)?"
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


def _bits(value: Any) -> Any:
    if isinstance(value, float):
        value = str(Decimal(str(value)).to_integral_value()) if value.is_integer() else repr(value)
    if not isinstance(value, str):
        return value
    found = re.fullmatch(_RATE, value.strip())
    if found is None:
        raise ValueError("should be bits per second: a whole number, or one with k, M or G such as 128k or 1.5M")
    bits = Decimal(found[1]) * _FACTORS[found[2].lower()]
    if bits != bits.to_integral_value():
        raise ValueError("should be a whole number of bits per second")
    return int(bits)


BitRate = Annotated[int, BeforeValidator(_bits)]
"""Bits per second, or bits of a buffer: ``128000``, ``128k`` or ``5M``; written as a whole number."""


def bit_rate_schema(schema: dict[str, Any]) -> None:
    """Add the text form to the JSON Schema of a `BitRate`; for ``json_schema_extra`` of its field."""
    keys = ("type", "minimum", "maximum")
    kinds = schema.pop("anyOf", None) or [{key: schema.pop(key) for key in keys if key in schema}]
    if "ge" in kinds[0]:  # pydantic's own word, where the field may be left out
        kinds[0]["minimum"] = kinds[0].pop("ge")
    schema["anyOf"] = [kinds[0], {"type": "string", "pattern": f"^{_RATE}$"}, *kinds[1:]]
