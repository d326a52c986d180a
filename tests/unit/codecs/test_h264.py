"""H.264: encoder options as design and recipes demand them, and the brand of a track."""

from __future__ import annotations

from typing import Any

import pytest

from streamify.codecs.h264 import H264
from streamify.model.recipe import VideoRecipe
from streamify.mp4.boxes import BoxError
from streamify.mp4.description import SampleEntry


def options(timescale: int = 30000, **changes: Any) -> dict[str, str]:
    return H264().options(recipe(**changes), timescale)


def recipe(**changes: Any) -> VideoRecipe:
    known: dict[str, Any] = {
        "codec": "h264", "width": 1280, "height": 720, "frame_rate": "30000/1001", "crf": 23, "maxrate": 3_500_000,
        "bufsize": 5_250_000, "preset": "medium", "bframes": 3,
    }  # fmt: skip
    return VideoRecipe.model_validate(known | changes)


def params(made: dict[str, str]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in made["x264-params"].split(":"))


def test_what_must_be_there() -> None:
    made = options()
    assert made["preset"] == "medium"
    assert made["crf"] == "23"
    assert made["forced-idr"] == "1"
    found = params(made)
    expected = {  # recipes.md: same bytes, IDR only where asked, a buffer that holds over joins
        "keyint": "infinite", "min-keyint": "99999", "scenecut": "40", "open-gop": "0", "cpu-independent": "1",
        "threads": "1", "vbv-maxrate": "3500", "vbv-bufsize": "5250", "vbv-init": "0.5", "bframes": "3",
    }  # fmt: skip
    assert expected.items() <= found.items()


@pytest.mark.parametrize(("crf", "text"), [(23.0, "23"), (21.5, "21.5"), (0.0, "0")])
def test_crf_is_written_short(crf: float, text: str) -> None:
    assert options(crf=crf)["crf"] == text


def test_constant_rate_is_told_to_the_encoder() -> None:
    assert params(options())["force-cfr"] == "1"
    assert params(options(90000))["force-cfr"] == "0"


def test_what_differs_from_a_preset_is_told_by_x264s_names() -> None:
    tuning = {"ref": 2, "mixed_refs": 0, "rc_lookahead": 30, "aq_mode": 2, "aq_strength": 0.8, "me": "dia"}
    found = params(options(tuning=tuning))
    expected = {  # x264 --fullhelp
        "ref": "2", "mixed-refs": "0", "rc-lookahead": "30", "aq-mode": "2", "aq-strength": "0.8", "me": "dia",
    }  # fmt: skip
    assert found == params(options()) | expected


def test_b_pictures_of_presets() -> None:
    assert (H264().bframes("medium"), H264().bframes("ultrafast")) == (3, 0)  # x264 --fullhelp


@pytest.mark.parametrize(
    ("level", "size", "primaries", "brand"),
    [  # ISO/IEC 23000-19, table A.1
        (31, (854, 480), 1, b"cfsd"),
        (31, (854, 480), 6, b"cfsd"),
        (30, (426, 240), 5, b"cfsd"),
        (31, (1280, 720), 1, b"cfhd"),
        (32, (854, 480), 1, b"cfhd"),
        (40, (1920, 1080), 1, b"cfhd"),
        (42, (1920, 1080), 1, b"chdf"),
        (50, (1920, 1080), 1, b""),
        (40, (1280, 720), 6, b""),
        (40, (2560, 1440), 1, b""),
    ],
)
def test_brand(level: int, size: tuple[int, int], primaries: int, brand: bytes) -> None:
    entry = SampleEntry(b"avc1", {b"avcC": bytes([1, 100, 0, level, 0xFF, 0xE1])})
    assert H264().brand(entry, recipe(width=size[0], height=size[1]), primaries) == brand


@pytest.mark.parametrize("boxes", [{}, {b"avcC": bytes(3)}])
def test_without_a_configuration_there_is_no_brand(boxes: dict[bytes, bytes]) -> None:
    with pytest.raises(BoxError, match="avcC"):
        H264().brand(SampleEntry(b"avc1", boxes), recipe(), 1)
