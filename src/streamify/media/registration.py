"""Does a picture lie where it should? One that is moved, stretched or flipped is told from one that is coded coarsely.

By PSNR, a picture that was stretched by a tenth is as like the right one as one that is coded coarsely. But it becomes
much more like it where that is undone, which errors of coding do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter

from streamify.media.planes import packed

ROUNDS = ((24, 4), (48, 3), (96, 2))
"""Pixels of the longer side, and steps of Gauss and Newton: small pictures find large shifts, large ones are exact."""
LEFT = 0.35
"""Part of the squared error that is left at most where a picture is put back that lay elsewhere.

Of 231 pictures that were moved or stretched and coded at CRF 18 to 44, 94 % kept less; of 184 that were only coded,
at CRF 44 and 51, none did: the least was 0.44.
"""
FAR_LEFT = 0.2
"""The same where the search began at one of `STARTS`: of several tries one is nearer to what lies there by chance."""
SPOILT, PARTS = 0.02, 4
"""How much less alike parts of it may be for that, of so many across and along.

Something that was drawn into a picture, or a few edges that coding moved, is like a picture that was moved, but what
was right in it is not. Of 56 pictures that were moved or stretched none had more than 0.0005.
"""
TURNED = 0.25
"""The same of a picture that is turned back."""
ALIKE = 4.0
"""Squared levels of luma, mean, up to which pictures are alike."""
COARSE = 0.006
"""Part of the longer side by which coding may move something."""
ROUNDED = 3.0
"""Pixels of the rendition by which the rounding of sizes may move something."""
FAR = 0.4
"""Of a side, and of its length: what is further off is not looked for."""
HELD = 0.5
"""Part of the picture that must be left at least where it is put back: by less of it nothing can be told."""
SEEN = 0.3
"""The same of the smallest of `ROUNDS`, which only says where to look: all lines at its edges are left out."""
_FLIPS = (("upside down", 1, -1), ("mirrored", -1, 1), ("turned by 180 degrees", -1, -1))
_Rows = list[list[float]]


@dataclass(frozen=True)
class _Place:
    """Where a picture lies: moved, as part of its width or height, and larger, about its middle."""

    right: float = 0.0
    wider: float = 0.0
    down: float = 0.0
    higher: float = 0.0


STARTS = (_Place(wider=1 / 3), _Place(higher=1 / 3), _Place(wider=-1 / 4), _Place(higher=-1 / 4))
"""Pictures of 4:3 and 16:9 that were taken for each other: further from where they should be than steps lead."""


def misplaced(ours: VideoFrame, theirs: VideoFrame) -> str | None:
    """Return how a picture lies elsewhere than it should; ``None``: it does not, or it cannot be told.

    Args:
        ours: The picture, yuv420p.
        theirs: What it should be, of the same size.
    """
    side, rounds = ROUNDS[0]
    one, two = _small(ours, side), _small(theirs, side)
    error = _error(one, _moved(two, _Place()))
    if error < ALIKE:
        return None
    for name, across, along in _FLIPS:
        if _error([row[::across] for row in one[::along]], _moved(two, _Place())) < TURNED * error:
            return name
    found = _told(ours, theirs, _approached(one, two, _Place(), rounds), LEFT)
    if found is not None:
        return found
    tried = (_approached(one, two, start, rounds) for start in STARTS)
    lefts = [
        (left, number, place)
        for number, place in enumerate(tried)
        if (left := _left(one, two, place, SEEN)) is not None
    ]
    left, _, place = min(lefts, default=(1.0, 0, None))
    return _told(ours, theirs, place, FAR_LEFT) if left < LEFT else None


def _approached(one: _Rows, two: _Rows, place: _Place, rounds: int) -> _Place | None:
    """Return a better place than one of the second picture; ``None``: none can be told."""
    for _ in range(rounds):
        step = _step(one, _moved(two, place), place)
        if step is None:
            return None
        place = step
    return place


def _left(one: _Rows, two: _Rows, place: _Place | None, held: float = HELD) -> float | None:
    """Return the part of the error that is left where a picture is put back; ``None``: it cannot be told."""
    if place is None:
        return None
    moved = _moved(two, place)
    if len(moved[1]) * len(moved[2]) < held * len(one) * len(one[0]):
        return None
    error = _error(one, (two, *moved[1:]))
    return None if error < ALIKE else _error(one, moved) / error


def _told(ours: VideoFrame, theirs: VideoFrame, place: _Place | None, most: float) -> str | None:
    """Return how a picture lies elsewhere, from where it is at first sight; ``None``: it does not.

    Args:
        ours: The picture.
        theirs: What it should be.
        place: By the smallest of `ROUNDS`.
        most: Part of the squared error that may be left.
    """
    for side, rounds in ROUNDS[1:]:
        if place is None:
            return None
        one, two = _small(ours, side), _small(theirs, side)
        if _error(one, _moved(two, _Place())) < ALIKE:
            return None
        place = _approached(one, two, place, rounds)
    if place is None:
        return None
    sideways = ours.width * (abs(place.right) + abs(place.wider) / 2)
    upright = ours.height * (abs(place.down) + abs(place.higher) / 2)
    if max(sideways, upright) < max(COARSE * max(ours.width, ours.height), ROUNDED):
        return None
    left = _left(one, two, place)
    if left is None or left > most or _spoilt(one, two, place) > SPOILT:
        return None
    size = f"{100 / (1 + place.wider):.0f} % as wide and {100 / (1 + place.higher):.0f} % as high as it should be"
    return f"moved by {round(-place.right * ours.width)} and {round(-place.down * ours.height)} pixels, {size}"


def _small(frame: VideoFrame, side: int) -> _Rows:
    scale = side / max(frame.width, frame.height)
    # a thin picture keeps enough lines to tell where it lies
    width, height = (max(side // 3, round(one * scale / 2) * 2) for one in (frame.width, frame.height))
    small = VideoReformatter().reformat(
        frame, width=width, height=height, format="yuv420p", src_colorspace=1, dst_colorspace=1,
        src_color_range=ColorRange.MPEG, dst_color_range=ColorRange.MPEG, interpolation=Interpolation.AREA,
    )  # fmt: skip
    data = packed(small.planes[0])
    return [[float(value) for value in data[row * width : (row + 1) * width]] for row in range(height)]


def _moved(rows: _Rows, place: _Place) -> tuple[_Rows, range, range]:
    """Return a picture as if it lay elsewhere, and the lines and columns in which it is not cut off."""
    width, height = len(rows[0]), len(rows)
    across = [x + place.right * width + place.wider * (x - (width - 1) / 2) for x in range(width)]
    along = [y + place.down * height + place.higher * (y - (height - 1) / 2) for y in range(height)]
    columns = [_between(x, width) for x in across]
    found = []
    for y in along:
        top, part = _between(y, height)
        row = [one + (two - one) * part for one, two in zip(rows[top], rows[top + 1], strict=True)]
        found.append([row[left] + (row[left + 1] - row[left]) * rest for left, rest in columns])
    return found, _inside(along), _inside(across)


def _inside(places: Sequence[float]) -> range:
    """Return the places but for those outside and one beside them; a picture is rarely moved by half."""
    held = [number for number, place in enumerate(places) if 0 <= place <= len(places) - 1]
    return range(held[0] + 1, held[-1]) if held else range(0)


def _between(at: float, count: int) -> tuple[int, float]:
    at = min(max(at, 0.0), count - 1.0)
    first = min(int(at), count - 2)
    return first, at - first


def _spoilt(one: _Rows, two: _Rows, place: _Place) -> float:
    """Return by how much parts of a picture are less alike where it is put back, as a part of the gain of others."""
    moved = _moved(two, place)
    before, after = _errors(one, (two, *moved[1:])), _errors(one, moved)
    height, width = len(before), len(before[0])
    gain = loss = 0.0
    for row, column in product(range(PARTS), repeat=2):
        lines = range(row * height // PARTS, (row + 1) * height // PARTS)
        columns = range(column * width // PARTS, (column + 1) * width // PARTS)
        better = sum(before[y][x] - after[y][x] for y in lines for x in columns)
        gain, loss = gain + max(better, 0.0), loss + max(-better, 0.0)
    return loss / gain if gain else math.inf


def _error(one: _Rows, moved: tuple[_Rows, range, range]) -> float:
    """Return the mean squared difference, but for that of brightness and contrast."""
    errors = _errors(one, moved)
    return sum(map(sum, errors)) / (sum(map(len, errors)) or 1)


def _errors(one: _Rows, moved: tuple[_Rows, range, range]) -> _Rows:
    """Return the squared differences in the lines and columns that are left of a picture."""
    two, lines, columns = moved
    pairs = [(one[y][x], two[y][x]) for y in lines for x in columns]
    count = len(pairs) or 1
    mean_a, mean_b = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    square = sum((b - mean_b) ** 2 for _, b in pairs)
    slope = sum((a - mean_a) * (b - mean_b) for a, b in pairs) / square if square else 0.0
    return [[(one[y][x] - mean_a - slope * (two[y][x] - mean_b)) ** 2 for x in columns] for y in lines]


def _step(one: _Rows, moved: tuple[_Rows, range, range], place: _Place) -> _Place | None:
    """Return a better place than that to which the second picture was moved; ``None``: none can be told."""
    two, lines, columns = moved
    width, height = len(one[0]), len(one)
    sums = [[0.0] * 7 for _ in range(6)]
    for y in lines:
        row, above, below, wanted = two[y], two[y - 1], two[y + 1], one[y]
        far = y - (height - 1) / 2
        for x in columns:
            across, along = (row[x + 1] - row[x - 1]) / 2, (below[x] - above[x]) / 2
            line = (across, across * (x - (width - 1) / 2), along, along * far, row[x], 1.0, wanted[x] - row[x])
            for number, value in enumerate(line[:6]):
                total = sums[number]
                for other in range(number, 7):
                    total[other] += value * line[other]
    for number in range(6):
        for other in range(number):
            sums[number][other] = sums[other][number]
    solved = _solved(sums)
    if solved is None:
        return None
    right, wider, down, higher = solved[:4]
    better = _Place(place.right + right / width, place.wider + wider, place.down + down / height, place.higher + higher)
    return better if max(abs(better.right), abs(better.wider), abs(better.down), abs(better.higher)) < FAR else None


def _solved(rows: Sequence[list[float]]) -> list[float] | None:
    """Solve linear equations whose right side is the last column; ``None``: they have no one solution."""
    rows = [list(row) for row in rows]
    count = len(rows)
    for number in range(count):
        pivot = max(range(number, count), key=lambda one: abs(rows[one][number]))
        rows[number], rows[pivot] = rows[pivot], rows[number]
        head = rows[number]
        if abs(head[number]) < 1e-6:
            return None
        for other in range(count):
            if other != number:
                factor = rows[other][number] / head[number]
                rows[other] = [a - factor * b for a, b in zip(rows[other], head, strict=True)]
    return [rows[number][count] / rows[number][number] for number in range(count)]
