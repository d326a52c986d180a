"""Bits for equal quality: ours against the plain ffmpeg command and Shaka Streamer, at the same IDR distance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

import streamify
from benchmarks.command import BenchmarkError, run
from benchmarks.figure import Figure
from benchmarks.lab import Lab
from benchmarks.plain import ffmpeg
from benchmarks.sources import Source
from benchmarks.vmaf import COMMON, COMMON_PSNR, COMMON_SSIM, Point, banding_ratio, bits_ratio, joined, judge
from streamify.model.track import VideoTrack

CRFS = (21, 25, 29)
"""Around the default of 23. Shaka Streamer, which has no crf, gets the bitrates to which these came."""
SECONDS = 12
"""Of each source, from its middle: two whole segments, so that there is a join."""
WORST_BANDING = 1.03
"""At most: our CAMBI over that of plain ffmpeg, for any film and rung."""


@dataclass(frozen=True)
class Score:
    """What is equal where bits are compared."""

    least: float
    """How much of it two curves must share to be compared."""
    mean: float | None
    """At most: our bits over those of a rival, in the mean of films and rungs."""
    worst: float | None
    """At most: our bits over those of plain ffmpeg, for any film and rung."""


SCORES = {
    "VMAF": Score(COMMON, 0.93, 1.02),
    "SSIM": Score(COMMON_SSIM, None, 1.02),
    "chroma": Score(COMMON_PSNR, 1.1, None),  # the others do not see it: luma must not take all bits from it
}
COMPARED = (("ffmpeg", "VMAF"), ("ffmpeg", "SSIM"), ("ffmpeg", "chroma"), ("shaka", "VMAF"))
"""Rivals, and the score at which bits are compared with theirs."""

Curves = dict[str, dict[str, list[dict[str, float]]]]
"""What was measured of each encode, with its ``bits`` per second, by whose it is and rung."""


def quality(lab: Lab, sources: list[Source]) -> Iterator[Figure]:
    """Draw curves of quality and bits of every rung for all three, and compare bits and banding at equal quality."""
    bits: dict[tuple[str, str], dict[str, float]] = {pair: {} for pair in COMPARED}
    banding: dict[str, float] = {}
    for source in (*sources, *lab.more):
        excerpt = _excerpt(source, lab.work)
        curves = _curves(lab, excerpt)
        for rung, ours in curves["ours"].items():
            where = f"{source.name} {rung}"
            for rival, score in COMPARED:
                ratio = bits_ratio(_line(ours, score), _line(curves[rival][rung], score), SCORES[score].least)
                if ratio is not None:
                    bits[rival, score][where] = ratio
            ratio = banding_ratio(ours, curves["ffmpeg"][rung])
            if ratio is not None:
                banding[where] = ratio
        yield from _points(source, curves)
    for (rival, score), found in bits.items():
        if not found and score != "chroma" and not lab.quick:  # grey films have none
            raise BenchmarkError(f"no rung reaches the quality of {rival}, by {score}")
    for (rival, score), found in bits.items():
        if found:
            mean, limits = geometric_mean(found.values()), SCORES[score]
            yield Figure(f"quality bits over {rival} at equal {score}", mean, "x", limits.mean, behind={**found})
            if rival == "ffmpeg":
                name = f"quality bits over ffmpeg at equal {score}, worst"
                yield Figure(name, max(found.values()), "x", limits.worst)
    if banding:
        worst = max(banding.values())
        yield Figure("quality CAMBI over ffmpeg at equal VMAF, worst", worst, "x", WORST_BANDING, behind={**banding})


def _line(curve: list[dict[str, float]], score: str) -> list[Point]:
    return [Point(one["bits"], one[score.lower()]) for one in curve]


def _points(source: Source, curves: Curves) -> Iterator[Figure]:
    """Show what was measured, so that one sees where the curves overlap."""
    for who, rungs in curves.items():
        points = {
            f"{name} at {one['bits'] / 1000:.0f} kbit/s": one["vmaf"] for name, row in rungs.items() for one in row
        }
        yield Figure(f"quality {source.name} {who}, best VMAF", max(points.values()), "", behind=dict(points))


def _curves(lab: Lab, excerpt: Source) -> Curves:
    plan = streamify.plan(excerpt.path)
    assert plan.source.video is not None
    size = (plan.source.video.width, plan.source.video.height)
    frames = round(plan.timeline.end / (plan.timeline.frame_duration or 1))
    seconds = plan.timeline.end / plan.timeline.timescale
    curves: Curves = {"ours": {}, "ffmpeg": {}, "shaka": {}}
    for crf in CRFS[:2] if lab.quick else CRFS:
        job = lab.job(excerpt, crf=crf)
        lab.plain(excerpt, crf=crf)
        lab.shaka(excerpt, crf=crf)
        dests = {
            "ours": job.dest,
            "ffmpeg": lab.rival_dest("plain", excerpt, crf=crf),
            "shaka": lab.rival_dest("shaka", excerpt, crf=crf),
        }
        for track in job.plan.video:
            for who, dest in dests.items():
                init, media = _files(who, dest, track)
                bits = 8 * sum(path.stat().st_size for path in (init, *media)) / seconds
                whole = joined(init, media, lab.work / f"{who}-{track.name}.mp4")
                scores = judge(whole, excerpt.path, *size, frames, lab.cores)
                curves[who].setdefault(track.name, []).append({"bits": bits, **scores})
    return curves


def _files(who: str, dest: Path, track: VideoTrack) -> tuple[Path, list[Path]]:
    if who == "shaka":
        init = next(dest.glob(f"video_{track.name}_*_init.mp4"))
        return init, [path for path in dest.glob(f"video_{track.name}_*.mp4") if path != init]
    folder = dest / track.folder if who == "ours" else dest / track.name
    return folder / "init.mp4", list(folder.glob("*.m4s"))


def _excerpt(source: Source, work: Path) -> Source:
    """Cut the middle out, almost lossless, so that all three encode and are judged on the very same pictures."""
    path = work / f"middle-of-{source.path.stem}.mp4"
    plan = streamify.plan(source.path)
    length = float(plan.timeline.end) / plan.timeline.timescale
    seconds = min(float(SECONDS), length)
    if not path.exists():
        cut: list[str | Path] = ["-ss", f"{(length - seconds) / 2:.3f}", "-i", source.path, "-t", f"{seconds:g}", "-an"]
        run([*ffmpeg(), *cut, "-c:v", "libx264", "-preset", "veryfast", "-crf", "6", "-bf", "0", path])
    return Source(f"{source.name}-middle", path)
