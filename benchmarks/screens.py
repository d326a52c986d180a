"""Recordings of screens, of which the corpus has none: drawn by Chromium, kept without loss.

They show a file and the README of this checkout, so those of another differ a little. They need Chromium, Node.js and
the packages of ``tests/players``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.command import ROOT, run
from benchmarks.plain import ffmpeg

SIZE = "1920x1080"
PICTURES = 120
RATES = {"typing": 30, "scroll": 30, "slides": 30, "terminal": 30, "credits": 24, "ticker": 24}
"""Pictures per second of each recording."""
_STILLS = {"actor": ("nat_agent327_1080p24_83s.mp4", 5), "meadow": ("nat_bbb_1080p24_30s_aac51.mp4", 5)}
"""Pictures on slides: file and second."""


def recording(name: str, folder: Path, corpus: Path) -> Path:
    """Return the recording of a screen; all of them are drawn where it is not there."""
    path = folder / f"{name}.mp4"
    if not path.exists():
        _draw(folder, corpus)
    return path


def _draw(folder: Path, corpus: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stills = {name: str(folder / f"{name}.png") for name in _STILLS}
    for name, (file, at) in _STILLS.items():
        run([*ffmpeg(), "-ss", str(at), "-i", corpus / file, "-frames:v", "1", "-update", "1", stills[name]])
    given = {
        "code": (ROOT / "src" / "streamify" / "tasks" / "split.py").read_text(),
        "text": (ROOT / "README.md").read_text(),
        "stills": stills,
        "rates": RATES,
    }
    (folder / "given.json").write_text(json.dumps(given))
    run(["node", ROOT / "benchmarks" / "screens.mjs", folder, SIZE, str(PICTURES)])
    tags = ["-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709"]
    for name, rate in RATES.items():
        part = folder / f"{name}.part.mp4"
        run([*ffmpeg(), "-framerate", str(rate), "-i", folder / name / "%05d.png", "-vf",
             "scale=out_color_matrix=bt709:flags=bicubic+accurate_rnd,format=yuv420p", "-c:v", "libx264", "-qp", "0",
             "-preset", "ultrafast", *tags, part])  # fmt: skip
        part.replace(folder / f"{name}.mp4")
        shutil.rmtree(folder / name)
