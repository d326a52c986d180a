"""Poster and animated preview on the page, and what it shows of images while a stream is made, in a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path

import pytest

from clips.words import pictures
from e2e import chromium
from e2e.driving import Job, job, playing, rungs, wait_for
from e2e.halting import Halt
from streamify.api import transcode
from streamify.model.settings import Rung

pytestmark = [pytest.mark.players, pytest.mark.skipif(not chromium.PATH.exists(), reason="no Chromium")]
VIDEO = "document.getElementById('video')"


def hover(page: chromium.Page, *, over: bool) -> None:
    x, y, width, height = page.run(
        f"(({{left, top, width, height}}) => [left, top, width, height])({VIDEO}.getBoundingClientRect())"
    )
    at = (x + width / 2, y + height / 3) if over else (x + width / 2, y + height + 200)
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])


def seen(page: chromium.Page) -> str:
    return hashlib.sha256(base64.b64decode(page.call("Page.captureScreenshot", format="png")["data"])).hexdigest()


def moves(page: chromium.Page) -> bool:
    """Return once the page has looked in four ways, of which loading an image makes two; within half a minute."""
    looks, until = {seen(page)}, time.monotonic() + 30
    while len(looks) < 4 and time.monotonic() < until:
        looks.add(seen(page))
    return len(looks) == 4


def test_the_preview_moves_under_the_mouse(tmp_path: Path) -> None:
    source = pictures(tmp_path / "f.mp4", 6, sound=False)
    transcode(str(source), str(tmp_path / "s"), ladder=(Rung(name="48p", short_side=48, maxrate=1_000_000),),
              preset="ultrafast", thumbnails="off", preview=2, engine="inline")  # fmt: skip
    with playing(tmp_path / "s") as server, chromium.chromium() as browser, browser.page() as page:
        page.call("Page.navigate", url=server.url)
        page.wait("document.documentElement?.dataset.ready")
        page.wait(f"{VIDEO}.readyState >= 2")
        poster = page.run(f"{VIDEO}.poster")
        assert poster.endswith(".jpg")
        hover(page, over=True)
        page.wait(f"{VIDEO}.poster.endsWith('/poster/preview.webp')")
        assert moves(page)
        hover(page, over=False)
        page.wait(f"{VIDEO}.poster === '{poster}'")
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        hover(page, over=True)
        assert page.run(f"{VIDEO}.poster") == poster
        assert page.complaints == []


def finished(running: Job) -> set[str]:
    return {event["task"] for event in running.events("task.finished")}


@pytest.mark.long
def test_poster_and_scrub_images_come_while_the_stream_is_made(tmp_path: Path) -> None:
    source, dest = pictures(tmp_path / "f.mp4", 60, sound=False), tmp_path / "s"
    ladder = tmp_path / "ladder.yaml"
    ladder.write_text(json.dumps(rungs(48)))
    flags = ["--ladder", ladder, "--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast",
             "--thumbnails", "0.1", "--workers", "1", "--publish", "early"]  # fmt: skip
    halt = Halt(tmp_path, 30)  # a sheet shows 2.5 s
    with job(tmp_path / "events", source, dest, *flags, env=halt.env) as running:
        wait_for(lambda: {"image/thumbnails/00000", "image/poster-00001"} <= finished(running))
        wait_for(lambda: [*dest.glob("thumbnails/*/storyboard.vtt")])
        with playing(dest) as server, chromium.chromium() as browser, browser.page() as page:
            page.call("Page.navigate", url=server.url)
            page.wait("document.documentElement?.dataset.ready")
            page.wait(f"/poster.[0-9]+.jpg[?]/.test({VIDEO}.poster)")
            assert not (dest / "report.json").exists()
            left, top, width, height = page.run(
                "(({left, top, width, height}) => [left, top, width, height])"
                "(document.getElementById('seek').getBoundingClientRect())"
            )
            picture = "document.getElementById('preview-picture')"

            def point() -> bool:
                page.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width / 100, y=top + height / 2)
                page.call("Input.dispatchMouseEvent", type="mouseMoved", x=left + width / 100 + 1, y=top + height / 2)
                return bool(page.run(f"!{picture}.hidden && {picture}.style.backgroundImage.includes('00000.jpg')"))

            wait_for(point)
            assert page.complaints == []
