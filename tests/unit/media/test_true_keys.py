"""How many pictures are decoded to try the marks of keyframes: a bounded number of pixels."""

from __future__ import annotations

import pytest

from streamify.media.source.true_keys import pictures_tried


@pytest.mark.parametrize(
    ("width", "height", "pictures"), [(214, 120, 120), (1920, 1080, 120), (3840, 2160, 30), (12288, 6528, 8)]
)
def test_large_pictures_are_fewer(width: int, height: int, pictures: int) -> None:
    assert pictures_tried(width, height) == pictures
