"""The animated preview on the page: over the poster while the mouse is there, in a real browser."""

from __future__ import annotations

import base64
import hashlib
import time
from pathlib import Path

import pytest

from clips.words import pictures
from e2e import chromium
from e2e.driving import playing
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
