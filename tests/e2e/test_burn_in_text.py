"""Text drawn into pictures: in the same pictures and at the same place as libass draws it, the same bytes anywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from clips.joined_sound import ffmpeg
from clips.words import srt
from e2e.driving import verify
from e2e.test_burn_in import RUNG, forge, hashes, made, ours, planes
from streamify.errors import SourceError, UsageError, VerificationFailed
from streamify.jobs.fonts import read_font
from streamify.model.settings import MediaSettings, Rung

SIZE = (320, 180)
LINES = [
    (0.52, 1.48, "Hello, <i>world</i>\nand a second line"),
    (1.8, 3.2, "{\\an8}on top"),
    (2.4, 4.0, "two at once"),
]
SMALL = Rung(name="90p", short_side=90, crf=1, maxrate=20_000_000)
Flags = npt.NDArray[np.bool_]


def film(path: Path, *, lines: Sequence[tuple[float, float, str]] = LINES, codec: str = "srt", colour: str = "gray",
         attached: Path | None = None) -> Path:  # fmt: skip
    """Make a film of one colour, or of moving pictures, with a stream of text."""
    words = path.with_name("words.srt")
    words.write_text(srt(lines))
    source = f"{colour}=s=320x180:r=25:d=5" if colour == "testsrc2" else f"color={colour}:s=320x180:r=25:d=5"
    font = ["-attach", str(attached), "-metadata:s:t", "mimetype=font/ttf", "-metadata:s:t", "filename=a.ttf"]
    ffmpeg("-f", "lavfi", "-i", source, "-i", words, "-map", "0", "-map", "1", "-c:v", "libx264", "-preset",
           "ultrafast", "-crf", "12", "-g", "50", "-c:s", codec, "-metadata:s:s:0", "language=eng",
           *(font if attached is not None else []), path)  # fmt: skip
    return path


def ink(one: npt.NDArray[np.int16], bare: npt.NDArray[np.int16]) -> Flags:
    """Return where the luma of pictures is far from that of the film without words."""
    return np.asarray(np.abs(one[:, 0] - bare[: len(one), 0]) > 30, np.bool_)


def box(flags: Flags) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what is set in a picture."""
    rows, columns = np.where(flags.any(axis=1))[0], np.where(flags.any(axis=0))[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def test_the_pictures_and_places_are_those_of_libass(tmp_path: Path) -> None:
    source = film(tmp_path / "f.mkv")
    report = made(source, tmp_path / "s", burn_in="en")
    assert [track.kind for track in report.tracks] == ["video"]  # what is drawn is no subtitle track, too
    bare = planes(["-i", str(source)], SIZE)
    found, wanted = (
        ink(one, bare)
        for one in (ours(tmp_path / "s", report), planes(["-i", str(source), "-vf", f"subtitles={source}"], SIZE))
    )
    assert found.any(axis=(1, 2)).tolist() == wanted.any(axis=(1, 2)).tolist()  # picture by picture
    first, theirs = box(found[20]), box(wanted[20])
    assert abs((first[0] + first[2]) - (theirs[0] + theirs[2])) <= 4  # both in the middle
    assert first[1] > 120
    assert first[3] <= 180 * 0.97
    both = found[65]  # on top, and at the bottom
    assert both[:60].any()
    assert both[130:].any()
    assert not both[60:130].any()
    notes = {note.what: note.kind for note in report.notes}
    assert notes["subtitle stream 1 (subrip, eng)"] == "converted"


@pytest.mark.long
def test_the_same_bytes_on_every_engine_and_verify_finds_what_is_not_drawn(tmp_path: Path) -> None:
    source, ladder = film(tmp_path / "f.mkv", colour="testsrc2"), (RUNG, SMALL)
    report = made(source, tmp_path / "one", engine="inline", ladder=ladder, short_start=False)
    made(source, tmp_path / "two", workers=2, ladder=ladder, short_start=False)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")
    assert verify(tmp_path / "one", source).faults == ()
    bare = made(source, tmp_path / "bare", engine="inline", burn_in=None, ladder=ladder, short_start=False)
    assert bare.tracks[0].id != report.tracks[0].id
    plain, drawn = tmp_path / "bare" / bare.tracks[0].folder, tmp_path / "one" / report.tracks[0].folder
    (drawn / "00001.m4s").write_bytes((plain / "00001.m4s").read_bytes())
    forge(tmp_path / "one", report, 1)
    with pytest.raises(VerificationFailed, match="does not show its subtitles"):
        verify(tmp_path / "one", source)


def test_a_file_beside_the_film_and_what_its_font_lacks(tmp_path: Path) -> None:
    source = film(tmp_path / "f.mkv", lines=[(1, 2, "of the stream")])
    (tmp_path / "f.en.srt").write_text(srt([(0.52, 1.48, "of the file"), (2, 3, "漢字")]))  # which DejaVu has not
    report = made(source, tmp_path / "s", burn_in="en", engine="inline")
    shown = ink(ours(tmp_path / "s", report), planes(["-i", str(source)], SIZE)).any(axis=(1, 2))
    assert np.where(shown)[0].tolist() == [*range(13, 37), *range(50, 75)]
    assert [(one.language, one.cues) for one in report.subtitles] == [("en", 1)]  # that of the stream
    notes = {note.what: (note.kind, note.why) for note in report.notes}
    assert notes["f.en.srt: 2 characters drawn as boxes: 字漢"] == (
        "damaged", "no font has them (CJK): give one that does with --burn-in-font",
    )  # fmt: skip
    assert notes["f.en.srt"][0] == "converted"
    with pytest.raises(SourceError, match="drawn as boxes") as caught:
        made(source, tmp_path / "t", burn_in="en", engine="inline", strict=True)
    assert caught.value.code == "subtitles-incomplete"


def test_fonts_of_the_source_and_what_is_no_font(tmp_path: Path) -> None:
    """The font of the machine draws where the attached one cannot be used; one that is given must be usable."""
    broken = tmp_path / "a.ttf"
    broken.write_bytes(b"\0\1\0\0 no font at all" * 20)
    source = film(tmp_path / "f.mkv", attached=broken)
    report = made(source, tmp_path / "s", burn_in="en", engine="inline")
    notes = {note.what: note.why for note in report.notes}
    assert notes["font a.ttf of the source is not used"] == "it is no OpenType or TrueType font"
    for font, line in ((broken, "it is no OpenType"), (tmp_path / "none.ttf", "there is no such file")):
        with pytest.raises(UsageError, match=line) as caught:
            made(source, tmp_path / "t", burn_in="en", burn_in_font=font, engine="inline")
        assert caught.value.code == "burn-in-font"
        assert not (tmp_path / "t" / "master.m3u8").exists()


@pytest.mark.long
def test_another_font_is_another_address(tmp_path: Path) -> None:
    found, data = read_font(MediaSettings(burn_in="en"), here=True)
    assert found is not None
    other = tmp_path / "other.ttf"
    other.write_bytes(data + b"\0\0\0\0")
    source = film(tmp_path / "f.mkv")
    one = made(source, tmp_path / "one", burn_in="en", engine="inline")
    two = made(source, tmp_path / "two", burn_in="en", burn_in_font=other, engine="inline")
    assert one.tracks[0].id != two.tracks[0].id
    before = hashes(tmp_path / "two")
    other.unlink()
    (tmp_path / "two" / two.tracks[0].folder / "00001.m4s").unlink()
    (tmp_path / "two" / "report.json").unlink()
    from streamify.api import resume

    resume(str(tmp_path / "two"))  # the font is kept at DEST
    assert hashes(tmp_path / "two") == before


def test_the_extra_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = film(tmp_path / "f.mkv")
    monkeypatch.setitem(sys.modules, "uharfbuzz", None)
    with pytest.raises(UsageError, match="a package is missing: uharfbuzz") as caught:
        made(source, tmp_path / "s", burn_in="en", engine="inline")
    assert (caught.value.code, caught.value.hint) == ("burn-in-extra", "pip install 'streamify[burn]'")


def test_a_worker_is_ready_without_what_reads_and_draws_words() -> None:
    """Viewers wait for it: 46 ms of CPU time that most films do without, and the libraries of the extra."""
    names = ("uharfbuzz", "bidi", "streamify.media.text", "streamify.media.drawn", "streamify.tasks.burn")
    code = f"import streamify.tasks.run, sys; print([name for name in sys.modules if name.startswith({names})])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
