"""Films that are drawn here, a picture of each number, and what split makes of them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from stores import locations
from streamify.executors.events import EventDelivery
from streamify.executors.local.executor import LocalExecutor
from streamify.jobs.beginning import EarlyStart
from streamify.jobs.engine import Stop
from streamify.jobs.locations import find_source
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.result import SplitResult
from streamify.model.settings import MediaSettings
from streamify.model.task import SplitTask
from streamify.tasks.split import run_split

Gray = npt.NDArray[np.uint8]
Draw = Callable[[int], Gray]
SIZE = (640, 480)


def page(number: int) -> Gray:
    """Return a picture of lines of strokes on white, as text is; each picture shows another part of the text."""
    dice = np.random.default_rng(7)
    rows: Gray = np.full((1200, 640), 235, np.uint8)
    for top in range(10, 1180, 24):
        for left in range(20, 600, 9):
            if dice.integers(5):
                rows[top : top + 12, left : left + 2] = 20
                rows[top + dice.integers(12), left : left + 7] = 20
    return rows[16 * number : 16 * number + 480]


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


def split_plan(source: Path, settings: MediaSettings) -> Plan:
    """Return the plan that split makes, in this process."""
    _, ref = find_source(Location.parse(str(source)))
    stores = locations(source.parent, source.parent / "dest").open()
    return Plan.from_json(run_split(SplitTask(source=ref, settings=settings, write=False), stores).plan)


def begun_early(source: Path, settings: MediaSettings) -> tuple[Plan, bool]:
    """Return the plan of a film whose first segment is begun while it is planned, and whether that segment is of it."""
    places = locations(source.parent, source.parent / "dest")
    _, ref = find_source(Location.parse(str(source)))
    executor, stores = LocalExecutor(places, 2, lambda _: None), places.open()
    try:
        start = EarlyStart(executor, stores.media, Stop(), EventDelivery(None), lambda _: None)
        future = executor.submit(SplitTask(source=ref, settings=settings, begin=True))
        future.on_beginning(start.take)
        result = future.result(60)
        assert isinstance(result, SplitResult)
        plan = Plan.from_json(result.plan)
        return plan, start.settle(plan) is not None
    finally:
        executor.shutdown(cancel=True)
