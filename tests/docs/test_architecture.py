"""The architecture page shows the tree and the import contract as they are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "streamify"
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def _shown() -> list[str]:
    """Return the names in the tree of the page, as paths below the package, in order."""
    tree = PAGE.partition("```text\nsrc/streamify/\n")[2].partition("```")[0]
    path: list[str] = []
    found = []
    for line in tree.splitlines():
        indent, name = re.match(r"( +)(\S+) ", line).groups()  # type: ignore[union-attr]
        path = [*path[: len(indent) // 2 - 1], name.rstrip("/")]
        found.append("/".join(path))
    return found


def test_the_tree_names_every_package_and_no_other() -> None:
    packages = {str(path.parent.relative_to(PACKAGE)) for path in PACKAGE.glob("*/**/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("_")}
    shown = _shown()
    assert sorted(shown) == sorted(packages | modules)


def test_the_order_of_the_page_is_that_of_the_import_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    layers = [re.findall(r"streamify\.(\w+)", layer) for layer in contract["layers"]]
    sentence = re.search(r"Dependencies point one way,.*?`([^`]+)`", PAGE)
    assert sentence is not None
    assert [layer.split(" | ") for layer in sentence[1].split(" -> ")] == layers
    top = [name.removesuffix(".py") for name in _shown() if "/" not in name]
    assert top == [name for layer in layers for name in layer]
