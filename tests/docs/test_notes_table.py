"""The reference lists every note that the code can make."""

from __future__ import annotations

from docs.comparing import assert_same
from docs.notes_table import BEGIN, END, KINDS, PAGE, rows, table


def test_the_page_lists_every_note() -> None:
    shown = PAGE.read_text().split(BEGIN)[1].split(END)[0].strip()
    assert_same(shown, table(), "write it: .venv/bin/python tests/docs/notes_table.py")


def test_the_table_is_not_empty_and_has_all_kinds() -> None:
    assert {kind for kind, _, _ in rows()} == set(KINDS)
    assert len(rows()) > 50


def test_what_the_issue_of_silent_losses_names_is_listed() -> None:
    said = {what for kind, what, _ in rows() if kind in ("dropped", "converted")}
    for part in ("transparency", "timecode …", "captions inside the pictures", "BT.2020 colour",
                 "Dolby Vision metadata", "other layers of the video", "… chapters"):  # fmt: skip
        assert any(part in what for what in said), part
