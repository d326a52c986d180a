"""CAF says how much sound it has by the size of its chunk of sound, or by its table of packets."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from clips.numbered import remux
from clips.tones import tones, write_plain_wav
from stores import split


@pytest.mark.parametrize("codec", ["pcm_s16be", "pcm_f32le", "pcm_mulaw", "alac"])
@pytest.mark.parametrize("kind", ["free", "ovvw"])
def test_chunks_behind_the_sound_are_none_of_it(codec: str, kind: str, tmp_path: Path) -> None:
    """FFmpeg takes them for sound where it tells the length of packets of one size: silence followed."""
    wave = write_plain_wav(tmp_path / "wave.wav", tones(1, 2))
    source = remux(wave, tmp_path / "sound.caf", "-c:a", codec)
    with source.open("ab") as file:
        file.write(struct.pack(">4sq", kind.encode(), 100_000) + bytes(100_000))
    (audio,) = split(source).source.audio
    packet = Fraction(4096, 48_000) if codec == "alac" else 0  # the last of them is not full
    assert audio.duration is not None
    assert 2 <= audio.duration <= 2 + packet
