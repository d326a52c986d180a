"""What is transcoded: films of the corpus, or, without it, a generated clip; and synthetic films of any length."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import ROOT, run
from benchmarks.plain import ffmpeg

FILMS = ("nat_bbb_1080p24_30s_aac51.mp4", "nat_agent327_1080p24_83s.mp4")
MORE = (
    "nat_testvideo_720p2997_24s_noaudio.mp4",
    "nat_car_detection_30s.mp4",
    "nat_vtest_79s.avi",
)
"""Beside those the filmed or animated ones of the corpus, in SDR, that fill a rung and are long enough to judge."""
QUICK_SECONDS = 7
"""More than one segment, so that there is a seam and a tail."""


@dataclass(frozen=True)
class Source:
    """A file and the name under which its figures are shown."""

    name: str
    path: Path


def find_sources(given: list[Path], work: Path, *, quick: bool) -> list[Source]:
    """Return what to transcode; `quick` takes the first seconds of one."""
    if given:
        found = [Source(path.stem, path.resolve()) for path in given]
    else:
        folder = corpus_folder()
        found = [Source(_short(name), folder / name) for name in FILMS if (folder / name).is_file()]
        if not found:
            print(f"no corpus in {folder} (set STREAMIFY_CORPUS): a generated clip is used, which is easy to encode")
            found = [_generated(work, 8 if quick else 30)]
    return [_start(found[0], work)] if quick else found


def more_films(given: list[Path], *, quick: bool) -> list[Source]:
    """Return what bits and quality are measured on beside the sources that times are measured on."""
    if given or quick:
        return []
    paths = [corpus_folder() / name for name in MORE]
    return [Source(_short(path.name), path) for path in paths if path.is_file()]


def _short(name: str) -> str:
    """Return the name of a film without its size and length, as in ``nat_bbb``."""
    return re.split(r"_\d", name)[0]


def corpus_folder() -> Path:
    """Return the folder of films that nobody here encoded, whether or not it exists."""
    return Path(os.environ.get("STREAMIFY_CORPUS", ROOT.parent / "shared" / "corpus"))


def long_film(work: Path, seconds: int) -> Path:
    """Return an MP4 of any length whose index is of full size, made by the clips of the tests."""
    path = work / f"long-{seconds}.mp4"
    if not path.exists():
        code = "import sys, pathlib, clips.long_mp4 as c; c.write_long_mp4(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
        run([sys.executable, "-c", code, path, str(seconds)], environment={"PYTHONPATH": str(ROOT / "tests")})
    return path


def tiny_film(work: Path, seconds: int) -> Path:
    """Return a silent film of tiny pictures, of which every half a second is a segment of its own."""
    path = work / f"tiny-{seconds}.mp4"
    made = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-sc_threshold", "0", "-pix_fmt", "yuv420p"]
    run([*ffmpeg(), "-f", "lavfi", "-i", f"testsrc2=s=96x64:r=10:d={seconds}", *made, path])
    return path


def _generated(work: Path, seconds: int) -> Source:
    path = work / "testcard.mp4"
    maker: list[str | Path] = [sys.executable, "-m", "streamify.media.testcard", path]
    run([*maker, "--seconds", str(seconds), "--size", "1920x1080", "--rate", "24"])
    return Source("testcard", path)


def _start(source: Source, work: Path) -> Source:
    path = work / f"start-of-{source.path.name}"
    run([*ffmpeg(), "-i", source.path, "-t", str(QUICK_SECONDS), "-c", "copy", path])
    return Source(f"{source.name}-start", path)
