"""Sources that claim more than they hold are refused in a moment, whatever they claim. Files are built by hand."""

from __future__ import annotations

import ast
import re
import struct
import time
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.claims import claiming, film, giant, rare_keyframes, rebuilt, with_tracks
from streamify.errors import StreamifyError
from streamify.media.drawn import displays, stream
from streamify.media.text import embedded
from streamify.model import burn, cue, limits
from streamify.model.limits import AUDIO_TRACKS, PICTURES, STREAMS
from streamify.mp4.boxes import full_box
from streamify.tasks import captions

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"


def table_claiming() -> bytes:
    """A few pictures whose table of durations claims four thousand million runs."""
    stts = full_box(b"stts", 0, 0, struct.pack(">III", 0xFFFFFFFF, 25, 512))
    return rebuilt(film(3), "moov/trak/mdia/minf/stbl/stts", stts)


def sound(rate: int, channels: int = 1) -> bytes:
    """Return a WAV file of two bytes a sample (RIFF, format 1)."""
    wide = 2 * channels
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * wide % 2**32, wide, 16)
    data = bytes(50 * wide)
    head = struct.pack("<4sI8s", b"RIFF", 36 + len(data), b"WAVEfmt ")
    return head + form + struct.pack("<4sI", b"data", len(data)) + data


REFUSED: dict[str, tuple[Any, str, int]] = {
    "four million pictures in a few bytes": (lambda: claiming(4_000_000), "source-claims-too-much", 3),
    "more pictures than are read": (lambda: claiming(PICTURES + 1), "source-too-many-pictures", 3),
    "all that a count can be": (lambda: claiming(0xFFFFFFFF), "no-pictures", 3),
    "a pause of five hours": (lambda: claiming(2, duration=5 * 3600 * 12_800), "source-pause-too-long", 7),
    "a stream of days": (lambda: claiming(2_000, duration=12_800 * 300), "source-too-long", 7),
    "one track too many": (lambda: with_tracks(AUDIO_TRACKS), "source-too-many-streams", 3),
    "six hundred tracks": (lambda: with_tracks(600), "source-too-many-streams", 3),
    "thousands of tracks": (lambda: with_tracks(3_000), "source-too-many-streams", 3),
    "giant pictures": (giant, "source-too-large-pictures", 3),
    "more entries in a table than memory": (table_claiming, "source-claims-too-much", 3),
    "a sample of sound a second": (lambda: sound(1), "source-claims-too-much", 3),
    "more samples than there are": (lambda: sound(0x7FFFFFFF), "source-claims-too-much", 3),
    "a choir of channels": (lambda: sound(48_000, 100), "source-claims-too-much", 3),
    "one keyframe in hours": (rare_keyframes, "source-keyframes-too-rare", 3),
}


@pytest.mark.parametrize("claim", REFUSED)
def test_claims_are_refused_in_a_moment(claim: str, tmp_path: Path) -> None:
    make, code, exit_code = REFUSED[claim]
    source = tmp_path / "a.mp4"
    source.write_bytes(make())
    before = time.process_time()
    with pytest.raises(StreamifyError) as caught:
        streamify.plan(source, engine="inline")
    assert (caught.value.code, caught.value.exit_code) == (code, exit_code), caught.value
    assert caught.value.hint
    assert "a.mp4" in caught.value.message
    assert time.process_time() - before < 30  # what it claims would take hours


def test_what_is_just_within_the_limits_is_taken(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(with_tracks(AUDIO_TRACKS - 1))
    assert len(streamify.plan(source, engine="inline").audio) == AUDIO_TRACKS
    assert STREAMS > AUDIO_TRACKS


def test_probe_says_what_a_source_is_that_the_caps_refuse(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(claiming(2_000, duration=12_800 * 60))
    assert streamify.probe(source).duration == 120_000
    timeline = streamify.plan(source, engine="inline", max_duration=120_000).timeline
    assert timeline.end / timeline.timescale == 120_000


def test_the_page_lists_every_limit_with_its_value() -> None:
    module = ast.parse(Path(limits.__file__).read_text())
    names = [
        node.targets[0].id
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    ]
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE))
    of_words = {"CUES": cue, "CUE_BYTES": cue, "SERVICE_BYTES": cue, "BYTES": embedded, "SHOWN": burn,
                "PART_BYTES": burn, "TOGETHER": displays, "FONT_BYTES": burn, "ATTACHED": stream,
                "ATTACHED_BYTES": stream, "CAPTION_BYTES": captions}  # fmt: skip
    modules = dict.fromkeys(names, limits) | of_words
    assert rows == {name: f"{getattr(module, name):,}" for name, module in modules.items()}


def test_nothing_else_sets_a_limit_of_its_own_for_these() -> None:
    """Each is used somewhere, and stands nowhere else as a number."""
    sources = [path.read_text() for path in Path(streamify.__file__).parent.rglob("*.py") if path.name != "limits.py"]
    for name in re.findall(r"`([A-Z_]+)`", PAGE.read_text()):
        assert any(re.search(rf"\b{name}\b", text) for text in sources), name
