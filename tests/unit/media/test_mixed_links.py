"""Sound of another codec joined to sound in Ogg or without a container: it is refused, and says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from clips.numbered import remux
from clips.tones import tones, write_plain_wav
from stores import split
from streamify.errors import SourceError

KINDS = {
    "mp3": ("-c:a", "libmp3lame"),
    "vbr.mp3": ("-c:a", "libmp3lame", "-q:a", "4"),
    "aac": ("-c:a", "aac"),
    "opus.ogg": ("-c:a", "libopus"),
    "vorbis.ogg": ("-c:a", "libvorbis"),
    "flac.ogg": ("-c:a", "flac"),
}


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("mp3", "aac", "its sound is MPEG audio, and AAC from byte"),
        ("aac", "mp3", "its sound is AAC, and MPEG audio from byte"),
        ("aac", "vbr.mp3", "its sound is AAC, and MPEG audio from byte"),
        ("vorbis.ogg", "opus.ogg", "what begins at byte"),
        ("opus.ogg", "vorbis.ogg", "what begins at byte"),
        ("opus.ogg", "flac.ogg", "what begins at byte"),
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_sound_of_another_codec_is_refused(first: str, second: str, why: str, again: bool, tmp_path: Path) -> None:
    """FFmpeg reads none of it, or of what follows it."""
    wave = write_plain_wav(tmp_path / "wave.wav", tones(1, 2))
    parts = [remux(wave, tmp_path / f"part.{name}", *KINDS[name]).read_bytes() for name in (first, second)]
    source = tmp_path / f"joined.{first.rpartition('.')[2]}"
    source.write_bytes(b"".join([*parts, *parts[: int(again)]]))
    with pytest.raises(SourceError) as caught:
        split(source)
    assert (caught.value.code, caught.value.exit_code) == ("source-joined", 3)
    assert why in caught.value.message
    place = int(caught.value.message.rpartition(why)[2].split()[0])
    assert len(parts[0]) <= place < len(parts[0]) + 4096


@pytest.mark.parametrize("name", [*KINDS])
def test_sound_of_the_same_codec_may_be_joined(name: str, tmp_path: Path) -> None:
    wave = write_plain_wav(tmp_path / "wave.wav", tones(1, 2))
    part = remux(wave, tmp_path / f"part.{name}", *KINDS[name]).read_bytes()
    source = tmp_path / f"joined.{name.rpartition('.')[2]}"
    source.write_bytes(part + bytes(2000) + part if name.endswith("aac") else part + part)
    assert split(source) is not None


@pytest.mark.parametrize("name", ["opus.ogg", "vorbis.ogg"])
def test_headers_of_a_stream_that_was_not_recorded_are_no_second_one(name: str, tmp_path: Path) -> None:
    """As of radio that was stopped while the next title began."""
    wave = write_plain_wav(tmp_path / "wave.wav", tones(1, 2))
    whole = remux(wave, tmp_path / "vorbis.ogg", *KINDS["vorbis.ogg"]).read_bytes()
    other = remux(wave, tmp_path / f"other.{name}", *KINDS[name], "-serial_offset", "7").read_bytes()
    pages = [at for at in range(len(other)) if other.startswith(b"OggS\0", at)]
    sound = next(at for at in pages if int.from_bytes(other[at + 6 : at + 14], "little"))  # granule position
    source = tmp_path / "joined.ogg"
    source.write_bytes(whole + other[:sound])
    (sound_facts,) = split(source).source.audio
    assert sound_facts.stop is not None
    assert float(sound_facts.stop * sound_facts.time_base) == pytest.approx(2, abs=0.05)
