"""Captions inside the pictures as subtitle tracks: judged by the pairs that films were made of, and by ffmpeg."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import cast

import pytest

from clips.captioned import NULL, PADDING, dvd, film, inject, packets, pair, pop_on, text_of, window
from clips.joined_sound import ffmpeg
from e2e.driving import rungs, streamify
from players_harness import Browsers, Player, play
from selection import sample
from streamify.api import plan, probe, transcode, verify
from streamify.errors import SourceError, UsageError, VerificationFailed
from streamify.jobs.words import forget_words, tasks_of
from streamify.manifests.webvtt import read_back
from streamify.model.report import Report
from streamify.model.result import TextResult
from streamify.settings.arguments import SettingsDict
from streamify.storage.base import Stores
from streamify.storage.local import LocalStorage
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

RATE = 30
EDM = pair(0x14, 0x2C)
FAST: SettingsDict = {
    "preset": "ultrafast", "ladder": rungs(64), "thumbnails": "off", "poster": "off", "segment_seconds": Fraction(1),
    "keyframe_seconds": Fraction(1), "short_start": False,
}  # fmt: skip


def fast(**given: object) -> SettingsDict:
    """Return settings that cost little, and those given."""
    return cast("SettingsDict", {**FAST, "engine": "inline", **given})


LINES = {"CC1": {"Good evening": (30, 75), "What is said there?": (100, 128)}, "CC3": {"Buenas noches": (40, 110)}}
"""Lines with the pictures from which and until which they are shown: one of each channel over a join."""


def said(number: int, shift: int = 0) -> bytes:
    """Return the triples of a picture: CC1 in field 1, CC3 in field 2."""
    found = [NULL, pair(0, 0, 1)]
    for field, lines in enumerate(LINES.values()):
        for text, (start, end) in lines.items():
            pairs = pop_on(text, field=field)
            first = start - (len(pairs) - 2)  # the first of the two that show it
            if first <= number + shift < first + len(pairs):
                found[field] = pairs[number + shift - first]
            elif number + shift == end:
                found[field] = pair(0x14 | field, 0x2C, field)
    return b"".join(found) + PADDING


def made(folder: Path, codec: str = "h264", muxer: str = "mp4", rate: int = RATE, frames: int = 150) -> Path:
    """Make a film in which the lines are shown; at twice the rate each second picture has them."""
    by = rate // RATE
    carried: Callable[[int], bytes] = lambda number: said(number // by) if number % by == 0 else PADDING  # noqa: E731
    plain = film(folder / "plain.ts", codec, frames * by, str(rate))
    return inject(plain, folder / "film", codec, carried, muxer)


def words(dest: Path) -> dict[str, list[tuple[int, int, str]]]:
    """Return the cues of each track by its name: first picture, picture behind the last, text."""
    report = Report.from_json((dest / "report.json").read_bytes())
    found = {}
    for one in report.subtitles:
        parts = [[*read_back((dest / one.folder / f"{n:05d}.vtt").read_text())] for n in range(len(one.segments.size))]
        whole = [*read_back((dest / one.folder / "all.vtt").read_text())]
        assert {cue for part in parts for cue in part} == set(whole)
        assert one.found == one.cues + one.left_out
        assert one.cues == len(whole)
        found[one.name] = [(frame(cue.start), frame(cue.end), cue.text) for cue in whole]
    return found


def frame(milliseconds: int) -> int:
    return round(Fraction(milliseconds, 1000) * RATE)


WANTED = [[(start, end, text) for text, (start, end) in lines.items()] for lines in LINES.values()]


@pytest.mark.parametrize(
    ("codec", "muxer", "rate"),
    [
        ("h264", "mp4", 30),
        pytest.param("h264", "matroska", 30, marks=pytest.mark.long),
        pytest.param("hevc", "mpegts", 30, marks=pytest.mark.long),
        pytest.param("mpeg2", "mpeg", 30, marks=pytest.mark.long),
        pytest.param("mpeg2", "mpegts", 30, marks=pytest.mark.long),
        pytest.param("h264", "mp4", 120, marks=pytest.mark.long),  # every second picture is left out
    ],
)
def test_both_channels(tmp_path: Path, codec: str, muxer: str, rate: int) -> None:
    """With open GOPs, in whichever order packets lie in the file; a line over a join is in both segments."""
    source, dest = made(tmp_path, codec, muxer, rate), tmp_path / "dest"
    report = transcode(source, dest, **fast(caption_tracks="CC1:en,CC3:es"))
    assert words(dest) == {"English (SDH)": WANTED[0], "Español (SDH)": WANTED[1]}
    assert [(one.language, one.role) for one in report.subtitles] == [("en", "sdh"), ("es", "sdh")]
    assert report.subtitles[0].segments.cues == (0, 1, 1, 1, 1)  # over the join at 60; over that at 120
    assert verify(dest, source).faults == ()
    master, mpd = (dest / "master.m3u8").read_text(), (dest / "manifest.mpd").read_text()
    assert re.search(r'TYPE=SUBTITLES.*LANGUAGE="es".*CHARACTERISTICS="public\.accessibility', master)
    assert re.search(r'TYPE=CLOSED-CAPTIONS.*LANGUAGE="es".*INSTREAM-ID="CC3"', master)
    assert 'value="CC1=eng;CC3=spa"' in mpd
    assert mpd.count('mimeType="text/vtt"') == 2
    judged = [line for line in text_of(source).splitlines() if line and "<font" in line]
    assert [re.sub(r"<[^>]*>|{[^}]*}", "", line).strip() for line in judged] == list(LINES["CC1"])


def served(number: int) -> bytes:
    """Return the triples of a picture with two services of CEA-708, and CC1 beside them.

    Of service 1 a packet begins in one picture and ends in the next; one picture stands in a join, as do the words.
    """
    words = {20: window() + b"Good evening", 30: b"\x89\x01", 75: b"\x8f"}
    spanish = {31: window(visible=True) + b"Buenas noches, se\xf1ora", 110: b"\x8c\x01"}
    triples = [*packets((1, words[number]), sequence=[*words].index(number))] if number in words else []
    if number in (20, 21):  # one packet in two pictures
        whole = packets((1, words[20]), sequence=0)
        triples = whole[:4] if number == 20 else whole[4:]
    if number in spanish:
        triples += packets((2, spanish[number]), sequence=0)
    return said(number).replace(PADDING, b"".join(triples) or PADDING)


SERVED = [[(30, 75, "Good evening")], [(31, 110, "Buenas noches, se\xf1ora")]]


@pytest.mark.parametrize(
    ("codec", "muxer"),
    [
        ("h264", "mp4"),
        pytest.param("hevc", "mpegts", marks=pytest.mark.long),
        pytest.param("mpeg2", "mpeg", marks=pytest.mark.long),
    ],
)
def test_services_of_cea_708(tmp_path: Path, codec: str, muxer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in three parts; packets and words lie over joins. No other reader is here, so `verify` names them."""
    monkeypatch.setattr("streamify.jobs.words.caption_parts", lambda segments, size: min(3, segments))
    source = inject(film(tmp_path / "plain.ts", codec, 150, str(RATE)), tmp_path / "film", codec, served, muxer)
    dest = tmp_path / "dest"
    assert probe(source).captions == ("CC1", "CC3", "SERVICE1", "SERVICE2")
    auto = plan(source, **fast(caption_tracks="auto"))
    assert [track.source for track in auto.text] == ["captions CC1", "captions CC3"]
    assert [note.why for note in auto.notes if "CEA-708" in note.what and "SERVICE1" in note.what][-1:] == [
        "kept in the pictures; --caption-tracks SERVICE1,SERVICE2 makes subtitles of them"
    ]
    report = transcode(source, dest, **fast(caption_tracks="CC1:en,SERVICE1:fr,SERVICE2:es"))
    assert words(dest) == {"English (SDH)": WANTED[0], "Français (SDH)": SERVED[0], "Español (SDH)": SERVED[1]}
    assert report.subtitles[1].segments.cues == (0, 1, 1, 0, 0)
    found = verify(dest, source)
    assert found.faults == ()
    assert [one for one in found.unread if "SERVICE" in one] == [
        "the words of captions SERVICE1, captions SERVICE2 with the source: nothing else here reads CEA-708"
    ]
    assert 'value="1=lang:fre;2=lang:spa"' in (dest / "manifest.mpd").read_text()


@pytest.mark.long
def test_groups_of_a_dvd(tmp_path: Path) -> None:
    """The codes of twelve pictures are in the first of them: each counts for its own frame."""
    rate, group = Fraction(30000, 1001), 12
    plain = film(tmp_path / "plain.ts", "mpeg2", 144, rate, "-bf", "0")

    def carried(number: int) -> bytes:
        return b"".join(said(n)[:6] for n in range(number, number + group)) if number % group == 0 else b""

    source, dest = inject(plain, tmp_path / "film", "mpeg2", carried, "mpeg", dvd), tmp_path / "dest"
    report = transcode(source, dest, **fast(caption_tracks="auto"))
    assert report.subtitles[0].cues == 2
    cues = [*read_back((dest / report.subtitles[0].folder / "all.vtt").read_text())]
    found = [(round(cue.start * rate / 1000), round(cue.end * rate / 1000), cue.text) for cue in cues]
    assert found == WANTED[0]
    assert verify(dest, source).faults == ()


@pytest.mark.long
def test_a_track_of_captions(tmp_path: Path) -> None:
    """``c608`` of MOV and MP4, as the system's ffmpeg writes it, is a subtitle track like any other."""
    inside = made(tmp_path)
    source, dest = tmp_path / "c608.mov", tmp_path / "dest"
    ffmpeg("-i", tmp_path / "plain.ts", "-f", "lavfi", "-i", f"movie={inside}[out+subcc]", "-map", "0:v", "-map", "1:s",
           "-c", "copy", "-metadata:s:s:0", "language=eng", source)  # fmt: skip
    report = transcode(source, dest, **fast())
    assert report.source.captions is None
    assert words(dest) == {"English (SDH)": WANTED[0]}
    assert [note.what for note in report.notes if "subtitle stream" in note.what] == []
    assert verify(dest, source).faults == ()


@pytest.mark.long
def test_the_same_bytes_on_every_engine(tmp_path: Path) -> None:
    source = made(tmp_path)
    for engine, workers in (("inline", None), ("local", 2)):
        transcode(source, tmp_path / engine, **fast(engine=engine, workers=workers, caption_tracks="auto"))
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in sorted((tmp_path / name).rglob("*.vtt"))}
        for name in ("inline", "local")
    )
    assert len(one) == 12
    assert one == two


@pytest.mark.long
@pytest.mark.parametrize(
    ("start", "codec", "muxer"),
    [
        (Fraction(50, RATE), "h264", "mp4"),
        pytest.param(Fraction(90, RATE), "h264", "mp4", marks=pytest.mark.long),
        pytest.param(Fraction(50, RATE), "hevc", "matroska", marks=pytest.mark.long),
        pytest.param(Fraction(50, RATE), "mpeg2", "mpeg", marks=pytest.mark.long),
        pytest.param(Fraction(50, RATE), "h264", "mpegts", marks=pytest.mark.long),
        pytest.param(Fraction(50, RATE), "h264", "flv", marks=pytest.mark.long),
    ],
)
def test_a_part_of_the_film(tmp_path: Path, start: Fraction, codec: str, muxer: str) -> None:
    """What was on the screen when the part begins is shown; its pairs lie in front of it. At its end likewise."""
    source, dest = made(tmp_path, codec, muxer), tmp_path / "dest"
    transcode(source, dest, **fast(caption_tracks="auto", from_=start, to=Fraction(120, RATE)))
    first, last = round(start * RATE), 120 - round(start * RATE)
    wanted = [
        [(max(0, begin - first), min(last, end - first), text) for begin, end, text in lines if end > first]
        for lines in WANTED
    ]
    assert words(dest) == {"Subtitles CC1": wanted[0], "Subtitles CC3": wanted[1]}
    assert verify(dest, source).faults == ()


def test_plan_probe_and_notes(tmp_path: Path) -> None:
    source = made(tmp_path)
    assert probe(source).captions == ("CC1", "CC3")
    planned = plan(source, **fast(caption_tracks="auto"))
    assert [track.source for track in planned.text] == ["captions CC1", "captions CC3"]
    assert plan(source, **fast()).text == ()
    assert [track.id for track in plan(source, **fast()).video] == [track.id for track in planned.video]
    shown = streamify("plan", source, "--caption-tracks", "CC1:en", "--ladder", "auto").out
    assert re.search(r"subtitles +WebVTT +en +English \(SDH\) +captions CC1", shown)
    dest = tmp_path / "dest"
    report = transcode(source, dest, **fast(caption_tracks="CC1,CC4:fr.commentary"))
    assert [(note.kind, note.what) for note in report.notes if note.what.startswith("captions CC")] == [
        ("info", "captions CC3"), ("dropped", "captions CC4"),
    ]  # fmt: skip
    assert list(words(dest)) == ["Subtitles CC1"]
    for wrong in ("CC5", "CC1,CC1:en", "en:CC1", "CC1:klingonisch", "SERVICE0", "SERVICE64", ""):
        with pytest.raises(UsageError, match="caption_tracks"):
            plan(source, **fast(caption_tracks=wrong))
    without = film(tmp_path / "none.mp4", "h264", 30, str(RATE))
    notes = plan(without, **fast(caption_tracks="auto")).notes
    assert [note.what for note in notes if "captions" in note.what] == ["no captions are made into subtitle tracks"]


@pytest.mark.long
def test_captions_that_split_did_not_see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that is named is looked for in all of the film."""
    monkeypatch.setattr("streamify.media.source.indexed.sampled", lambda *_, **__: None)
    source, dest = made(tmp_path), tmp_path / "dest"
    report = transcode(source, dest, **fast(caption_tracks="CC1"))
    assert report.source.captions is None
    assert words(dest) == {"Subtitles CC1": WANTED[0]}


@pytest.mark.long
def test_words_that_the_source_does_not_say_are_found(tmp_path: Path) -> None:
    """A word is changed in all files of a track and in what the report says of them: only the source can tell."""
    source, dest = made(tmp_path), tmp_path / "dest"
    transcode(source, dest, **fast(caption_tracks="CC1"))
    report = json.loads((dest / "report.json").read_text())
    track = report["subtitles"][0]
    for path in sorted((dest / track["folder"]).glob("*.vtt")):
        data = path.read_bytes().replace(b"evening", b"morning")
        path.write_bytes(data)
        if path.name == "all.vtt":
            track["sha256"] = sha256(data).hexdigest()
        else:
            track["segments"]["sha256"][int(path.stem)] = sha256(data).hexdigest()
    (dest / "report.json").write_text(json.dumps(report))
    assert verify(dest).faults == ()
    with pytest.raises(VerificationFailed, match="the source says 'Goodevening'"):
        verify(dest, source)


@pytest.mark.players
@pytest.mark.long
@pytest.mark.parametrize("player", sample(["hlsjs", "shaka", "dashjs"], "hlsjs"))
def test_players_show_them(tmp_path: Path, browsers: Browsers, player: Player) -> None:
    source, dest = made(tmp_path), tmp_path / "dest"
    transcode(source, dest, **fast(caption_tracks="CC1:en"))
    name = "English (SDH)"
    result = play(browsers, dest, player, "words", cues=[(name, 2)])
    assert result["problems"] == []
    shown = next(one for one in result["words"] if one["name"] == name)
    found = [(round(cue["startTime"] * RATE), round(cue["endTime"] * RATE), cue["text"]) for cue in shown["cues"]]
    assert sorted(found) == WANTED[0]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read captions in three parts, as those of a long film."""
    monkeypatch.setattr("streamify.jobs.words.caption_parts", lambda segments, size: min(3, segments))


@pytest.mark.usefixtures("in_parts")
def test_a_long_film_is_read_in_parts_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines go over the joins of parts; the task that finds all parts there makes the tracks; any may run twice.

    Parts of another division, as another release may have left them, are not taken. Captions beyond the limit are
    refused, also where they were kept under another one.
    """
    source, dest = made(tmp_path), tmp_path / "dest"
    given = fast(caption_tracks="CC1:en,CC3:es")
    transcode(source, dest, **given)
    assert words(dest) == {"English (SDH)": WANTED[0], "Español (SDH)": WANTED[1]}
    assert verify(dest, source).faults == ()
    media = LocalStorage(dest)
    job = read_plan(media)
    assert job is not None
    files = {path: path.read_bytes() for path in (dest / "subtitles").rglob("*.vtt")}
    tasks = list(tasks_of(job, job.text))
    assert [task.key for task in tasks] == [f"text/captions/{part:05d}" for part in range(3)]
    stores = Stores(uploads=LocalStorage(source.parent), media=media)

    def run(number: int) -> bool:
        """Run a task; return whether it made the tracks."""
        result = run_task(tasks[number], stores)
        assert isinstance(result, TextResult)
        assert all(path.read_bytes() == data for path, data in files.items() if path.exists())
        return {record.track for record in result.records} == {track.id for track in job.text}

    forget_words(job, media)
    assert [run(number) for number in (2, 0, 2, 1, 0)] == [False, False, False, True, True]
    assert {path for path in files if path.exists()} == {*files}
    [*parts] = (dest / ".streamify/text").glob("*/*.json")
    assert len(parts) == 3
    min(parts).write_text("{}")
    assert not run(1)
    assert run(0)
    with monkeypatch.context() as patch:
        patch.setattr("streamify.tasks.captions.CAPTION_BYTES", 100)
        with pytest.raises(SourceError, match="part 1 of 3 has more than 100 bytes of captions"):
            run(0)
    monkeypatch.setattr("streamify.jobs.words.caption_parts", lambda *_: 2)
    tasks = list(tasks_of(job, job.text))
    assert [run(number) for number in (1, 0)] == [False, True]
    forget_words(job, media)
    assert not [*(dest / ".streamify/text").glob("*/*.json")]
