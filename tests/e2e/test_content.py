"""``--ladder auto-content`` leaves out what shows nothing more, and only that, whatever the source."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import streamify as run
from stores import locations
from streamify.executors.events import EventDelivery
from streamify.executors.local.executor import LocalExecutor
from streamify.jobs.beginning import EarlyStart
from streamify.jobs.engine import Stop
from streamify.jobs.locations import find_source
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.result import SplitResult
from streamify.model.settings import Engine, MediaSettings
from streamify.model.task import SplitTask
from streamify.tasks.split import run_split

Gray = npt.NDArray[np.uint8]
Draw = Callable[[int], Gray]
SIZE = (640, 480)
MORE: Any = {"preset": "ultrafast", "thumbnails": "off", "poster": "off"}


def waves(width: int = SIZE[0], height: int = SIZE[1]) -> Draw:
    """Return pictures that are soft all over, each another one."""

    def draw(number: int) -> Gray:
        across, down = np.arange(width) / width, np.arange(height)[:, None] / height
        light = 126 + 55 * np.sin(6 * across + number) + 50 * np.cos(6 * down - number)
        picture: Gray = np.round(light).astype(np.uint8)
        return picture

    return draw


def spots(width: int, height: int, size: tuple[int, int] = SIZE) -> Draw:
    """Return pictures of random spots that are scaled up from a smaller size."""

    def draw(number: int) -> Gray:
        small = np.random.default_rng(number).integers(16, 235, (height, width), dtype=np.uint8)
        large = av.VideoFrame.from_ndarray(small, format="gray").reformat(*size, interpolation=Interpolation.BICUBIC)
        return large.to_ndarray().astype(np.uint8)

    return draw


def written(draw: Draw) -> Draw:
    """Return the pictures with fine lines in a corner, a fiftieth of the picture."""

    def drawn(number: int) -> Gray:
        picture = draw(number).copy()
        height, width = picture.shape
        picture[: height // 7, : width // 7 : 2] = 16
        return picture

    return drawn


def plain(value: int) -> Draw:
    return lambda _: np.full(SIZE[::-1], value, np.uint8)


def noise(number: int) -> Gray:
    return np.random.default_rng(number).integers(0, 255, SIZE[::-1], dtype=np.uint8)


def dimmed(draw: Draw) -> Draw:
    """Return the pictures with a sixth of their contrast."""
    return lambda number: (100 + draw(number) // 6).astype(np.uint8)


def dark_at_first(draw: Draw) -> Draw:
    return lambda number: plain(16)(number) if number < 3 else draw(number)


def film(path: Path, draw: Draw, count: int = 8, gop: int = 1, pts: Callable[[int], int] = lambda n: n) -> Path:
    """Write pictures, five a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"preset": "ultrafast", "crf": "4"})
        assert isinstance(stream, VideoStream)
        height, width = draw(0).shape
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, "yuv420p", gop
        stream.codec_context.time_base = Fraction(1, 50)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(draw(number), format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = 10 * pts(number), Fraction(1, 50)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def planned(source: Path, ladder: str = "auto-content") -> Plan:
    """Return the plan that split makes, in this process."""
    _, ref = find_source(Location.parse(str(source)))
    settings = MediaSettings(ladder=ladder, preset="medium", deinterlace="off")
    stores = locations(source.parent, source.parent / "dest").open()
    return Plan.from_json(run_split(SplitTask(source=ref, settings=settings, write=False), stores).plan)


def ladder(plan: Plan) -> str:
    return " ".join(track.name for track in plan.video)


def told(plan: Plan) -> str:
    (note,) = (note for note in plan.notes if "left out" in note.what)
    return f"{note.what}: {note.why}"


@pytest.mark.parametrize(
    ("draw", "more", "kept", "words"),
    [
        (waves(), {}, "360p", "left out: 480p"),
        (waves(480, 640), {}, "360p", "left out: 480p"),
        (waves(), {"pts": lambda n: n + n // 3}, "360p", "left out: 480p"),  # of variable rate
        (dimmed(waves()), {}, "480p 360p", "480p shows more than 360p: once encoded"),
        (waves(), {"count": 40}, "360p", "judged by 25 pictures"),
        (dark_at_first(waves()), {}, "360p", "left out: 480p"),
        (lambda _: waves()(0), {}, "360p", "left out: 480p"),  # pictures that stand
        (written(waves()), {}, "480p 360p", "480p shows more than 360p"),
        (spots(500, 400), {}, "480p 360p", "480p shows more than 360p"),
        (noise, {}, "480p 360p", "480p shows more than 360p"),
        (plain(16), {}, "480p 360p", "8 of a single colour"),
        (plain(120), {}, "480p 360p", "of a single colour"),
        (waves(1280, 720), {}, "480p 360p", "left out: 720p"),
        (waves(), {"count": 1}, "360p", "left out: 480p"),
        (written(waves()), {"count": 1}, "480p 360p", "480p shows more than 360p"),
        (waves(), {"count": 12, "gop": 9}, "480p 360p", "4 needed"),
        (spots(8, 8, (64, 16)), {}, "16p", "16p is the only one"),
        (waves(500, 500), {}, "360p", "left out: 500p"),
    ],
)  # fmt: skip
def test_what_is_left_out(tmp_path: Path, draw: Draw, more: dict[str, Any], kept: str, words: str) -> None:
    source = film(tmp_path / "a.mp4", draw, **more)
    plan = planned(source)
    assert ladder(plan) == kept
    assert words in told(plan)
    assert planned(source, "auto").source.detail is None


def test_interlaced_pictures_are_not_judged(tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), size=(640, 480), interlaced=True, audio=None), tmp_path).path
    plan = planned(source)
    assert ladder(plan) == "480p 360p"
    assert "interlaced pictures are not judged" in told(plan)


def test_every_engine_leaves_out_the_same_and_says_so(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", waves(), count=8)
    engines: tuple[Engine, ...] = ("inline", "local")
    files = []
    for number, engine in enumerate(engines):
        dest = tmp_path / str(number)
        report = streamify.transcode(source, dest, ladder="auto-content", engine=engine, **MORE)
        assert [track.id.split("-")[0] for track in report.tracks] == ["360p"]
        assert [note.what for note in report.notes if note.kind == "info"] == ["rungs left out: 480p"]
        files.append({path.relative_to(dest): path.read_bytes() for path in dest.rglob("*.m4s")})
    assert files[0]
    assert files[0] == files[1]
    alone = streamify.transcode(source, tmp_path / "2", ladder="360p", **MORE)
    assert [track.id for track in alone.tracks] == [track.id for track in report.tracks]
    assert "rungs left out: 480p" in run("plan", source, "--ladder", "auto-content").out


def test_the_first_segment_is_begun_before_the_ladder_is_known(tmp_path: Path) -> None:
    source = film(tmp_path / "a.mp4", waves())
    settings = MediaSettings(ladder="auto-content", preset="ultrafast")
    places = locations(tmp_path, tmp_path / "dest")
    _, ref = find_source(Location.parse(str(source)))
    executor, stores = LocalExecutor(places, 2, lambda _: None), places.open()
    try:
        start = EarlyStart(executor, stores.media, Stop(), EventDelivery(None), lambda _: None)
        future = executor.submit(SplitTask(source=ref, settings=settings, begin=True))
        future.on_beginning(start.take)
        result = future.result(60)
        assert isinstance(result, SplitResult)
        plan = Plan.from_json(result.plan)
        assert ladder(plan) == "360p"
        assert start.settle(plan) is not None
    finally:
        executor.shutdown(cancel=True)
