"""Parts of films: the pictures by numbers burnt in, the sound to the sample, both by FFmpeg's reading of the source."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import streamify
from clips.identity import decode_track, read_ids
from clips.make import Clip, ClipSpec, make_clip
from clips.sound import compare_sweep, decode_audio, decode_sound
from clips.standing import film
from e2e.driving import rungs
from e2e.test_images import shown as thumbnails
from streamify.errors import UsageError, VerificationFailed
from streamify.model.report import Report

S = Fraction
SWEEP = ClipSpec(seconds=S(9), size=(214, 120), gop=40, bframes=2, audio="sweep", audio_codec="pcm_s16le", crf=30)
SOURCES = {
    "mov": replace(SWEEP, container="mov", open_gop=True, pyramid=True),
    "mkv": replace(SWEEP, container="mkv", rate=S(24000, 1001)),
    "ts": replace(SWEEP, container="ts", audio_codec="aac", start=S(7), open_gop=True),
    "fmp4": replace(SWEEP, container="fmp4", audio_codec="aac"),
    "mp4": replace(SWEEP, audio_codec="aac", rate=S(30000, 1001), audio_offset=S(1, 10)),
}
PCM = ("libx264", {"bf": "2", "g": "24", "preset": "ultrafast"}, "pcm_s16le")
FIRST = ("mov",)
"""Of these in the usual suite; all in the long one."""


def made(source: Path, dest: Path, **settings: object) -> Report:
    given = {"engine": "inline", "preset": "ultrafast", "ladder": rungs(64), "poster": "off", "thumbnails": "off"}
    return streamify.transcode(source, dest, **given | settings)  # type: ignore[arg-type]


def shown(report: Report, dest: Path) -> list[int | None]:
    (track,) = (one for one in report.tracks if one.kind == "video")
    return [number for _, number in decode_track(dest, track.folder)]


def folder(report: Report, kind: str) -> str:
    return next(one.folder for one in report.tracks if one.kind == kind)


def trimmed(source: Path, start: str, end: str) -> list[str]:
    """Return FFmpeg's hashes of the pictures that its filter trim leaves, at the size of the source."""
    command = ["ffmpeg", "-v", "error", "-i", str(source), "-vf", f"trim=start={start}:end={end}", "-an"]
    command += ["-fps_mode", "passthrough", "-f", "framemd5", "-"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.rpartition(",")[2].strip() for line in lines if not line.startswith("#")]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FIRST else [pytest.mark.long]) for name in SOURCES]
)
def test_pictures_and_samples_of_a_part(tmp_path: Path, name: str) -> None:
    clip = make_clip(SOURCES[name], tmp_path)
    report = made(clip.path, tmp_path / "s", from_="2.21", to="0:07.05")
    wanted = [number for number, time in enumerate(clip.times) if S("2.21") <= time < S("7.05")]
    assert shown(report, tmp_path / "s") == wanted
    assert len(wanted) == len(trimmed(clip.path, "2.21", "7.05")) or clip.spec.start
    assert (report.certificate.coded, report.certificate.promised) == (len(wanted), len(wanted))
    same_samples(clip, tmp_path / "s", report, clip.times[wanted[0]])
    streamify.verify(tmp_path / "s", clip.path).check()


def same_samples(clip: Clip, dest: Path, report: Report, begin: Fraction) -> None:
    """Compare the sweep with the source's from a time of the clip on: not one sample early or late."""
    source, ours = decode_sound(clip.path), decode_audio(dest, folder(report, "audio"))
    placed = replace(source, start=source.start - clip.spec.start - begin)
    count = round((ours.end - ours.start) * ours.rate)
    part = replace(placed, samples=placed.at(0, count), start=S(0))
    found = compare_sweep(part, part, ours, [])
    assert (found.holes, found.drift_start, found.drift_end) == (0, 0, 0)
    assert found.elsewhere < -20, found


def test_a_part_of_sound_alone_begins_with_its_sample(tmp_path: Path) -> None:
    clip = make_clip(replace(SWEEP, container="mov", video=False), tmp_path)
    report = made(clip.path, tmp_path / "s", from_=S(100_001, 48_000), to=S(5))
    assert report.source.cut is not None
    assert (report.source.cut.start * 48_000, report.source.duration * 48_000) == (S(100_001), S(139_999))
    same_samples(clip, tmp_path / "s", report, S(100_001, 48_000))
    streamify.verify(tmp_path / "s", clip.path).check()


@pytest.mark.long
def test_a_part_that_begins_in_a_pause_shows_the_picture_of_it(tmp_path: Path) -> None:
    """A picture each 0.04 s, but for a pause from 2 s to 6 s, in which the last one before it stands."""
    times = [*(n * 3600 for n in range(51)), *(540_000 + n * 3600 for n in range(50))]
    spec = replace(SWEEP, container="mkv", pts=(*times, 540_000 + 50 * 3600), bframes=0)
    clip = make_clip(spec, tmp_path)
    report = made(clip.path, tmp_path / "s", from_="3.25", to="7")
    seen = decode_track(tmp_path / "s", folder(report, "video"))
    assert [number for _, number in seen if number != 50] == list(range(51, 76))
    assert seen[0] == (S(0), 50)
    assert min(time for time, number in seen if number == 51) == pytest.approx(2.75, abs=0.001)
    assert report.source.cut is not None
    assert report.source.cut.start == S("3.25")
    same_samples(clip, tmp_path / "s", report, S("3.25"))
    streamify.verify(tmp_path / "s", clip.path).check()


@pytest.mark.long
def test_a_part_without_a_picture_of_its_own(tmp_path: Path) -> None:
    """A slide stands from 2 s to 6 s; of it, 1 s is asked for."""
    times = (*(n * 3600 for n in range(51)), *(540_000 + n * 3600 for n in range(5)))
    clip = make_clip(replace(SWEEP, container="mkv", pts=(*times, 540_000 + 5 * 3600), bframes=0), tmp_path)
    report = made(clip.path, tmp_path / "s", from_="3", to="4")
    assert set(shown(report, tmp_path / "s")) == {50}
    assert next(one.duration for one in report.tracks if one.kind == "video") == 1
    streamify.verify(tmp_path / "s", clip.path).check()


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(replace(SOURCES["mov"], audio_codec="aac", container="mp4"), tmp_path_factory.mktemp("cut"))


def test_nothing_but_the_part_is_decoded(tmp_path: Path, numbered: Clip) -> None:
    """Keyframes are 1.6 s apart: of the 6 s before the part at most one group of pictures is decoded."""
    made(numbered.path, tmp_path / "s", from_=6, to=7)
    entries = [json.loads(path.read_text()) for path in (tmp_path / "s" / ".streamify").rglob("*.json")]
    before = [one["cost"]["preroll_frames"] for one in entries if one.get("seam")]
    assert before
    assert max(before) <= 40 + 3


def test_a_film_without_a_cut_keeps_urls_and_bytes(tmp_path: Path, numbered: Clip) -> None:
    whole, again = made(numbered.path, tmp_path / "a"), made(numbered.path, tmp_path / "b", from_=0)
    part = made(numbered.path, tmp_path / "c", from_=0, to=5)
    assert [one.id for one in whole.tracks] == [one.id for one in again.tracks]
    assert media(tmp_path / "a") == media(tmp_path / "b")
    assert not {one.id for one in whole.tracks} & {one.id for one in part.tracks}
    assert again.source.cut is None


def media(dest: Path) -> dict[str, str]:
    files = [path for path in dest.rglob("*") if path.suffix in (".m4s", ".mp4")]
    return {str(path.relative_to(dest)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_other_times_are_another_plan(tmp_path: Path, numbered: Clip) -> None:
    first = made(numbered.path, tmp_path / "s", from_=1, to=3)
    second = made(numbered.path, tmp_path / "s", from_=2, to=4)
    assert shown(first, tmp_path / "s")[:1] != shown(second, tmp_path / "s")[:1]
    assert not {one.id for one in first.tracks} & {one.id for one in second.tracks}
    streamify.verify(tmp_path / "s", numbered.path).check()


@pytest.mark.long
def test_verify_finds_a_part_of_other_times(tmp_path: Path, numbered: Clip) -> None:
    """The plan says that a picture more was asked for than the stream begins with."""
    made(numbered.path, tmp_path / "s", from_="2.0", to=4)
    plan = tmp_path / "s" / ".streamify" / "plan.json"
    text = json.loads(plan.read_text())
    text["settings"]["from"] = "1.95"
    plan.write_text(json.dumps(text))
    with pytest.raises(VerificationFailed, match="not with the first one"):
        streamify.verify(tmp_path / "s", numbered.path).check()


@pytest.mark.long
def test_images_and_chapters_are_those_of_the_part(tmp_path: Path, numbered: Clip) -> None:
    listed = tmp_path / "c.txt"
    chapters = "".join(f"[CHAPTER]\nTIMEBASE=1/1\nSTART={n}\nEND={n + 2}\ntitle=from {n}\n" for n in range(0, 9, 2))
    listed.write_text(";FFMETADATA1\n" + chapters)
    path = tmp_path / "c.mp4"
    command = ["ffmpeg", "-v", "error", "-i", str(numbered.path), "-i", str(listed), "-map_metadata", "1", "-c", "copy"]
    subprocess.run([*command, str(path)], check=True)
    report = made(path, tmp_path / "s", ladder=rungs(120), from_=3, to=7, thumbnails=1, poster="0:02")
    assert thumbnails(tmp_path / "s", report) == [75, 100, 125, 150]
    assert [(one.start, one.end, one.title) for one in report.chapters] == [
        (S(0), S(1), "from 2"), (S(1), S(3), "from 4"), (S(3), S(4), "from 6"),
    ]  # fmt: skip
    assert report.poster is not None
    assert read_ids(tmp_path / "s" / report.poster.stills[0].key) == [125]


def test_times_outside(tmp_path: Path, numbered: Clip) -> None:
    with pytest.raises(UsageError, match=r"from 9 s: nothing follows, .* is 9 s long") as found:
        streamify.plan(numbered.path, from_=9)
    assert found.value.code == "cut-outside"
    beyond = streamify.plan(numbered.path, from_="8.5", to="1:00:00")
    assert beyond.source.cut is not None
    assert (beyond.source.cut.end, beyond.source.duration) == (S(9), S(12, 25))  # the picture at 8.52 s is the first


@pytest.mark.long
def test_sound_around_the_pictures_is_cut_too(tmp_path: Path) -> None:
    """3 s of sound before the first picture, and 3 s after the last one."""
    source = film(tmp_path / "a.mkv", [3 + n * S(1, 25) for n in range(50)], (S(0), S(8)), codec=PCM)
    before = made(source, tmp_path / "b", from_=1, to=4)
    seen = decode_track(tmp_path / "b", folder(before, "video"))
    numbers = read_ids(source)
    assert {number for time, number in seen if time <= 2} == {numbers[0]}
    assert [number for time, number in seen if time >= 2] == numbers[:25]
    after = made(source, tmp_path / "c", from_=6, to=7)
    assert set(shown(after, tmp_path / "c")) == {numbers[-1]}
    for dest in ("b", "c"):
        streamify.verify(tmp_path / dest, source).check()


@pytest.mark.long
def test_every_engine_leaves_the_same_bytes(tmp_path: Path, numbered: Clip) -> None:
    for dest, engine in (("a", "inline"), ("b", "local")):
        made(
            numbered.path, tmp_path / dest, from_="1.3", to="6.1", engine=engine, workers=2 if engine == "local" else 1
        )
    assert media(tmp_path / "a") == media(tmp_path / "b")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "start", "end"), [("cat_reset.ts", 4, 7), ("cat_reset.ts", 7, 10), ("h264_bframes.avi", 1, 3)]
)
def test_sources_whose_own_times_cannot_be_used(tmp_path: Path, cases: Path, name: str, start: int, end: int) -> None:
    source = cases / name
    report = made(source, tmp_path / "s", from_=start, to=end)
    assert report.certificate.promised == report.certificate.coded == 25 * (end - start)
    streamify.verify(tmp_path / "s", source).check()
