"""Same source, settings and codec build: the same bytes, whoever makes them, in whatever order."""

from __future__ import annotations

import json
import platform
import random
import subprocess
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e import golden
from e2e.drawn import film, page
from e2e.driving import media, rungs
from selection import sample
from stores import locations
from streamify.jobs.agenda import Agenda
from streamify.jobs.demands import Demands
from streamify.jobs.locations import find_source
from streamify.jobs.segments import SegmentList
from streamify.jobs.work import video_task
from streamify.model.location import Location
from streamify.model.settings import OwnPreset, Settings
from streamify.model.task import SplitTask, Task
from streamify.planning.schedule import Group
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

SETTINGS: dict[str, Any] = {
    "ladder": rungs(480, 240),  # 854 and 426 pixels wide: macroblock rows that x264's AVX-512 code is touchy about
    "segment_seconds": Fraction(1, 2),
    "keyframe_seconds": Fraction(1, 2),
    "preset": "balanced",  # the default; its own strength of adaptive quantization is floating point
}


@dataclass(frozen=True)
class Reference:
    """What the reference engine made."""

    source: Path
    files: dict[str, str]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("same")
    spec = ClipSpec(seconds=Fraction(3), rate=Fraction(24), size=(960, 540), gop=40, bframes=2, pyramid=True)
    source = make_clip(spec, folder).path
    report = streamify.transcode(source, folder / "dest", engine="inline", **SETTINGS)
    assert [(one.width, one.height) for one in report.tracks[:2]] == [(854, 480), (426, 240)]
    files = media(folder / "dest")
    assert len(files) == 3 * (6 + 1)
    return Reference(source, files)


@pytest.mark.parametrize("workers", sample([1, 2, 5], 5))
def test_any_number_of_workers(workers: int, reference: Reference, tmp_path: Path) -> None:
    report = streamify.transcode(reference.source, tmp_path / "dest", workers=workers, **SETTINGS)
    assert report.workers == workers
    assert media(tmp_path / "dest") == reference.files


@pytest.mark.parametrize("seed", sample(range(3), 0))
def test_any_order_grouping_and_threads_and_a_churned_heap(seed: int, reference: Reference, tmp_path: Path) -> None:
    """All in one process, which allocates and frees between tasks: what lies in memory must not matter."""
    dice = random.Random(seed)
    folder, ref = find_source(Location.parse(str(reference.source)))
    stores = locations(folder.key, tmp_path / "dest").open()
    settings = Settings.model_validate({"engine": "inline", **SETTINGS}).media()
    run_task(SplitTask(source=ref, settings=settings), stores)
    plan = read_plan(stores.media)
    assert plan is not None
    segments = SegmentList(plan, stores.media)
    groupings: list[list[tuple[int, ...]]] = [[(0, 1)], [(0,), (1,)], [(1,), (0,)]]
    tasks: list[Task] = [one for one in Agenda(plan, segments, (), 1, Demands()).rest() if one.kind == "audio"]
    for segment in segments:
        for group in dice.choice(groupings):
            threads = dice.choice((1, len(group)))
            tasks.append(video_task(plan, segment, Group(segment.index, group, threads)))
    segments.close()
    dice.shuffle(tasks)
    held: list[bytes] = []
    for task in tasks:
        held.extend(dice.randbytes(dice.choice((100, 5_000, 300_000))) for _ in range(dice.randint(0, 200)))
        dice.shuffle(held)
        del held[: len(held) // 2]
        run_task(task, stores)
    dice.shuffle(tasks)
    run_task(tasks[0], stores)  # once more is harmless
    assert media(tmp_path / "dest") == reference.files


@pytest.mark.long
def test_what_looks_furthest_ahead_again_and_again(reference: Reference, tmp_path: Path) -> None:
    """``medium`` looks furthest ahead; the AVX-512 difference of x264 showed there, in 2 to 5 of 5 runs."""
    found = set()
    for number in range(3):
        settings = SETTINGS | {"preset": "medium", "ladder": rungs(240)}
        streamify.transcode(reference.source, tmp_path / str(number), engine="inline", **settings)
        found.add(tuple(sorted(media(tmp_path / str(number)).items())))
    assert len(found) == 1


@pytest.mark.long
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the masks are those of x86-64")
@pytest.mark.parametrize(
    ("flags", "asm"),
    # libavutil/cpu.h: CMOV 0x1000, MMX 1, MMXEXT 2, SSE 8, SSE2 0x10, SSE3 0x40, SSSE3 0x80, SSE4 0x100, SSE42 0x200,
    # AVX 0x4000, AVX2 0x8000, BMI1 0x20000, BMI2 0x40000, FMA3 0x10000
    sample([(0, "0"), (0x13DB, "sse4.2"), (0x7D3DB, "avx2")], (0x13DB, "sse4.2")),
    ids=["none", "sse4.2", "avx2"],
)
def test_video_on_a_lesser_processor(flags: int, asm: str, reference: Reference, tmp_path: Path) -> None:
    found = _on_a_lesser_processor(flags, asm, reference.source, tmp_path / "dest", SETTINGS["preset"])
    assert found == {name: sha for name, sha in reference.files.items() if name.startswith("video/")}


@pytest.mark.long
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the masks are those of x86-64")
@pytest.mark.parametrize(("flags", "asm"), [(0, "0"), (0x13DB, "sse4.2")], ids=["none", "sse4.2"])
@pytest.mark.parametrize("preset", get_args(OwnPreset))
def test_screens_on_a_lesser_processor(preset: OwnPreset, flags: int, asm: str, tmp_path: Path) -> None:
    """Every preset of our own, with the settings that screens have."""
    source = film(tmp_path / "a.mp4", page)
    settings: Any = {"ladder": rungs(480, 240), "segment_seconds": "1/2", "keyframe_seconds": "1/2", "preset": preset}
    report = streamify.transcode(source, tmp_path / "here", engine="inline", **settings)
    assert ["me=umh" in (track.chosen or "") for track in report.tracks] == [True, False]
    found = _on_a_lesser_processor(flags, asm, source, tmp_path / "dest", preset)
    assert found == {name: sha for name, sha in media(tmp_path / "here").items() if name.startswith("video/")}


def _on_a_lesser_processor(flags: int, asm: str, source: Path, dest: Path, preset: str) -> dict[str, str]:
    command = [sys.executable, "-m", "e2e.cpu_mask", str(flags), asm, str(source), str(dest), preset]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name: sha for name, sha in media(dest).items() if name.startswith("video/")}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other architectures are not promised the same bytes")
def test_golden_hashes_guard_the_media_version(tmp_path: Path) -> None:
    wanted, found = json.loads(golden.FILE.read_text()), golden.golden(tmp_path)
    assert found["files"] == wanted["files"], (
        "the bytes of media files changed: raise MEDIA_VERSION in model/plan.py, then run python tests/e2e/golden.py"
    )
    assert (found["media_version"], found["codec_build"]) == (wanted["media_version"], wanted["codec_build"]), (
        "run python tests/e2e/golden.py"
    )
