"""HE-AAC (ISO/IEC 14496-3, 1.6.5): rate and level are right however its upper half is signalled, or is not."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from itertools import product
from pathlib import Path

import av
import numpy as np
import pytest

import streamify
from clips import parametric
from clips.numbered import remux
from e2e.driving import rungs, verify
from selection import sample

SIGNALS = {
    "not at all": "1390",
    "by its object type": "2b920800",
    "behind the plain configuration": "139056e5a0",
}
"""AudioSpecificConfig of 22,050 Hz stereo, whose upper half makes it 44,100 Hz."""
FRAME = 2048


def muxed(elementary: Path, out: Path, config: str) -> Path:
    with av.open(str(elementary), "r") as given, av.open(str(out), "w") as target:
        stream = target.add_stream_from_template(given.streams.audio[0])
        stream.codec_context.extradata = bytes.fromhex(config)
        number = 0
        for packet in given.demux(audio=0):
            if packet.size:
                data = bytes(packet)
                plain = av.Packet(data[7 if data[1] & 1 else 9 :])  # without its ADTS header
                plain.stream, plain.time_base = stream, Fraction(1, 44100)
                plain.pts = plain.dts = number * FRAME
                plain.duration = FRAME
                target.mux(plain)
                number += 1
    return out


def decoded(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    command = [
        "ffmpeg",
        "-v",
        "quiet",
        "-i",
        str(path),
        "-map",
        "0:a:0",
        "-ar",
        "44100",
        "-ac",
        "1",
        "-f",
        "f32le",
        "-",
    ]
    return np.frombuffer(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout, np.float32)


@pytest.mark.parametrize("kind", sample(["mp4", "mkv"], "mp4"))
@pytest.mark.parametrize("signal", sample(SIGNALS, "not at all"))
def test_he_aac(signal: str, kind: str, corpus: Path, tmp_path: Path) -> None:
    elementary = tmp_path / "a.aac"
    command = [
        "ffmpeg",
        "-v",
        "quiet",
        "-y",
        "-i",
        str(corpus / "ts_no_initial_keyframe.ts"),
        "-map",
        "0:a",
        "-c",
        "copy",
    ]
    subprocess.run([*command, str(elementary)], check=True, timeout=60)
    source = muxed(elementary, tmp_path / f"a.{kind}", SIGNALS[signal])
    report = streamify.transcode(source, tmp_path / "dest", engine="inline", ladder=rungs(120))
    (facts,) = report.source.audio
    assert (facts.sample_rate, facts.channels) == (44100, 2)
    assert verify(tmp_path / "dest", source).faults == ()
    given, made = decoded(source), decoded(tmp_path / "dest" / report.tracks[0].folder / "playlist.m3u8")
    part = given[60_000:72_000]
    there = made[60_000 + 1024 : 72_000 + 1024]  # behind the encoder's first frame
    alike = float(np.dot(part, there) / np.sqrt(np.dot(part, part) * np.dot(there, there)))
    assert alike > 0.99
    assert np.sqrt(np.mean(there**2)) == pytest.approx(np.sqrt(np.mean(part**2)), rel=0.05)


def stereo(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    command = ["ffmpeg", "-v", "quiet", "-i", str(path), "-map", "0:a:0", "-f", "f32le", "-"]
    data = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return np.frombuffer(data, np.float32).reshape(-1, 2)


def louder(sound: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return by how many dB left is louder than right, in each tenth of a second."""
    blocks = sound[: len(sound) // 4410 * 4410].astype(np.float64).reshape(-1, 4410, 2)
    power = (blocks**2).mean(1) + 1e-12
    found: np.ndarray[tuple[int], np.dtype[np.float64]] = 10 * np.log10(power[:, 0] / power[:, 1])
    return found


KINDS = [*product(("mp4", "mkv", "flv"), parametric.SIGNALS), ("ts", "implicit"), ("aac", "implicit")]


@pytest.mark.parametrize(("kind", "signal"), sample(KINDS, ("mp4", "implicit"), ("ts", "implicit")))
def test_parametric_stereo(kind: str, signal: str, tmp_path: Path) -> None:
    """One channel is coded, and data beside it make two of twice the rate."""
    frames = parametric.frames(tmp_path, 4)
    source = tmp_path / f"a.{kind}"
    if kind in ("mp4", "mkv", "flv"):
        parametric.write(source, frames, parametric.SIGNALS[signal])
    else:
        remux(parametric.write_adts(tmp_path / "plain.aac", frames), source)
    report = streamify.transcode(source, tmp_path / "dest", engine="inline", ladder=rungs(120))
    (facts,) = report.source.audio
    (track,) = report.tracks
    assert (facts.sample_rate, facts.channels) == (parametric.RATE, 2)
    assert abs(track.duration - Fraction(len(frames) * parametric.FRAME, parametric.RATE)) < Fraction(1, 20)
    made = stereo(tmp_path / "dest" / track.folder / "playlist.m3u8")
    assert louder(made)[1:-2] == pytest.approx(parametric.LOUDER, abs=0.2)
    strongest = int(np.abs(np.fft.rfft(made[: parametric.RATE, 0])).argmax())
    assert strongest == pytest.approx(440, abs=1)
    assert verify(tmp_path / "dest", source).faults == ()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["mp4", "ts"])
def test_parametric_stereo_of_pieces_that_begin_between_its_headers(kind: str, tmp_path: Path) -> None:
    frames = parametric.frames(tmp_path, 126, every=40)  # each 1.9 s; a piece is of 2 minutes at most
    source = tmp_path / f"a.{kind}"
    if kind == "mp4":
        parametric.write(source, frames, parametric.SIGNALS["hierarchical"])
    else:
        remux(parametric.write_adts(tmp_path / "plain.aac", frames), source)
    report = streamify.transcode(source, tmp_path / "dest", engine="inline", ladder=rungs(120))
    made = stereo(tmp_path / "dest" / report.tracks[0].folder / "playlist.m3u8")
    assert louder(made)[1:-2] == pytest.approx(parametric.LOUDER, abs=0.2)
    assert verify(tmp_path / "dest", source).faults == ()
