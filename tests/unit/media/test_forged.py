"""Published segments that strangers wrote: what cannot be decoded is an error of its own, and no bug."""

from __future__ import annotations

import pytest

from clips.claims import film
from fuzz.mutate import clip
from streamify.media.audio.linear import track_samples
from streamify.media.shots import stream_shots
from streamify.media.source.reading import UnreadableError


@pytest.mark.parametrize("data", [clip("mp4").replace(b"avc1", b"xxxx"), clip("m4a")], ids=["no decoder", "no video"])
def test_pictures(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        list(stream_shots(data, [b""], 25))


def test_sound() -> None:
    with pytest.raises(UnreadableError):
        list(track_samples(film(3), [b""], 48_000))
