"""VMAF of a rendition against its source, and bits at equal VMAF; with the libvmaf of imageio-ffmpeg's program."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from pathlib import Path

from benchmarks.command import BenchmarkError, run
from benchmarks.plain import ffmpeg

EVERY = 4
"""One frame in so many is judged."""
COMMON = 0.5
"""Least VMAF that two curves must share to be compared."""


@dataclass(frozen=True)
class Point:
    """One encode of a rung."""

    bits: float
    """Bits per second of its files: init and media segments."""
    vmaf: float
    """Mean over the judged frames, at the size of the source."""


def joined(init: Path, segments: Sequence[Path], to: Path) -> Path:
    """Lay an init segment and media segments end to end, which is how a player reads them."""
    with to.open("wb") as file:
        for part in (init, *sorted(segments, key=lambda path: [int(word) for word in re.findall(r"\d+", path.name)])):
            file.write(part.read_bytes())
    return to


def judge(rendition: Path, reference: Path, width: int, height: int, frames: int, threads: int) -> float:
    """Return the mean VMAF of `rendition`, scaled up to the size of `reference`.

    Frames are paired by number, so that no container's idea of time matters.

    Raises:
        BenchmarkError: The rendition has not exactly `frames` pictures: frames would be compared with others.
    """
    log_file = rendition.with_suffix(".vmaf.json")
    # Equal tags, or ffmpeg converts "unknown" to BT.709 on the way and every picture differs (FFmpeg 9.0: 6 VMAF).
    equal = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709,settb=1/1000,setpts=N"
    graph = (
        f"[0:v]{equal},scale={width}:{height}:flags=bicubic,format=yuv420p[a];"
        f"[1:v]{equal},format=yuv420p[b];"
        f"[a][b]libvmaf=n_threads={threads}:n_subsample={EVERY}:log_fmt=json:log_path={log_file}"
    )
    count = ["-map", "0:v", "-fps_mode", "passthrough", "-f", "framecrc", "-"]
    seen = sum(not line.startswith("#") for line in run([*ffmpeg(), "-i", rendition, *count]).output.splitlines())
    if seen != frames:
        raise BenchmarkError(f"{rendition} has {seen} pictures, its source {frames}")
    run([*ffmpeg(), "-i", rendition, "-i", reference, "-filter_complex", graph, "-f", "null", "-"])
    return float(json.loads(log_file.read_text())["pooled_metrics"]["vmaf"]["mean"])


def bits_ratio(ours: Sequence[Point], theirs: Sequence[Point]) -> float | None:
    """Return our bits over theirs at equal VMAF: the mean of log(bits) over the VMAF that both curves cover.

    This is the Bjontegaard rate difference with straight lines between the points, as a ratio. ``None`` where the
    curves have too little VMAF in common.
    """
    first, second = _front(ours), _front(theirs)
    low, high = max(first[0].vmaf, second[0].vmaf), min(first[-1].vmaf, second[-1].vmaf)
    if high - low < COMMON:
        return None
    steps = [low + (high - low) * number / 100 for number in range(101)]
    return exp(sum(_log_bits(first, vmaf) - _log_bits(second, vmaf) for vmaf in steps) / len(steps))


def _front(curve: Sequence[Point]) -> list[Point]:
    """Return the points from low to high VMAF, without those that cost more and show less than another."""
    front: list[Point] = []
    for point in sorted(curve, key=lambda point: (point.bits, -point.vmaf)):
        if not front or point.vmaf > front[-1].vmaf:
            front.append(point)
    return front


def _log_bits(front: Sequence[Point], vmaf: float) -> float:
    left, right = next(pair for pair in pairwise(front) if vmaf <= pair[1].vmaf or pair[1] is front[-1])
    share = (vmaf - left.vmaf) / (right.vmaf - left.vmaf)
    return log(left.bits) + share * (log(right.bits) - log(left.bits))
