"""Settings from outside: flags over environment over file over defaults, with where each value came from.

The same reader serves the command line, the Python API, sidecars and AWS input, so that a wrong key
or value gets the same message everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from streamify.errors import UsageError
from streamify.model.settings import KEYS, Rung, Settings
from streamify.model.subtitle import SubtitleFile
from streamify.settings.yaml import read_yaml

PREFIX = "STREAMIFY_"
NO_SETTINGS = frozenset({"STREAMIFY_CORPUS", "STREAMIFY_CASES"})
"""Variables that are not settings: where this project's own tests find their clips."""
DEFAULT_FILE = Path("streamify.yaml")
_SEE = "docs/reference/settings.md lists all settings"
_ENTRIES: Final[Mapping[str, type[BaseModel]]] = MappingProxyType({"ladder": Rung, "subtitles": SubtitleFile})
"""Settings that are text or a list, and what the list is of."""


@dataclass(frozen=True)
class Given:
    """A raw value and where it came from, in words a user knows: ``--crf``, ``STREAMIFY_CRF``, ``streamify.yaml``."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Effective:
    """Settings that hold, and where each came from."""

    settings: Settings
    origins: dict[str, str]
    """By key; ``default`` where nobody set it."""

    def to_json(self) -> str:
        """Return ``{"settings": ..., "origins": ...}``."""
        return json.dumps({"settings": self.settings.model_dump(mode="json"), "origins": self.origins})

    def to_yaml(self) -> str:
        """Return a ``streamify.yaml`` that sets the same, each key with its origin as a comment."""
        lines = []
        for key, name in KEYS.items():
            value = {key: _plain(getattr(self.settings, name))}
            text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")
            many = "\n" in text
            origin = self.origins[key].replace("\n", "\\n")  # a path may hold one, a comment may not
            lines.append(f"# {origin}\n{text}" if many else f"{text}  # {origin}")
        return "\n".join(lines) + "\n"


def effective(flags: Mapping[str, Any], environ: Mapping[str, str], config: Path | None) -> Effective:
    """Return the settings of a command: `flags` that were given, the environment, `config` or ``./streamify.yaml``.

    Raises:
        UsageError: A key is unknown, a value is not allowed, or a file cannot be read.
    """
    file = config or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    return merge(
        from_file(file) if file else {},
        from_environment(environ),
        {key: _given(key, value, "--" + key.replace("_", "-")) for key, value in flags.items()},
    )


def from_arguments(values: Mapping[str, Any]) -> Settings:
    """Return settings from keyword arguments of the Python API; nothing else is read.

    Raises:
        UsageError: A key is unknown or a value is not allowed.
    """
    given = {_keys().get(name, name): (name, value) for name, value in values.items()}
    return merge({key: _given(key, value, f"argument {name}") for key, (name, value) in given.items()}).settings


def _keys() -> dict[str, str]:
    """Return the key of each field: Python has ``from_``, files and flags have ``from``."""
    return {name: key for key, name in KEYS.items()}


def from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    """Return what variables such as ``STREAMIFY_CRF`` set; an empty one counts as not set."""
    return {
        name.removeprefix(PREFIX).lower(): _given(name.removeprefix(PREFIX).lower(), value, name)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and value and name not in NO_SETTINGS
    }


def from_file(path: Path) -> dict[str, Given]:
    """Return what a YAML file sets. Keys may be written with dashes; a ladder file is looked for beside it."""
    return from_mapping(read_yaml(path), str(path), path.parent)


def from_mapping(
    data: Any, name: str, folder: Path = Path(), lines: Mapping[str, int] | None = None
) -> dict[str, Given]:
    """Return what the value of a YAML file sets.

    Args:
        data: As YAML reads it.
        name: Of the file.
        folder: Where a ladder file is looked for.
        lines: Numbers of the lines on which keys stand, from 1, where they are known.

    Raises:
        UsageError: ``config-invalid``, it is no mapping or sets a key twice.
    """
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UsageError("config-invalid", f"{name} is not a mapping of settings", f"write lines 'key: value'; {_SEE}")
    given: dict[str, Given] = {}
    for written, value in data.items():
        key = str(written).replace("-", "_")
        if key in given:
            raise UsageError("config-invalid", f"{name} sets {key} twice", "keep one")
        line = (lines or {}).get(str(written))
        given[key] = _given(key, value, f"{name}, line {line}" if line else name, folder)
    return given


def over(base: Effective, layer: Mapping[str, Given]) -> Settings:
    """Return settings with a stronger layer over them.

    Raises:
        UsageError: A key of the layer is unknown or a value is not allowed.
    """
    below = {key: Given(getattr(base.settings, name), base.origins[key]) for key, name in KEYS.items()}
    return merge(below, layer).settings


def merge(*layers: Mapping[str, Given]) -> Effective:
    """Lay `layers` over each other, the strongest last, and validate.

    Raises:
        UsageError: A key is unknown or a value is not allowed.
    """
    given: dict[str, Given] = {}
    for layer in layers:
        for key, value in layer.items():
            if key not in KEYS:
                raise _unknown(key, value.origin, tuple(KEYS))
            given[key] = value
    try:
        settings = Settings.model_validate({key: value.value for key, value in given.items()})
    except ValidationError as error:
        raise _refused(error, given) from error
    return Effective(settings, {key: given[key].origin if key in given else "default" for key in KEYS})


def schema() -> str:
    """Return the JSON Schema of the settings, as published in ``docs/reference/settings.schema.json``."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | Settings.model_json_schema(), indent=2) + "\n"


def _given(key: str, value: Any, origin: str, folder: Path = Path()) -> Given:
    if key != "ladder":
        return Given(value, origin)
    if isinstance(value, str | Path) and str(value).lower().endswith((".yaml", ".yml")):
        path = folder / value
        value, origin = read_yaml(path), f"{origin} ({path})"
    if isinstance(value, dict):
        for name in value:
            if name != "rungs":
                raise _unknown(str(name), origin, ("rungs",))
        value = value.get("rungs")
    if isinstance(value, list):
        value = tuple(_dashes(rung) for rung in value)
    return Given(value, origin)


def _dashes(rung: Any) -> Any:
    return {str(key).replace("-", "_"): value for key, value in rung.items()} if isinstance(rung, dict) else rung


def _unknown(key: str, origin: str, known: tuple[str, ...]) -> UsageError:
    close = get_close_matches(key.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known)}"
    return UsageError("unknown-setting", f"{origin}: there is no setting '{key}'", hint)


def _refused(error: ValidationError, given: Mapping[str, Given]) -> UsageError:
    details = [detail for detail in error.errors() if _relevant(detail, given)]
    for detail in details:
        if detail["type"] == "extra_forbidden":
            origin = given[str(detail["loc"][0])].origin
            return _unknown(str(detail["loc"][-1]), origin, tuple(_ENTRIES[str(detail["loc"][0])].model_fields))
    return UsageError("bad-setting", "; ".join(_line(detail, given) for detail in details), _SEE)


def _relevant(detail: ErrorDetails, given: Mapping[str, Given]) -> bool:
    """Of the two readings of `ladder` and `subtitles` (text, list), keep complaints about the one that was meant."""
    key = str(detail["loc"][0])
    if key not in _ENTRIES or len(detail["loc"]) < 2:
        return True
    return str(detail["loc"][1]).startswith("tuple[") == isinstance(given[key].value, list | tuple)


def _line(detail: ErrorDetails, given: Mapping[str, Given]) -> str:
    key, *rest = detail["loc"]
    where = str(key)
    for part in rest[1:] if key in _ENTRIES else rest:
        where += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"] in ("float_parsing", "finite_number"):
        message = "must be a number"
    read = detail["input"] if rest else given[str(key)].value  # as it was written: 0.1, not Fraction(1, 10)
    said = message.startswith("'") or isinstance(read, dict | tuple)
    value = "" if said else f", not {read!r}"
    origin = given[str(key)].origin
    if origin.lower().replace("-", "_").endswith(where):  # --crf, STREAMIFY_CRF: the name is said already
        return f"{origin}: {message}{value}"
    return f"{origin}: {where}: {message}{value}"


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Rung | SubtitleFile):
        return {key: _plain(item) for key, item in value if item is not None}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
