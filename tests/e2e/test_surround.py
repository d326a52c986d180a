"""5.1 beside stereo: conformance, players' choice, exact sync, joins, and stereo that stays what it is."""

from __future__ import annotations

import io
import json
import struct
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import m3u8
import numpy as np
import pytest

import streamify
from clips.tones import PITCHES, Wave, read_sound, tone_levels, tones, write_film, write_sound
from e2e.driving import rungs, verify
from e2e.driving import streamify as command
from judges.conformance import check
from selection import sample
from streamify.dest.layout import PLAN
from streamify.media.audio.piece import audio_init
from streamify.model.plan import Plan
from streamify.model.report import Report, TrackReport
from streamify.planning import audio as audio_grid

CODECS = {"aac": "mp4a.40.2", "ac3": "ac-3", "eac3": "ec-3"}
FADE = 256
"""Samples in which AC-3, whose frames overlap, fades in where decoding begins."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5.1, and another track in stereo."""
    folder = tmp_path_factory.mktemp("film")
    wide = write_sound(folder / "wide.mov", tones(6, 5), "5.1")
    words = write_sound(folder / "words.mov", tones(2, 5), "stereo")
    tags = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=eng"]
    return write_film(folder / "film.mov", [wide, words], 5, *tags)


def run(source: Path, dest: Path, **settings: Any) -> Report:
    wanted: dict[str, Any] = {"ladder": rungs(120, 60), "segment_seconds": 1, "keyframe_seconds": 1}
    return streamify.transcode(source, dest, engine="inline", **wanted | {"preset": "ultrafast"} | settings)


def surround(report: Report) -> TrackReport:
    return next(track for track in report.tracks if "surround" in track.id)


def stream(dest: Path, track: TrackReport) -> bytes:
    folder = dest / track.folder
    return b"".join(path.read_bytes() for path in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))])


@pytest.mark.long
@pytest.mark.parametrize("codec", sample(CODECS, "ac3"))
def test_the_stream_conforms(codec: str, film: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    report = run(film, dest, surround=codec)
    assert check(dest) == []
    assert not verify(dest, film).faults
    master = m3u8.load(str(dest / "master.m3u8"))
    assert [(one.group_id, one.name, one.channels) for one in master.media] == [
        ("audio", "English", "2"), ("audio", "English (2)", "2"),
        ("surround", "English", "6"), ("surround", "English (2)", "2"),
    ]  # fmt: skip
    sound = sorted({"mp4a.40.2", CODECS[codec]})
    found = [(one.stream_info.audio, one.stream_info.codecs.split(",")[1:]) for one in master.playlists]
    assert found == [("audio", ["mp4a.40.2"])] * 2 + [("surround", sound)] * 2
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", "-"],
        input=stream(dest, surround(report)), capture_output=True, check=True,
    ).stdout  # fmt: skip
    (about,) = json.loads(probed)["streams"]
    assert (about["codec_name"], about["channels"], about["sample_rate"]) == (codec, 6, "48000")
    plan = Plan.from_json((dest / PLAN).read_bytes())
    init = (dest / surround(report).folder / "init.mp4").read_bytes()
    assert [audio_init(track) for track in plan.audio if track.recipe.channels == 6] == [init]
    box = {"aac": b"esds", "ac3": b"dac3", "eac3": b"dec3"}[codec]
    assert box in init


@pytest.mark.parametrize("codec", sample(CODECS, "eac3"))
def test_every_sample_in_its_place(codec: str, film: Path, tmp_path: Path) -> None:
    """Against the source, sample by sample, by PyAV's FFmpeg, which applies edit lists."""
    report = run(film, tmp_path, surround=codec, ladder=rungs(60))
    sound, truth = read_sound(stream(tmp_path, surround(report))), tones(6, 5)
    assert sound.shape[1] - truth.shape[1] in range(1536)
    part = slice(FADE, truth.shape[1])
    error = np.mean((sound[:, part] - truth[:, part]) ** 2) / np.mean(truth**2)
    assert 10 * np.log10(error) < -45
    with av.open(io.BytesIO(stream(tmp_path, surround(report))), "r") as container:
        assert next(container.decode(audio=0)).pts == 0


@pytest.mark.long
@pytest.mark.parametrize("codec", sample(CODECS, "eac3"))
def test_pieces_sound_like_one(codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise, the hardest sound: at the joins of pieces the error is that of any other place."""
    source = write_sound(tmp_path / "a.mov", 0.2 * np.random.default_rng(1).standard_normal((6, 48000 * 8)), "5.1")
    monkeypatch.setattr(audio_grid, "PIECE_SECONDS", 600)
    whole = run(source, tmp_path / "whole", surround=codec)
    monkeypatch.setattr(audio_grid, "PIECE_SECONDS", 2)
    parts = run(source, tmp_path / "parts", surround=codec)
    assert surround(whole).segments.duration == surround(parts).segments.duration
    truth = read_sound(source)
    errors = [_errors(read_sound(stream(tmp_path / name, surround(one))), truth)
              for name, one in (("whole", whole), ("parts", parts))]  # fmt: skip
    assert np.abs(errors[0].max() - errors[1].max()) < 1.5  # dB, of any 20 ms
    if codec != "aac":  # frames that overlap by 256 samples, each of the same number of bits: equal after the pre-roll
        assert stream(tmp_path / "whole", surround(whole)) == stream(tmp_path / "parts", surround(parts))


def _errors(sound: Wave, truth: Wave) -> Wave:
    size, count = 960, min(sound.shape[1], truth.shape[1]) // 960
    cut = slice(size, (count - 1) * size)
    error = (sound[:, cut] - truth[:, cut]) ** 2
    found: Wave = 10 * np.log10(error.reshape(6, -1, size).mean(axis=(0, 2)) / np.mean(truth**2))
    return found


@pytest.mark.long
def test_7_1_becomes_5_1(tmp_path: Path) -> None:
    source = write_sound(tmp_path / "a.mov", tones(8, 2.5), "7.1")
    report = run(source, tmp_path / "dest")
    levels = tone_levels(read_sound(stream(tmp_path / "dest", surround(report))), PITCHES)
    half = np.sqrt(0.5)
    assert levels[:4] == pytest.approx(np.eye(8)[:4] * half, abs=0.01)
    assert levels[4] == pytest.approx([0, 0, 0, 0, 0.5, 0, 0.5, 0], abs=0.01)


@pytest.mark.long
def test_stereo_stays_what_it_is(film: Path, tmp_path: Path) -> None:
    dests = {name: run(film, tmp_path / name, surround=name, ladder=rungs(60)) for name in ("off", "eac3")}
    off, on = (next(one for one in report.tracks if one.kind == "audio") for report in dests.values())
    assert (off.id, off.segments.sha256) == (on.id, on.segments.sha256)
    assert len(dests["off"].tracks) + 1 == len(dests["eac3"].tracks)
    assert "surround" not in (tmp_path / "off" / "master.m3u8").read_text()


@pytest.mark.long
def test_segments_follow_the_grid(film: Path, tmp_path: Path) -> None:
    report = run(film, tmp_path, surround="ac3", ladder=rungs(60))
    borders = np.cumsum((0, *surround(report).segments.duration))
    assert all(abs(border - 48000 * number) <= 768 for number, border in enumerate(borders[:-1]))
    assert all((b - a) % 1536 == 0 for a, b in pairwise(borders))


LISTED = {
    # Core Audio's layout tags, and the channels that they list (CoreAudioBaseTypes.h).
    "MPEG_5_1_B": (122 << 16 | 6, ("FL", "FR", "SL", "SR", "FC", "LFE")),
    "MPEG_5_1_C": (123 << 16 | 6, ("FL", "FC", "FR", "SL", "SR", "LFE")),
    "MPEG_7_1_C": (128 << 16 | 8, ("FL", "FR", "FC", "LFE", "SL", "SR", "BL", "BR")),
}


@pytest.mark.parametrize("name", sample(LISTED, "MPEG_5_1_B"))
def test_channels_in_an_order_of_their_own_go_to_their_places(name: str, tmp_path: Path) -> None:
    """PyAV frees the memory of such a layout twice: the process ended by a signal, so it runs in one of its own."""
    tag, channels = LISTED[name]
    layout = {6: "5.1(side)", 8: "7.1"}[len(channels)]
    sound = write_sound(tmp_path / "sound.mov", tones(len(channels), 3), layout)
    source = write_film(tmp_path / "film.mov", [sound], 3)
    data = bytearray(source.read_bytes())
    at = data.index(b"chan") + 8
    data[at : at + 12] = struct.pack(">III", tag, 0, 0)
    source.write_bytes(data)
    rung = tmp_path / "ladder.yaml"
    rung.write_text("rungs: [{name: 60p, short_side: 60, maxrate: 100000}]")
    flags = ("--engine", "inline", "--preset", "ultrafast", "--ladder", rung)
    done = command("transcode", source, tmp_path / "dest", *flags)
    assert done.code == 0, done.err
    assert command("verify", tmp_path / "dest", "--source", source).code == 0
    report = Report.model_validate_json((tmp_path / "dest" / "report.json").read_text())
    levels = tone_levels(read_sound(stream(tmp_path / "dest", surround(report))), PITCHES[: len(channels)])
    side = 1.0 if len(channels) == 6 else np.sqrt(0.5)
    scale = 1.0 if len(channels) == 6 else 1 / np.sqrt(2)  # two pairs of -3 dB sum to more than 1
    for column, channel in enumerate(channels):
        row = ("FL", "FR", "FC", "LFE", "SL", "SR").index(channel.replace("B", "S"))
        wanted = scale * (side if row > 3 else 1.0)
        if channel != "LFE":  # of which encoders keep the bass alone
            assert levels[row, column] == pytest.approx(wanted, rel=0.05), channel
        assert np.delete(levels[:, column], row).max() < 0.02, channel
