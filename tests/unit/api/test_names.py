"""The names that `import streamify` gives: the same for a type checker, at run time, and in the signatures."""

from __future__ import annotations

import ast
import inspect
import typing
from pathlib import Path
from typing import Any

import pytest

import streamify
from streamify import api, errors
from streamify.handle import JobHandle

MODULE = Path(streamify.__file__)
FUNCTIONS = [name for name in streamify.__all__ if inspect.isfunction(getattr(streamify, name))]


def _for_type_checkers() -> dict[str, str]:
    """Return the module of every name that the block `if TYPE_CHECKING` imports."""
    (block,) = (node for node in ast.parse(MODULE.read_text()).body if isinstance(node, ast.If))
    return {
        alias.name: str(node.module) for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_type_checkers_and_programs_see_the_same_names() -> None:
    modules: dict[str, str] = vars(streamify)["_MODULES"]
    at_run_time = {name: module for module, names in modules.items() for name in names.split()}
    assert _for_type_checkers() == at_run_time
    assert sorted(streamify.__all__) == sorted({*at_run_time, "__version__"}) == dir(streamify)


@pytest.mark.parametrize("name", streamify.__all__)
def test_every_name_exists(name: str) -> None:
    assert getattr(streamify, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        streamify.Nothing  # type: ignore[attr-defined]  # noqa: B018


def test_all_public_functions_are_exported() -> None:
    functions = {
        name for name, value in vars(api).items()
        if inspect.isfunction(value) and value.__module__ == api.__name__ and not name.startswith("_")
    }  # fmt: skip
    assert functions == set(FUNCTIONS)
    assert len(FUNCTIONS) >= 10


def test_all_errors_are_exported() -> None:
    found = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert found - set(streamify.__all__) == set()


@pytest.mark.parametrize("call", [*FUNCTIONS, *(f"JobHandle.{name}" for name in vars(JobHandle) if name[0] != "_")])
def test_every_type_of_a_signature_is_exported(call: str) -> None:
    value: Any = streamify
    for part in call.split("."):
        value = getattr(value, part)
    names = {name: getattr(streamify, name) for name in streamify.__all__}
    hints = typing.get_type_hints(value, localns=names)  # which raises NameError where one is not exported
    assert "return" in hints
    for hint in hints.values():
        for kind in _classes(hint):
            assert not kind.__module__.startswith("streamify") or kind.__name__ in streamify.__all__


def _classes(hint: Any) -> list[type]:
    found = [kind for argument in typing.get_args(hint) for kind in _classes(argument)]
    return [*found, hint] if inspect.isclass(hint) else found
