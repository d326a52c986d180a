"""Screen content in single pictures: text and edges before areas of one shade."""

from __future__ import annotations

import random

import pytest
from av.video.frame import VideoFrame

from streamify.media.planes import fill
from streamify.media.video.screen import look_for_screen
from streamify.model.source import PictureSeen

WIDTH, HEIGHT = 640, 368


def picture(luma: list[list[int]], kind: str = "gray") -> VideoFrame:
    frame = VideoFrame(len(luma[0]), len(luma), "gray")
    fill(frame.planes[0], bytes(value for row in luma for value in row))
    return frame if kind == "gray" else frame.reformat(format=kind)


def flat(value: int) -> list[list[int]]:
    return [[value] * WIDTH for _ in range(HEIGHT)]


def text(share: float = 1.0) -> list[list[int]]:
    """Strokes of 2 pixels, each 8, on every second line of 16 pixels; to the left of a share of the width."""
    return [
        [16 if x < share * WIDTH and x % 8 < 2 and 4 <= y % 16 < 12 and y // 16 % 2 else 235 for x in range(WIDTH)]
        for y in range(HEIGHT)
    ]


def noise(least: int, most: int) -> list[list[int]]:
    dice = random.Random(1)
    return [[dice.randint(least, most) for _ in range(WIDTH)] for _ in range(HEIGHT)]


@pytest.mark.parametrize(
    "kind", ["gray", "yuv420p", "yuv422p10le", "nv12", "rgb24", "yuva420p", "bgra", "gray16le", "yuv444p12le", "gbrp"]
)
def test_lines_of_text_are_counted(kind: str) -> None:
    """Every second row of blocks has strokes: 18 rows are looked at, of 23; strokes are an eighth of a block."""
    seen = look_for_screen(picture(text(), kind))
    assert 400 <= seen.edges <= 600
    assert seen.plain == seen.edges


def test_a_part_of_a_picture_counts_as_that_part() -> None:
    whole, part = look_for_screen(picture(text())), look_for_screen(picture(text(0.25)))
    assert part.edges == pytest.approx(whole.edges / 4, abs=10)


def test_noise_around_edges_does_not_hide_text() -> None:
    dice = random.Random(2)
    noisy = [[value + dice.randint(-2, 2) for value in row] for row in text()]
    assert look_for_screen(picture(noisy)) == look_for_screen(picture(text()))


@pytest.mark.parametrize(
    ("luma", "edges"),
    [
        (flat(16), 0), (flat(235), 0), (noise(100, 140), 0), (noise(0, 255), 1000),
        ([[(x * 255) // WIDTH for x in range(WIDTH)] for _ in range(HEIGHT)], 0),
        ([[85 * (x // 3 % 4) for x in range(WIDTH)] for _ in range(HEIGHT)], 1000),
    ],
    ids=["black", "white", "grain", "noise", "gradient", "stripes"],
)  # fmt: skip
def test_what_is_filmed_or_shows_nothing_has_no_plain_blocks(luma: list[list[int]], edges: int) -> None:
    assert look_for_screen(picture(luma)) == PictureSeen(edges=edges, plain=0)


@pytest.mark.parametrize(
    ("size", "blocks"),
    [((1, 1), 0), ((15, 15), 0), ((16, 15), 0), ((16, 16), 1000), ((17, 4000), 1000), ((31, 31), 1000),
     ((64, 17), 250), ((640, 400), 31)],
)  # fmt: skip
def test_pictures_of_any_size_are_looked_at(size: tuple[int, int], blocks: int) -> None:
    """The first 8 columns are black, all others white: each first block has an edge, and half of it is of one shade."""
    width, height = size
    seen = look_for_screen(picture([[0] * min(8, width) + [255] * (width - 8) for _ in range(height)]))
    assert seen == PictureSeen(edges=blocks, plain=blocks)
