"""How much a source, a published stream and a task may claim or take: the one place of all limits.

``docs/reference/limits.md`` lists them with what happens beyond. They stop what is hostile or broken; none of them is
near what cameras, recorders and editors write.
"""

from __future__ import annotations

PUBLISHED_TEXT = 512 << 20
"""Bytes of a playlist, manifest or report that `verify` reads; a report of a day in ten tracks has 60 MB."""

PICTURE_PIXELS = 80_216_064
"""Pixels of a picture: the most that any level of HEVC or VVC knows (12288 x 6528)."""
