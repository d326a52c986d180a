"""``--loudness``: the stream is as loud as asked for, by FFmpeg's judgement; pieces measure what a whole does."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import streamify
from clips.tones import Wave, tones, write_plain_wav, write_sound
from e2e.driving import streamify as command
from e2e.driving import verify
from selection import sample
from streamify.dest.layout import STATE, loudness_key
from streamify.model.report import Report
from streamify.planning import audio as audio_grid


def speech(seconds: float, channels: int = 2, rate: int = 48000, seed: int = 1) -> Wave:
    """Return low noise whose level wanders, with pauses: every gate has something to leave out."""
    random = np.random.default_rng(seed)
    noise = random.standard_normal((channels, round(seconds * rate)))
    window = np.convolve(np.hanning(24), np.hanning(24))  # hardly anything above 4 kHz: AAC keeps all of it
    smooth = np.stack([np.convolve(row, window, "same") for row in noise]) / np.sqrt(np.sum(window**2))
    parts = np.repeat(10 ** (random.uniform(-50, -16, int(seconds * 2)) / 20), rate // 2)
    parts[rate : 2 * rate] = 0  # digital silence, too
    found: Wave = smooth * parts[: smooth.shape[1]]
    return found


def judged(path: Path) -> tuple[float, float]:
    """Return integrated loudness and true peak of a file, as the ffmpeg command measures them."""
    arguments = ["-hide_banner", "-nostats", "-i", str(path), "-af", "ebur128=peak=true:framelog=verbose"]
    said = subprocess.run(["ffmpeg", *arguments, "-f", "null", "-"], capture_output=True, text=True, check=True).stderr
    found = [re.findall(rf"{key}: +(-?[\d.]+|-inf) ", said)[-1] for key in ("I", "Peak")]
    return float(found[0]), float(found[1])


def run(source: Path, dest: Path, **settings: Any) -> Report:
    wanted: dict[str, Any] = {"segment_seconds": 1, "audio_bitrate": "320k"}
    return streamify.transcode(source, dest, engine="inline", **wanted | settings)


def stream(dest: Path, report: Report, number: int = 0) -> Path:
    folder = dest / report.tracks[number].folder
    file = dest.parent / f"{dest.name}-{number}.mp4"
    file.write_bytes(b"".join(path.read_bytes() for path in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))]))
    return file


@pytest.mark.parametrize(("target", "rate"), sample(product((-16, -23), (48000, 44100)), (-16, 44100)))
def test_the_stream_has_the_loudness(target: int, rate: int, tmp_path: Path) -> None:
    source = write_plain_wav(tmp_path / "a.wav", speech(12, rate=rate), rate)
    report = run(source, tmp_path / "dest", loudness=target)
    found = report.tracks[0].loudness
    assert found is not None
    assert found.integrated is not None
    integrated, peak = judged(source)
    assert found.integrated == pytest.approx(integrated, abs=0.1)
    assert found.true_peak == pytest.approx(peak, abs=0.15)
    assert found.gain == pytest.approx(min(target - integrated, -1 - peak), abs=0.16)
    reached, top = judged(stream(tmp_path / "dest", report))
    before, _ = judged(stream(tmp_path / "off", run(source, tmp_path / "off")))  # AAC takes 0.3 LU off such noise
    assert reached - before == pytest.approx(found.gain, abs=0.11)
    assert reached == pytest.approx(found.integrated + found.gain, abs=0.4)
    assert top < 0
    assert any("LUFS" in note.why for note in report.notes)
    assert not verify(tmp_path / "dest", source).faults


def test_the_true_peak_is_kept(tmp_path: Path) -> None:
    samples = speech(6) * 0.2
    samples[:, 96000:96020] = 0.7  # one loud click in quiet sound
    report = run(write_plain_wav(tmp_path / "a.wav", samples), tmp_path / "dest", loudness=-16)
    found = report.tracks[0].loudness
    assert found is not None
    assert found.limited
    assert found.true_peak is not None
    assert found.true_peak + found.gain <= -1
    assert any("keeps the peak at -1 dBTP" in note.why for note in report.notes)


def test_pieces_measure_what_a_whole_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block of 400 ms, also across borders of pieces; and so the same gain and the same bytes of each piece."""
    source = write_sound(tmp_path / "a.mov", speech(11), "stereo")
    found = []
    for seconds in (600, 3):
        monkeypatch.setattr(audio_grid, "PIECE_SECONDS", seconds)
        dest = tmp_path / str(seconds)
        report = run(source, dest, loudness=-20)
        pieces = sorted((dest / STATE / "loudness" / report.tracks[0].id).glob("*.json"))
        data = [json.loads(path.read_bytes()) for path in pieces]
        assert len(data) == (1 if seconds == 600 else 4)
        found.append((report.tracks[0].loudness, [value for piece in data for value in piece["momentary"]]))
    (whole, blocks), (parts, joined) = found
    assert len(blocks) == len(joined) == 107  # 110 stretches of 100 ms, the first three without a full window
    assert np.abs(np.array(blocks) - np.array(joined)).max() <= 0.002
    assert whole is not None
    assert parts is not None
    assert (whole.integrated, whole.true_peak, whole.gain) == (parts.integrated, parts.true_peak, parts.gain)


@pytest.mark.long
def test_surround_is_measured_by_itself(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.mov", tones(6, 4, level=0.05), "5.1")
    report = run(source, tmp_path / "dest", loudness=-23, surround="eac3")
    for number, track in enumerate(report.tracks):
        assert track.loudness is not None
        assert not track.loudness.limited
        assert judged(stream(tmp_path / "dest", report, number))[0] == pytest.approx(-23, abs=0.3)


def test_off_changes_nothing(tmp_path: Path) -> None:
    source = write_plain_wav(tmp_path / "a.wav", speech(2))
    plain, off = run(source, tmp_path / "plain"), run(source, tmp_path / "off", loudness="off")
    assert plain.tracks[0].id == off.tracks[0].id
    assert off.tracks[0].loudness is None
    assert run(source, tmp_path / "loud", loudness=-16).tracks[0].id != off.tracks[0].id


def test_silence_is_left_alone(tmp_path: Path) -> None:
    report = run(write_plain_wav(tmp_path / "a.wav", np.zeros((2, 96000))), tmp_path / "dest", loudness=-16)
    assert report.tracks[0].loudness is not None
    assert report.tracks[0].loudness.gain == 0
    assert any("silent" in note.why for note in report.notes)


@pytest.mark.long
def test_on_workers_and_again(tmp_path: Path) -> None:
    """The command, on the local engine: what was measured is not measured again; a lost result is."""
    source, dest = write_plain_wav(tmp_path / "a.wav", speech(3)), tmp_path / "dest"
    arguments = ["transcode", source, dest, "--loudness", "-18", "--segment-seconds", "1"]
    ran = command(*arguments)
    assert ran.code == 0, ran.err
    report = Report.from_json((dest / "report.json").read_bytes())
    inline = run(source, tmp_path / "inline", loudness=-18, audio_bitrate="128k")
    assert report.tracks[0].segments.sha256 == inline.tracks[0].segments.sha256
    measured = dest / loudness_key(report.tracks[0].id)
    before = measured.read_bytes()
    measured.unlink()
    (dest / report.tracks[0].folder / "00001.m4s").unlink()
    ran = command(*arguments)
    assert ran.code == 0, ran.err
    assert measured.read_bytes() == before
    assert Report.from_json((dest / "report.json").read_bytes()).tracks[0].segments == report.tracks[0].segments
