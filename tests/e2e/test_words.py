"""Words of films, from the source to WebVTT in segments: judged by the lines that films were made of, and by ffmpeg."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from itertools import pairwise, product
from pathlib import Path

import m3u8
import pytest

from clips.timed_samples import EMPTY, Sample, vttc, with_samples
from clips.words import ENGLISH, HEBREW, JAPANESE, SDH, SIGNS, Line, pictures, srt, stamp, subtitled
from e2e.driving import streamify, verify
from players_harness import served
from selection import sample
from streamify.api import plan, transcode
from streamify.errors import TasksFailed, UsageError, VerificationFailed
from streamify.manifests.webvtt import read_back
from streamify.media.text.embedded import read_embedded
from streamify.media.text.witness import witnessed
from streamify.model.cue import Cue
from streamify.model.report import Report
from streamify.model.settings import Settings
from streamify.settings.arguments import SettingsDict

TRACKS = [(ENGLISH, "eng", "0"), (HEBREW, "heb", "0"), (JAPANESE, "jpn", "0"), (SIGNS, "eng", "forced")]
TRACKS += [(SDH, "eng", "hearing_impaired")]
FAST: SettingsDict = {
    "preset": "ultrafast", "ladder": "auto", "thumbnails": "off", "poster": "off", "engine": "inline"
}  # fmt: skip


def bare(text: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", text)).strip()


def said(lines: list[Line]) -> list[tuple[str, str, str]]:
    """Return what was put in: times to the millisecond, and the words."""
    return [(stamp(start, "."), stamp(end, "."), re.sub(r"</?[bi]>", "", text)) for start, end, text in lines]


def read(file: Path) -> list[tuple[str, str, str]]:
    """Return the cues of a WebVTT file, by a reader that knows nothing of ours."""
    found = []
    for block in file.read_text().split("\n\n")[1:]:
        lines = block.strip().split("\n")
        place = next((number for number, line in enumerate(lines) if "-->" in line), None)
        if place is not None:
            start, end = re.findall(r"[\d:.]{12}", lines[place])[:2]
            found.append((start, end, bare("\n".join(lines[place + 1 :]))))
    return found


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three languages, forced and SDH."""
    return subtitled(tmp_path_factory.mktemp("words") / "film.mkv", "srt", TRACKS)


@pytest.fixture(scope="module")
def dest(film: Path) -> Path:
    transcode(film, film.with_name("dest"), **FAST)
    return film.with_name("dest")


def report(dest: Path) -> Report:
    return Report.from_json((dest / "report.json").read_bytes())


def test_every_track_holds_its_words(dest: Path) -> None:
    made = report(dest).subtitles
    assert [(one.language, one.role, one.found, one.cues) for one in made] == [
        ("en", "main", 4, 4), ("he", "main", 2, 2), ("ja", "main", 2, 2), ("en", "forced", 1, 1), ("en", "sdh", 2, 2),
    ]  # fmt: skip
    for one, (lines, _, _) in zip(made, TRACKS, strict=True):
        assert read(dest / one.folder / "all.vtt") == said(lines)


def test_segments_lie_on_the_grid_of_the_pictures(dest: Path) -> None:
    """A cue is in every segment in which it is shown, with all of its time."""
    master = m3u8.load(str(dest / "master.m3u8"))
    video = m3u8.load(str(dest / master.playlists[0].uri))
    for one, (lines, _, _) in zip(report(dest).subtitles, TRACKS, strict=True):
        words = m3u8.load(str(dest / one.folder / "playlist.m3u8"))
        assert [part.duration for part in words.segments] == [part.duration for part in video.segments]
        at = 0.0
        for part in words.segments:
            file = dest / one.folder / part.uri
            assert file.read_text().startswith("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n")
            shown = [line for line in lines if line[0] < at + part.duration and line[1] > at]
            assert read(file) == said(shown)
            at += part.duration


def test_manifests_say_what_each_track_is(dest: Path) -> None:
    master = m3u8.load(str(dest / "master.m3u8"))
    offered = [one for one in master.media if one.type == "SUBTITLES"]
    assert [(one.language, one.forced, one.default, one.autoselect) for one in offered] == [
        ("en", "NO", "NO", "YES"), ("he", "NO", "NO", "YES"), ("ja", "NO", "NO", "YES"), ("en", "YES", "NO", "YES"),
        ("en", "NO", "NO", "YES"),
    ]  # fmt: skip
    assert [one.name for one in offered] == ["English", "עברית", "日本語", "English (forced)", "English (SDH)"]
    assert "public.accessibility.transcribes-spoken-dialog" in offered[4].characteristics
    assert all(variant.stream_info.subtitles == "subtitles" for variant in master.playlists)


def test_ffmpeg_reads_the_words_back(dest: Path, tmp_path: Path) -> None:
    """Its HLS and its DASH demuxer, and its own WebVTT decoder."""
    [english, *_] = report(dest).subtitles
    with served(dest) as url:
        command = ["ffmpeg", "-v", "error", "-i", f"{url}{english.folder}/all.vtt", "-f", "srt", "-"]
        whole = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    times = re.findall(r"([\d:,]{12}) --> ([\d:,]{12})", whole)
    assert times == [(stamp(start), stamp(end)) for start, end, _ in ENGLISH]
    assert "<i>Hello</i>, world & all" in whole


def test_verify_finds_the_words_whole_and_like_the_source(dest: Path, film: Path) -> None:
    assert verify(dest, source=film).faults == ()


@pytest.mark.parametrize("change", sample(["segment", "whole", "missing", "cut"], "segment", "missing"))
def test_verify_finds_faults(dest: Path, change: str) -> None:
    folder = dest / report(dest).subtitles[0].folder
    file = folder / ("all.vtt" if change == "whole" else "00001.vtt")
    before = file.read_bytes()
    try:
        if change == "missing":
            file.unlink()
        else:
            file.write_bytes(before[:-20] if change == "cut" else before.replace(b"join", b"jain"))
        with pytest.raises(VerificationFailed) as caught:
            verify(dest)
        assert folder.name in "".join(caught.value.faults)
    finally:
        file.write_bytes(before)


def test_a_source_that_says_something_else(film: Path, dest: Path, tmp_path: Path) -> None:
    """What is published is whole, but not what the source says: only the other way of reading it shows that."""
    other = subtitled(tmp_path / "film.mkv", "srt", [([(*line[:2], "changed") for line in ENGLISH], "eng", "0")])
    found = plan(film, engine="inline").text[0]
    cues = list(read_back((dest / found.folder / "all.vtt").read_text()))
    assert not list(witnessed(lambda: film.open("rb"), found, cues))
    assert len(list(witnessed(lambda: other.open("rb"), found, cues))) == 8


@pytest.mark.parametrize(
    ("name", "codec"),
    sample([("a.mp4", "mov_text"), ("a.mov", "mov_text"), ("b.mkv", "ass"), ("c.mkv", "webvtt")], ("b.mkv", "ass")),
)
def test_each_codec(tmp_path: Path, name: str, codec: str) -> None:
    # FFmpeg writes "<" into WebVTT as it is, which readers take for the start of a tag.
    english = [(*line[:2], line[2].replace("5 < 6", "5 or 6")) for line in ENGLISH] if codec == "webvtt" else ENGLISH
    path = subtitled(tmp_path / name, codec, [(english, "eng", "0"), (JAPANESE, "jpn", "0")])
    made = transcode(path, tmp_path / "dest", **FAST)
    assert [(one.language, one.found, one.cues) for one in made.subtitles] == [("en", 4, 4), ("ja", 2, 2)]
    for one, lines in zip(made.subtitles, (english, JAPANESE), strict=True):
        assert read(tmp_path / "dest" / one.folder / "all.vtt") == said(lines)
        assert "<i>Hello</i>" in (tmp_path / "dest" / made.subtitles[0].folder / "all.vtt").read_text()
    assert verify(tmp_path / "dest", source=path).faults == ()


TTML = (
    '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling">'
    "<body><div>{}</div></body></tt>"
)


def ttml(lines: list[Line]) -> str:
    """Return a document of TTML that says what lines of SubRip say."""
    told = ((start, end, re.sub(r"<(/?)[bi]>", "", text).replace("&", "&amp;")) for start, end, text in lines)
    texts = ((start, end, text.replace("<", "&lt;").replace("\n", "<br/>")) for start, end, text in told)
    return TTML.format("".join(f'<p begin="{start}s" end="{end}s">{text}</p>' for start, end, text in texts))


@pytest.mark.parametrize(("entry", "fragments"), sample(product(("stpp", "wvtt"), (False, True)), ("wvtt", True)))
def test_words_of_mp4_that_ffmpeg_has_no_decoder_for(tmp_path: Path, entry: str, fragments: bool) -> None:
    """Samples of 2 s hold what is shown in them: a cue over a join is in both, and is one cue."""
    samples: list[Sample] = []
    if entry == "stpp":
        for begin in range(0, 10, 2):
            inside = [line for line in ENGLISH if line[0] < begin + 2 and line[1] > begin]
            samples.append((begin, begin + 2, ttml(inside).encode()))
    else:
        times = sorted({0.0, 2.0, 4.0, 6.0, 10.0, *(time for line in ENGLISH for time in line[:2])})
        for start, end in pairwise(times):
            texts = [
                line[2].replace("&", "&amp;").replace("5 <", "5 &lt;") for line in ENGLISH if line[0] <= start < line[1]
            ]
            samples.append((start, end, b"".join(map(vttc, texts)) or EMPTY))
    film = with_samples(pictures(tmp_path / "p.mp4"), tmp_path / "f.mp4", entry, samples, fragments=fragments)
    made = transcode(film, tmp_path / "dest", **FAST)
    [words] = made.subtitles
    assert (words.language, words.found, words.cues, words.left_out) == ("en", 4, 4, 0)
    assert read(tmp_path / "dest" / words.folder / "all.vtt") == said(ENGLISH)
    blocks = ": without 1 STYLE block and 1 REGION block"
    assert any(note.what.endswith(blocks) for note in made.notes) == (entry == "wvtt")
    assert verify(tmp_path / "dest", source=film).faults == ()
    data = film.read_bytes().replace(b"over the join", b"over the jain")
    film.with_name("other.mp4").write_bytes(data)
    cues = list(read_back((tmp_path / "dest" / words.folder / "all.vtt").read_text()))
    track = plan(film, engine="inline").text[0]
    assert len(list(witnessed(lambda: film.with_name("other.mp4").open("rb"), track, cues))) == 2


def test_the_witness_reads_samples_of_stpp_as_far_as_they_can_be_read(tmp_path: Path) -> None:
    """What is in front of the damage is in the stream, and in the source; what is nested too deep is in neither."""
    broken = ttml([(2.5, 3, "before"), (3, 3.5, "it ends here")]).replace("ends", "ends &")
    deep = ttml([(4.5, 5, "above"), (5, 5.5, "deep")]).replace("deep", "<span>" * 3000 + "deep" + "</span>" * 3000)
    samples = [(0.0, 2.0, ttml([(0.5, 1, "whole")])), (2.0, 4.0, broken), (4.0, 6.0, deep)]
    encoded = [(start, end, text.encode()) for start, end, text in samples]
    film = with_samples(pictures(tmp_path / "p.mp4"), tmp_path / "f.mp4", "stpp", encoded, fragments=False)
    track = plan(film, engine="inline").text[0]
    stream = track.recipe.stream or 0
    found = read_embedded(lambda: film.open("rb"), {stream: "it"}, codecs={stream: "stpp"})[stream].cues
    assert [cue.text for cue in found] == ["whole", "before", "above"]
    cues = [
        Cue(1 + place, round(one.start * 1000), round((one.end or 0) * 1000), one.text)
        for place, one in enumerate(found)
    ]
    assert list(witnessed(lambda: film.open("rb"), track, cues)) == []
    assert len(list(witnessed(lambda: film.open("rb"), track, cues[:1] + cues[2:]))) == 1


def test_files_of_ttml(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4", 3)
    (tmp_path / "film.en.ttml").write_text(ttml([(0.5, 1.0, "first & last")]))
    (tmp_path / "film.de.dfxp").write_text(ttml([(0.5, 1.0, "Grüße")]), encoding="utf-16")
    (tmp_path / "film.fr.xml").write_text(ttml([(0.5, 1.0, "salut")]))
    (tmp_path / "film.xml").write_text("<NonRealTimeMeta/>")  # as cameras write them: nobody's subtitles
    made = transcode(film, tmp_path / "dest", **FAST)
    words = {one.language: read(tmp_path / "dest" / one.folder / "all.vtt") for one in made.subtitles}
    assert {language: [cue[2] for cue in cues] for language, cues in words.items()} == {
        "en": ["first & last"], "de": ["Grüße"], "fr": ["salut"],
    }  # fmt: skip
    assert not any("film" in note.what for note in made.notes)


def test_files_beside_the_source_and_given(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4")
    (tmp_path / "film.de.srt").write_bytes(srt([(1.0, 2.0, "Grüße")]).encode("cp1252"))
    (tmp_path / "film.en.forced.vtt").write_text("WEBVTT\n\n00:03.000 --> 00:04.000 line:0\nEXIT\n")
    (tmp_path / "film.ru.sdh.srt").write_bytes(srt([(1.0, 2.0, "Привет")]).encode("utf-16"))
    (tmp_path / "films.fr.srt").write_text(srt([(1.0, 2.0, "another film")]))
    (tmp_path / "signs.ass").write_text(
        "[Script Info]\n[V4+ Styles]\nFormat: Name, Bold, Alignment\nStyle: Default,0,8\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,top\n"
    )
    ran = streamify(
        "transcode", film, tmp_path / "dest", "--preset", "ultrafast", "--thumbnails", "off", "--poster", "off",
        "--engine", "inline", "--subtitles", f"fr.default:{tmp_path}/signs.ass",
    )  # fmt: skip
    assert ran.code == 0
    made = {(one.language, one.role): one for one in report(tmp_path / "dest").subtitles}
    assert set(made) == {("de", "main"), ("en", "forced"), ("ru", "sdh"), ("fr", "main")}
    words = {key: read(tmp_path / "dest" / one.folder / "all.vtt") for key, one in made.items()}
    assert [cue[2] for cues in words.values() for cue in cues] == ["top", "Grüße", "EXIT", "Привет"]
    assert made["fr", "main"].default
    assert b"/" not in json.dumps([one.file for one in report(tmp_path / "dest").settings.subtitles]).encode()  # type: ignore[union-attr]
    settings: SettingsDict = {**FAST, "subtitles": f"fr.default:{tmp_path}/signs.ass"}
    again = transcode(film, tmp_path / "dest", **settings)
    assert again.tasks_run == 0


@pytest.mark.long
def test_a_file_of_another_film(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4")
    (tmp_path / "film.en.srt").write_text(srt([(1.0, 2.0, "here"), (600.0, 601.0, "far"), (700.0, 701.0, "farther")]))
    made = transcode(film, tmp_path / "dest", **FAST)
    [note] = [note for note in made.notes if note.what.startswith("film.en.srt")]
    assert note.what == "film.en.srt: 2 cues"
    assert "they begin from 600.000 s on" in note.why
    assert [(one.found, one.cues, one.left_out) for one in made.subtitles] == [(3, 1, 2)]
    strict: SettingsDict = {**FAST, "strict": True}
    with pytest.raises(TasksFailed, match=r"film\.en\.srt"):
        transcode(film, tmp_path / "strict", **strict)


def test_words_never_fail_the_film(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4", 3)
    (tmp_path / "film.en.srt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    made = transcode(film, tmp_path / "dest", **FAST)
    assert made.subtitles == ()
    assert any("film.en.srt" in note.what for note in made.notes)
    assert "SUBTITLES" not in (tmp_path / "dest" / "master.m3u8").read_text()


@pytest.mark.parametrize("text", ["WEBVTT\n", "print('-->')\n"])
def test_a_file_without_a_cue_is_refused_where_nothing_may_be_missing(tmp_path: Path, text: str) -> None:
    film = pictures(tmp_path / "film.mp4", 1)
    (tmp_path / "some.txt").write_text(text)
    strict: SettingsDict = {**FAST, "strict": True, "subtitles": f"en:{tmp_path}/some.txt"}
    with pytest.raises(TasksFailed, match="it holds no cue"):
        transcode(film, tmp_path / "dest", **strict)


def test_bad_settings(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4", 3)
    with pytest.raises(UsageError) as missing:
        transcode(film, tmp_path / "dest", subtitles="en:no.srt", engine="inline")
    assert missing.value.code == "subtitles-missing"
    with pytest.raises(UsageError, match="it is a folder"):
        transcode(film, tmp_path / "dest", subtitles=f"en:{tmp_path}")
    assert not (tmp_path / "dest").exists()
    large = tmp_path / "large.srt"
    with large.open("wb") as file:
        file.truncate(16_000_001)
    with pytest.raises(UsageError) as too_large:
        transcode(film, tmp_path / "dest", subtitles=f"en:{large}")
    assert too_large.value.code == "subtitles-too-large"


def test_off(film: Path) -> None:
    found = plan(film, subtitles="off", engine="inline")
    assert found.text == ()
    assert len([note for note in found.notes if note.why == "--subtitles off"]) == 5


def test_the_same_settings_in_every_place() -> None:
    flag = Settings(subtitles="en.sdh:a.srt,fr:b.vtt")  # type: ignore[arg-type]
    listed = [{"file": "a.srt", "language": "en", "role": "sdh"}, {"file": "b.vtt", "language": "fr"}]
    assert flag == Settings.model_validate({"subtitles": listed})


def test_only_words_are_made_again(film: Path, dest: Path) -> None:
    """A record that is gone, as after a kill: the words are made anew, with the same bytes, and nothing else is."""
    [english, *_] = report(dest).subtitles
    before = {file.name: file.read_bytes() for file in (dest / english.folder).iterdir()}
    (dest / ".streamify" / "text" / f"{english.id}.json").unlink()
    (dest / english.folder / "00001.vtt").unlink()
    again = transcode(film, dest, **FAST)
    assert again.tasks_run == 0
    assert {file.name: file.read_bytes() for file in (dest / english.folder).iterdir()} == before


@pytest.mark.parametrize("name", sample(["all.vtt", "00001.vtt"], "00001.vtt"))
@pytest.mark.parametrize("kept", sample([None, 20], 20))
def test_files_of_words_that_are_missing_or_damaged_are_made_again(
    film: Path, dest: Path, name: str, kept: int | None
) -> None:
    [english, *_] = report(dest).subtitles
    victim = dest / english.folder / name
    before = victim.read_bytes()
    victim.unlink()
    if kept is not None:
        victim.write_bytes(before[:kept])
    assert transcode(film, dest, **FAST).tasks_run == 0
    assert victim.read_bytes() == before


@pytest.mark.long
def test_words_behind_the_most_that_is_kept_are_named(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamify.media.text.embedded.BYTES", 0)
    found = read_embedded(lambda: film.open("rb"), {1: "words"})[1]
    assert (len(found.cues), found.left_out, found.found) == (1, len(ENGLISH) - 1, len(ENGLISH))
    assert found.notes[0].what == f"words: {len(ENGLISH) - 1} packets at its end"


@pytest.mark.long
def test_a_cue_that_is_too_long_is_named_and_no_fault(tmp_path: Path) -> None:
    film = subtitled(tmp_path / "film.mkv", "srt", [([(0.5, 1.0, "la " * 4000), (1.0, 2.0, "short")], "eng", "0")])
    made = transcode(film, tmp_path / "dest", **FAST)
    assert [(one.found, one.cues, one.left_out) for one in made.subtitles] == [(2, 1, 1)]
    assert verify(tmp_path / "dest", film).faults == ()


@pytest.mark.long
def test_a_file_that_comes_later_makes_nothing_else_anew(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4", 3)
    assert transcode(film, tmp_path / "dest", **FAST).subtitles == ()
    (tmp_path / "film.en.srt").write_text(srt([(1.0, 2.0, "later")]))
    again = transcode(film, tmp_path / "dest", **FAST)
    assert (again.tasks_run, [one.cues for one in again.subtitles]) == (0, [1])
    (tmp_path / "film.en.srt").unlink()
    assert transcode(film, tmp_path / "dest", **FAST).subtitles == ()
    assert "SUBTITLES" not in (tmp_path / "dest" / "master.m3u8").read_text()


def test_overlapping_unordered_and_endless_cues(tmp_path: Path) -> None:
    film = pictures(tmp_path / "film.mp4")
    lines = [(5.0, 5.5, "third"), (1.0, 99999.0, "endless"), (1.0, 4.0, "first"), (6.0, 5.0, "backwards")]
    (tmp_path / "film.en.srt").write_text(srt(lines))
    made = transcode(film, tmp_path / "dest", **FAST)
    [words] = made.subtitles
    cues = read(tmp_path / "dest" / words.folder / "all.vtt")
    assert [cue[2] for cue in cues] == ["first", "endless", "third"]
    assert cues[1][:2] == ("00:00:01.000", "00:00:10.000")
    assert any("end before they begin" in note.why for note in made.notes)


@pytest.mark.long
def test_more_than_an_hour_with_eleven_hundred_cues(tmp_path: Path) -> None:
    """Every cue is where it was, also where times have hours."""
    seconds = 66 * 60
    lines = [(3.6 * number, 3.6 * number + 3.0, f"line {number}, é") for number in range(1100)]
    inputs = ["-f", "lavfi", "-i", f"testsrc=size=32x32:duration={seconds}:rate=1", "-c:v", "libx264"]
    subprocess.run(
        ["ffmpeg", "-v", "error", *inputs, "-preset", "ultrafast", "-g", "6", tmp_path / "f.mp4"], check=True
    )
    (tmp_path / "f.en.srt").write_text(srt(lines))
    made = transcode(tmp_path / "f.mp4", tmp_path / "dest", **FAST)
    [words] = made.subtitles
    assert (words.found, words.cues, len(words.segments.size)) == (1100, 1100, made.source.duration // 6 + 1)
    assert read(tmp_path / "dest" / words.folder / "all.vtt") == said(lines)
