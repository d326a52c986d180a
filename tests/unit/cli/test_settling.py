"""Whether the size of a window changes."""

from __future__ import annotations

from streamify.cli.show.settling import Settling


def test_a_window_has_settled_a_second_after_its_last_change() -> None:
    window = Settling()
    assert window.see(0, (80, 24)) == (True, False)
    assert window.see(1, (79, 24)) == (False, True)
    assert window.see(1.9, (79, 24)) == (False, False)
    assert window.see(1.95, (79, 25)) == (False, True)
    assert window.see(2.9, (79, 25)) == (False, False)
    assert window.see(2.95, (79, 25)) == (True, False)
