"""The same rungs with Shaka Streamer, from PyPI, with the ffmpeg and the packager that it brings along."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from benchmarks.command import BenchmarkError
from streamify.model.plan import Plan


def shaka_command(plan: Plan, source: Path, dest: Path, rates: Mapping[str, int], configs: Path) -> list[str]:
    """Write Shaka Streamer's three files of settings into `configs`; return its command.

    Shaka Streamer knows an average bitrate per resolution, no quality and no cap, and has ``-preset slow`` built in.
    Its IDR distance is its segment's length, so that is set to our IDR distance.

    Args:
        plan: Sizes, names and IDR distance.
        source: The film.
        dest: Folder that it will make.
        rates: Bits per second by rung: those that we delivered.
        configs: Folder for the settings.
    """
    largest = plan.video[0].name  # else it asks for a rung as large as the source
    inputs: list[dict[str, Any]] = [{"name": str(source), "media_type": "video", "resolution": largest}]
    inputs += [{"name": str(source), "media_type": "audio", "track_num": number} for number in _heard(plan)]
    aac = {track.recipe.channels > 2: f"{track.recipe.bitrate // 1000}k" for track in reversed(plan.audio)}
    settings: dict[str, dict[str, Any]] = {
        "input": {"inputs": inputs},
        "pipeline": {
            "streaming_mode": "vod",
            "resolutions": [track.name for track in plan.video],
            "channel_layouts": ["stereo", *(["surround"] if True in aac else [])],
            "audio_codecs": ["aac"],
            "video_codecs": ["h264"],
            "manifest_format": ["dash", "hls"],
            "segment_size": float(plan.settings.keyframe_seconds),
            "generate_iframe_playlist": True,
            "quiet": True,
        },
        "bitrate": {
            "audio_channel_layouts": {
                "stereo": {"max_channels": 2, "bitrates": {"aac": aac.get(False, "128k")}},
                "surround": {"max_channels": 8, "bitrates": {"aac": aac.get(True, "384k")}},
            },
            "video_resolutions": {
                track.name: {
                    "max_width": track.width,
                    "max_height": track.height,
                    "bitrates": {"h264": f"{max(1, rates[track.name] // 1000)}k"},
                }
                for track in plan.video
            },
        },
    }
    configs.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("shaka-streamer")
    if not program.exists():
        raise BenchmarkError("shaka-streamer is not installed: pip install -e '.[bench]'")
    command = [str(program)]
    for name, value in settings.items():
        path = configs / f"{name}.yaml"
        path.write_text(yaml.safe_dump(value))
        command += [f"--{name}-config", str(path)]
    return [*command, "--output", str(dest)]


def _heard(plan: Plan) -> list[int]:
    """Return which of the source's audio streams are in the output, by number, each once: stereo and 5.1 are of one."""
    numbers = [facts.stream for facts in plan.source.audio]
    return sorted({numbers.index(track.stream) for track in plan.audio})
