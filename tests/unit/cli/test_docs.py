"""The reference pages say what the program says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest

from docs.comparing import assert_same
from streamify._project import PROJECT_URL
from streamify.cli.names import COMMANDS
from streamify.model.event import EventKind

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "reference"
_CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*")


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_page_of_a_command_shows_its_help(name: str) -> None:
    args = [name, "--help"] if name else ["--help"]
    command = [str(Path(sys.executable).with_name("streamify")), *args]
    env = os.environ | {"COLUMNS": "80"}
    text = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.rstrip()
    page = PAGES / f"cli-{name or 'streamify'}.md"
    head = f"```text\n$ streamify {' '.join(args)}\n"
    shown = page.read_text().partition(head)[2].partition("\n```\n")[0]
    assert_same(shown, text, f"{page} should show the help")


def test_the_list_of_commands_is_that_of_the_modules() -> None:
    text = (PAGES / "cli-streamify.md").read_text()
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", text, re.MULTILINE)


def test_every_error_code_has_a_heading() -> None:
    headings = set(re.findall(r"^### (\S+)$", (PAGES / "errors.md").read_text(), re.MULTILINE))
    codes = {code: where for path in sorted((ROOT / "src").rglob("*.py")) for code, where in _codes(path)}
    assert "usage" in codes
    missing = {code: where for code, where in codes.items() if code not in headings}
    assert not missing, f"docs/reference/errors.md lacks '### CODE' for: {missing}"
    stale = headings - set(codes) - {"doctor"}
    assert not stale, f"docs/reference/errors.md has headings that nothing raises: {sorted(stale)}"


def test_the_package_holds_the_page_of_errors() -> None:
    assert files("streamify.cli").joinpath("errors.md").read_text("utf-8") == (PAGES / "errors.md").read_text("utf-8")


def test_the_project_is_published_where_the_package_says() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]
    assert urls["Homepage"] == PROJECT_URL


def test_pictures_are_small_and_drawings_are_well_formed() -> None:
    pictures = list((ROOT / "docs" / "images").iterdir())
    assert pictures
    assert sum(picture.stat().st_size for picture in pictures) < 200_000
    for drawing in (ROOT / "docs" / "images").glob("*.svg"):
        assert ElementTree.parse(drawing).getroot().tag.endswith("svg")


def test_every_kind_of_event_is_described() -> None:
    text = (PAGES / "events.md").read_text()
    assert {kind for kind in get_args(EventKind) if f"| `{kind}` |" not in text} == set()


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for target in re.findall(r"\]\((?!https:)([^)#:]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def _codes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the codes that a module can raise: the first string of an error or a yield, the second of a `Failure`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            first = node.value.elts[0]  # code and text, of which the caller makes a failure
            if isinstance(first, ast.Constant) and _CODE.fullmatch(str(first.value)):
                yield str(first.value), f"{path.relative_to(ROOT)}:{node.lineno}"
        if not isinstance(node, ast.Call):
            continue
        for given in node.keywords:
            if given.arg == "code" and isinstance(given.value, ast.Constant):
                yield str(given.value.value), f"{path.relative_to(ROOT)}:{node.lineno}"
        if not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        ours = name.endswith(("Error", "Exceeded")) or name in ("Failure", "Loss", "lost", "Lost", "__init__")
        first = node.args[1 if name in ("Failure", "lost", "Lost") and len(node.args) > 2 else 0]
        is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
        if ours and is_text and len(node.args) > 1 and _CODE.fullmatch(str(first.value)):  # type: ignore[attr-defined]
            yield str(first.value), f"{path.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]
