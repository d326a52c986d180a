"""Results for people."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from plan_samples import facts, plan
from streamify.cli import checks, text
from streamify.cli.show import summary
from streamify.model.burn import BitmapFacts
from streamify.model.report import Certificate
from streamify.model.source import ContentSeen, Note, PictureSeen
from streamify.model.text import size

Cli = Callable[..., Any]


@pytest.mark.parametrize(
    "dest", ["out", "my film", "it's", "a&b", "#1", "%d", "é", "-x", "$HOME", "a\nb", "\x1b[31m'\\n", "\u202ea\x9b1m"]
)
def test_the_command_to_play_survives_a_shell(dest: str) -> None:
    assert text.visible(summary.shell_command("play", dest)) == summary.shell_command("play", dest)
    words = summary.shell_command("play", dest).removeprefix("streamify ")
    script = "import sys; print(repr(sys.argv[1:]))"
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{script}' {words}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == repr(["play", f"./{dest}" if dest.startswith("-") else dest])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        # 14.014 s at 29.97 pictures a second, a keyframe each 2.002 s
        ({}, ["Images: 7 thumbnails every 2.002 s in 1 sheet, a poster of 1920x1080"]),
        ({"thumbnails": "0.1", "poster": "3", "preview": 6},
         ["Images: 141 thumbnails every 0.1 s in 6 sheets, a poster of 1920x1080 from 3 s, a preview of 6 s"]),
        ({"thumbnails": "60", "poster": "off"}, ["Images: 1 thumbnail in 1 sheet"]),
        ({"thumbnails": "off", "poster": "off"}, []),
    ],
)  # fmt: skip
def test_a_plan_says_which_images_are_made(settings: dict[str, Any], expected: list[str]) -> None:
    found, _ = plan(**settings)
    assert [line for line in summary.planned(found) if line.startswith("Images")] == expected


FILMED, SCREEN = PictureSeen(edges=450, plain=60), PictureSeen(edges=78, plain=59)
MEASURED = (
    "measured: in the mean of films, four fifths of the CPU time of medium and 9 % fewer bits for the same VMAF; "
)
ROW = "  balanced is medium with {}mixed-refs=0, rc-lookahead=30, {}chroma-me=0, subme=8, psy-rd=0.5, deblock=-1, {}"


@pytest.mark.parametrize(
    ("content", "settings", "expected"),
    [
        ((FILMED,), {"ladder": "1080p,360p"}, [
            ROW.format("ref=2, ", "aq-strength=0.95, me=dia, ", "bframes=5, dct-decimate=0, chroma-qp-offset=1"),
            f"    {MEASURED}the picture shows no screen",
        ]),
        ((FILMED,), {"ladder": "720p,360p", "adapt": "off"}, [
            ROW.format("ref=2, ", "aq-strength=0.95, me=dia, ", "bframes=5, dct-decimate=0, chroma-qp-offset=1"),
            f"    {MEASURED}what pictures show does not count (--adapt off)",
        ]),
        ((SCREEN, SCREEN, FILMED), {"ladder": "720p,480p,360p"}, [
            ROW.format("", "", "dct-decimate=0"),
            "    720p, 480p: aq-strength=0.9, me=umh, merange=64, bframes=8",
            "    360p: ref=2, aq-strength=0.95, bframes=5, chroma-qp-offset=1",
            "    720p, 480p: 2 of 3 pictures are screens with text or drawings: motion is searched further, and more B "
            "pictures in a row are allowed",
            "    360p: the first picture is a screen with text or drawings: motion is searched as medium does",
        ]),
        ((FILMED,), {"ladder": "720p", "preset": "medium"}, []),
    ],
)  # fmt: skip
def test_a_plan_says_what_a_preset_stands_for_and_why(
    content: tuple[PictureSeen, ...], settings: dict[str, Any], expected: list[str]
) -> None:
    seen = ContentSeen(first=content[0], others=content[1:])
    lines = summary.planned(plan(facts().model_copy(update={"content": seen}), **settings)[0])
    audio = max(n for n, line in enumerate(lines) if line.startswith("  audio"))
    end = next(n for n, line in enumerate(lines) if line.startswith("Images"))
    assert lines[audio + 1 : end] == expected


def test_a_plan_of_sound_alone_says_nothing_of_presets() -> None:
    lines = summary.planned(plan(facts(video=None))[0])
    assert not any("balanced" in line for line in lines)


def test_a_plan_does_not_call_dropped_what_it_draws_into_the_pictures() -> None:
    left_out = [Note(kind="dropped", what=f"stream {index} (subtitle, PGS)", why="pictures") for index in (1, 2)]
    bitmaps = tuple(BitmapFacts(stream=index, codec="hdmv_pgs_subtitle", language="eng") for index in (1, 2))
    source = facts().model_copy(update={"bitmaps": bitmaps, "notes": tuple(left_out)})
    lines = summary.planned(plan(source, burn_in="2")[0])
    assert [line for line in lines if "dropped" in line] == ["  dropped: stream 1 (subtitle, PGS) (pictures)"]
    assert "  converted: subtitle stream 2 (PGS, eng) (drawn into the pictures of every rendition)" in lines
    assert sum("dropped" in line for line in summary.facts(source)) == 2


def test_the_certificate_is_one_line_and_names_every_loss() -> None:
    proof = Certificate(promised=720, decoded=720, encoded=720, damaged=0, duplicated=0, dropped=0, lost=(), seams=5,
                        audio_over_video=(Fraction(1, 100),))  # fmt: skip
    assert summary.certificate(proof) == "720 of 720 frames, 5 seams checked"
    worse = proof.model_copy(update={"encoded": 717, "lost": (1, 2, 3), "damaged": 4, "seams": 1})
    assert summary.certificate(worse) == "717 of 720 frames, 1 seam checked, 4 damaged, 3 lost"
    assert summary.certificate(proof.model_copy(update={"promised": 0})) == "no video, 5 seams checked"


def test_sizes_and_rates() -> None:
    assert [size(n) for n in (1, 999, 1500, 123_456, 4_100_000, 5 * 10**12)] == [
        "1 byte", "999 bytes", "1.5 kB", "123 kB", "4.1 MB", "5.0 TB"]  # fmt: skip
    assert [size(n) for n in (99_949, 99_950, 999_499, 999_500, 999_500_000)] == [
        "99.9 kB", "100 kB", "999 kB", "1.0 MB", "1.0 GB"]  # fmt: skip
    assert [text.bits(n) for n in (128_000, 4_520_000)] == ["128 kbit/s", "4.5 Mbit/s"]


def test_doctor_finds_this_machine_usable(cli: Cli) -> None:
    found = cli("doctor", "new folder", "--json")
    assert (found.code, found.json["ok"]) == (0, True)
    names = {one["name"] for one in found.json["checks"]}
    assert {
        "streamify",
        "python",
        "codecs",
        "encoder libx264",
        "encoder aac",
        "cpu",
        "cores",
        "memory",
        "dest",
    } <= names
    assert not Path("new folder").exists()
    assert cli("doctor").out.splitlines()[0].startswith("ok    streamify")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_doctor_exits_5_where_dest_cannot_be_written(cli: Cli) -> None:
    outcome = cli("doctor", "/proc/x")
    assert (outcome.code, "fail  dest" in outcome.out) == (5, True)
    document = cli("doctor", "/proc/x", "--json").json
    assert (document["ok"], document["error"]["code"]) == (False, "doctor")


def test_doctor_tells_a_missing_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamify.media.build.encoders", lambda: {"libx264": False})
    assert [one.status for one in checks.checks(None) if one.name == "encoder libx264"] == ["fail"]
