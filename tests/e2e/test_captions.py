"""Captions inside the pictures: the bytes of each picture are those of the source; judged by the system's ffmpeg."""

from __future__ import annotations

import re
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest

import streamify
from clips.captioned import NULL, PADDING, film, inject, joined, numbered, pair, pop_on, read_back, text_of
from e2e.driving import rungs
from players_harness import Browsers, Player, play
from selection import sample
from streamify.model.report import Report

FRAMES = 60
RATE = Fraction(30000, 1001)


HALF = Fraction(1, 2)


def made(source: Path, dest: Path, *sides: int, engine: Literal["inline", "local"] = "inline") -> Report:
    report = streamify.transcode(
        source, dest, engine=engine, workers=2, preset="ultrafast", ladder=rungs(*sides), segment_seconds=HALF,
        keyframe_seconds=HALF,
    )  # fmt: skip
    assert streamify.verify(dest).faults == ()
    return report


def numbers(path: Path, rate: Fraction) -> dict[int, bytes]:
    """Return the triples of each picture by its number."""
    return {round(time * rate): triples for time, triples in read_back(path).items()}


@pytest.mark.parametrize(
    ("codec", "muxer"),
    [
        ("h264", "mp4"),
        pytest.param("mpeg2", "mpeg", marks=pytest.mark.long),
        pytest.param("h264", "mpegts", marks=pytest.mark.long),
        pytest.param("hevc", "matroska", marks=pytest.mark.long),
        pytest.param("mpeg2", "mpegts", marks=pytest.mark.long),
    ],
)
def test_each_picture_carries_its_own(tmp_path: Path, codec: str, muxer: str) -> None:
    """With open GOPs: a decoder that begins at a keyframe meets captions of pictures that it does not show."""
    source = inject(film(tmp_path / "a.ts", codec, FRAMES, RATE), tmp_path / "b", codec, numbered, muxer)
    report, dest = made(source, tmp_path / "dest", 64, 32), tmp_path / "dest"
    assert streamify.verify(dest, source).faults == ()
    wanted = {number: numbered(number) for number in range(FRAMES)}
    assert len(report.tracks) == 2
    for track in report.tracks:
        assert numbers(joined(dest, track.folder, tmp_path / "c.mp4"), RATE) == wanted
        begin = 0
        for index, count in enumerate(track.segments.frames):
            alone = read_back(joined(dest, track.folder, tmp_path / "d.mp4", slice(index, index + 1)))
            assert list(alone.values()) == [wanted[number] for number in range(begin, begin + count)]
            begin += count
    assert report.certificate.captions == sum(len(triples) for triples in wanted.values()) // 3
    master, mpd = (dest / "master.m3u8").read_text(), (dest / "manifest.mpd").read_text()
    assert 'TYPE=CLOSED-CAPTIONS,GROUP-ID="captions",NAME="Captions CC1"' in master
    assert master.count('CLOSED-CAPTIONS="captions"') == 2
    assert "CLOSED-CAPTIONS=NONE" not in master
    assert 'schemeIdUri="urn:scte:dash:cc:cea-608:2015" value="CC1=und"' in mpd
    assert [note.kind for note in report.notes if "captions" in note.what] == ["info"]


@pytest.mark.long
def test_a_second_decoder_reads_the_same_text(tmp_path: Path) -> None:
    said = [NULL + PADDING] * 6
    for text in ("Good evening", "What is said there?", "(music)"):
        said += [one + PADDING for one in pop_on(text)] + [NULL] * 6
    said += [NULL] * (90 - len(said))
    plain = film(tmp_path / "a.ts", "h264", 90, "30")
    source = inject(plain, tmp_path / "b.mp4", "h264", lambda number: said[number], "mp4")
    before = text_of(source)
    assert "What is said there?" in before
    report = made(source, tmp_path / "dest", 64, 32)
    after = text_of(joined(tmp_path / "dest", report.tracks[1].folder, tmp_path / "c.mp4"))
    assert after == before


@pytest.mark.long
def test_above_60_pictures_a_second(tmp_path: Path) -> None:
    """Every second picture is left out: its captions go with the next one, or with the last one of the segment."""
    plain = film(tmp_path / "a.ts", "h264", 120, "120")
    source = inject(plain, tmp_path / "b.mp4", "h264", numbered, "mp4")
    report = made(source, tmp_path / "dest", 64)
    found = numbers(joined(tmp_path / "dest", report.tracks[0].folder, tmp_path / "c.mp4"), Fraction(60))
    assert sorted(found) == list(range(60))
    assert b"".join(found[number] for number in sorted(found)) == b"".join(map(numbered, range(120)))
    starts = [sum(report.tracks[0].segments.frames[:n]) for n in range(len(report.tracks[0].segments.frames) + 1)]
    for begin, end in pairwise(starts):
        carried = b"".join(found[number] for number in range(begin, end))
        assert carried == b"".join(map(numbered, range(2 * begin, 2 * end)))
    assert found[starts[1]] == numbered(2 * starts[1])


@pytest.mark.long
def test_a_picture_of_each_field(tmp_path: Path) -> None:
    """The captions of an interlaced picture go with its first field."""
    weave = ("-vf", "interlace=scan=tff", "-flags", "+ilme+ildct", "-top", "1")
    plain = film(tmp_path / "a.ts", "mpeg2", 25, "50", *weave)
    source = inject(plain, tmp_path / "b.ts", "mpeg2", numbered, "mpegts")
    report = made(source, tmp_path / "dest", 64)
    assert report.tracks[0].frames == 50
    found = numbers(joined(tmp_path / "dest", report.tracks[0].folder, tmp_path / "c.mp4"), Fraction(50))
    assert found == {2 * number: numbered(number) for number in range(25)}


@pytest.mark.long
def test_pictures_that_stand(tmp_path: Path) -> None:
    """A picture that is shown again carries its captions once."""
    source = tmp_path / "b.mkv"
    plain = film(tmp_path / "a.ts", "h264", 30, "25", "-vf", "setpts='if(gt(N,14),N+50,N)/25/TB'", "-vsync", "vfr")
    inject(plain, source, "h264", numbered, "matroska")
    report = made(source, tmp_path / "dest", 64)
    assert report.tracks[0].frames > 30
    found = numbers(joined(tmp_path / "dest", report.tracks[0].folder, tmp_path / "c.mp4"), Fraction(25))
    assert found == {number if number < 15 else number + 50: numbered(number) for number in range(30)}


@pytest.mark.long
def test_the_same_bytes_on_every_engine_and_none_without_captions(tmp_path: Path) -> None:
    plain = film(tmp_path / "a.ts", "h264", FRAMES, RATE)
    source = inject(plain, tmp_path / "b.mp4", "h264", numbered, "mp4")
    one, two = made(source, tmp_path / "one", 64), made(source, tmp_path / "two", 64, engine="local")
    assert [track.segments for track in one.tracks] == [track.segments for track in two.tracks]
    without = made(plain, tmp_path / "three", 64)
    assert without.certificate.captions == 0
    assert "CLOSED-CAPTIONS=NONE" in (tmp_path / "three" / "master.m3u8").read_text()


def test_captions_that_split_did_not_see_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamify.media.source.indexed.sampled", lambda *_, **__: None)
    plain = film(tmp_path / "a.ts", "h264", FRAMES, RATE)
    source = inject(plain, tmp_path / "b.mp4", "h264", lambda number: numbered(number) if number > 45 else b"", "mp4")
    report = made(source, tmp_path / "dest", 64)
    assert [note.what for note in report.notes if note.kind == "dropped"] == [
        "captions inside the pictures (CEA-608/708)"
    ]


@pytest.mark.long
def test_captions_of_another_film_are_found(tmp_path: Path) -> None:
    """A letter is changed in a segment and in what the report says of its bytes: only the source can tell."""
    plain = film(tmp_path / "a.ts", "h264", FRAMES, RATE)
    source = inject(plain, tmp_path / "b.mp4", "h264", lambda number: pair(0x41, 0x42) if number == 20 else b"", "mp4")
    dest = tmp_path / "dest"
    folder = dest / made(source, dest, 64).tracks[0].folder
    data = (folder / "00001.m4s").read_bytes()
    changed = data.replace(pair(0x41, 0x42), pair(0x41, 0x43))
    assert changed != data
    (folder / "00001.m4s").write_bytes(changed)
    report = (dest / "report.json").read_text()
    before, after = (sha256(one).hexdigest() for one in (data, changed))
    (dest / "report.json").write_text(report.replace(before, after))
    assert streamify.verify(dest).faults == ()
    with pytest.raises(streamify.VerificationFailed, match=r"00001\.m4s: its captions are not those of the source"):
        streamify.verify(dest, source)


@pytest.mark.players
@pytest.mark.parametrize("player", sample(["hlsjs", "shaka"], "shaka"))
def test_players_show_them(tmp_path: Path, browsers: Browsers, player: Player) -> None:
    """A line whose characters come in one segment and which is shown in the next one, and one after it."""
    shown = {"On the other side": 24, "It ends here": 60}  # numbers of the pictures whose second EOC shows them
    said = [NULL] * 120
    for text, number in shown.items():
        pairs = pop_on(text)
        said[number + 1 - len(pairs) : number + 1] = pairs
    said[90:92] = [pair(0x14, 0x2C)] * 2  # the screen is cleared
    plain = film(tmp_path / "a.ts", "h264", 120, "30", size="160x90")
    source = inject(plain, tmp_path / "b.mp4", "h264", lambda number: said[number], "mp4")
    made(source, tmp_path / "dest", 90)
    result = play(browsers, tmp_path / "dest", player, "captions", rate=2)
    assert result["errors"] == []
    assert result["ended"]
    found = [(re.sub("<[^>]*>", "", text).strip(), start * 30, end * 30) for _, start, end, text in result["cues"]]
    assert [text for text, *_ in found] == list(shown)
    for (_, start, end), begin, until in zip(found, (24, 60), (60, 90), strict=True):
        assert start == pytest.approx(begin, abs=2)  # the first EOC of two may count
        assert end == pytest.approx(until, abs=2)
