from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from manifest_samples import audio, video
from streamify.manifests.audio import describe
from streamify.manifests.dash import mpd
from streamify.manifests.hls import master


def test_autoselect_once_per_language_and_never_commentary() -> None:
    tracks = [
        audio(9, language="en"),
        audio(9, language="en", default=True),
        audio(9, language="fr"),
        audio(9, language="fr"),
        audio(9, language="de", commentary=True),
    ]
    assert [one.autoselect for one in describe(tracks)] == [False, True, True, False, False]


def test_names_differ_as_they_are_written() -> None:
    """RFC 8216, section 4.3.4.1.1: the names of a group must; plans of earlier versions hold these."""
    long = "x" * 120
    tracks = [audio(9, title=title) for title in (long, f"{long} (2)", "a\x07b", "a b", "e\u202e\u0301", "\u00e9")]
    names = ["x" * 100, "x" * 96 + " (2)", "a b", "a b (2)", "\u00e9", "\u00e9 (2)"]
    assert [found.name for found in describe(tracks)] == names
    assert re.findall('NAME="(.*?)"', master([], tracks)) == names
    labels = ElementTree.fromstring(mpd([], tracks, Fraction(1))).iter("{urn:mpeg:dash:schema:mpd:2011}Label")
    assert [label.text for label in labels] == names


def test_video_is_refused() -> None:
    with pytest.raises(ValueError, match="no audio track"):
        describe([video(9)])
