"""``python -m benchmarks.beside FOLDER``: pictures of scenes beside each other: source, `medium`, a setting of `tune`.

Both encodes of a scene have equal bits, so that what one sees is what the setting does with them.
"""

from __future__ import annotations

import argparse
import tempfile
from math import log
from pathlib import Path

from benchmarks.command import run
from benchmarks.plain import ffmpeg
from benchmarks.sources import corpus_folder
from benchmarks.tune import BASE, FILMS, SETTINGS, Sweep, encode
from benchmarks.vmaf import at_score

SCENES = {
    "flat": ("agent327 30 s", "720p"),
    "dark": ("agent327 12 s", "720p"),
    "noisy": ("rot_180 0 s", "720p"),
    "fast": ("tos_battle_70s_vp8 45 s", "360p"),
    "sky": ("bbb 20 s", "720p"),
    "drawn": ("gop_hevc_open_cra_rasl 2 s", "720p"),
    "coloured": ("mp4_flower_2997 0 s", "360p"),
}
"""Names of films in `tune`, and their rungs."""
CRF = 27.0
"""Of `BASE`: low enough in bits for differences to be seen."""
STEPS = (-1.5, 0.0, 1.5)
"""Beside `CRF`, for the setting, until bits are known well enough to meet those of `BASE`."""
PICTURE = 60
"""Which picture of a scene is shown."""


def beside(sweep: Sweep, scene: str, setting: str, folder: Path) -> str:
    """Write the pictures of one scene and return what both encodes took."""
    name, rung = SCENES[scene]
    film = next(one for one in FILMS if one.name == name)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        reference = sweep.reference(film, rung, Path(scratch))

        def bits(of: str, crf: float) -> int:
            encode(reference, rung, SETTINGS[of], crf, Path(scratch) / f"{of}.mp4")
            return (Path(scratch) / f"{of}.mp4").stat().st_size * 8

        wanted = bits(BASE, CRF)
        found = sorted((log(bits(setting, CRF + step)), CRF + step) for step in STEPS)
        crf = at_score(found, log(wanted))
        told = f"{scene} ({name}, {rung}): {setting} at crf {crf:.2f} has {bits(setting, crf) / wanted:.3f} of the bits"
        files = [reference, *(Path(scratch) / f"{of}.mp4" for of in (BASE, setting))]
        inputs = [word for file in files for word in ("-i", str(file))]
        chosen = ";".join(f"[{at}:v]select='eq(n,{PICTURE})',format=yuv420p[p{at}]" for at in range(3))
        stacked = f"{chosen};[p0][p1][p2]vstack=3"
        run([*ffmpeg(), *inputs, "-filter_complex", stacked, "-frames:v", "1", folder / f"{scene}.png"])
    return told


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beside", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--setting", default="balanced", choices=SETTINGS)
    parser.add_argument("--scenes", default=",".join(SCENES))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    sweep = Sweep(options.folder, corpus_folder())
    for scene in options.scenes.split(","):
        print(beside(sweep, scene, options.setting, options.folder), flush=True)


if __name__ == "__main__":
    main()
