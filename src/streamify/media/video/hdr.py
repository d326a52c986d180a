"""HDR and BT.2020 pictures to SDR BT.709 through a lookup table in FFmpeg's filter graph."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

from av.filter import Graph
from av.video.frame import VideoFrame

from streamify.errors import DestinationError
from streamify.machine import link
from streamify.media.video.gamut import Wide
from streamify.media.video.scaling import SCALING_TEXT, Shape, linear_graph
from streamify.media.video.tonemap import Hdr, Triple
from streamify.model.source import Colour

POINTS = 33
"""Of the table along each axis."""
TABLE = "table.cube"
"""Name of its file: the filter goes by its end."""

_MATRICES = {1: "bt709", 4: "fcc", 5: "smpte170m", 6: "smpte170m", 7: "smpte240m"}
"""Names of ITU-T H.273 code points as FFmpeg's scale filter spells them; all others are taken for BT.2020."""


class ToneMapper:
    """Scales HDR or BT.2020 pictures of one kind and makes them BT.709; holds a filter graph, so use one per task."""

    def __init__(self, colour: Colour, width: int, height: int) -> None:
        self._conversion: Hdr | Wide = (
            Hdr(colour.transfer, colour.primaries, colour.peak)
            if colour.hdr
            else Wide(colour.transfer, colour.primaries)
        )
        full = colour.full_range or colour.matrix == 0  # RGB has no other
        # 10 bit on purpose: for 16 bit and floating point FFmpeg's lookup has SIMD code, whose results differ by CPU.
        self._before = (
            f"scale={width}:{height}:flags={SCALING_TEXT}:in_color_matrix={_MATRICES.get(colour.matrix, 'bt2020')}:"
            f"in_range={'pc' if full else 'tv'}:out_range=pc",
            "format=gbrp10le",
        )
        self._after = (
            f"scale=flags={SCALING_TEXT}:in_range=pc:out_color_matrix=bt709:out_range=tv",
            "format=yuv420p",
            "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
        )
        self._shape: Shape | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture as yuv420p, limited range, BT.709."""
        if self._graph is None or self._shape != Shape.of(frame):
            with _cube_file(self._conversion) as path:
                lookup = ("lut3d", {"file": str(path), "interp": "tetrahedral"})
                self._shape, self._graph = Shape.of(frame), linear_graph(frame, [*self._before, lookup, *self._after])
        self._graph.vpush(frame)
        return self._graph.vpull()


@contextmanager
def _cube_file(conversion: Hdr | Wide) -> Iterator[Path]:
    """Write the table where the filter reads it: once, while its graph is built. A sealed process has a link for that.

    Raises:
        DestinationError: ``temporary-not-writable``.
    """
    with ExitStack() as stack:
        try:
            if given := os.environ.get(link.VARIABLE):
                path = stack.enter_context(link.readable(Path(given), cube(conversion)))
            else:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="streamify-"))
                path = Path(folder, TABLE)
                path.write_bytes(cube(conversion))
        except OSError as error:
            raise DestinationError(
                "temporary-not-writable",
                f"the table of colours cannot be written to the folder for temporary files: {error.strerror}",
                "free 1 MB there, or set TMPDIR to a folder that can be written",
            ) from error
        yield path


@lru_cache(maxsize=4)
def cube(conversion: Hdr | Wide) -> bytes:
    """Return the table as text of the Cube format, which all graphs of a worker share."""
    lines = (f"{red:.6f} {green:.6f} {blue:.6f}\n" for red, green, blue in lookup_table(conversion, POINTS))
    return f"LUT_3D_SIZE {POINTS}\n{''.join(lines)}".encode("ascii")


def lookup_table(conversion: Hdr | Wide, points: int) -> Iterator[Triple]:
    """Yield a conversion on a grid of `points` along each axis, red fastest, then green, then blue."""
    steps = [number / (points - 1) for number in range(points)]
    return (conversion.converted((red, green, blue)) for blue in steps for green in steps for red in steps)
