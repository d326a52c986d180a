"""Handler names that writers of MP4 and MOV files put in by themselves are no titles."""

from __future__ import annotations

import pytest

from streamify.media.source.titles import audio_language, audio_title


@pytest.mark.parametrize(
    ("handler", "title"),
    [
        ("SoundHandler", None),  # FFmpeg
        ("Bento4 Sound Handler", None),
        ("Core Media Audio", None),  # Apple
        ("Apple Sound Media Handler", None),
        ("GPAC ISO Audio Handler", None),
        ("ISO Media file produced by Google Inc. Created on: 01/01/2024.", None),
        ("#Mainconcept MP4 Sound Media Handler", None),
        ("L-SMASH Audio Handler", None),
        ("Stereo", None),
        ("Track 2", None),
        ("", None),
        ("Director's commentary", "Director's commentary"),
        ("Audiodeskription", "Audiodeskription"),
    ],
)
def test_handlers(handler: str, title: str | None) -> None:
    assert audio_title({"handler_name": handler}) == title
    assert audio_title({"handler_name": handler, "title": "Mine"}) == "Mine"


@pytest.mark.parametrize(("language", "known"), [("eng", "eng"), ("und", None), ("", None)])
def test_languages(language: str, known: str | None) -> None:
    assert audio_language({"language": language}) == known
    assert audio_language({}) is None
