"""What is right for each file of the corpus: what ffprobe (5.1) counts and sees in it, or a refusal.

``e2e/corpus_ffprobe.json`` is what ``ffprobe -count_frames -show_streams -show_format`` says of each source: of the
largest video stream that is no cover picture, and how many audio streams there are.
"""

from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

from streamify.model.report import Report

SEEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[1] / "e2e" / "corpus_ffprobe.json").read_text())

REFUSED = {
    "bad_4byte.mp4": "source-not-media",
    "der_bad_html_named.mp4": "source-not-media",
    "der_bad_no_moov.mp4": "source-no-moov",
    "der_bad_truncated_bbb480.mp4": "source-truncated",
    "der_bad_zero_byte.mp4": "source-empty",
}

CUT_OFF = {"der_bad_truncated_bbb480.mp4": 285}
"""How many whole pictures are there, of those that are cut off: of the 286 packets that ffprobe counts the last one is
not whole.
"""

HIDDEN = {"nat_4k_dv_p10_ipt_av1_4s.mp4": 1}
"""Pictures that ffprobe counts although the edit list hides them: its decoder of AV1 gives them out."""

SHORT_BOX = "bad_malformed_free_box.mp4"
"""What ffprobe says of it is said of a copy in which the box has the length of its header."""

SHORTER = {
    "ts_no_initial_keyframe.ts": "the pictures before its first keyframe cannot be decoded; ffprobe counts their time"
}
"""Durations that differ from ffprobe's by more than a picture."""

SIDE = 120


FIELDS = ("der_ilace_h264_480i2997_tff_6s.mp4", "ilace_dv_pal.mov", "ilace_hdv_1080i50.mov")
"""Interlaced films, each field of which is shown as a picture."""


def ladder(name: str) -> Any:
    """Return a ladder of one small rung for a file."""
    seen = SEEN.get(name, {})
    if "frames" not in seen:
        return "auto"
    return [{"name": "small", "short_side": min(SIDE, seen["width"], seen["height"]) // 2 * 2, "maxrate": 400_000}]


def shown(seen: dict[str, Any]) -> tuple[Fraction, Fraction]:
    """Return the size at which ffprobe's facts say a player shows the source."""
    aspect = Fraction(seen["aspect"].replace(":", "/"))
    width, height = seen["width"] * aspect, Fraction(seen["height"])
    return (height, width) if seen["rotation"] % 180 else (width, height)


def judge(name: str, source: Path, report: Report, dest: Path) -> None:
    """Assert that a stream is right."""
    if name == SHORT_BOX:
        source = _repaired(source, dest.with_name(name))
    _compare(report, SEEN[name], name, _length(source), _surround(source))
    for track in report.tracks:
        _ffprobe_accepts(dest / track.folder / "playlist.m3u8", track.frames, float(track.duration))


def _repaired(source: Path, out: Path) -> Path:
    """Give a box of free space the length of its header, as players take it; ffprobe ends at it."""
    data = source.read_bytes()
    assert data[32:40] == b"\0\0\0\3free"
    out.write_bytes(data[:32] + b"\0\0\0\x08free" + data[40:])
    return out


def _probe(source: Path, *what: str) -> list[str]:
    command = ["ffprobe", "-v", "error", *what, "-of", "csv=p=0", str(source)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()


def _length(source: Path) -> float:
    """Return how long ffprobe says that all of a file is, seconds."""
    return float(_probe(source, "-show_entries", "format=duration")[0])


def _surround(source: Path) -> int:
    """Return how many audio streams have 5.1 channels or more, which is offered beside stereo."""
    return sum(int(one) >= 6 for one in _probe(source, "-select_streams", "a", "-show_entries", "stream=channels"))


def _compare(report: Report, seen: dict[str, Any], name: str, whole: float, surround: int) -> None:
    video = [track for track in report.tracks if track.kind == "video"]
    assert len(report.tracks) - len(video) == seen["audio"] + surround
    if "frames" not in seen:
        assert video == []
        assert abs(report.tracks[0].duration - Fraction(seen["duration"])) < Fraction(1, 10)
        return
    (track,) = video
    width, height = shown(seen)
    scale = min(track.width or 0, track.height or 0) / min(width, height)
    assert abs((track.width or 0) - width * scale) <= 1
    assert abs((track.height or 0) - height * scale) <= 1
    found = report.certificate
    # Beside sound that lasts longer the first or the last picture stands, and is shown again.
    fields = 2 if name in FIELDS else 1
    there = seen["frames"] - HIDDEN.get(name, 0)
    again = track.frames - fields * there
    assert again == found.duplicated, f"{track.frames} pictures, ffprobe counts {seen['frames']}"
    assert found.promised == found.decoded + len(found.lost)
    assert found.encoded == fields * (found.decoded - found.dropped) + found.duplicated
    if seen["duration"] is not None and name not in SHORTER:
        wanted = Fraction(whole) if again else Fraction(seen["duration"])
        step = track.duration / track.frames
        assert abs(track.duration - wanted) <= step + Fraction(again and 1, 20), f"{float(track.duration):.3f} s"
    if scale * min(width, height) < SIDE:
        assert scale <= 1
    expected = {"rotation": bool(seen["rotation"]), "sample aspect": seen["aspect"] != "1:1"}
    for what, wanted in expected.items():
        assert any(note.what.startswith(what) for note in report.notes) == wanted, report.notes


def _ffprobe_accepts(playlist: Path, frames: int, duration: float) -> None:
    """The system's FFmpeg reads the media playlist without a complaint, and counts what the report says."""
    command = [
        "ffprobe",
        "-v",
        "warning",
        "-count_packets",
        "-show_entries",
        "stream=nb_read_packets,sample_aspect_ratio",
    ]
    done = subprocess.run([*command, "-of", "json", playlist], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    (stream,) = json.loads(done.stdout)["streams"]
    assert int(stream["nb_read_packets"]) == frames
    assert stream.get("sample_aspect_ratio", "1:1") in ("1:1", "N/A")
    assert duration > 0
