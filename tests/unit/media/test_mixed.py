"""Files joined byte by byte although one has no pictures: they are refused, and say where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from clips.numbered import encode, remux
from clips.tones import tones, write_film, write_plain_wav
from stores import split
from streamify.errors import SourceError
from streamify.mp4.boxes import box, boxes

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
        remux(source, folder / f"{name}.flv")
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
        (("sound.flv", "film.flv"), "is not read"),
        (("sound.flv", "sound.flv"), "is not read"),
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


@pytest.mark.parametrize("suffix", ["wav", "aiff", "caf", "w64", "wma"])
def test_a_second_file_that_ffmpeg_does_not_read_is_refused(suffix: str, parts: Path, tmp_path: Path) -> None:
    first = remux(parts / "wave.wav", tmp_path / f"first.{suffix}", *(("-c:a", "wmav2") if suffix == "wma" else ()))
    assert split(first).source.duration > 1.9
    twice = tmp_path / f"twice.{suffix}"
    twice.write_bytes(first.read_bytes() * 2)
    with pytest.raises(SourceError) as caught:
        split(twice)
    assert caught.value.code == "source-joined"
    assert f"what begins at byte {first.stat().st_size} is not read" in caught.value.message


def test_tracks_that_the_first_file_lacks_are_refused(parts: Path, tmp_path: Path) -> None:
    """FFmpeg would pass over their packets without a word."""
    silent = remux(parts / "film.mkv", tmp_path / "silent.mkv", "-an")
    source = tmp_path / "joined.mkv"
    source.write_bytes(silent.read_bytes() + (parts / "film.mkv").read_bytes())
    with pytest.raises(SourceError, match=r"track 2, sound from byte \d+ on, is not in the first"):
        split(source)


@pytest.mark.parametrize("repeated", [0, 1])
def test_pictures_of_another_encoder_are_refused_unless_they_bring_their_parameters(
    repeated: int, parts: Path, tmp_path: Path
) -> None:
    """The second half was decoded with the first file's picture parameters, at 14 dB."""
    data = b""
    for qp in (20, 34):
        options = ("-an", "-c:v", "libx264", "-qp", str(qp), "-x264-params", f"repeat-headers={repeated}")
        data += remux(parts / "film.mkv", tmp_path / "part.mkv", *options, "-preset", "ultrafast").read_bytes()
    source = tmp_path / "joined.mkv"
    source.write_bytes(data)
    if repeated:
        assert split(source).source.duration > 3.9
    else:
        with pytest.raises(SourceError, match=r"track 1 is described otherwise from byte \d+ on"):
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


def moov_of(data: bytes) -> tuple[int, int]:
    at = data.index(b"moov") - 4
    return at, at + int.from_bytes(data[at : at + 4])


def made(source: Path, *parts: bytes) -> Path:
    source.write_bytes(b"".join(parts))
    return source


def test_titles_and_covers_may_differ(parts: Path, tmp_path: Path) -> None:
    """A cover of more than 1 MB, too, which comes in front of the fragments."""
    first, later = (parts / "parts-film.mp4").read_bytes(), (parts / "parts-film.mp4").read_bytes()
    start, end = moov_of(later)
    udta = box(b"udta", box(b"name", bytes(1 << 20)))
    later = later[:start] + box(b"moov", later[start + 8 : end], udta) + later[end:]
    found = split(made(tmp_path / "joined.mp4", first, later)).source
    assert (found.coded, len(found.breaks)) == (100, 1)


def test_a_later_track_of_text_is_refused(parts: Path, tmp_path: Path) -> None:
    """FFmpeg takes its samples for those of the track in front of it: words for sound."""
    first = (parts / "parts-film.mp4").read_bytes()
    start, end = moov_of(first)
    body = first[start + 8 : end]
    tracks = [body[one.start : one.end] for one in boxes(body) if one.kind == b"trak"]
    text = tracks[1].replace(b"soun", b"text").replace(b"mp4a", b"tx3g")
    at = text.index(b"tkhd") + 16
    text = text[:at] + (3).to_bytes(4) + text[at + 4 :]
    with pytest.raises(SourceError, match=r"track 3 is not there, and tx3g from byte \d+ on"):
        split(made(tmp_path / "joined.mp4", first, first[:start], box(b"moov", body, text), first[end:]))


@pytest.mark.parametrize(("sets", "why"), [("1", None), ("0", "described otherwise from byte")])
def test_pictures_may_bring_other_parameter_sets(sets: str, why: str | None, parts: Path, tmp_path: Path) -> None:
    """Decoders take those that come with the pictures; of `crf` the picture parameter set tells."""
    coded = (
        "-an",
        "-fps_mode",
        "passthrough",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-x264-params",
        f"repeat-headers={sets}",
        *FRAGMENTS,
    )
    films = [remux(parts / "film.mkv", tmp_path / f"{crf}.mp4", "-crf", crf, *coded) for crf in ("20", "35")]
    source = made(tmp_path / "joined.mp4", *(film.read_bytes() for film in films))
    if why is None:
        assert split(source).source.coded == 100
        return
    with pytest.raises(SourceError, match=why):
        split(source)


@pytest.mark.parametrize("options", [(), ("-movflags", "faststart")], ids=["behind", "in front"])
def test_films_of_quicktime_need_not_say_where_they_begin(options: Sequence[str], parts: Path, tmp_path: Path) -> None:
    data = remux(parts / "film.mkv", tmp_path / "film.mov", *options).read_bytes().replace(b"ftypqt", b"freeqt", 1)
    with pytest.raises(SourceError, match=r"what begins at byte \d+ is not read"):
        split(made(tmp_path / "joined.mov", data, data))
    start, end = moov_of(data)
    again = made(tmp_path / "again.mov", data, box(b"free", bytes(64)), data[start:end])
    assert split(again).source.coded == 50
    several = made(tmp_path / "several.mov", data, box(b"mdat", bytes(64)), box(b"mdat", bytes(64)))
    assert split(several).source.coded == 50


def test_a_film_behind_fragments_is_refused(parts: Path, tmp_path: Path) -> None:
    fragments, whole = ((parts / name).read_bytes() for name in ("parts-film.mp4", "film.mp4"))
    with pytest.raises(SourceError, match=f"what begins at byte {len(fragments)} is not read"):
        split(made(tmp_path / "joined.mp4", fragments, whole))
    start, end = moov_of(whole)
    kept = made(tmp_path / "kept.mp4", fragments, whole[start:end])  # an index of its own, without a beginning
    assert split(kept).source.coded == 50


def test_fragments_described_otherwise_are_refused_where_times_go_on(parts: Path, tmp_path: Path) -> None:
    """As of streams in several sizes whose player went from one to another."""
    first = (parts / "parts-film.mp4").read_bytes()
    other = remux(parts / "film.mkv", tmp_path / "other.mp4", "-c:v", "libx264", "-g", "10", *FRAGMENTS).read_bytes()
    border = first.rindex(b"moof") - 4
    same, changed = (film[: moov_of(film)[1]] for film in (first, other))
    found = split(made(tmp_path / "joined.mp4", first[:border], same, first[border:])).source
    assert (found.coded, found.breaks) == (50, ())
    with pytest.raises(SourceError, match=f"tracks are described otherwise from byte {border + 28} on"):
        split(made(tmp_path / "switched.mp4", first[:border], changed, first[border:]))


def test_a_damaged_index_behind_a_film_is_passed_over(parts: Path, tmp_path: Path) -> None:
    """Its track header, of 64 bits and of version 1, ends behind the first bytes."""
    stbl = box(b"stbl", box(b"stsd", bytes(8), box(b"avc1", bytes(78))))
    head = b"\0\0\0\1tkhd" + (32).to_bytes(8) + b"\1" * 16
    moov = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", stbl)), head))
    source = made(tmp_path / "damaged.mp4", (parts / "film.mp4").read_bytes(), box(b"ftyp", b"isom"), moov)
    assert split(source).source.coded == 50


CODECS = {"H.264": "libx264", "HEVC": "libx265", "MPEG-2": "mpeg2video"}


@pytest.mark.parametrize(
    ("first", "second", "pids"),
    [
        ("H.264", "HEVC", ()),
        ("H.264", "HEVC", ("-streamid", "0:512")),
        ("MPEG-2", "H.264", ()),
        ("HEVC", "MPEG-2", ()),
    ],
)
def test_a_transport_stream_whose_tables_name_another_codec_is_refused(
    first: str, second: str, pids: tuple[str, ...], tmp_path: Path
) -> None:
    """FFmpeg decodes the second as the first, and what comes of it need not look damaged: the clock goes on."""
    data = []
    for codec, options in ((first, ()), (second, ("-output_ts_offset", "1", *pids))):
        film = encode(tmp_path / "film.mkv", range(25), CODECS[codec], "matroska", {"g": "25"})
        data.append(remux(film, tmp_path / "part.ts", *options).read_bytes())
    film = tmp_path / "joined.ts"
    film.write_bytes(b"".join(data))
    with pytest.raises(SourceError) as refused:
        split(film)
    assert refused.value.code == "source-joined"
    assert f"its pictures are {first}, and {second} from byte " in str(refused.value)
    place = int(str(refused.value).split("from byte ")[1].split()[0])
    assert len(data[0]) <= place < len(data[0]) + len(data[1]) // 2  # parsers of the first join what follows


SOUNDS = {
    "AAC": ("aac", "-b:a", "64k"),
    "MPEG audio": ("mp2",),
    "AC-3": ("ac3",),
    "AAC in LATM": ("aac", "-mpegts_flags", "latm"),
}


@pytest.mark.parametrize(
    ("first", "second", "pictures"),
    [
        ("AAC", "MPEG audio", False),
        ("MPEG audio", "AAC", False),
        ("AC-3", "MPEG audio", False),
        ("AAC", "AAC in LATM", False),
        ("MPEG audio", "AAC", True),
        ("AAC", "AC-3", True),
    ],
)
def test_a_transport_stream_whose_tables_name_another_codec_of_sound_is_refused(
    first: str, second: str, pictures: bool, parts: Path, tmp_path: Path
) -> None:
    """FFmpeg decodes the second as the first: half of the sound was lost."""
    source, data = parts / ("film.mkv" if pictures else "sound.mkv"), []
    for codec, options in ((first, ()), (second, ("-output_ts_offset", "2"))):
        part = remux(source, tmp_path / "part.ts", "-c:a", *SOUNDS[codec], *options)
        data.append(part.read_bytes())
    (tmp_path / "joined.ts").write_bytes(b"".join(data))
    with pytest.raises(SourceError) as refused:
        split(tmp_path / "joined.ts")
    assert refused.value.code == "source-joined"
    assert f"a stream of its sound is {first}, and {second} from byte " in str(refused.value)
    place = int(str(refused.value).split("from byte ")[1].split()[0])
    assert len(data[0]) <= place < len(data[0]) + len(data[1])


def test_a_transport_stream_whose_tables_keep_the_codec_of_sound_is_read(parts: Path, tmp_path: Path) -> None:
    """What cannot be read in it is damage."""
    first = remux(parts / "sound.mkv", tmp_path / "part.ts", "-c:a", "mp2").read_bytes()
    second = remux(parts / "sound.mkv", tmp_path / "part.ts", "-c:a", "mp2", "-ac", "2", "-ar", "44100").read_bytes()
    spoilt = bytearray(second)
    middle = len(second) // 2 // 188 * 188
    for packet in range(middle, middle + 10 * 188, 188):
        spoilt[packet + 100 : packet + 188] = bytes(88)
    (tmp_path / "joined.ts").write_bytes(first + spoilt)
    assert split(tmp_path / "joined.ts") is not None


def test_a_fall_of_a_clock_of_33_bits_is_named_as_one(parts: Path, tmp_path: Path) -> None:
    """FFmpeg takes times below the first one for those behind the end of the clock, a day later."""
    options = ("-c:a", "mp2", "-output_ts_offset")
    data = [remux(parts / "sound.mkv", tmp_path / "part.ts", *options, at).read_bytes() for at in ("6000", "1000")]
    (tmp_path / "joined.ts").write_bytes(b"".join(data))
    (note,) = [one for one in split(tmp_path / "joined.ts").source.notes if "the clock is set anew" in one.what]
    told = float(note.what.partition("(")[2].partition(" s)")[0])
    assert told == pytest.approx(1000 - 6000 - 2, abs=0.1)  # the first part is 2 s long
