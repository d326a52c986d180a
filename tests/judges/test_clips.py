"""The judges are judged first: clips say the truth, and the readers notice when it is not there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clips import identity, make, sound
from clips.make import RATES, Clip, ClipSpec, make_clip, source_sound
from clips.toy import broken_copy, make_toy
from selection import sample
from streamify.media import testcard

F = Fraction
Judge = Callable[[Path, str], list[tuple[Fraction, int | None]]]

SHAPES = {
    "b-frames, fragmented": ClipSpec(container="fmp4", bframes=3, pyramid=True),
    "b-frames, mkv": ClipSpec(container="mkv", bframes=2, rate=F(30000, 1001)),
    "open gop, ts": ClipSpec(container="ts", bframes=3, open_gop=True),
    "rotated 90": ClipSpec(rotation=90, size=(144, 256)),
    "rotated 180": ClipSpec(rotation=180),
    "rotated 270": ClipSpec(rotation=270, size=(144, 256)),
    "anamorphic": ClipSpec(sar=F(4, 3)),
    "interlaced": ClipSpec(interlaced=True, size=(256, 160), bframes=2),
    "late audio": ClipSpec(start=F(3), audio_offset=F(1, 2)),
    "early audio, mkv": ClipSpec(start=F(3), audio_offset=F(-1, 2), container="mkv", bframes=2),
    "44.1 kHz, ts": ClipSpec(start=F(3), container="ts", bframes=2, audio_rate=44100),
    "late start, fragmented": ClipSpec(container="fmp4", start=F(2), audio_offset=F(1, 4), bframes=2),
    "variable rate": ClipSpec(pts=(0, 3000, 6000, 20000, 23003, 100000, 180000, 190000), bframes=1),
    "pcm, mov": ClipSpec(container="mov", audio_codec="pcm_s16le"),
    "hevc, open gop": ClipSpec(codec="libx265", open_gop=True, bframes=3),
}


def test_a_clip_in_use_is_not_replaced_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = make._write
    inodes: list[int] = []

    def slow(clip: Clip, out: Path) -> None:
        write(clip, out)
        if not inodes:  # meanwhile another process makes the same clip and begins to work with it
            inodes.append(0)
            with monkeypatch.context() as other:
                other.setattr(os, "getpid", lambda: 1)
                inodes.append(make_clip(clip.spec, tmp_path).path.stat().st_ino)

    monkeypatch.setattr(make, "_write", slow)
    clip = make_clip(ClipSpec(seconds=F(1), size=(64, 64), audio=None), tmp_path)
    assert [0, clip.path.stat().st_ino] == inodes
    assert list(tmp_path.iterdir()) == [clip.path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def toy(folder: Path) -> tuple[Clip, Path]:
    return make_toy(folder / "toy"), folder / "toy" / "dest"


def probe(path: Path, what: str) -> list[dict[str, str]]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_entries", what, str(path)]
    answer = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    found: list[dict[str, str]] = answer[what.split("=")[0] + "s"]
    return found


@given(st.integers(0, 65535))
def test_a_barcode_gives_its_number_and_one_wrong_cell_gives_none(number: int) -> None:
    cells = testcard.barcode(number)
    assert testcard.number_of(cells) == number
    wrong = (*cells[:20], not cells[20], *cells[21:])
    assert testcard.number_of(wrong) is None


@pytest.mark.parametrize("name", sample(SHAPES, *list(SHAPES)[::3]))
def test_a_clip_says_the_truth(name: str, folder: Path) -> None:
    spec = SHAPES[name]
    clip = make_clip(spec, folder)
    seen = list(identity.pictures(clip.path))
    origin = seen[0][0]
    assert [identity.read_id(picture) for _, picture in seen] == list(range(clip.frames))
    tick = F(1, 1000) if spec.container == "mkv" else F(1, 90000)
    assert all(abs(time - origin - truth) <= tick for (time, _), truth in zip(seen, clip.times, strict=True))
    flashes = [time - origin for time, picture in seen if identity.read_flash(picture)]
    assert len(flashes) == len(clip.flashes)
    heard = [beep - float(origin) for beep in sound.beep_times(sound.decode_sound(clip.path))]
    heard = [beep for beep in heard if any(abs(beep - beat) < 0.1 for beat in clip.beeps)]
    assert heard == pytest.approx([float(beep) for beep in clip.beeps], abs=0.0011 if spec.container == "mkv" else 2e-4)


@pytest.mark.parametrize("rate", sample(RATES, RATES[0], RATES[-1]), ids=str)
def test_ffprobe_sees_the_rate(rate: Fraction, folder: Path) -> None:
    clip = make_clip(ClipSpec(rate=rate, seconds=F(2), audio=None), folder)
    (stream,) = probe(clip.path, "stream=r_frame_rate,nb_frames,avg_frame_rate")
    assert F(stream["r_frame_rate"]) == F(stream["avg_frame_rate"]) == rate
    assert int(stream["nb_frames"]) == clip.frames == round(2 * rate)


def test_ffmpeg_turns_a_rotated_clip_upright(folder: Path) -> None:
    clip = make_clip(SHAPES["rotated 90"], folder)
    upright = folder / "upright.mp4"
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(clip.path), str(upright)], check=True)
    with av.open(str(upright)) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height, frame.rotation) == (144, 256, 0)
    assert identity.read_ids(upright) == list(range(clip.frames))


def test_ffprobe_sees_shape_fields_and_gops(folder: Path) -> None:
    anamorphic, fields = make_clip(SHAPES["anamorphic"], folder), make_clip(SHAPES["interlaced"], folder)
    assert probe(anamorphic.path, "stream=sample_aspect_ratio")[0]["sample_aspect_ratio"] == "4:3"
    assert probe(fields.path, "stream=field_order")[0]["field_order"] in {"tt", "tb"}
    with av.open(str(fields.path)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    long = make_clip(ClipSpec(seconds=F(21), gop=250, bframes=3, open_gop=True, audio=None), folder)
    packets = probe(long.path, "packet=pts_time,flags")
    assert sum("K" in packet["flags"] for packet in packets) == 3
    shown = [float(packet["pts_time"]) for packet in packets]
    after = next(i for i, packet in enumerate(packets) if i and "K" in packet["flags"])
    assert shown[after + 1] < shown[after], "leading pictures follow the keyframe of an open GOP"


@pytest.mark.parametrize("size", [(426, 240), (128, 72), (160, 90)])
def test_a_barcode_survives_small_pictures_at_crf_30(size: tuple[int, int], folder: Path) -> None:
    clip = make_clip(ClipSpec(size=(640, 360)), folder)
    small = folder / f"{size[1]}.mp4"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-i", str(clip.path), "-vf", f"scale={size[0]}:{size[1]}"]
    subprocess.run([*command, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "30", "-an", str(small)], check=True)
    assert identity.read_ids(small) == list(range(clip.frames))


def test_the_test_card_is_a_clip_of_its_own(tmp_path: Path) -> None:
    out = tmp_path / "card.mp4"
    assert testcard.main([str(out), "--seconds", "3", "--size", "320x180", "--rate", "30000/1001"]) == 0
    assert identity.read_ids(out) == list(range(90))
    heard = sound.decode_sound(out)
    assert heard.start == 0
    assert sound.beep_times(heard) == [0, 1, 2, 3]  # 90 pictures last 3.003 s
    flashes = [time for time, picture in identity.pictures(out) if identity.read_flash(picture)]
    assert [float(time) for time in flashes] == pytest.approx([0, 29 * 1.001 / 30, 59 * 1.001 / 30, 89 * 1.001 / 30])


@pytest.mark.parametrize("arguments", [["--size", "3x2"], ["--rate", "0"], ["--seconds", "x"]])
def test_the_test_card_refuses_nonsense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        testcard.main(["out.mp4", *arguments])
    assert stop.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_both_judges_agree_on_a_sound_stream(toy: tuple[Clip, Path]) -> None:
    clip, dest = toy
    truth = list(zip(clip.times, range(clip.frames), strict=True))
    for rung in ("video/low", "video/high"):
        assert identity.decode_track(dest, rung) == truth
        assert identity.decode_track_ffmpeg(dest, rung) == truth
        flashes = sound.flash_times(dest, rung)
    for heard in (sound.decode_audio(dest, "audio/main"), sound.decode_audio_ffmpeg(dest, "audio/main")):
        assert heard.start == heard.holes == 0
        assert sound.sync_errors(clip, flashes, sound.beep_times(heard)) == pytest.approx([0] * 12, abs=0.03)


@pytest.mark.parametrize("fault", ["missing", "gap", "swapped", "repeated", "flipped"])
@pytest.mark.parametrize("judge", [identity.decode_track, identity.decode_track_ffmpeg])
def test_both_judges_notice_a_fault(toy: tuple[Clip, Path], fault: str, judge: Judge) -> None:
    clip, dest = toy
    broken = broken_copy(dest, fault)
    try:
        found = judge(broken, "video/low")
    except (AssertionError, av.FFmpegError):
        return
    assert found != list(zip(clip.times, range(clip.frames), strict=True))


def test_a_sweep_tells_a_join_from_none(folder: Path) -> None:
    clip = make_clip(ClipSpec(seconds=F(8), audio="sweep", audio_codec="flac", video=False, container="mkv"), folder)
    pure = sound.Sound(source_sound(clip).astype(np.float64), 48000)
    lossless = sound.decode_sound(clip.path)
    same = sound.compare_sweep(pure, lossless, lossless, [F(4)])
    assert (same.drift_start, same.drift_end, same.holes) == (0, 0, 0)
    assert same.at_joins < -80
    jump = np.concatenate([pure.samples[: 4 * 48000], pure.samples[4 * 48000 - 7 :]])
    report = sound.compare_sweep(pure, lossless, sound.Sound(jump, 48000), [F(4)])
    assert (report.drift_start, report.drift_end) == (0, 7)
    click = pure.samples.copy()
    click[4 * 48000 : 4 * 48000 + 100] = 0
    report = sound.compare_sweep(pure, lossless, sound.Sound(click, 48000), [F(4)])
    assert report.at_joins > -15 > -80 > report.elsewhere
