"""Our reader of boxes against ffprobe: time, place, size and kind of every sample of fragmented files."""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from clips.make import ClipSpec, make_clip
from judges.isobmff import brands, read_fragments, read_header, whole

SPECS = {
    "b-frames": ClipSpec(Fraction(3), Fraction(25), container="fmp4", audio=None, gop=25, bframes=2),
    "no b-frames": ClipSpec(Fraction(2), Fraction(30000, 1001), container="fmp4", audio=None, gop=30, bframes=0),
    "sound": ClipSpec(Fraction(2), container="fmp4", video=False),
}


def ffprobe(path: Path, entries: str) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-ignore_editlist", "1", "-show_entries", entries, "-of", "json", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    return found


@pytest.mark.parametrize("name", SPECS)
def test_samples_are_where_ffprobe_sees_them(name: str, tmp_path: Path) -> None:
    path = make_clip(SPECS[name], tmp_path).path
    data = path.read_bytes()
    header = read_header(data)
    found = []
    for fragment in read_fragments(data, header):
        time, place = fragment.decode_time, fragment.data
        samples = list(zip(fragment.durations, fragment.sizes, fragment.offsets, strict=True))
        for number, (duration, size, offset) in enumerate(samples):
            found.append((time, time + offset, size, place, number == 0 and fragment.sync))
            time, place = time + duration, place + size
    packets = ffprobe(path, "packet=pts,dts,size,pos,flags")["packets"]
    wanted = [tuple(int(packet[key]) for key in ("dts", "pts", "size", "pos")) for packet in packets]
    assert sorted(sample[:4] for sample in found) == sorted(wanted)
    keyframes = {int(packet["pos"]) for packet in packets if packet["flags"].startswith("K")}
    assert {sample[3] for sample in found if sample[4]} <= keyframes
    assert any(sample[4] for sample in found)
    (stream,) = ffprobe(path, "stream=codec_type,time_base")["streams"]
    assert header.handler == {"video": "vide", "audio": "soun"}[stream["codec_type"]]
    assert f"1/{header.timescale}" == stream["time_base"]
    tags = ffprobe(path, "format_tags=major_brand,compatible_brands")["format"]["tags"]
    assert "".join(brands(data)) == tags["major_brand"] + tags["compatible_brands"]


def test_a_box_that_claims_too_much_is_refused() -> None:
    with pytest.raises(ValueError, match="claims 99 bytes"):
        whole(b"\0\0\0\x63free").children()
