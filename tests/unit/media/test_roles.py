"""Roles of audio tracks as containers write them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from streamify import plan
from streamify.planning.roles import role_of

FLAGS = ("default", "comment", "visual_impaired", "hearing_impaired", "dub", "original", "clean_effects", "0")


def make(path: Path, flags: Sequence[str]) -> Path:
    """Write one tone for each flag of FFmpeg."""
    inputs = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"]
    options = ["-map", "0"]
    for number, flag in enumerate(flags):
        inputs += ["-f", "lavfi", "-i", f"sine=frequency={200 * (number + 1)}:duration=1"]
        options += ["-map", str(number + 1), f"-disposition:a:{number}", flag]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *inputs, *options, "-metadata:s:a", "language=eng"]
    subprocess.run([*command, "-c:v", "mpeg4", "-c:a", "aac", str(path)], check=True, timeout=60)
    return path


MKV = ["main", "commentary", "description", "speech", "dub", "main", "main", "main"]
TS = ["main", "main", "description", "speech", "main", "main", "effects", "main"]


@pytest.mark.parametrize(
    ("name", "roles", "original"),
    [
        ("a.mkv", MKV, [5]),
        ("a.mp4", MKV, []),  # by boxes `kind` with DASH's words, which know no original
        ("a.ts", TS, []),  # by the audio type of ISO_639_language_descriptor (ISO/IEC 13818-1, 2.6.19)
    ],
)
def test_roles_of_a_container(tmp_path: Path, name: str, roles: list[str], original: list[int]) -> None:
    planned = plan(make(tmp_path / name, FLAGS))
    facts = planned.source.audio
    assert [role_of(one) for one in facts] == roles
    assert [number for number, one in enumerate(facts) if one.original] == original
    assert [track.labels.role for track in planned.audio] == roles
    assert [track.labels.default for track in planned.audio].index(True) == 0
    assert all(track.labels.language == "en" for track in planned.audio)
    assert len({track.labels.name for track in planned.audio}) == len(FLAGS)
