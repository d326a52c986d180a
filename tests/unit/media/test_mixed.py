"""Files joined byte by byte although one has no pictures: they are refused, and say where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from clips.numbered import remux
from clips.tones import tones, write_film, write_plain_wav
from stores import split
from streamify.errors import SourceError

FRAGMENTS = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film and sound alone, 2 s each, in every container; of `other` the tracks have other numbers."""
    folder = tmp_path_factory.mktemp("parts")
    wave = write_plain_wav(folder / "wave.wav", tones(1, 2))
    film = write_film(folder / "film.mkv", [wave], 2, "-c:a", "aac", "-g", "25")
    sound = remux(wave, folder / "sound.mkv", "-c:a", "aac")
    remux(film, folder / "other-film.mkv", "-map", "-0", "-map", "0:a", "-map", "0:v")
    for name, source in (("film", film), ("sound", sound)):
        remux(source, folder / f"live-{name}.mkv", "-live", "1")
        remux(source, folder / f"{name}.mp4")
        remux(source, folder / f"parts-{name}.mp4", *FRAGMENTS)
        remux(source, folder / f"{name}.ts")
        remux(source, folder / f"{name}.mpg", "-c:v", "mpeg2video", "-c:a", "mp2")
    remux(sound, folder / "other-sound.ts", "-streamid", "0:257")
    return folder


def joined(parts: Path, names: Sequence[str], out: Path) -> Path:
    out.write_bytes(b"".join((parts / name).read_bytes() for name in names))
    return out


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("film.mkv", "sound.mkv"), "track 1 is V_MPEG4/ISO/AVC, and A_AAC"),
        (("film.mkv", "sound.mkv", "film.mkv"), "track 1 is V_MPEG4/ISO/AVC, and A_AAC"),
        (("sound.mkv", "film.mkv"), "track 1 is A_AAC"),
        (("other-film.mkv", "sound.mkv"), "a clock of their own, and no picture"),
        (("live-film.mkv", "live-sound.mkv"), "track 1 is V_MPEG4/ISO/AVC, and A_AAC"),
        (("live-sound.mkv", "live-film.mkv"), "track 1 is A_AAC"),
        (("sound.mkv", "sound.mkv", "sound.mkv"), "is not read"),
        (("film.ts", "sound.ts"), "its stream of pictures has sound from byte"),
        (("film.ts", "sound.ts", "film.ts"), "its stream of pictures has sound from byte"),
        (("sound.ts", "film.ts"), "pictures begin behind byte"),
        (("film.ts", "other-sound.ts"), "a clock of their own, and no picture"),
        (("film.ts", "other-sound.ts", "film.ts"), "a clock of their own, and no picture"),
        (("other-sound.ts", "film.ts"), "pictures begin behind byte"),
        (("film.mp4", "sound.mp4"), "is not read"),
        (("sound.mp4", "film.mp4"), "is not read"),
        (("parts-film.mp4", "parts-sound.mp4"), "track 1 is avc1, and mp4a from byte"),
        (("parts-sound.mp4", "parts-film.mp4"), "track 1 is mp4a, and avc1 from byte"),
        (("film.mpg", "sound.mpg"), "a clock of their own, and no picture"),
        (("film.mpg", "sound.mpg", "film.mpg"), "a clock of their own, and no picture"),
        (("sound.mpg", "film.mpg"), "a clock of their own, and no picture"),
    ],
    ids=" ".join,
)
def test_sound_alone_beside_films_is_refused(names: Sequence[str], why: str, parts: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        split(joined(parts, names, tmp_path / f"joined{Path(names[0]).suffix}"))
    assert (caught.value.code, caught.value.exit_code) == ("source-joined", 3)
    assert why in caught.value.message
    assert "byte" in caught.value.message


@pytest.mark.parametrize(
    "name", ["film.mkv", "other-film.mkv", "live-film.mkv", "film.ts", "film.mpg", "sound.mkv", "sound.ts"]
)
def test_what_has_the_same_streams_may_be_joined(name: str, parts: Path, tmp_path: Path) -> None:
    whole = split(joined(parts, [name] * 2, tmp_path / f"joined{Path(name).suffix}"))
    assert whole.source.duration > 3.9


def test_tracks_that_the_first_file_lacks_are_refused(parts: Path, tmp_path: Path) -> None:
    """FFmpeg would pass over their packets without a word."""
    silent = remux(parts / "film.mkv", tmp_path / "silent.mkv", "-an")
    source = tmp_path / "joined.mkv"
    source.write_bytes(silent.read_bytes() + (parts / "film.mkv").read_bytes())
    with pytest.raises(SourceError, match=r"track 2, sound from byte \d+ on, is not in the first"):
        split(source)


@pytest.mark.parametrize(
    "changed",
    [
        ("-c:v", "libx264", "-g", "10"),
        ("-video_track_timescale", "24000"),
        ("-c:a", "aac", "-ar", "22050"),
    ],
)
def test_fragments_that_are_described_otherwise_are_refused(
    changed: Sequence[str], parts: Path, tmp_path: Path
) -> None:
    """FFmpeg reads the first description alone."""
    later = remux(parts / "film.mkv", tmp_path / "later.mp4", *changed, *FRAGMENTS)
    source = tmp_path / "joined.mp4"
    source.write_bytes((parts / "parts-film.mp4").read_bytes() + later.read_bytes())
    with pytest.raises(SourceError, match=r"tracks are described otherwise from byte \d+ on"):
        split(source)


def test_fragments_whose_times_came_before_are_read(parts: Path, tmp_path: Path) -> None:
    """FFmpeg has no decoder show them."""
    source = tmp_path / "joined.mp4"
    source.write_bytes((parts / "parts-film.mp4").read_bytes() * 3)
    found = split(source).source
    assert (found.coded, len(found.breaks)) == (150, 2)


def test_an_index_may_come_again_before_each_fragment(parts: Path, tmp_path: Path) -> None:
    """As recorders of streams write it; one fragment came twice."""
    data = (parts / "parts-film.mp4").read_bytes()
    head = data[: data.index(b"moof") - 4]
    source = tmp_path / "again.mp4"
    whole = data[len(head) : data.index(b"mfra") - 4]
    border = whole.index(b"moof", 8) - 4
    source.write_bytes(head + whole[:border] + head + whole[:border] + head + whole[border:])
    found = split(source).source
    assert found.video is not None
    assert (found.video.frames, found.left_out) == (50, 25)


def test_pictures_of_another_programme_are_none_of_a_radio_programme(parts: Path, tmp_path: Path) -> None:
    """They go on where the clock of its sound is set anew."""
    programmes = ("-program", "program_num=1:st=0:st=1", "-program", "program_num=2:st=2")
    both = remux(parts / "film.mkv", tmp_path / "both.ts", "-map", "0:a", *programmes)
    source = tmp_path / "joined.ts"
    source.write_bytes(both.read_bytes() * 2)
    found = split(source, program=2).source
    assert (found.video, found.program) == (None, 2)
    assert found.duration > 3.9
