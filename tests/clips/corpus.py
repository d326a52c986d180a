"""The corpus that these tests read, and decoding by hand: what the code under test is compared with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_SHARED = Path(__file__).parents[3] / "shared"
CORPUS = Path(os.environ.get("STREAMIFY_CORPUS", _SHARED / "corpus"))
CASES = Path(os.environ.get("STREAMIFY_CASES", _SHARED / "cases"))

REFUSED = {
    "bad_4byte.mp4": "source-not-media",
    "der_bad_html_named.mp4": "source-not-media",
    "der_bad_no_moov.mp4": "source-no-moov",
    "der_bad_zero_byte.mp4": "source-empty",
}

CUT_OFF = "der_bad_truncated_bbb480.mp4"

DAMAGED = {"bad_invalid_nalu.mp4", "der_bad_bitrot_flower.mp4"}
"""Decoded from another keyframe, a damaged stream shows other pictures; it must only not crash."""

UNDECODABLE = {"bad_invalid_nalu.mp4": 1}
"""How many pictures the index promises that no decoder gives: a damaged packet."""


DEAR = {
    "audio51_720p25.mp4",
    "bad_moov_at_end.mp4",
    "der_bad_bitrot_flower.mp4",
    "der_bad_truncated_bbb480.mp4",
    "der_gop_h264_open_10s.mp4",
    "der_ilace_h264_480i2997_tff_6s.mp4",
    "der_multi_2a_2movtext_coverart_10s.mp4",
    "dv84_hlg_rot_mebx.MOV",
    "edit_firstpts_10s.mp4",
    "edit_positive_shift_1s.mp4",
    "frag_flower_2997.mp4",
    "frag_sidx_1080p_20s.mp4",
    "gop_bpyramid.mp4",
    "gop_hevc_open_cra_rasl.mp4",
    "hdr10_vfr_container_says_sdr.mp4",
    "hlg_hevc_9frames.mp4",
    "live_jwpintro_2997.mp4",
    "long_1080p30_363s_lowbitrate.mp4",
    "mkv_ass.mkv",
    "mp4_flower_2997.mp4",
    "multi_2v2a2s_movtext.mp4",
    "nat_4k_dv_p10_ipt_av1_4s.mp4",
    "nat_4k_portrait60_rot90.mp4",
    "nat_agent327_1080p24_83s.mp4",
    "nat_bbb_1080p24_30s_aac51.mp4",
    "nat_car_detection_30s.mp4",
    "nat_testvideo_720p2997_24s_noaudio.mp4",
    "nat_tos_battle_70s_vp8.webm",
    "nat_vtest_79s.avi",
    "rot_180.mp4",
    "rot_m90_start83ms_fmp4.mp4",
    "sar_2x1.mp4",
    "timecode_tmcd.mp4",
    "ts_cea608_1080p2997_20s.ts",
    "ts_hevc_portrait_10s.ts",
    "ts_mp3_720p2997_35s.ts",
    "ts_mpeg2_1080p.ts",
    "ts_pts_wrap_360p24_20s.ts",
    "vfr_cursed_3026x1386.mp4",
    "video_pcm_s16be.mp4",
    "webm_vp8_2997.webm",
}
"""What takes more than a second to decode or one and a half to transcode (2026-11): `make test` reads the others."""


def parameters(names: Iterable[str]) -> list[ParameterSet]:
    """Return names of files as parameters of a test, those of `DEAR` marked as long."""
    return [pytest.param(name, marks=[pytest.mark.long] if name in DEAR else []) for name in names]


def clips() -> list[Path]:
    """Return every file with a video stream that FFmpeg reads as it is, and that is not refused."""
    if not CORPUS.is_dir():
        return []
    ignored = {
        "README.md",
        "MANIFEST.tsv",
        "audio_coverart.m4a",
        "audio_only_aac_30s.mp4",
        "bad_malformed_free_box.mp4",
        CUT_OFF,
    }
    return [path for path in sorted(CORPUS.iterdir()) if path.name not in ignored | set(REFUSED)]


def decode(stream: VideoStream, packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Decode packet by packet, on one thread, and go on after a damaged one."""
    stream.codec_context.thread_count = 1
    for packet in packets:
        try:
            yield from stream.codec_context.decode(packet if packet.size else None)
        except av.InvalidDataError:
            continue


def digest(frame: VideoFrame) -> str:
    """Return a hash of format, size and all visible samples, without what pads rows to the line size."""
    known = hashlib.md5(f"{frame.format.name} {frame.width}x{frame.height}".encode())
    width = (frame.format.components[0].bits + 7) // 8
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        known.update(rows[: plane.height, : plane.width * width].tobytes())
    return known.hexdigest()
