"""Read a YAML file that a person wrote: safe types only, no key twice, errors with a line number."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from streamify.errors import UsageError


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping; plain YAML keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """Return the file's value.

    Raises:
        UsageError: The file cannot be read or is not YAML.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError("config-unreadable", f"cannot read {path}: {reason}", "check the path") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> Any:
    """Return the value of a YAML text; `name` says where it is from.

    Raises:
        UsageError: ``config-invalid``, it is not YAML.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # _Loader is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError("config-invalid", f"{name}, line {line}: {error.problem}", "correct the YAML") from error
    except yaml.YAMLError as error:
        raise UsageError("config-invalid", f"{name}: {' '.join(str(error).split())}", "correct the YAML") from error
