"""Settings that lie beside an upload. Whoever may write there decides what the stream is, not where and how it runs."""

from __future__ import annotations

import yaml

from streamify.errors import UsageError
from streamify.model.settings import KEYS, MEDIA_KEYS
from streamify.settings.read import Given, from_mapping
from streamify.settings.yaml import parse_yaml

LIMIT = 1 << 16
"""Bytes of a sidecar at most."""


def from_sidecar(data: bytes, name: str) -> dict[str, Given]:
    """Return what a sidecar sets.

    Args:
        data: What stands in it, at least `LIMIT` + 1 bytes where it has more.
        name: Of the sidecar, for messages.

    Raises:
        UsageError: ``config-invalid`` or ``config-unreadable``, it is no mapping in YAML; ``sidecar-setting``, it sets
            what is not its to set.
    """
    if len(data) > LIMIT:
        raise UsageError("config-invalid", f"{name} has more than {LIMIT} bytes", "write settings alone into it")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UsageError("config-unreadable", f"cannot read {name}: not UTF-8 text", "save it as UTF-8") from error
    given = from_mapping(_value(text, name), name, lines=_lines(text))
    for key, value in given.items():
        if key in KEYS and key not in MEDIA_KEYS:
            raise UsageError(
                "sidecar-setting",
                f"{value.origin}: {key} says where or how a job runs, which is not for a sidecar to say",
                "give it to `streamify watch`",
            )
        if key == "subtitles" and value.value not in ("auto", "off", False):
            raise UsageError(
                "sidecar-setting",
                f"{value.origin}: subtitles names files, which whoever may upload is not to choose",
                "put them beside the upload by their names, such as film.en.srt; this takes auto and off",
            )
    return given


def _value(text: str, name: str) -> object:
    value = parse_yaml(text, name)
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):  # a few lines of them stand for gigabytes
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise UsageError("config-invalid", f"{name}, line {line}: *{event.anchor} refers to another value",
                             "write the value itself")  # fmt: skip
    if isinstance(value, dict) and str(value.get("ladder", "")).lower().endswith((".yaml", ".yml")):
        line = _lines(text)["ladder"]
        raise UsageError(
            "sidecar-setting", f"{name}, line {line}: ladder names a file", "write its rungs into the sidecar"
        )
    return value


def _lines(text: str) -> dict[str, int]:
    """Return the number of the line of each key, from 1."""
    node = yaml.compose(text, yaml.SafeLoader)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return {key.value: key.start_mark.line + 1 for key, _ in pairs if isinstance(key, yaml.ScalarNode)}
