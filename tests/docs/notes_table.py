"""Makes the table of all notes in ``docs/reference/sources.md`` from the places in the code that make them.

.venv/bin/python tests/docs/notes_table.py
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "sources.md"
BEGIN, END = "<!-- notes: begin. Made by tests/docs/notes_table.py. -->", "<!-- notes: end -->"
KINDS = ("dropped", "converted", "damaged", "info")
UNKNOWN = "…"


@cache
def rows() -> list[tuple[str, str, str]]:
    """Return kind, what and why of every note that the code can make; ``…`` stands for what depends on the source."""
    found = {row for path in sorted((ROOT / "src").rglob("*.py")) for row in _notes(ast.parse(path.read_text()))}
    found = {row for row in found if (row[1] + row[2]).strip(UNKNOWN)}  # those that are put together elsewhere
    return sorted(found, key=lambda row: (KINDS.index(row[0]), re.sub(r"^[… ]+", "", row[1]).casefold(), row))


def table() -> str:
    """Return the table as the page shows it."""
    lines = ["| kind | what the note says | why |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {kind} | {_cell(what)} | {_cell(why)} |" for kind, what, why in rows())])


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or UNKNOWN


def _notes(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    within = {id(node) for function in functions for node in ast.walk(function)}
    for scope in (*functions, tree):
        own = [node for node in ast.walk(scope) if isinstance(node, ast.Call)]
        for call in own:
            if scope is tree and id(call) in within:
                continue
            if isinstance(call.func, ast.Name) and call.func.id == "Note":
                given = {word.arg: word.value for word in call.keywords if word.arg}
                for kind in _texts(given.get("kind"), scope, tree):
                    for what in _texts(given.get("what"), scope, tree):
                        for why in _texts(given.get("why"), scope, tree):
                            yield kind, what, why


def _texts(node: ast.expr | None, scope: ast.AST, tree: ast.Module, depth: int = 0) -> list[str]:
    """Return the texts that an expression can be, as far as the code of its function and module tells."""
    if depth > 4:
        return [UNKNOWN]
    match node:
        case None:
            return [""]
        case ast.Constant(value=str() as text):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return [text for part in (body, orelse) for text in _texts(part, scope, tree, depth + 1)]
        case ast.JoinedStr(values=values):
            text = "".join(_part(value, scope, tree, depth) for value in values)
            return [re.sub(f"{UNKNOWN}({UNKNOWN})+", UNKNOWN, text)]
        case ast.Name(id=name):
            values = _assigned(name, ast.walk(scope)) or _assigned(name, tree.body) or _imported(name, tree)
            return [text for value in values for text in _texts(value, scope, tree, depth + 1)] or [UNKNOWN]
        case ast.Call(func=ast.Name(id=name)):
            called = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == name]
            returned = [
                (one, other.value) for one in called for other in ast.walk(one) if isinstance(other, ast.Return)
            ]
            return [text for one, value in returned for text in _texts(value, one, tree, depth + 1)] or [UNKNOWN]
        case _:
            return [UNKNOWN]


def _assigned(name: str, nodes: Iterable[ast.AST]) -> list[ast.expr]:
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    ]


def _imported(name: str, tree: ast.Module) -> list[ast.expr]:
    """Return what a constant of another module is."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and any(one.name == name for one in node.names):
            path = ROOT / "src" / f"{node.module.replace('.', '/')}.py"
            return _assigned(name, ast.parse(path.read_text()).body) if path.exists() else []
    return []


def _part(node: ast.expr, scope: ast.AST, tree: ast.Module, depth: int) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    match node:
        case ast.FormattedValue(value=ast.Call(func=ast.Name(id="counted"), args=[_, ast.Constant(value=str(word))])):
            return f"{UNKNOWN} {word}s"
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        texts = _texts(node.value, scope, tree, depth + 1)
        return texts[0] if len(texts) == 1 else UNKNOWN
    return UNKNOWN


def write() -> None:
    """Put the table into the page."""
    before, rest = PAGE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}")


if __name__ == "__main__":
    write()
