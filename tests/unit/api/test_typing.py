"""What `mypy --strict` says of programs that use the package."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src"

RIGHT = """
import asyncio
from fractions import Fraction
from pathlib import Path

import streamify

quick: streamify.SettingsDict = {"preset": "ultrafast", "crf": 30, "segment_seconds": "24/5"}
own: list[streamify.RungDict] = [{"name": "540p", "short_side": 540, "maxrate": 1_800_000}]


def show(event: streamify.Event) -> None:
    print(event.kind, event.message)


def track(of: streamify.TrackReport) -> int:
    return of.average_bandwidth


def bits(source: Path) -> list[int]:
    report: streamify.Report = streamify.transcode(source, "out", on_event=show, **quick)
    return [track(one) for one in report.tracks]


def sizes() -> streamify.Plan:
    return streamify.plan("in.mp4", ladder=own)


def rungs() -> streamify.Plan:
    ladder = [streamify.Rung(name="540p", short_side=540, maxrate=1_800_000)]
    return streamify.plan("in.mp4", ladder=ladder, keyframe_seconds=Fraction(1, 2), engine="inline", max_cost=None)


def follow() -> streamify.Report | None:
    with streamify.start("in.mp4", Path("out"), replace=True) as job:
        for event in job.events():
            show(event)
        if not job.wait(timeout=1.5):
            job.cancel()
    try:
        return job.result()
    except streamify.TasksFailed as error:
        print([failure.cause for failure in error.failures])
    except streamify.Interrupted:
        return streamify.resume(job.dest)
    return None


async def later() -> float:
    report = await streamify.transcode_async("in.mp4", "out", **quick)
    again = await streamify.start("in.mp4", "out")
    return report.speed + again.speed


def state() -> str:
    return streamify.status("out").state


asyncio.run(later())
"""

WRONG = """
import streamify

streamify.transcode("in.mp4", "out", presett="fast")  # call-arg
streamify.transcode("in.mp4", "out", preset="quick")  # arg-type
streamify.transcode("in.mp4", "out", workers="many")  # arg-type
streamify.transcode("in.mp4", b"out")  # arg-type
streamify.plan("in.mp4", ladder=[{"name": "540p"}])  # list-item
streamify.start("in.mp4", "out", on_event=print, engin="inline")  # call-arg
streamify.transcode("in.mp4", "out").trakcs  # attr-defined
streamify.Nothing  # attr-defined
streamify.status("out").states  # attr-defined
settings: streamify.SettingsDict = {"crv": 23}  # typeddict-unknown-key


async def later() -> str:
    return await streamify.transcode_async("in.mp4", "out")  # return-value
"""
"""Each line that ends in a comment has one error, with the code that the comment names."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, str]]:
    """File, line and code of every error that mypy finds in the programs."""
    folder = tmp_path_factory.mktemp("mypy")
    for name, text in (("right", RIGHT), ("wrong", WRONG)):
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "right.py", "wrong.py"]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"MYPYPATH": str(SOURCES)}, capture_output=True, text=True
    )
    assert not done.stderr, done.stderr
    lines = [re.fullmatch(r".*?(\w+)\.py:(\d+): error: .*\[([\w-]+)\]", line) for line in done.stdout.splitlines()]
    errors = [(line[1], int(line[2]), line[3]) for line in lines if line]
    assert f"Found {len(errors)} errors" in done.stdout, done.stdout
    return errors


@pytest.mark.long
def test_a_right_program_passes(found: list[tuple[str, int, str]]) -> None:
    assert [error for error in found if error[0] == "right"] == []


@pytest.mark.long
def test_each_wrong_line_is_refused_and_no_other(found: list[tuple[str, int, str]]) -> None:
    expected = {
        number: line.rpartition("  # ")[2]
        for number, line in enumerate(WRONG.splitlines(), start=1)
        if re.search(r"  # [a-z-]+$", line)
    }
    assert len(expected) > 8
    assert {number: code for name, number, code in found if name == "wrong"} == expected
    assert {name for name, _, _ in found} == {"wrong"}
