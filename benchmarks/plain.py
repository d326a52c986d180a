"""The same ladder with one plain ffmpeg command: the program that imageio-ffmpeg carries, with its own threading."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from benchmarks.command import BenchmarkError
from streamify.model.plan import Plan
from streamify.model.track import AudioTrack, VideoTrack


def ffmpeg() -> list[str]:
    """Return how ffmpeg is called."""
    return [_program(), "-hide_banner", "-nostdin", "-v", "error", "-y"]


@cache
def _program() -> str:
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except ImportError as error:
        raise BenchmarkError("imageio-ffmpeg is not installed: pip install -e '.[bench]'") from error


def ladder_command(plan: Plan, source: Path, dest: Path) -> list[str]:
    """Return one command that decodes once and makes every track of `plan` as HLS with fMP4 segments.

    Same sizes, preset, crf, caps, profile and IDR distance as ours; the scaler's usual flags, ffmpeg's usual threads.
    """
    assert plan.source.video is not None
    split = "".join(f"[i{number}]" for number in range(len(plan.video)))
    graph = [f"[0:{plan.source.video.stream}]split={len(plan.video)}{split}"]
    graph += [
        f"[i{number}]scale={track.width}:{track.height}:flags=bicubic,format=yuv420p[o{number}]"
        for number, track in enumerate(plan.video)
    ]
    command = [*ffmpeg(), "-i", str(source), "-filter_complex", ";".join(graph)]
    for number, track in enumerate(plan.video):
        command += ["-map", f"[o{number}]", *_video(track, plan), *_hls(plan, dest / track.name)]
    for number, audio in enumerate(plan.audio):
        command += ["-map", f"0:{audio.stream}", *_audio(audio), *_hls(plan, dest / f"audio-{number}")]
    return command


def _video(track: VideoTrack, plan: Plan) -> list[str]:
    step = float(plan.settings.keyframe_seconds)
    return [
        *("-c:v", "libx264", "-preset", track.recipe.preset, "-crf", f"{track.recipe.crf:g}", "-profile:v", "high"),
        *("-maxrate", str(track.recipe.maxrate), "-bufsize", str(track.recipe.bufsize)),
        *("-force_key_frames", f"expr:gte(t,n_forced*{step:g})", "-forced-idr", "1"),
        *("-x264-params", "keyint=infinite:min-keyint=99999:scenecut=40:open-gop=0"),
    ]


def _audio(track: AudioTrack) -> list[str]:
    rate = ["-ac", str(track.recipe.channels), "-ar", str(track.sample_rate)]
    return ["-c:a", "aac", "-aac_coder", "fast", "-b:a", str(track.recipe.bitrate), *rate]


def _hls(plan: Plan, folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    return [
        *("-f", "hls", "-hls_time", f"{float(plan.settings.segment_seconds):g}", "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"),
        *("-hls_segment_filename", str(folder / "%05d.m4s"), str(folder / "playlist.m3u8")),
    ]
