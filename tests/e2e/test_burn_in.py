"""Bitmap subtitles drawn into pictures: the same pixels, in the same pictures, as the system's FFmpeg draws."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from clips.bitmaps import HALF, RED, Card, subtitled
from e2e.driving import streamify, verify
from stores import locations
from streamify.api import transcode
from streamify.errors import SourceError, UsageError, VerificationFailed
from streamify.jobs.segments import SegmentList
from streamify.jobs.work import video_task
from streamify.media.compare import compare_segment
from streamify.media.video.window import WindowSource
from streamify.model.report import Report
from streamify.model.settings import Rung
from streamify.planning.schedule import Group
from streamify.tasks.burn import read_part
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

SIZE = (320, 180)
CARDS = [
    Card(0.52, 1.48, 40, 120, 121, 31),
    Card(1.8, 4.2, 60, 130, 200, 34, RED),
    Card(5.0, 7.0, 21, 17, 64, 24, HALF, forced=True),
    Card(8.0, 9.2, 10, 150, 300, 20),
]
RUNG = Rung(name="180p", short_side=180, crf=1, maxrate=20_000_000)
SMALL = Rung(name="90p", short_side=90, crf=1, maxrate=20_000_000)
Frames = npt.NDArray[np.int16]


def made(source: Path, dest: Path, *, burn_in: str | None = "eng", **settings: Any) -> Report:
    given: dict[str, Any] = {"ladder": (RUNG,), "preset": "ultrafast", "segment_seconds": 2, "poster": "off"}
    return transcode(str(source), str(dest), **(given | {"thumbnails": "off", "burn_in": burn_in} | settings))


def planes(command: Sequence[str], size: tuple[int, int]) -> Frames:
    """Return the pictures that FFmpeg writes, as red, green and blue."""
    full = ["ffmpeg", "-v", "error", *command, "-fps_mode", "passthrough", "-pix_fmt", "yuv444p", "-f", "rawvideo", "-"]
    data = subprocess.run(full, capture_output=True, check=True).stdout
    return np.frombuffer(data, np.uint8).reshape(-1, 3, size[1], size[0]).astype(np.int16)


def ours(dest: Path, report: Report, track: int = 0) -> Frames:
    """Return the pictures of a rendition."""
    one = report.tracks[track]
    assert one.width is not None
    assert one.height is not None
    return planes(["-i", str(dest / one.folder / "playlist.m3u8")], (one.width, one.height))


def drawn(source: Path, scale: str = "") -> list[str]:
    """Return the arguments with which FFmpeg draws the first stream of subtitles into the pictures."""
    return ["-i", str(source), "-filter_complex", f"[0:v:0][0:s:0]overlay=format=yuv420{scale}"]


def off(one: Frames, other: Frames) -> tuple[float, int]:
    """Return by how many code values pictures differ, on average in the worst picture, and at most anywhere."""
    apart = np.abs(one - other[: len(one)])  # FFmpeg repeats the last picture for subtitles behind it
    return float(apart.mean(axis=(1, 2, 3)).max()), int(apart.max())


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("pgs.mkv", "copy"),
        pytest.param("vobsub.mkv", "dvdsub", marks=pytest.mark.long),
        pytest.param("dvb.mkv", "dvbsub", marks=pytest.mark.long),
        pytest.param("dvb.ts", "dvbsub", marks=pytest.mark.long),
    ],
)
def test_every_picture_is_that_which_ffmpeg_draws(tmp_path: Path, name: str, codec: str) -> None:
    source = subtitled(tmp_path / name, [CARDS], codec=codec, size=SIZE)
    report = made(source, tmp_path / "dest")
    found, wanted = ours(tmp_path / "dest", report), planes(drawn(source), SIZE)
    mean, most = off(found, wanted)
    assert mean < 1
    assert most < 24


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of moving pictures with two streams of PGS."""
    folder = tmp_path_factory.mktemp("burn")
    other = [Card(0.04, 4.5, 100, 60, 90, 40, RED)]
    return subtitled(folder / "film.mkv", [CARDS, other], languages=("eng", "fre"), size=SIZE, colour="testsrc2",
                     seconds=5)  # fmt: skip


def hashes(dest: Path) -> dict[str, str]:
    return {
        str(path.relative_to(dest)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((dest / "video").rglob("*.*4*"))
    }


@pytest.mark.long
def test_the_same_bytes_on_every_engine_and_verify_finds_what_is_not_drawn(tmp_path: Path, moving: Path) -> None:
    report = made(moving, tmp_path / "one", engine="inline", ladder=(RUNG, SMALL), short_start=False)
    made(moving, tmp_path / "two", workers=2, ladder=(RUNG, SMALL), short_start=False)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    notes = {note.what: note.kind for note in report.notes}
    assert notes["subtitle stream 1 (PGS, eng)"] == "converted"
    assert notes["stream 2 (subtitle, hdmv_pgs_subtitle, fre)"] == "dropped"
    found = verify(tmp_path / "one", moving)
    assert all(check.psnr_min is not None and check.psnr_min > 35 for check in found.checks)
    bare = made(moving, tmp_path / "bare", engine="inline", burn_in=None, ladder=(RUNG,), short_start=False)
    assert bare.tracks[0].id != report.tracks[0].id  # another recipe, another address
    plain, drawn = tmp_path / "bare" / bare.tracks[0].folder, tmp_path / "one" / report.tracks[0].folder
    (drawn / "00001.m4s").write_bytes((plain / "00001.m4s").read_bytes())
    forge(tmp_path / "one", report, 1)
    with pytest.raises(VerificationFailed, match="does not show its subtitles"):
        verify(tmp_path / "one", moving)


@pytest.mark.long
def test_a_part_of_the_film_in_which_nothing_is_drawn_is_named(tmp_path: Path, moving: Path) -> None:
    def said(start: str, end: str) -> list[str]:
        report = made(moving, tmp_path / start, engine="inline", **{"from": start, "to": end})
        return [note.why for note in report.notes if note.what == "subtitle stream 1 (PGS): nothing is drawn"]

    assert said("1.52", "1.76") == ["what it shows is outside the part of the film"]
    assert said("1.4", "1.6") == []


def forge(dest: Path, report: Report, segment: int) -> None:
    """Have the report say of a segment what its file is."""
    data = (dest / report.tracks[0].folder / f"{segment:05d}.m4s").read_bytes()
    text = json.loads((dest / "report.json").read_text())
    columns = text["tracks"][0]["segments"]
    columns["size"][segment], columns["sha256"][segment] = len(data), hashlib.sha256(data).hexdigest()
    (dest / "report.json").write_text(json.dumps(text))


def test_segments_and_rungs_change_no_pixel(tmp_path: Path, moving: Path) -> None:
    """What is shown began segments before; a smaller rung has the same bitmap, scaled from the source's own pixels."""
    short = made(moving, tmp_path / "short", segment_seconds=1, keyframe_seconds=1, burn_in="fra", ladder=(RUNG, SMALL))
    wanted = planes(["-i", str(moving), "-filter_complex", "[0:v:0][0:s:1]overlay=format=yuv420"], SIZE)
    mean, most = off(ours(tmp_path / "short", short), wanted)
    assert mean < 1
    assert most < 24
    small = ours(tmp_path / "short", short, 1)
    assert small[20, 0, 40, 50:52].max() < 50  # two of the two and a half pixels of its black border
    plateau = small[20, 0, 35:45, 60:85]
    assert plateau.max() - plateau.min() <= 6  # of one colour right up to its border
    assert abs(int(plateau.mean()) - 81) <= 3


def test_a_segment_that_is_read_again_from_the_start_has_its_subtitles(tmp_path: Path) -> None:
    """The plan has the bytes of another segment: the task notices, and so does the comparison with the source."""
    source = subtitled(tmp_path / "film.ts", [CARDS[:2]], codec="dvbsub", size=SIZE, colour="testsrc2", seconds=5)
    report = made(source, tmp_path / "dest", engine="inline")
    before = hashes(tmp_path / "dest")
    stores = locations(tmp_path, tmp_path / "dest").open()
    plan = read_plan(stores.media)
    assert plan is not None
    segments = SegmentList(plan, stores.media)
    lying = segments[1].model_copy(update={"splice": segments[0].splice})
    segments.close()
    task = video_task(plan, lying, Group(1, (0,), 1))
    folder = tmp_path / "dest" / report.tracks[0].folder
    file = folder / "00001.m4s"
    file.unlink()
    run_task(task, stores)
    assert hashes(tmp_path / "dest") == before

    video, shown = plan.source.video, read_part(task.burn_part, stores.media).shown
    assert video is not None
    opened = WindowSource(lambda: source.open("rb"), video.stream, plan.source.access, video.end)
    init, data = (folder / "init.mp4").read_bytes(), file.read_bytes()
    alike = compare_segment(opened, video, plan.timeline, lying, plan.video[0], init, data, shown)
    assert (alike.faults, alike.lowest > 35) == ((), True)


def test_what_coarse_coding_loses_is_no_fault(tmp_path: Path) -> None:
    """As of the first steps with which subtitles of discs appear: hardly seen, and less than what coding changes."""
    card = Card(0.2, 2.8, 91, 100, 2, 2, pixels=[[HALF] * 2] * 2)
    source = subtitled(tmp_path / "f.mkv", [[card]], size=SIZE, colour="testsrc2", seconds=3)
    coarse = SMALL.model_copy(update={"crf": 40})
    made(source, tmp_path / "s", burn_in="1", ladder=(coarse,), engine="inline")
    assert verify(tmp_path / "s", source).faults == ()


def test_forced_alone(tmp_path: Path) -> None:
    source = subtitled(tmp_path / "f.mkv", [CARDS], size=SIZE)
    found = ours(tmp_path / "s", made(source, tmp_path / "s", burn_in="1.forced"))
    bare = found[240]
    shown = [number for number, one in enumerate(found) if np.abs(one - bare).max() > 40]
    assert shown == list(range(125, 175))  # 5.0 s to 7.0 s at 25 pictures a second


@pytest.mark.long
def test_a_card_that_nothing_ends_and_an_object_that_is_shown_again(tmp_path: Path) -> None:
    cards = [Card(1.0, None, 40, 120, 120, 30), Card(3.0, None, 100, 20, 120, 30, begins=False)]
    source = subtitled(tmp_path / "f.mkv", [cards], size=SIZE)
    report = made(source, tmp_path / "s", segment_seconds=1, keyframe_seconds=1)
    found = ours(tmp_path / "s", report)
    mean, most = off(found, planes(drawn(source), SIZE))
    assert (mean < 1, most < 24) == (True, True)
    assert found[-1, 0, 35, 160] > 200


@pytest.mark.long
def test_of_a_film_that_was_cropped_what_lies_beside_it_is_moved_into_it(tmp_path: Path) -> None:
    """A canvas of 16:9 over pictures of 2.4:1, as on a disc whose black was cut off: the card lies in the black."""
    cards = [Card(0.0, 5.0, 640, 940, 640, 100)]
    source = subtitled(tmp_path / "f.mkv", [cards], canvas=(1920, 1080), size=(480, 200))
    found = ours(tmp_path / "s", made(source, tmp_path / "s", ladder=(Rung(name="200p", short_side=200, crf=1,
                                                                          maxrate=20_000_000),)))  # fmt: skip
    white = np.argwhere(found[25, 0] > 220)
    assert white[:, 0].max() in range(193, 200)  # at the lower border
    assert (white[:, 1].min(), white[:, 1].max()) == pytest.approx((160, 319), abs=5)  # a quarter of its width


@pytest.mark.long
def test_hdr_has_white_at_the_white_of_the_output(tmp_path: Path) -> None:
    pq = ["-vf", "format=yuv420p10,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"]
    pq += ["-pix_fmt", "yuv420p10"]
    cards = [Card(0.0, 3.0, 40, 60, 200, 60)]
    source = subtitled(tmp_path / "f.mkv", [cards], size=SIZE, seconds=2, options=pq)
    found = ours(tmp_path / "s", made(source, tmp_path / "s"))
    assert abs(int(found[10, 0, 90, 140]) - 235) <= 2


@pytest.mark.long
def test_resume_and_run_task_draw_the_same(tmp_path: Path, moving: Path) -> None:
    report = made(moving, tmp_path / "s", engine="inline")
    before = hashes(tmp_path / "s")
    folder = tmp_path / "s" / report.tracks[0].folder
    (folder / "00002.m4s").unlink()
    (tmp_path / "s" / "report.json").unlink()
    again = made(moving, tmp_path / "s", engine="inline")
    assert again.tasks_run == 1
    for path in (tmp_path / "s" / ".streamify" / "burn").rglob("*.json"):
        path.unlink()
    (folder / "00002.m4s").unlink()
    made(moving, tmp_path / "s", engine="inline")
    assert hashes(tmp_path / "s") == before
    single = streamify("run-task", tmp_path / "s", "video/00001/180p", "--json").json
    assert {one["job"] for one in single["files"]} == {"same"}


@pytest.mark.parametrize(
    ("burn_in", "code", "line"),
    [
        ("ger", "burn-in-unknown", "there are 1 (PGS, eng), 2 (PGS, fre)"),
        pytest.param("7", "burn-in-unknown", "there are no such subtitles", marks=pytest.mark.long),
        pytest.param("0", "burn-in-unknown", "there are no such subtitles", marks=pytest.mark.long),
    ],
)
def test_a_stream_that_is_not_there(tmp_path: Path, moving: Path, burn_in: str, code: str, line: str) -> None:
    with pytest.raises(UsageError, match=re.escape(line)) as caught:
        made(moving, tmp_path / "s", burn_in=burn_in)
    assert caught.value.code == code
    assert not (tmp_path / "s" / "master.m3u8").exists()


@pytest.mark.long
def test_damage_is_named_and_refused_where_it_must_not_be(tmp_path: Path) -> None:
    source = subtitled(tmp_path / "f.mkv", [CARDS], size=SIZE)
    data = source.read_bytes()
    at = data.rindex(bytes.fromhex("0079001f"))  # width and height of the first object
    source.write_bytes(data[:at] + bytes.fromhex("ffffffff") + data[at + 4 :])
    report = made(source, tmp_path / "s")
    damage = [note for note in report.notes if note.kind == "damaged"]
    assert "subtitle stream 1 (PGS): not all of it could be read" in [note.what for note in damage]
    assert np.abs(ours(tmp_path / "s", report)[25] - ours(tmp_path / "s", report)[240]).max() < 40
    with pytest.raises(SourceError, match="not all of it could be read"):
        made(source, tmp_path / "t", strict=True)
