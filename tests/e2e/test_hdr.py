"""HDR clips of the corpus beside what another FFmpeg makes of them with zimg (``zscale``) and ``tonemap``."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame

import streamify
from e2e.driving import verify
from selection import sample
from streamify.media.video.hdr import ToneMapper
from streamify.model.source import SourceFacts

CLIPS = ["hdr10_vfr_container_says_sdr.mp4", "hlg_hevc_9frames.mp4", "dv84_hlg_rot_mebx.MOV"]
REFERENCE = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=mobius:param=0.5:peak=4.926:desat=0,"
    "zscale=t=bt709:m=bt709:r=tv,format=yuv420p"
)
"""203 cd/m2 is 1; 4.926 is 1,000 cd/m2. `mobius` leaves what is below 0.5 as it is, as BT.2390 does."""
WHITE = 235
"""Luma of SDR white, limited range."""

Plane = npt.NDArray[np.int_]


@dataclass(frozen=True)
class Shown:
    """A picture's luma, and colour differences from grey."""

    luma: Plane
    blue: Plane
    red: Plane

    @classmethod
    def of(cls, data: bytes, width: int, height: int) -> Shown:
        values = np.frombuffer(data, np.uint8).astype(int)
        area = width * height
        return cls(values[:area], values[area : area * 5 // 4] - 128, values[area * 5 // 4 :] - 128)

    @property
    def strength(self) -> npt.NDArray[np.float64]:
        return np.hypot(self.blue, self.red)


def samples(frame: VideoFrame) -> bytes:
    planes = [(plane, np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)) for plane in frame.planes]
    return b"".join(rows[: plane.height, : plane.width].tobytes() for plane, rows in planes)


@pytest.fixture(scope="module")
def zscale() -> None:
    listed = subprocess.run(["ffmpeg", "-v", "error", "-filters"], capture_output=True, text=True, check=False).stdout \
        if shutil.which("ffmpeg") else ""  # fmt: skip
    if " zscale " not in listed:
        pytest.skip("no ffmpeg with zscale")


MATRICES = {"FCC": 3, "YCgCo": 8, "BT.2020 with constant luminance": 10, "ICtCp": 14}
"""Of ITU-T H.273, which FFmpeg's scaler does not take; of more than 8 bits pictures were scaled with them."""


@pytest.mark.parametrize("matrix", sample(MATRICES, "ICtCp"))
def test_matrices_that_the_scaler_refuses(matrix: str, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    tags = f"h264_metadata=colour_primaries=9:transfer_characteristics=16:matrix_coefficients={MATRICES[matrix]}"
    subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=1",
         "-pix_fmt", "yuv420p10le", "-c:v", "libx264", "-preset", "ultrafast", "-bsf:v", tags, film],
        check=True, timeout=60,
    )  # fmt: skip
    report = streamify.transcode(film, tmp_path / "dest", engine="inline", preset="ultrafast",
                                 ladder=[{"name": "small", "short_side": 120, "maxrate": 800_000}])  # fmt: skip
    assert report.certificate.encoded == 25
    assert not verify(tmp_path / "dest", source=film).faults


@pytest.mark.parametrize("name", sample(CLIPS, "hlg_hevc_9frames.mp4"))
def test_pictures_look_like_those_of_zimg(name: str, corpus: Path, zscale: None) -> None:
    path = corpus / name
    video = streamify.probe(path).video
    assert video is not None
    with av.open(path) as container:
        frame = next(container.decode(video=0))
    ours = Shown.of(samples(ToneMapper(video.colour, frame.width, frame.height)(frame)), frame.width, frame.height)
    command = ["ffmpeg", "-nostdin", "-v", "error", "-noautorotate", "-i", str(path), "-frames:v", "1", "-vf",
               REFERENCE, "-f", "rawvideo", "-"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=True, timeout=100)
    theirs = Shown.of(done.stdout, frame.width, frame.height)
    assert ((ours.luma >= WHITE) & (theirs.luma < WHITE)).mean() < 0.02
    assert abs(ours.luma.mean() - theirs.luma.mean()) < 8
    coloured = (ours.strength > 16) & (theirs.strength > 16)
    turned = np.angle(np.exp(1j * (np.arctan2(ours.red, ours.blue) - np.arctan2(theirs.red, theirs.blue))))
    degrees = np.degrees(np.abs(turned[coloured]))
    assert np.percentile(degrees, 50) < 2
    assert np.percentile(degrees, 95) < 8


def noted(facts: SourceFacts) -> list[str]:
    return [note.what for note in facts.notes]


@pytest.mark.long
def test_the_bitstream_wins_over_the_container(corpus: Path) -> None:
    """The container says BT.709, the pictures PQ. MaxCLL is 1,000; the mastering display would have 0.1 cd/m2."""
    facts = streamify.probe(corpus / CLIPS[0])
    assert facts.video is not None
    colour = facts.video.colour
    assert "HDR10+ metadata" in noted(facts)
    assert (colour.primaries, colour.transfer, colour.matrix, colour.peak) == (9, 16, 9, 1000)


def test_dolby_vision_with_a_compatible_layer_is_shown_by_it_and_noted(corpus: Path) -> None:
    assert "Dolby Vision metadata" in noted(streamify.probe(corpus / CLIPS[2]))
    assert "Dolby Vision metadata" not in noted(streamify.probe(corpus / CLIPS[1]))


def test_published_pictures_are_those_of_the_source(corpus: Path, tmp_path: Path) -> None:
    source, dest = corpus / CLIPS[2], tmp_path / "dest"
    report = streamify.transcode(source, dest, engine="inline", preset="ultrafast", ladder="compact")
    assert any(note.what == "HDR" and "tone mapped" in note.why for note in report.notes)
    assert not verify(dest, source=source).faults
