"""The player of the page: thumbnails over the seek bar, menus of sound and subtitles, keys; in real browsers."""

from __future__ import annotations

import base64
import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clips.identity import read_id
from e2e import chromium
from e2e.accessible import judge, needs_axe
from e2e.driving import playing
from players_harness import Browsers
from selection import sample

pytestmark = [
    pytest.mark.players,
    pytest.mark.skipif(not chromium.PATH.exists(), reason="no Chromium"),
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg"),
    needs_axe,
]
VIDEO = "document.getElementById('video')"
EVIL = "<script>document.title = 'evil'</script><img src=x onerror=\"document.title = 'evil'\">"
CUES: dict[str, list[tuple[float, float, str]]] = {
    "en": [(0.5, 2.5, f"<i>one</i> {EVIL}"), (3, 5, "over the join &amp; é"), (4.5, 5.5, "- a\n- b")],
    "ar": [(1, 2, "مرحبا بالعالم 😀"), (4, 5.25, "日本語")],
    "de": [(0, 6, "Schild")],
}
"""By language: start and end, seconds, and text. The second one of English is in both segments."""


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    with chromium.chromium("--autoplay-policy=no-user-gesture-required") as found:
        yield found


def opened(page: chromium.Page, url: str) -> None:
    page.call("Page.navigate", url=url)
    page.wait("document.documentElement?.dataset.ready")
    page.wait(f"{VIDEO}.readyState >= 2")


def text(page: chromium.Page, name: str) -> str:
    return str(page.run(f"document.getElementById('{name}').innerText"))


def press(page: chromium.Page, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=key if len(key) == 1 else "")


def point(page: chromium.Page, share: float) -> None:
    """Move the mouse to where the seek bar stands for a share of the film."""
    box = page.run(
        "(({left, top, width}) => [left, top, width])(document.getElementById('seek').getBoundingClientRect())"
    )
    thumb = 14
    page.call(
        "Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + thumb / 2 + share * (box[2] - thumb), y=box[1] + 8
    )


def thumbnail(page: chromium.Page) -> int | None:
    """Return the number of the picture that is shown above the seek bar."""
    left, top, width, height = page.run(
        "(({left, top, width, height}) => [left, top + scrollY, width, height])"
        "(document.getElementById('preview-picture').getBoundingClientRect())"
    )
    clip = {"x": left, "y": top, "width": width, "height": height, "scale": 1}
    data = base64.b64decode(page.call("Page.captureScreenshot", format="png", clip=clip)["data"])
    command = ["ffmpeg", "-v", "error", "-i", "-", "-vf", "scale=240:-2,format=gray", "-f", "rawvideo", "-"]
    luma = subprocess.run(command, input=data, capture_output=True, check=True).stdout
    return read_id(np.frombuffer(luma, np.uint8).reshape(-1, 240))


def test_the_picture_of_its_time_is_shown_over_the_seek_bar(browser: chromium.Browser, stream: Path) -> None:
    board = json.loads((stream / "report.json").read_text())["thumbnails"]
    with playing(stream) as server, browser.page() as page:
        opened(page, server.url)
        assert [one for one in page.requests if one.endswith(".jpg")] == [page.run(f"{VIDEO}.poster")]
        assert page.run("document.getElementById('preview').hidden") is True
        length = page.run(f"{VIDEO}.duration")
        for width in (1100, 375):
            page.call("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
            for share in (0.02, 0.3, 0.99):
                point(page, share)
                page.wait("!document.getElementById('preview-picture').hidden")
                interval = Fraction(board["interval"])
                time = math.floor(share * length / float(interval)) * interval
                assert thumbnail(page) == time * 30000 // 1001  # which is shown at that time
                assert text(page, "preview-words") == f"0:{int(share * length):02d}"
                inside = "(({left, right}) => left >= 0 && right <= innerWidth)"
                assert page.run(f"{inside}(document.getElementById('preview').getBoundingClientRect())")
        assert judge(page) == []
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=5, y=5)
        page.wait("document.getElementById('preview').hidden")
        outside = [one for one in page.requests if not one.startswith((server.url, "data:"))]
        assert (outside, page.complaints) == ([], [])


def test_the_player_goes_by_keys_that_count_in_it_alone(browser: chromium.Browser, stream: Path) -> None:
    with playing(stream) as server, browser.page() as page:
        opened(page, server.url)
        assert page.run(f"{VIDEO}.controls") is False
        press(page, "k")
        assert page.run(f"{VIDEO}.paused") is True  # the focus is not in the player
        reached: list[str] = []
        while (last := reached[-1] if reached else "") != "hls":
            for kind in ("keyDown", "keyUp"):
                page.call("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
            reached.append(page.run("document.activeElement.id"))
            assert reached[-1] != last or not last
        assert reached[:5] == ["play", "seek", "mute", "volume", "full"]
        page.run("document.getElementById('seek').focus()")
        press(page, "ArrowRight")
        page.wait(f"!{VIDEO}.seeking && {VIDEO}.currentTime === 5")
        page.wait("document.getElementById('seek').ariaValueText === '0:05 of 0:14'")
        press(page, "ArrowLeft")
        press(page, "ArrowUp")
        press(page, "m")
        page.wait(f"{VIDEO}.currentTime === 0 && {VIDEO}.muted")
        page.wait("document.getElementById('mute').ariaLabel === 'Unmute'")
        press(page, "k")
        page.wait(f"{VIDEO}.currentTime > 0.3")
        page.wait("document.getElementById('play').ariaLabel === 'Pause'")
        press(page, "k")
        page.wait(f"{VIDEO}.paused")
        press(page, "f")
        page.wait("document.fullscreenElement?.id === 'stage'")
        press(page, "f")
        page.wait("!document.fullscreenElement")
        press(page, "End")
        page.wait(f"{VIDEO}.currentTime === {VIDEO}.duration")
        assert page.complaints == []


@pytest.mark.long
def test_what_lies_in_front_of_a_segment_that_cannot_be_had_plays(browser: chromium.Browser, tmp_path: Path) -> None:
    """Chromium's own HLS gives up as soon as it asks for the segment, seconds before it would be shown."""
    made = (
        "-f lavfi -i testsrc2=s=160x90:r=10:d=24 -c:v libx264 -preset ultrafast -g 20 -b:v 100k -sc_threshold 0 -f hls"
    )
    packed = "-hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 -master_pl_name master.m3u8 media.m3u8"
    subprocess.run(f"ffmpeg -v error {made} {packed}".split(), cwd=tmp_path, check=True)
    (tmp_path / "media9.m4s").unlink()  # from 18 s on
    with playing(tmp_path) as server, browser.page() as page:
        opened(page, server.url)
        assert page.run("document.documentElement.dataset.hls") == "native"
        page.run(f"{VIDEO}.defaultPlaybackRate = {VIDEO}.playbackRate = 4, {VIDEO}.play()")
        page.wait("document.documentElement.dataset.hls === 'own'")
        page.wait(f"{VIDEO}.currentTime > 17.5")
        page.wait("!document.getElementById('notice').hidden")
        assert "/media9.m4s: the server answers 404 Not Found" in text(page, "notice")
        assert page.run(f"{VIDEO}.currentTime") <= 18.1


@pytest.fixture(scope="module")
def worded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream that another program made, with two sounds and three subtitles, the last of them forced."""
    folder = tmp_path_factory.mktemp("worded")
    inputs = "-f lavfi -i testsrc2=s=320x180:r=25:d=6 -f lavfi -i sine=220:d=6 -f lavfi -i sine=880:d=6"
    coded = "-map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast -g 25 -sc_threshold 0 -c:a aac -f hls -hls_time 4"
    packed = "-hls_playlist_type vod -hls_segment_type fmp4 -master_pl_name master.m3u8 -var_stream_map"
    command = f"ffmpeg -v error {inputs} {coded} {packed}".split()
    streams = "v:0,agroup:a a:0,agroup:a,default:yes,language:de,name:x a:1,agroup:a,language:en,name:y"
    subprocess.run([*command, streams, "%v.m3u8"], cwd=folder, check=True)
    media = ""
    for language, cues in CUES.items():
        for segment, (start, end) in enumerate(((0, 4), (4, 6))):
            parts = ["WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:10.000\n"]
            parts += [f"{clock(a)} --> {clock(b)}\n{line}\n" for a, b, line in cues if a < end and b > start]
            (folder / f"{language}{segment}.vtt").write_text("\n".join(parts))
        lines = f"#EXTM3U\n#EXTINF:4,\n{language}0.vtt\n#EXTINF:2,\n{language}1.vtt\n#EXT-X-ENDLIST\n"
        (folder / f"words-{language}.m3u8").write_text(lines)
        forced = ",FORCED=YES" if language == "de" else ""
        name = {"en": "English <b>", "ar": "العربية", "de": "Deutsch (forced)"}[language]
        about = f'NAME="{name}",LANGUAGE="{language}"{forced},URI="words-{language}.m3u8"'
        media += f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",{about}\n'
    master = folder / "master.m3u8"
    head, found, rest = master.read_text().partition("#EXT-X-STREAM-INF:")
    master.write_text(f'{head}{media}{found}SUBTITLES="s",{rest}')
    return folder


def clock(seconds: float) -> str:
    return f"00:00:{seconds + 10:06.3f}"


@pytest.mark.parametrize("name", sample(["native", "chromium", "firefox"], "firefox"))
def test_sounds_and_subtitles_are_chosen_and_cues_come_at_their_times(
    browsers: Browsers, worded: Path, name: str
) -> None:
    hidden = ["--hls", "none"] if name == "chromium" else []
    browser = "firefox" if name == "firefox" else "chromium"
    flags = ["--browser", browser, *hidden, "--do", "reads,hears", "--cues", "3,2,1"]
    with playing(worded) as server:
        seen = browsers.run("use", [server.url, *flags], 150)
    assert "harness" not in seen, seen["harness"]
    assert (seen["console"], seen["network"]) == ([], [])
    assert [one for one in seen["requests"] if not one.startswith((server.url, "data:", "blob:"))] == []
    reads: dict[str, Any] = seen["reads"]
    assert reads["names"] == ["Off", "English <b>", "العربية", "Deutsch (forced)"]
    assert reads["first"] == "Deutsch (forced)"  # what is foreign in a film that is heard in German
    assert reads["title"].endswith("Streamify")
    cues = {language: [[a, b, line] for a, b, line in lines] for language, lines in CUES.items()}
    assert [one["cues"] for one in reads["read"]] == [cues["en"], cues["ar"], cues["de"]]
    assert [one["language"] for one in reads["read"]] == ["en", "ar", "de"]
    assert [line for _, line in reads["active"]] == [line for _, _, line in CUES["en"]]
    assert all(time >= start - 0.05 for (time, _), (start, _, _) in zip(reads["active"], CUES["en"], strict=True))
    assert reads["off"] == 0
    assert seen["hears"] == {"names": ["audio_1", "audio_2"], "hls": "own", "first": "audio_1", "subtitles": "Off"}


def test_subtitles_that_cannot_be_had_are_named_and_the_film_plays_on(
    browser: chromium.Browser, worded: Path, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(worded, tmp_path / "broken"))
    (broken / "ar1.vtt").write_text("<html>")
    with playing(broken) as server, browser.page() as page:
        opened(page, server.url)
        menu = "document.getElementById('subtitles')"
        page.run(f"{menu}.value = '1', {menu}.dispatchEvent(new Event('change'))")
        page.wait("!document.getElementById('subtitles-fault').hidden")
        assert text(page, "subtitles-fault") == "Subtitles cannot be shown: /ar1.vtt: this is no WebVTT file"
        assert page.run("document.getElementById('subtitles').value") == ""
        page.run(f"{VIDEO}.play()")
        page.wait(f"{VIDEO}.ended")
        assert judge(page) == []
