"""The state of every segment of every track, one byte each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

WAITING, RUNNING, AGAIN, DONE, DONE_AGAIN, FAILED = b"wradef"
"""States: not begun; being made; an attempt failed and another waits or runs; exists; exists, after more than one
attempt; failed for good."""

_EXISTS = (DONE, DONE_AGAIN)


class Cells:
    """States, by track and segment; remembers which of them changed.

    Args:
        tracks: Their ids.
        segments: How many each track has.
        done: (track, segment) of what exists.
    """

    def __init__(self, tracks: Sequence[str], segments: int, done: Iterable[tuple[str, int]] = ()) -> None:
        self.segments = segments
        self.tracks = tuple(tracks)
        self._rows = {track: number for number, track in enumerate(tracks)}
        self._states = bytearray([WAITING]) * (len(self.tracks) * segments)
        self._changed: set[int] = set()
        for track, segment in done:
            self._states[self._place(track, segment)] = DONE

    def __contains__(self, cell: tuple[str, int]) -> bool:
        return cell[0] in self._rows and 0 <= cell[1] < self.segments

    def state(self, track: str, segment: int) -> str:
        """Return the letter of a state."""
        return chr(self._states[self._place(track, segment)])

    def exists(self, track: str, segment: int) -> bool:
        """Return whether a segment is there."""
        return self._states[self._place(track, segment)] in _EXISTS

    def begun(self, track: str) -> int:
        """Return how many segments of a track exist from its start on, without a gap."""
        return next((n for n in range(self.segments) if not self.exists(track, n)), self.segments)

    @property
    def complete(self) -> bool:
        """Whether all segments exist."""
        return sum(map(self._states.count, _EXISTS)) == len(self._states)

    def make(self, track: str, segment: int) -> None:
        """Take a segment that exists now."""
        place = self._place(track, segment)
        before = self._states[place]
        if before not in _EXISTS:
            self._set(place, DONE_AGAIN if before in (AGAIN, FAILED) else DONE)

    def change(self, cells: Iterable[tuple[str, int]], state: int) -> None:
        """Change those of some cells that do not exist."""
        for track, segment in cells:
            place = self._place(track, segment)
            if self._states[place] not in _EXISTS:
                self._set(place, state)

    def stop(self) -> None:
        """Nothing runs any more."""
        for place, state in enumerate(self._states):
            if state in (RUNNING, AGAIN):
                self._set(place, WAITING)

    def texts(self) -> list[str]:
        """Return all states of each track, as runs: ``d120r2w3878``."""
        length = self.segments
        return [runs(self._states[row * length : (row + 1) * length]) for row in range(len(self.tracks))]

    def take_changes(self) -> list[int | str]:
        """Return what changed since the last call, as runs one after another: place of the first, how many, letter.

        A place is the number of the track times `segments` and the number of the segment.
        """
        found: list[int | str] = []
        for place in sorted(self._changed):
            letter = chr(self._states[place])
            if found and found[-1] == letter and place == int(found[-3]) + int(found[-2]):
                found[-2] = int(found[-2]) + 1
            else:
                found += [place, 1, letter]
        self._changed.clear()
        return found

    def _place(self, track: str, segment: int) -> int:
        return self._rows[track] * self.segments + segment

    def _set(self, place: int, state: int) -> None:
        if self._states[place] != state:
            self._states[place] = state
            self._changed.add(place)


def runs(states: bytes | bytearray) -> str:
    """Return states as runs, each a letter and how many."""
    return "".join(f"{chr(state)}{sum(1 for _ in same)}" for state, same in groupby(states))


def run_lengths(values: Iterable[int]) -> list[int]:
    """Return numbers as runs one after another: how many, which."""
    return [number for value, same in groupby(values) for number in (sum(1 for _ in same), value)]
