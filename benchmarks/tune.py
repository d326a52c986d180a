"""``python -m benchmarks.tune``: which x264 settings show most for their CPU time and bits. What it measured, it keeps.

Excerpts of natural films are scaled to a rung's size, encoded by the encoder of our own tasks on one thread, and judged
at that size. Half of the films are there to choose by, the other half to report on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import geometric_mean, mean
from typing import Any

from benchmarks.command import BenchmarkError, run
from benchmarks.front import picture
from benchmarks.plain import ffmpeg
from benchmarks.screens import RATES, recording
from benchmarks.sources import corpus_folder
from benchmarks.vmaf import (
    COMMON,
    COMMON_PSNR,
    COMMON_SSIM,
    Point,
    at_equal,
    at_score,
    banding_ratio,
    bits_ratio,
    chroma,
    decibels,
)
from streamify.media.build import codec_build
from streamify.model.recipe import Tuning
from streamify.model.settings import X264Preset
from streamify.planning.tuning import BALANCED, ECO, QUALITY, SCREEN

VERSION = 2
"""Raised when what is kept of earlier runs would not be measured again."""
CRFS = (21.0, 25.0, 29.0)
"""Around the default of 23."""
EVERY = 3
"""One picture in so many is judged."""
BASE: X264Preset = "medium"
"""What all others are compared with."""
LEAST = {"vmaf": COMMON, "neg": COMMON, "psnr": COMMON_PSNR, "ssim": COMMON_SSIM, "chroma": COMMON_PSNR}
"""How much of a score two curves must share to be compared, by the scores at which bits are."""


@dataclass(frozen=True)
class Film:
    """An excerpt."""

    file: str
    """In the corpus."""
    start: float
    """Seconds."""
    chosen: bool
    """Whether settings are chosen by it; else it is held apart to report on."""
    rungs: tuple[str, ...] = ("720p", "360p")
    """Of which it is judged: none is larger than the film."""
    seconds: float = 4

    @property
    def name(self) -> str:
        """As in tables: the file and the second."""
        return f"{Path(self.file).stem.removeprefix('nat_').split('_1080p')[0].split('_720p')[0]} {self.start:g} s"


SMALL = ("360p",)
LARGE = ("1080p", "720p", "360p")
FILMS = (
    Film("nat_agent327_1080p24_83s.mp4", 30, True, LARGE),
    Film("nat_agent327_1080p24_83s.mp4", 60, False, LARGE),
    Film("nat_agent327_1080p24_83s.mp4", 12, False, LARGE),
    Film("nat_bbb_1080p24_30s_aac51.mp4", 3, True, LARGE),
    Film("nat_bbb_1080p24_30s_aac51.mp4", 20, False, LARGE),
    Film("nat_testvideo_720p2997_24s_noaudio.mp4", 4, True),
    Film("nat_testvideo_720p2997_24s_noaudio.mp4", 16, False),
    Film("nat_car_detection_30s.mp4", 4, True, SMALL),
    Film("nat_car_detection_30s.mp4", 20, False, SMALL),
    Film("nat_tos_battle_70s_vp8.webm", 10, True, SMALL),
    Film("nat_tos_battle_70s_vp8.webm", 45, False, SMALL),
    Film("nat_vtest_79s.avi", 10, False, SMALL),
    Film("rot_180.mp4", 0, True),
    Film("mp4_flower_2997.mp4", 0, False, SMALL),
    Film("ps_city_cc0.mpg", 1, True, SMALL),
    Film("gop_hevc_open_cra_rasl.mp4", 2, False, LARGE),
    Film("nat_4k_dv_p10_ipt_av1_4s.mp4", 0, False, ("2160p", "1440p", "1080p", "360p")),
)

DRAWN = ("1080p", "720p")
SCREENS = (
    *(Film(f"screens/{name}.mp4", 0, True, DRAWN) for name in RATES),
    Film("ts_mp3_720p2997_35s.ts", 10, False),
    Film("ts_mp3_720p2997_35s.ts", 24, False),
)
"""Screens: recordings that are drawn here, and a film of the corpus that is drawn, with much text."""

Setting = tuple[X264Preset, Tuning]


def tuned(**words: Any) -> Setting:
    """Return `medium` with a few parameters of its own."""
    return BASE, Tuning(**words)


LESS: dict[str, Any] = {"ref": 2, "mixed_refs": 0, "rc_lookahead": 30}
WEAK: dict[str, Any] = LESS | {"me": "dia", "psy_rd": 0.5, "deblock": -1, "dct_decimate": 0}
WEAKER = BALANCED.model_copy(update={"ref": None, "bframes": 4, "aq_strength": 0.8})
MIDDLE = WEAKER.model_copy(update={"bframes": None, "chroma_me": None})
SETTINGS: dict[str, Setting] = {
    "medium": tuned(),
    "fast": ("fast", Tuning()),
    "slow": ("slow", Tuning()),
    "medium aq2": tuned(aq_mode=2),
    "less": tuned(**LESS),
    "less aq2": tuned(**LESS, aq_mode=2),
    "less aq2 0.8": tuned(**LESS, aq_mode=2, aq_strength=0.8),
    "less aq2 0.6": tuned(**LESS, aq_mode=2, aq_strength=0.6),
    "less aq3": tuned(**LESS, aq_mode=3),
    "less aq3 0.8": tuned(**LESS, aq_mode=3, aq_strength=0.8),
    "less aq3 0.6": tuned(**LESS, aq_mode=3, aq_strength=0.6),
    "less aq2 1.2": tuned(**LESS, aq_mode=2, aq_strength=1.2),
    "less aq2 0.8 whole": tuned(**LESS, aq_mode=2, aq_strength=0.8, dct_decimate=0),
    "less aq2 0.6 whole": tuned(**LESS, aq_mode=2, aq_strength=0.6, dct_decimate=0),
    "less aq3 whole": tuned(**LESS, aq_mode=3, dct_decimate=0),
    "balanced": (BASE, BALANCED),
    "balanced screen": (BASE, BALANCED.model_copy(update=SCREEN)),
    "balanced hex": (BASE, BALANCED.model_copy(update={"me": None})),
    "balanced ref 3": (BASE, BALANCED.model_copy(update={"ref": None})),
    "chroma 0": (BASE, BALANCED.model_copy(update={"chroma_qp_offset": None})),
    "chroma 2": (BASE, BALANCED.model_copy(update={"chroma_qp_offset": 2})),
    "eco": (BASE, ECO),
    "quality": (BASE, QUALITY),
    "weaker": (BASE, WEAKER),
    "weaker 0.9": (BASE, WEAKER.model_copy(update={"aq_strength": 0.9})),
    "middle": (BASE, MIDDLE),
    "old": (BASE, MIDDLE.model_copy(update={"me": None, "subme": None})),
    "middle hex": (BASE, MIDDLE.model_copy(update={"me": None})),
    "middle 0.9": (BASE, MIDDLE.model_copy(update={"aq_strength": 0.9})),
    "middle trellis 2": (BASE, MIDDLE.model_copy(update={"trellis": 2})),
    "less aq1 0.8": tuned(**LESS, aq_strength=0.8),
    "less aq1 0.6": tuned(**LESS, aq_strength=0.6),
    "weak 1.0": tuned(**WEAK),
    "weak 0.9": tuned(**WEAK, aq_strength=0.9),
    "weak 0.8": tuned(**WEAK, aq_strength=0.8),
    "weak 0.8 ref 3": tuned(**WEAK | {"ref": 3}, aq_strength=0.8),
    "ref 1 aq2": tuned(**LESS | {"ref": 1}, aq_mode=2),
    "ref 3 aq2": tuned(**LESS | {"ref": 3}, aq_mode=2),
    "lookahead 20 aq2": tuned(**LESS | {"rc_lookahead": 20}, aq_mode=2),
    "lookahead 40 aq2": tuned(**LESS | {"rc_lookahead": 40}, aq_mode=2),
    "subme 6 aq2": tuned(**LESS, aq_mode=2, subme=6),
    "subme 8 aq2": tuned(**LESS, aq_mode=2, subme=8),
    "dia aq2": tuned(**LESS, aq_mode=2, me="dia"),
    "trellis 0 aq2": tuned(**LESS, aq_mode=2, trellis=0),
    "psy 0.6 aq2": tuned(**LESS, aq_mode=2, psy_rd=0.6),
    "weightp 1 aq2": tuned(**LESS, aq_mode=2, weightp=1),
    "b-adapt 2 aq2": tuned(**LESS, aq_mode=2, b_adapt=2),
    "qcomp 0.7 aq2": tuned(**LESS, aq_mode=2, qcomp=0.7),
}
FIRST = ("medium", "less", "balanced", "weaker", "weak 0.8", "weak 0.9", "less aq1 0.8", "less aq2",
         "less aq2 0.6", "less aq3 0.6", "fast")  # fmt: skip


@dataclass(frozen=True)
class Encoded:
    """One encode, judged."""

    bits: float
    """Per second."""
    cpu: float
    """Seconds, user and system, that the encoder took."""
    scores: Mapping[str, float]
    """Of luma: ``vmaf``, ``neg``, ``psnr`` (dB), ``ssim`` (dB) and ``cambi``, of which less is better.

    Also ``chroma``, the mean of the PSNR of both chroma planes, dB.
    """


@dataclass(frozen=True)
class Compared:
    """A setting beside `BASE` on one film and rung."""

    film: str
    rung: str
    chosen: bool
    setting: str
    cpu: float
    """Ratio, at equal crf."""
    cpu_equal: float
    """Ratio at equal VMAF."""
    bits: Mapping[str, float | None]
    """Ratios at equal VMAF, VMAF NEG, PSNR, SSIM and PSNR of chroma."""
    cambi: float | None
    """Ratio at equal VMAF."""
    crf: float | None
    """Of `BASE` that gives the VMAF of this setting at 23."""


class Sweep:
    """See the module.

    Args:
        kept: Folder for what is measured, by hash.
        corpus: Folder of films.
    """

    def __init__(self, kept: Path, corpus: Path) -> None:
        self._kept, self._corpus = kept, corpus
        kept.mkdir(parents=True, exist_ok=True)

    def encoded(self, film: Film, rung: str, setting: str, crf: float) -> Encoded | None:
        """Return what was measured earlier."""
        path = self._file(film, rung, setting, crf)
        return Encoded(**json.loads(path.read_text())) if path.exists() else None

    def measure(self, film: Film, rung: str, names: Sequence[str], crfs: Sequence[float]) -> None:
        """Encode and judge what was not measured yet, all settings at one crf after another: machines change speed."""
        wanted = [(name, crf) for crf in crfs for name in names if self.encoded(film, rung, name, crf) is None]
        if not wanted:
            return
        with tempfile.TemporaryDirectory(dir=self._kept) as folder:
            reference = self.reference(film, rung, Path(folder))
            for name, crf in wanted:
                out = Path(folder) / "encoded.mp4"
                cpu, frames, seconds = encode(reference, rung, SETTINGS[name], crf, out)
                scores = _judge(out, reference, frames)
                found = Encoded(bits=8 * out.stat().st_size / seconds, cpu=cpu, scores=scores)
                _write(self._file(film, rung, name, crf), json.dumps(asdict(found)))
                print(f"{film.name} {rung} {name} {crf:g}: {found}", file=sys.stderr, flush=True)

    def compared(self, names: Sequence[str]) -> Iterator[Compared]:
        """Compare all that was measured."""
        for film in (*FILMS, *SCREENS):
            for rung in film.rungs:
                curves = {name: self._curve(film, rung, name) for name in dict.fromkeys((BASE, *names))}
                for name in names:
                    if len(curves[name]) > 1 and len(curves[BASE]) > 1:
                        yield _compare(film, rung, name, curves[name], curves[BASE])

    def _curve(self, film: Film, rung: str, setting: str) -> dict[float, Encoded]:
        every = {crf: self.encoded(film, rung, setting, crf) for crf in CRFS}
        return {crf: one for crf, one in every.items() if one is not None}

    def _file(self, film: Film, rung: str, setting: str, crf: float) -> Path:
        preset, tuning = SETTINGS[setting]
        words = [VERSION, codec_build(), film.file, film.start, film.seconds, rung, preset,
                 tuning.model_dump(exclude_none=True), crf, EVERY]  # fmt: skip
        return self._kept / f"{hashlib.sha256(json.dumps(words).encode()).hexdigest()[:24]}.json"

    def reference(self, film: Film, rung: str, folder: Path) -> Path:
        """Write the excerpt at the size of the rung, without loss: what is encoded and what is compared with."""
        path, side = folder / "reference.mkv", int(rung[:-1])
        scale = f"scale='if(gt(iw,ih),-2,{side})':'if(gt(iw,ih),{side},-2)':flags=bicubic+accurate_rnd+bitexact"
        fitting = f"{scale},setsar=1,format=yuv420p" if self._larger(film, side) else "setsar=1,format=yuv420p"
        run([*ffmpeg(), "-ss", f"{film.start:g}", "-i", self._source(film), "-t", f"{film.seconds:g}", "-map",
             "0:v:0", "-an", "-vf", fitting, "-c:v", "ffv1", path])  # fmt: skip
        return path

    def _source(self, film: Film) -> Path:
        path = Path(film.file)
        if path.parts[0] != "screens":
            return self._corpus / path
        return recording(path.stem, self._kept / path.parent, self._corpus)

    def _larger(self, film: Film, side: int) -> bool:
        import av

        with av.open(str(self._source(film))) as source:
            picture = source.streams.video[0]
            return min(picture.width, picture.height) > side


def encode(reference: Path, rung: str, setting: Setting, crf: float, out: Path) -> tuple[float, int, float]:
    """Encode in a process of its own; return CPU seconds, number of pictures, seconds of film."""
    words = [str(reference), rung, setting[0], setting[1].to_json().decode(), str(crf), str(out)]
    told = json.loads(run([sys.executable, "-m", "benchmarks.tune_encode", *words]).output)
    return told["cpu"], told["frames"], told["seconds"]


def _judge(rendition: Path, reference: Path, frames: int) -> dict[str, float]:
    log_file = rendition.with_suffix(".json")
    equal = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709,settb=1/1000,setpts=N"
    models = r"version=vmaf_v0.6.1\:name=vmaf|version=vmaf_v0.6.1neg\:name=neg"
    graph = (
        f"[0:v]{equal},format=yuv420p[a];[1:v]{equal},format=yuv420p[b];[a][b]libvmaf=model='{models}'"
        f":feature='name=psnr|name=float_ssim|name=cambi':n_subsample={EVERY}:log_fmt=json:log_path={log_file}"
    )
    run([*ffmpeg(), "-i", rendition, "-i", reference, "-filter_complex", graph, "-f", "null", "-"])
    told = json.loads(log_file.read_text())
    if len(told["frames"]) != -(-frames // EVERY):
        raise BenchmarkError(f"{len(told['frames'])} pictures were judged, of {frames}")
    pooled = told["pooled_metrics"]
    return {
        "vmaf": pooled["vmaf"]["mean"],
        "neg": pooled["neg"]["mean"],
        "psnr": pooled["psnr_y"]["mean"],
        "chroma": chroma(pooled),
        "ssim": decibels(pooled["float_ssim"]["mean"]),
        "cambi": pooled["cambi"]["mean"],
    }


def _compare(
    film: Film, rung: str, name: str, ours: Mapping[float, Encoded], base: Mapping[float, Encoded]
) -> Compared:
    shared = sorted(ours.keys() & base.keys())
    spent = sum(ours[crf].cpu for crf in shared) / sum(base[crf].cpu for crf in shared)

    def curve(of: Mapping[float, Encoded], score: str) -> list[Point]:
        return [Point(one.bits, one.scores[score]) for one in of.values()]

    sides = [[{"cpu": one.cpu, **one.scores} for one in side.values()] for side in (ours, base)]
    cpu = at_equal("vmaf", "cpu", *sides)
    crfs = sorted((one.scores["vmaf"], crf) for crf, one in base.items())
    at_23 = at_score([(crf, one.scores["vmaf"]) for crf, one in sorted(ours.items())], 23.0)
    return Compared(
        film=film.name,
        rung=rung,
        chosen=film.chosen,
        setting=name,
        cpu=spent,
        cpu_equal=spent if not cpu else sum(one for one, _ in cpu) / sum(other for _, other in cpu),
        bits={score: bits_ratio(curve(ours, score), curve(base, score), least)
              for score, least in LEAST.items()},
        cambi=banding_ratio(*sides),
        crf=at_score(crfs, at_23) if crfs[0][0] <= at_23 <= crfs[-1][0] else None,
    )  # fmt: skip


def table(rows: Sequence[Compared]) -> list[str]:
    """Return Markdown: a row for each setting; geometric means, and the worst film behind them."""
    lines = [
        "| setting | films x rungs | CPU | CPU at equal VMAF | bits at equal VMAF (worst) | NEG | PSNR"
        " | SSIM (worst) | chroma (worst) | CAMBI (worst) | crf of medium |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row.setting for row in rows):
        mine = [row for row in rows if row.setting == name]
        bits = {score: [value for row in mine if (value := row.bits[score]) is not None] for score in mine[0].bits}
        cambi = [row.cambi for row in mine if row.cambi is not None]
        crfs = [row.crf for row in mine if row.crf is not None]
        lines.append(
            f"| {name} | {len(mine)} | {_mean([row.cpu for row in mine])} | {_mean([row.cpu_equal for row in mine])}"
            f" | {_mean(bits['vmaf'])} ({max(bits['vmaf'], default=1):.3f}) | {_mean(bits['neg'])}"
            f" | {_mean(bits['psnr'])} | {_mean(bits['ssim'])} ({max(bits['ssim'], default=1):.3f})"
            f" | {_mean(bits['chroma'])} ({max(bits['chroma'], default=1):.3f})"
            f" | {_mean(cambi)} ({max(cambi, default=1):.3f}) | {mean(crfs) if crfs else 23:.2f} |"
        )
    return lines


def films_table(rows: Sequence[Compared], setting: str) -> list[str]:
    """Return Markdown: a row for each film and rung of one setting."""
    lines = ["| film | rung | half | CPU | bits at equal VMAF | NEG | PSNR | SSIM | chroma | CAMBI | crf of medium |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        if row.setting == setting:
            bits = " | ".join("" if value is None else f"{value:.3f}" for value in row.bits.values())
            cambi, crf = ("" if value is None else f"{value:.2f}" for value in (row.cambi, row.crf))
            half = "chosen by" if row.chosen else "held apart"
            lines.append(f"| {row.film} | {row.rung} | {half} | {row.cpu:.2f} | {bits} | {cambi} | {crf} |")
    return lines


def front(rows: Sequence[Compared]) -> dict[str, tuple[float, float]]:
    """Return CPU and bits at equal VMAF of each setting; those that no other beats in both are the front."""
    found = {}
    for name in dict.fromkeys(row.setting for row in rows):
        mine = [row for row in rows if row.setting == name]
        bits = [value for row in mine if (value := row.bits["vmaf"]) is not None]
        if bits:
            found[name] = (geometric_mean([row.cpu_equal for row in mine]), geometric_mean(bits))
    return found


def _write(path: Path, text: str) -> None:
    """Write a file at once: a run that is stopped leaves no half of one."""
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


def _mean(values: Sequence[float]) -> str:
    return f"{geometric_mean(values):.3f}" if values else ""


def main() -> None:
    """Run the command line."""
    options = _options()
    sweep = Sweep(options.kept, options.corpus)
    names = list(SETTINGS) if options.settings == "all" else list(FIRST) if options.settings == "first" else [
        name.strip() for name in options.settings.split(",")]  # fmt: skip
    if unknown := set(names) - set(SETTINGS):
        raise SystemExit(f"unknown settings: {', '.join(sorted(unknown))}; known: {', '.join(SETTINGS)}")
    group = SCREENS if options.screens else FILMS
    films = [film for film in group if options.half == "both" or film.chosen == (options.half == "choose")]
    rungs = options.rungs.split(",")
    jobs = [(film, rung) for rung in rungs for film in films if rung in film.rungs]
    if options.screens and not options.show:
        recording("typing", options.kept / "screens", options.corpus)  # before several ask for them at once
    if not options.show:
        with ThreadPoolExecutor(options.processes) as pool:
            list(pool.map(lambda job: sweep.measure(job[0], job[1], names, CRFS), jobs))
    shown = {film.name for film in films}
    rows = [row for row in sweep.compared(names) if row.rung in rungs and row.film in shown]
    if not rows:
        raise SystemExit("nothing of this is measured yet; leave out --show")
    lines = []
    for rung in rungs:
        lines += [f"\n**{rung}**\n", *table([row for row in rows if row.rung == rung])]
    lines += ["\n**all**\n", *table(rows)]
    for name in options.films.split(",") if options.films else ():
        lines += [f"\n**{name}**\n", *films_table(rows, name)]
    print("\n".join(lines))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    if options.plot:
        options.plot.write_text(picture(front(rows)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tune", description=main.__doc__)
    parser.add_argument("--settings", default="first", help="first, all, or names with commas")
    parser.add_argument("--screens", action="store_true", help="recordings of screens in place of films")
    parser.add_argument("--half", default="both", choices=("choose", "held", "both"))
    parser.add_argument("--rungs", default="720p,360p")
    parser.add_argument("--films", default="", help="settings of which every film is shown")
    parser.add_argument("--show", action="store_true", help="measure nothing, show what was kept")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="SVG of CPU and bits")
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "streamify-tune")
    parser.add_argument("--corpus", type=Path, default=corpus_folder())
    return parser.parse_args()


if __name__ == "__main__":
    main()
