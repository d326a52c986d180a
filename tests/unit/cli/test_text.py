"""Text from outside, made safe to show."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from streamify.cli.text import table, visible
from streamify.errors import counted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本 🎬 a\\b", "plain é 日本 🎬 a\\b"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\nb\tc\rd\x08", r"a\nb\tc\rd\x08"),
        ("\x9b31m\x85\x7f", r"\x9b31m\x85\x7f"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("a\u2028b\u2029\u200e", r"a\u2028b\u2029\u200e"),
        ("\udcff", r"\udcff"),
        ("\U000e0041", r"\U000e0041"),
        ("12\u202f000\xa0km", "12\u202f000\xa0km"),
        ("👩\u200d🚀", "👩\u200d🚀"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


def test_no_control_of_any_kind_passes() -> None:
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)) in ("Cc", "Zl", "Zp", "Cs") or unicodedata.bidirectional(chr(code)) in (
            "LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"
        ):  # fmt: skip
            assert visible(chr(code)).isascii(), hex(code)


def test_columns_are_measured_as_they_are_shown() -> None:
    assert table([("\x1b[31m", "x"), ("b", "y")]) == [r"\x1b[31m  x", "b         y"]


def test_numbers() -> None:
    assert [counted(number, "task") for number in (0, 1, 2)] == ["0 tasks", "1 task", "2 tasks"]
