"""Opens the engine of a harness, with its store, its source, and the gate between."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from chaos.base import Field
from chaos.draw import draw
from chaos.faults import Scene
from chaos.gate import Gate
from chaos.harness import Harness, Line
from chaos.here import LocalField
from chaos.on_aws import AwsField
from clips.make import ClipSpec, make_clip
from clouds import Cloud
from e2e.driving import disk
from faults import proxy
from stores import open_storage

CLIP = ClipSpec(seconds=Fraction(4), rate=Fraction(25), size=(160, 96), gop=25)


@contextmanager
def harness(engine: str, cloud: Cloud, work: Path) -> Iterator[Harness]:
    """Open an engine by its name; `work` is an empty folder."""
    clip = make_clip(CLIP, work).path
    with proxy.before(cloud, seed=7) as way, pytest.MonkeyPatch.context() as patch:
        way.cloud.enter(patch)
        uploads, media = (way.cloud.make_bucket(f"{kind}-{uuid.uuid4().hex}") for kind in ("raw", "media"))
        open_storage(uploads).put("clip.mp4", clip.read_bytes())
        given = (Gate(way), media, f"{uploads}/clip.mp4", clip, work)
        found: Field
        more: Mapping[str, Callable[[Scene], str]]
        if engine == "ray":
            from chaos.on_ray import FAULTS, RayField

            found, more = RayField(*given), FAULTS
        else:
            found, more = (LocalField if engine == "local" else AwsField)(*given), {}
        try:
            yield Harness(found, more)
        finally:
            found.close()


def carry_out(engine: str, seed: int, runs: int, cloud: Cloud, work: Path, only: Sequence[str] = ()) -> Iterator[Line]:
    """Carry so many runs out, and yield what happened in each; with `only`, with these faults."""
    without = () if can_mount(work / "probe") else ("full",)
    with harness(engine, cloud, work) as found:
        for drawn in draw(engine, seed, runs, found.writes, without, only):
            yield found.carry_out(drawn)


def can_mount(folder: Path) -> bool:
    """Return whether a disk of its own can be made: only root may mount one."""
    try:
        with disk(folder, "size=64k"):
            return True
    except pytest.skip.Exception:
        return False
