"""Scores of a rendition against its source, and bits at equal score; with the libvmaf of imageio-ffmpeg's program."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log, log10
from pathlib import Path

from benchmarks.command import BenchmarkError, run
from benchmarks.plain import ffmpeg

EVERY = 4
"""One frame in so many is judged."""
COMMON = 0.5
"""Least VMAF that two curves must share to be compared."""
COMMON_SSIM = 0.05
"""The same for SSIM, dB."""
COMMON_PSNR = 0.1
"""The same for PSNR, dB."""
BANDED = 1.0
"""CAMBI below which nobody sees banding: what is below counts as this much."""


@dataclass(frozen=True)
class Point:
    """One encode of a rung."""

    bits: float
    """Bits per second of its files: init and media segments."""
    score: float
    """Mean over the judged frames, of VMAF or of another measure that grows with quality."""


def joined(init: Path, segments: Sequence[Path], to: Path) -> Path:
    """Lay an init segment and media segments end to end, which is how a player reads them."""
    with to.open("wb") as file:
        for part in (init, *sorted(segments, key=lambda path: [int(word) for word in re.findall(r"\d+", path.name)])):
            file.write(part.read_bytes())
    return to


def judge(rendition: Path, reference: Path, width: int, height: int, frames: int, threads: int) -> dict[str, float]:
    """Return means of ``vmaf``, ``ssim`` (dB), ``cambi`` and ``chroma`` of `rendition`, at the size of `reference`.

    It is scaled up to that. ``chroma`` is the mean of the PSNR of both chroma planes, dB; the others see luma alone.

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
        f"[a][b]libvmaf=feature='name=float_ssim|name=cambi|name=psnr':n_threads={threads}:n_subsample={EVERY}"
        f":log_fmt=json:log_path={log_file}"
    )
    count = ["-map", "0:v", "-fps_mode", "passthrough", "-f", "framecrc", "-"]
    seen = sum(not line.startswith("#") for line in run([*ffmpeg(), "-i", rendition, *count]).output.splitlines())
    if seen != frames:
        raise BenchmarkError(f"{rendition} has {seen} pictures, its source {frames}")
    run([*ffmpeg(), "-i", rendition, "-i", reference, "-filter_complex", graph, "-f", "null", "-"])
    pooled = json.loads(log_file.read_text())["pooled_metrics"]
    return {
        "vmaf": pooled["vmaf"]["mean"],
        "ssim": decibels(pooled["float_ssim"]["mean"]),
        "cambi": pooled["cambi"]["mean"],
        "chroma": chroma(pooled),
    }


def chroma(pooled: Mapping[str, Mapping[str, float]]) -> float:
    """Return the mean of the PSNR of both chroma planes, dB, of what libvmaf measured."""
    return (pooled["psnr_cb"]["mean"] + pooled["psnr_cr"]["mean"]) / 2


def decibels(ssim: float) -> float:
    """Return SSIM in dB, in which steps of quality are alike."""
    return -10 * log10(max(1e-6, 1 - ssim))


def bits_ratio(ours: Sequence[Point], theirs: Sequence[Point], common: float = COMMON) -> float | None:
    """Return our bits over theirs at equal score: the mean of log(bits) over the scores that both curves cover.

    This is the Bjontegaard rate difference with straight lines between the points, as a ratio. ``None`` where the
    curves have less than `common` of their score in common.
    """
    first, second = _front(ours), _front(theirs)
    low, high = max(first[0].score, second[0].score), min(first[-1].score, second[-1].score)
    if high - low < common:
        return None
    steps = [low + (high - low) * number / 100 for number in range(101)]
    lines = [[(point.score, log(point.bits)) for point in front] for front in (first, second)]
    return exp(sum(at_score(lines[0], step) - at_score(lines[1], step) for step in steps) / len(steps))


def at_equal(
    score: str, value: str, ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]]
) -> list[tuple[float, float]]:
    """Return our and their value at 21 scores that both reach; none where they share no score.

    Args:
        score: What is equal, such as ``vmaf``.
        value: What is returned, such as ``cambi``.
        ours: Values of our encodes by name; `score` and `value` are among them.
        theirs: Of theirs.
    """
    pairs = [sorted((each[score], each[value]) for each in side) for side in (ours, theirs)]
    low, high = max(pair[0][0] for pair in pairs), min(pair[-1][0] for pair in pairs)
    if high <= low:
        return []
    steps = [low + (high - low) * number / 20 for number in range(21)]
    return [(at_score(pairs[0], step), at_score(pairs[1], step)) for step in steps]


def banding_ratio(ours: Sequence[Mapping[str, float]], theirs: Sequence[Mapping[str, float]]) -> float | None:
    """Return our CAMBI over theirs at equal VMAF."""
    found = at_equal("vmaf", "cambi", ours, theirs)
    if not found:
        return None
    return sum(max(BANDED, first) for first, _ in found) / sum(max(BANDED, second) for _, second in found)


def at_score(line: Sequence[tuple[float, float]], score: float) -> float:
    """Return the value at a score on a line of (score, value), which ascends by score and is straight between them."""
    (left, before), (right, after) = next(pair for pair in pairwise(line) if score <= pair[1][0] or pair[1] is line[-1])
    return before + (after - before) * (score - left) / (right - left)


def _front(curve: Sequence[Point]) -> list[Point]:
    """Return the points from low to high score, without those that cost more and show less than another."""
    front: list[Point] = []
    for point in sorted(curve, key=lambda point: (point.bits, -point.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return front
