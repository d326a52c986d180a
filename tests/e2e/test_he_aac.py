"""HE-AAC (ISO/IEC 14496-3, 1.6.5): rate and level are right however its upper half is signalled, or is not."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import streamify
from e2e.driving import rungs
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
    assert streamify.verify(tmp_path / "dest", source).faults == ()
    given, made = decoded(source), decoded(tmp_path / "dest" / report.tracks[0].folder / "playlist.m3u8")
    part = given[60_000:72_000]
    there = made[60_000 + 1024 : 72_000 + 1024]  # behind the encoder's first frame
    alike = float(np.dot(part, there) / np.sqrt(np.dot(part, part) * np.dot(there, there)))
    assert alike > 0.99
    assert np.sqrt(np.mean(there**2)) == pytest.approx(np.sqrt(np.mean(part**2)), rel=0.05)
