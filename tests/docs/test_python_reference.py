"""The reference page of the Python API is what the docstrings say."""

from __future__ import annotations

import streamify
from docs import python_reference
from docs.comparing import assert_same


def test_the_page_is_made_from_the_docstrings() -> None:
    remedy = "make it anew: .venv/bin/python tests/docs/python_reference.py"
    assert_same(python_reference.PAGE.read_text(), python_reference.page(), remedy)


def test_every_exported_name_is_on_the_page() -> None:
    headings = {line.removeprefix("### ") for line in python_reference.page().splitlines() if line.startswith("#")}
    listed = headings | {"JobHandle"} | set(python_reference.ERRORS)
    assert set(streamify.__all__) - {"__version__"} - listed == set()
