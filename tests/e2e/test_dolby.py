"""A film in Dolby Vision without a compatible base layer, whose metadata change from scene to scene, as a stream."""

from __future__ import annotations

import subprocess
from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

import streamify
from clips.dolby import CODES, JUDGED, NONE, POLYNOMIAL, REGRESSION, SIZE, contained, patch, wanted, write_clip
from e2e.driving import verify

SCENES = (("none", NONE, 20), ("polynomial", POLYNOMIAL, 30), ("regression", REGRESSION, 22))
"""At 24 pictures a second; segments begin each second, in the middle of scenes."""
LADDER = [{"name": "small", "short_side": 64, "maxrate": 800_000}]


def published(folder: Path) -> list[VideoFrame]:
    """Return the pictures of a rendition as another reader of HLS finds them."""
    with av.open(folder / "playlist.m3u8") as container:
        return list(container.decode(video=0))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_each_scene_has_its_own_colours(kind: str, tmp_path: Path) -> None:
    film = write_clip(tmp_path / f"film.{kind}", [one for _, one, count in SCENES for _ in range(count)])
    kinds = [name for name, _, count in SCENES for _ in range(count)]
    settings = {"ladder": LADDER, "segment_seconds": 1, "keyframe_seconds": 1, "short_start": False, "crf": 10}
    whole = streamify.transcode(film, tmp_path / "whole", engine="inline", **settings)  # type: ignore[arg-type]
    (track,) = (one for one in whole.tracks if one.kind == "video")
    frames = published(tmp_path / "whole" / track.folder)
    assert len(frames) == len(kinds)
    for number, (frame, name) in enumerate(zip(frames, kinds, strict=True)):
        for place in range(len(CODES)):
            luma, *chroma = patch(frame, place)
            expected = wanted(JUDGED[name][place])
            assert luma == pytest.approx(expected[0], abs=5), (number, name, place)
            assert chroma == pytest.approx(expected[1:], abs=7), (number, name, place)
    assert not verify(tmp_path / "whole", source=film).faults
    parted = streamify.transcode(film, tmp_path / "parted", workers=2, **settings)  # type: ignore[arg-type]
    assert [one.folder for one in parted.tracks] == [one.folder for one in whole.tracks]
    for path in sorted((tmp_path / "whole" / track.folder).glob("*.m4s")):
        assert path.read_bytes() == (tmp_path / "parted" / track.folder / path.name).read_bytes()


def ffmpeg(*arguments: object) -> bytes:
    command = ["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, timeout=60, stdout=subprocess.PIPE).stdout


def samples(frame: VideoFrame) -> bytes:
    """Return all samples of a picture as FFmpeg's rawvideo has them."""
    return frame.to_ndarray().tobytes()


@pytest.mark.parametrize("kind", ["mkv", "ts"])
@pytest.mark.parametrize("first", ["dolby", "sdr"])
def test_an_untagged_part_in_sdr_keeps_its_colours(first: str, kind: str, tmp_path: Path) -> None:
    """The join is in the middle of a segment, so that decoders go over it."""
    dolby, sdr = write_clip(tmp_path / "dolby.hevc", [POLYNOMIAL] * 12), tmp_path / "sdr.hevc"
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={SIZE[0]}x{SIZE[1]}:r=24:d=0.5", "-pix_fmt", "yuv420p10le", "-c:v",
           "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:lossless=1:bframes=0", sdr)  # fmt: skip
    parts = [dolby, sdr] if first == "dolby" else [sdr, dolby]
    bare = tmp_path / "joined.hevc"
    bare.write_bytes(b"".join(part.read_bytes() for part in parts))
    film = contained(bare, tmp_path / f"joined.{kind}", 24)
    settings = {"ladder": LADDER, "segment_seconds": 1, "keyframe_seconds": 1, "crf": 4, "preset": "ultrafast"}
    report = streamify.transcode(film, tmp_path / "dest", engine="inline", **settings)  # type: ignore[arg-type]
    (track,) = (one for one in report.tracks if one.kind == "video")
    shown = published(tmp_path / "dest" / track.folder)
    assert len(shown) == 24
    plain, mapped = (shown[12:], shown[:12]) if first == "dolby" else (shown[:12], shown[12:])
    judged = ffmpeg("-i", sdr, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
    size = len(judged) // 12
    for number, frame in enumerate(plain):
        picture = judged[number * size :][:size]
        off = sum(abs(one - two) for one, two in zip(samples(frame), picture, strict=True)) / size
        assert off < 3, number
    for frame in mapped:
        assert patch(frame, 2)[0] == pytest.approx(wanted(JUDGED["polynomial"][2])[0], abs=5)
    assert not verify(tmp_path / "dest", source=film).faults
