"""What is said of sound that is not all of one kind, or not all there."""

from __future__ import annotations

from fractions import Fraction

from streamify.model.source import Note


def change_note(stream: int, at: Fraction, change: str) -> Note:
    """Return the note of a place where rate or channels change.

    Args:
        stream: Index of the stream.
        at: Seconds on the output's timeline.
        change: From what to what.
    """
    return Note(
        kind="converted",
        what=f"audio stream {stream}: {change} at {float(at):.3f} s",
        why="resampled and mixed to one format throughout",
    )


def cut_note(stream: int, seconds: float, when: str = "", *, same: bool = False) -> Note:
    """Return the note of an overlap.

    Args:
        stream: Index of the stream.
        seconds: How much is cut out.
        when: Where that is.
        same: Whether that is sound that came before: then nothing is lost.
    """
    return Note(
        kind="dropped" if same else "damaged",
        what=f"audio stream {stream}: {seconds:.3f} s of sound{when}",
        why="its timestamps say that it was heard before: cut out, sync is kept",
    )


def padding_note(stream: int, seconds: float, when: str = "") -> Note:
    """Return the note of an overlap that is no loss.

    Args:
        stream: Index of the stream.
        seconds: How much is cut out.
        when: Where that is.
    """
    return Note(
        kind="dropped",
        what=f"audio stream {stream}: {seconds:.3f} s of sound{when}",
        why="encoders add as much at the ends of parts that are joined: cut out, sync is kept",
    )
