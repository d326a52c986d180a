"""HDR and BT.2020 pictures to SDR BT.709 through a lookup table in FFmpeg's filter graph."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path

from av.filter import Graph
from av.video.frame import VideoFrame

from streamify.errors import DestinationError
from streamify.machine import link
from streamify.machine.folder import temporary_folder
from streamify.media.source.reshaping import NEUTRAL, reshaping_of
from streamify.media.video.components import HlgIctcp, YCgCo, ictcp
from streamify.media.video.dolby import Dolby
from streamify.media.video.gamut import Wide
from streamify.media.video.scaling import SCALING_TEXT, Shape, linear_graph
from streamify.media.video.tonemap import HLG, PQ, Hdr, even
from streamify.model.source import ICTCP, YCGCO, Colour

POINTS = 33
"""Of the table along each axis."""
TABLE = "table.csp"
"""Name of its file: the filter goes by its end."""

Conversion = Hdr | Wide | Dolby | YCgCo | HlgIctcp

SAMPLES = 1 << 10
"""Values that a sample can have."""

_MATRICES = {1: "bt709", 4: "fcc", 5: "smpte170m", 6: "smpte170m", 7: "smpte240m"}
"""Names of ITU-T H.273 code points as FFmpeg's scale filter spells them; all others are taken for BT.2020."""


class ToneMapper:
    """Scales HDR or BT.2020 pictures of one kind and makes them BT.709; holds a filter graph, so use one per task.

    Pictures of Dolby Vision each say how they are converted; those that lost it are converted like the one before.
    """

    def __init__(self, colour: Colour, width: int, height: int) -> None:
        self._colour = colour
        self._reshaping = NEUTRAL
        self._before = _before(colour, width, height)
        self._after = (
            f"scale=flags={SCALING_TEXT}:in_range=pc:out_color_matrix=bt709:out_range=tv",
            "format=yuv420p",
            "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709",
        )
        self._built_for: tuple[Shape, Conversion] | None = None
        self._graph: Graph | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Return the picture as yuv420p, limited range, BT.709."""
        wanted = Shape.of(frame), self._conversion(frame)
        if self._graph is None or self._built_for != wanted:
            with _table_file(wanted[1]) as path:
                lookup = ("lut3d", {"file": str(path), "interp": "tetrahedral"})
                self._built_for, self._graph = wanted, linear_graph(frame, [*self._before, lookup, *self._after])
        self._graph.vpush(frame)
        return self._graph.vpull()

    def _conversion(self, frame: VideoFrame) -> Conversion:
        if self._colour.dolby:
            self._reshaping = reshaping_of(frame) or self._reshaping
            return Dolby(self._reshaping, self._colour.peak)
        if self._colour.matrix == ICTCP and self._colour.transfer == PQ:
            return ictcp(full=self._colour.full_range, peak=self._colour.peak)
        if self._colour.matrix == ICTCP and self._colour.transfer == HLG:
            return HlgIctcp(self._colour.full_range)
        if self._colour.matrix == YCGCO:
            plain = not self._colour.hdr and not self._colour.wide
            return YCgCo(self._colour.full_range, None if plain else self._of_rgb())
        return self._of_rgb()

    def _of_rgb(self) -> Hdr | Wide:
        if self._colour.hdr:
            return Hdr(self._colour.transfer, self._colour.primaries, self._colour.peak)
        return Wide(self._colour.transfer, self._colour.primaries)


def _before(colour: Colour, width: int, height: int) -> tuple[str, ...]:
    """Return the filters that give the lookup its planes.

    10 bit on purpose: for 16 bit and floating point FFmpeg's lookup has SIMD code, whose results differ by CPU.
    """
    if colour.dolby:  # nothing is converted: the lookup goes by the components as they are coded
        scale = f"scale={width}:{height}:flags={SCALING_TEXT}:in_range=pc:out_range=pc"
        return scale, "format=yuv444p10le", "mergeplanes=0x000102:gbrp10le"
    if colour.foreign:  # the same; the scaler refuses pictures that are tagged so
        scale = f"scale={width}:{height}:flags={SCALING_TEXT}:in_range=tv:out_range=tv"
        return "setparams=colorspace=bt709", scale, "format=yuv444p10le", "mergeplanes=0x000102:gbrp10le"
    full = colour.full_range or colour.matrix == 0  # RGB has no other
    return (
        f"scale={width}:{height}:flags={SCALING_TEXT}:in_color_matrix={_MATRICES.get(colour.matrix, 'bt2020')}:"
        f"in_range={'pc' if full else 'tv'}:out_range=pc",
        "format=gbrp10le",
    )


@contextmanager
def _table_file(conversion: Conversion) -> Iterator[Path]:
    """Write the table where the filter reads it: once, while its graph is built. A sealed process has a link for that.

    Raises:
        DestinationError: ``temporary-not-writable``.
    """
    with ExitStack() as stack:
        try:
            if given := os.environ.get(link.VARIABLE):
                path = stack.enter_context(link.readable(Path(given), table(conversion)))
            else:
                path = stack.enter_context(temporary_folder()) / TABLE
                path.write_bytes(table(conversion))
        except OSError as error:
            raise DestinationError(
                "temporary-not-writable",
                f"the table of colours cannot be written to the folder for temporary files: {error.strerror}",
                "free 1 MB there, or set TMPDIR to a folder that can be written",
            ) from error
        yield path


@lru_cache(maxsize=4)
def table(conversion: Conversion) -> bytes:
    """Return the table as text of the cineSpace format, which all graphs of a worker share.

    It begins with where on each axis, R, G and B, its points are.
    """
    axes = conversion.axes(POINTS)
    # FFmpeg goes by the points of an axis only where all three have some.
    straight = all(axis == even(POINTS, axis[-1]) for axis in axes)
    head = "".join(f"2\n0 {axis[-1]:.9g}\n0 1\n" if straight else _axis(axis) for axis in axes)
    lines = (f"{red:.6f} {green:.6f} {blue:.6f}\n" for red, green, blue in conversion.table(POINTS))
    return f"CSPLUTV100\n3D\n{head}{POINTS} {POINTS} {POINTS}\n{''.join(lines)}".encode("ascii")


def _axis(points: Sequence[float]) -> str:
    """Return where each sample lies between the points of an axis: FFmpeg 8.1 does not interpolate here."""
    samples = even(SAMPLES)
    found = (min(bisect_right(points, sample), POINTS - 1) - 1 for sample in samples)
    places = (
        (at + (sample - points[at]) / (points[at + 1] - points[at])) / (POINTS - 1)
        for at, sample in zip(found, samples, strict=True)
    )
    rows = (" ".join(f"{value:.6f}" for value in row) for row in (samples, places))
    return "\n".join((str(SAMPLES), *rows, ""))
