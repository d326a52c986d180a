"""With `strict` no picture and no sound of the source is left out: each note that names such a loss refuses it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import streamify
from clips.numbered import encode, remux
from stores import split
from streamify.errors import SourceError, StreamifyError, TasksFailed
from streamify.jobs.early import EarlyPublisher
from streamify.model.event import Event
from streamify.model.source import Note
from streamify.settings.arguments import SettingsDict
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan

FILM = ("-f", "lavfi", "-i", "testsrc=size=96x64:rate=25:duration={}")
SOUND = ("-f", "lavfi", "-i", "aevalsrc=0.4*sin(2*PI*t*(300+200*t)):s=48000:d={}")
ALL: SettingsDict = {
    "engine": "inline",
    "ladder": [{"name": "64p", "short_side": 64, "maxrate": 100_000}],
    "preset": "ultrafast",
}
STRICT: SettingsDict = {**ALL, "strict": True}


def made(out: Path, length: float, heard: float, *options: str) -> Path:
    """Write a film with sound from `heard` seconds on, `length` seconds of each."""
    sound = [one.format(length) for one in SOUND]
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", *(one.format(length) for one in FILM)]
    command += ["-itsoffset", str(heard), *sound, "-map", "0", "-map", "1", *options, str(out)]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return out


TS = ("-c:v", "mpeg2video", "-bf", "0", "-g", "25", "-c:a", "mp2", "-muxdelay", "0", "-muxpreload", "0")


def at_the_time_of_another(folder: Path) -> Path:
    film = encode(folder / "film.mp4", range(120), "mpeg4", "mp4", {"g": "50"})
    return remux(film, folder / "film.mkv", "-bsf:v", "setts=ts=(N-gte(N\\,9))*40")


def heard_before(folder: Path) -> Path:
    """The sound of the second part begins 0.5 s before its pictures, which go on."""
    source = folder / "film.ts"
    first = made(folder / "part.ts", 2, 0, *TS, "-output_ts_offset", "0").read_bytes()
    source.write_bytes(first + made(folder / "part.ts", 2, -0.5, *TS, "-output_ts_offset", "2").read_bytes())
    return source


PLANNED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a picture at the time of another": (at_the_time_of_another, "1 picture"),
    "sound that was heard before": (heard_before, "audio stream 1: 0."),
}


@pytest.mark.parametrize("name", PLANNED)
def test_what_the_plan_names_as_lost_is_refused(name: str, tmp_path: Path) -> None:
    make, said = PLANNED[name]
    source = make(tmp_path)
    lost = [note for note in split(source).notes if note.kind == "damaged"]
    assert any(note.what.startswith(said) for note in lost), split(source).notes
    with pytest.raises(SourceError) as caught:
        split(source, strict=True)
    assert caught.value.code == "source-incomplete"
    assert said in caught.value.message


def test_sound_that_comes_twice_is_no_loss(tmp_path: Path) -> None:
    """A part of a second that was downloaded again: all of it is heard once."""
    parts = []
    made(tmp_path / "film.ts", 4, 0, *TS)
    command = ["ffmpeg", "-v", "error", "-copyts", "-i", "film.ts", "-map", "0", "-c", "copy", "-f", "segment"]
    command += ["-segment_time", "1", "-segment_format", "mpegts", "part%d.ts"]
    subprocess.run(command, check=True, timeout=60, cwd=tmp_path)
    parts = [(tmp_path / f"part{number}.ts").read_bytes() for number in (0, 1, 1, 2, 3)]
    (tmp_path / "twice.ts").write_bytes(b"".join(parts))
    dropped = [note.what for note in split(tmp_path / "twice.ts", strict=True).notes if note.kind == "dropped"]
    assert "25 pictures" in dropped
    assert any("of sound at" in what for what in dropped), dropped


AAC = ("-c:v", "mpeg2video", "-bf", "0", "-c:a", "aac", "-ar", "44100")
PADDING = "encoders add as much at the ends of parts that are joined"


def padding_of(notes: Iterable[Note]) -> list[Note]:
    return [note for note in notes if note.kind == "dropped" and note.why.startswith(PADDING)]


def test_what_aac_adds_to_joined_parts_of_mpeg_ts_is_no_loss(tmp_path: Path) -> None:
    """The first packet of each part holds nothing but the 1,024 samples with which AAC begins."""
    source = tmp_path / "film.ts"
    for start in range(3):
        part = made(tmp_path / "part.ts", 1, 0, *AAC, "-output_ts_offset", f"{start}")
        source.write_bytes((source.read_bytes() if start else b"") + part.read_bytes())
    notes = split(source, strict=True).notes
    assert len(padding_of(notes)) == 2, notes


def test_what_aac_adds_to_joined_parts_of_mp4_is_no_loss(tmp_path: Path) -> None:
    made(tmp_path / "part.mp4", 2, 0, *AAC)
    (tmp_path / "list.txt").write_text("file part.mp4\n" * 2)
    command = ["ffmpeg", "-v", "error", "-f", "concat", "-i", "list.txt", "-c", "copy", "film.mp4"]
    subprocess.run(command, check=True, timeout=60, cwd=tmp_path)
    notes = streamify.transcode(tmp_path / "film.mp4", tmp_path / "dest", **STRICT).notes
    assert len(padding_of(notes)) == 1, notes


def zeroed_sound(folder: Path) -> Path:
    source = made(folder / "film.mp4", 3, 0, "-c:v", "mpeg4", "-c:a", "aac")
    command = ["ffprobe", "-v", "error", "-select_streams", "a", "-show_entries", "packet=pos,size", "-of", "csv=p=0"]
    listed = subprocess.run([*command, source], check=True, timeout=60, capture_output=True, text=True).stdout
    data = bytearray(source.read_bytes())
    for line in listed.split()[40:60]:
        size, position = (int(one) for one in line.strip(",").split(","))
        data[position : position + size] = b"\xff" * size
    source.write_bytes(data)
    return source


def overlapping_sound(folder: Path, length: int = 512) -> Path:
    """Each packet of sound is said to last half as long as it does, or another length."""
    source = made(folder / "film.mp4", 3, 0, "-c:v", "mpeg4", "-c:a", "aac")
    data = source.read_bytes()
    place = data.rindex(b"stts")
    source.write_bytes(data[:place] + data[place:].replace((1024).to_bytes(4, "big"), length.to_bytes(4, "big"), 1))
    return source


def drifting_sound(folder: Path) -> Path:
    """Each packet of sound is said to last a tenth less: the overlaps are as short as at joins, and as rare."""
    return overlapping_sound(folder, 922)


@pytest.mark.parametrize("make", [zeroed_sound, overlapping_sound, drifting_sound])
def test_what_tasks_name_as_lost_is_refused(make: Callable[[Path], Path], tmp_path: Path) -> None:
    source = make(tmp_path)
    notes = streamify.transcode(source, tmp_path / "dest", **ALL).notes
    assert any(note.kind == "damaged" and "audio stream 1" in note.what for note in notes), notes
    with pytest.raises(StreamifyError) as caught:
        streamify.transcode(source, tmp_path / "strict", **STRICT)
    assert isinstance(caught.value, TasksFailed)
    assert [failure.code for failure in caught.value.failures] == ["too-many-lost"]
    assert "leave out --strict" in caught.value.message
    assert "--loss-limit" not in caught.value.message
    assert not (tmp_path / "strict" / "master.m3u8").exists()
    events: list[Event] = []
    once_more: SettingsDict = {**STRICT, "replace": True}
    with pytest.raises(TasksFailed):
        streamify.transcode(source, tmp_path / "strict", on_event=events.append, **once_more)
    assert not [event.message for event in events if "made anew" in event.message]  # it would be damaged again


class Held:
    """A DEST that nobody else wants."""

    alone = True

    def beat(self) -> None: ...

    def check(self) -> None: ...


def whole_sound(folder: Path) -> Path:
    return made(folder / "film.mp4", 3, 0, "-c:v", "mpeg4", "-c:a", "aac")


@pytest.mark.parametrize(
    ("make", "heard", "published"),
    [(zeroed_sound, 3, False), (zeroed_sound, 1, False), (whole_sound, 3, True), (whole_sound, 1, False)],
)
def test_damaged_sound_is_not_published_early(
    make: Callable[[Path], Path], heard: int, published: bool, tmp_path: Path
) -> None:
    """Of three segments those of pictures are there but for the last one, and the first of sound, or all.

    What is damaged of sound stands with its last segment, for all three are one piece.
    """
    source, dest = make(tmp_path), tmp_path / "dest"
    settings: SettingsDict = {
        **STRICT,
        "segment_seconds": 1,
        "keyframe_seconds": 1,
        "poster": "off",
        "publish": "final",
    }
    try:
        streamify.transcode(source, dest, **settings)
    except TasksFailed:
        assert make is zeroed_sound
    media = LocalStorage(dest)
    for name in ("master.m3u8", "manifest.mpd", "report.json"):
        media.delete(name)
    plan = read_plan(media)
    assert plan is not None
    assert plan.segments == 3
    [video], [audio] = plan.video, plan.audio
    done = {(video.id, 0), (video.id, 1), *((audio.id, index) for index in range(heard))}
    publisher = EarlyPublisher(plan, media, Held(), done, local=False, clock=lambda: 0.0)
    publisher.look()
    publisher.close()
    assert (dest / "master.m3u8").exists() == published
