"""Makes ``docs/reference/python.md`` from the docstrings of what `streamify` exports.

.venv/bin/python tests/docs/python_reference.py
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import streamify
from streamify import api, errors
from streamify.handle import JobHandle
from streamify.settings.arguments import Seconds

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "python.md"

FUNCTIONS = [
    "transcode",
    "start",
    "transcode_async",
    "status",
    "list_jobs",
    "explain",
    "cancel",
    "resume",
    "plan",
    "predict",
    "probe",
    "verify",
]
ERRORS = [name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)]
OTHERS = sorted(set(streamify.__all__) - {*FUNCTIONS, *ERRORS, "JobHandle", "__version__"})


def page() -> str:
    """Return the text of the page."""
    return "\n".join(_lines()).rstrip() + "\n"


def _lines() -> Iterator[str]:
    yield "# Python API"
    yield ""
    yield "<!-- Made from docstrings: .venv/bin/python tests/docs/python_reference.py -->"
    yield ""
    yield from _prose(api)
    yield "## Functions"
    yield ""
    for name in FUNCTIONS:
        yield from _callable(name, getattr(streamify, name))
    yield "## JobHandle"
    yield ""
    yield from _prose(JobHandle)
    yield "- `source`, `dest`: as they were given to `start`."
    yield ""
    for name, value in vars(JobHandle).items():
        if inspect.isfunction(value) and (not name.startswith("_") or name == "__await__"):
            yield from _callable(f"JobHandle.{name}", value)
    yield "## Errors"
    yield ""
    yield "Each has `code` ([index](errors.md)), `message`, `hint` and `exit_code`."
    yield ""
    for name in ERRORS:
        value = getattr(streamify, name)
        yield f"- `{name}`: {inspect.cleandoc(value.__doc__ or '').partition(chr(10))[0]}"
    yield ""
    yield "## Values"
    yield ""
    yield from ("Models are frozen; `to_json()` gives what the command line prints with `--json`.", "")
    yield "- `Rational` is a `fractions.Fraction`."
    yield f'- `Seconds` is `{Seconds}`; `"24/5"` and `4.8` are the same number.'
    yield ""
    for name in OTHERS:
        yield from _value(name, getattr(streamify, name))


def _callable(name: str, value: Any) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    signature = inspect.signature(value)
    parameters = [given for key, given in signature.parameters.items() if key != "self"]
    shown = str(signature.replace(parameters=parameters)).replace("'", "")
    prefix = "async def" if inspect.iscoroutinefunction(value) else "def"
    yield from ("```text", *_wrapped(f"{prefix} {value.__name__}", shown), "```", "")
    yield from _prose(value)


def _wrapped(head: str, signature: str) -> Iterator[str]:
    """Yield a signature on one line, or a parameter a line where it is long."""
    if len(head + signature) <= 100:
        yield head + signature
        return
    given, _, result = signature.removeprefix("(").rpartition(")")
    yield f"{head}("
    yield from (f"    {parameter}," for parameter in re.split(r", (?![^\[]*\])", given))
    yield f"){result}"


def _prose(value: Any) -> Iterator[str]:
    """Yield a docstring as Markdown: sections become lists, examples become code."""
    text = inspect.cleandoc(value.__doc__ or "").replace("``", "`")
    for part in re.split(r"\n\n", text):
        if part.lstrip().startswith(">>>"):
            code = re.sub(r"^ *(>>>|\.\.\.) ?", "", part, flags=re.MULTILINE)
            code = re.sub(r"^(import .*)\n", r"\1\n\n", code.replace("  # doctest: +SKIP", ""))
            yield from ("```python", code, "```", "")
        elif part.startswith("Attributes:\n"):
            continue  # in the table of fields
        elif found := re.match(r"(Args|Returns|Raises):\n", part):
            yield from (f"{found[1]}:", "")
            yield from _items(textwrap.dedent(part[found.end() :]))
            yield ""
        else:
            yield from (part, "")


def _items(text: str) -> Iterator[str]:
    for item in re.split(r"\n(?=\S)", text):
        name, colon, rest = re.sub(r"\s*\n\s*", " ", item).partition(": ")
        yield f"- `{name}`: {rest}" if colon and re.fullmatch(r"[\w*, ]+", name) else f"- {name}{colon}{rest}"


def _value(name: str, value: Any) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if not inspect.isclass(value) and not typing.is_typeddict(value):
        yield from (f"`{_type(str(value))}`", "")
        return
    yield from _prose(value)
    rows = list(_fields(value))
    columns = 3 if any(row[2] for row in rows) else 2
    yield "| " + " | ".join(("field", "type", "meaning")[:columns]) + " |"
    yield "|---" * columns + "|"
    yield from ("| " + " | ".join(row[:columns]) + " |" for row in rows)
    yield ""


def _fields(value: Any) -> Iterator[tuple[str, str, str]]:
    types, texts = _types(value), dict(_meanings(value))
    fields: dict[str, FieldInfo] = value.model_fields if issubclass(value, BaseModel) else {}
    for name in types:
        field = fields.get(name, FieldInfo())
        shown, text = field.alias or name, field.description or texts.get(name, "")
        meaning = " ".join(text.split()).replace("``", "`").replace("|", "\\|")
        yield f"`{shown}`", f"`{_type(types[name])}`", meaning


def _types(value: Any) -> dict[str, str]:
    """Return the types of a class's fields, its bases' first, as they are written."""
    found: dict[str, str] = {}
    for base in reversed(value.__mro__):
        if base.__module__.startswith("streamify"):
            found |= {name: ast.unparse(node.annotation) for name, node in _annotated(base)}
    return found


def _meanings(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the docstring below each field, or what the docstring of the class says of it."""
    _, _, attributes = inspect.cleandoc(value.__doc__ or "").partition("Attributes:\n")
    for line in attributes.splitlines():
        name, _, text = line.strip().partition(": ")
        yield name, text
    for base in reversed(value.__mro__):
        if base.__module__.startswith("streamify"):
            body = _body(base)
            for node, after in pairwise(body):
                if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr):
                    yield ast.unparse(node.target), str(ast.literal_eval(after.value))


def _annotated(value: type) -> Iterator[tuple[str, ast.AnnAssign]]:
    for node in _body(value):
        if isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), node


def _body(value: type) -> list[ast.stmt]:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    assert isinstance(node, ast.ClassDef)
    return node.body


def _type(text: str) -> str:
    text = re.sub(r"Annotated\[(\w+), .*\]", r"\1", text)
    text = re.sub(r"\b(?:streamify|collections|typing|pathlib)(?:\.\w+)*\.(?=\w)", "", text)
    return text.replace("|", "\\|").replace("Required[str]", "str").replace("Required[int]", "int").replace("'", '"')


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"wrote {PAGE}\n")
