from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from manifest_samples import audio, video
from streamify.manifests.audio import describe
from streamify.manifests.dash import mpd
from streamify.manifests.hls import master
from streamify.model.track import Role

NS = "{urn:mpeg:dash:schema:mpd:2011}"


def test_autoselect_once_per_language_and_never_commentary() -> None:
    tracks = [
        audio(9, language="en"),
        audio(9, language="en", default=True),
        audio(9, language="fr"),
        audio(9, language="fr"),
        audio(9, language="de", commentary=True),
    ]
    assert [one.autoselect for one in describe(tracks)] == [False, True, True, False, False]


def test_each_kind_for_those_who_see_or_hear_badly_is_chosen_by_language() -> None:
    tracks = [
        audio(9, language="en", default=True),
        audio(9, language="en", role="description"),
        audio(9, language="en", role="description"),
        audio(9, language="en", role="speech"),
        audio(9, language="fr", role="description"),
        audio(9, language="fr", role="dub"),
        audio(9, language="fr"),
        audio(9, language="en", role="effects"),
    ]
    assert [one.autoselect for one in describe(tracks)] == [True, True, False, True, True, True, False, False]


ROLES: list[tuple[Role, bool, str | None, list[str], str | None]] = [
    ("main", True, None, ["main"], None),
    ("main", False, None, ["alternate"], None),
    ("commentary", False, "public.auxiliary-content", ["commentary"], None),
    ("description", False, "public.accessibility.describes-video", ["description"], "1"),
    ("description", True, "public.accessibility.describes-video", ["main", "description"], "1"),
    ("speech", False, "public.accessibility.enhances-speech-intelligibility",
     ["enhanced-audio-intelligibility"], "2"),
    ("dub", False, "public.translation,public.translation.dubbed", ["dub"], None),
    ("effects", False, None, ["alternate"], None),
    ("karaoke", False, None, ["karaoke"], None),
]  # fmt: skip
"""Role, default; what HLS authoring rules 2.12 and 2.28 and ISO/IEC 23009-1, 5.8.5.5, call it; AudioPurposeCS."""


@pytest.mark.parametrize(("role", "default", "characteristics", "roles", "purpose"), ROLES)
def test_roles_in_both_manifests(
    role: Role, default: bool, characteristics: str | None, roles: list[str], purpose: str | None
) -> None:
    tracks = [audio(9, role=role, default=default), audio(9, default=not default, name="z")]
    line = next(text for text in master([], tracks).splitlines() if text.startswith("#EXT-X-MEDIA"))
    found = re.search('CHARACTERISTICS="(.*?)"', line)
    assert (found[1] if found else None) == characteristics
    ours = next(ElementTree.fromstring(mpd([], tracks, Fraction(1))).iter(f"{NS}AdaptationSet"))
    assert [(one.get("schemeIdUri"), one.get("value")) for one in ours.iter(f"{NS}Role")] == [
        ("urn:mpeg:dash:role:2011", value) for value in roles
    ]
    accessible = [(one.get("schemeIdUri"), one.get("value")) for one in ours.iter(f"{NS}Accessibility")]
    assert accessible == ([("urn:tva:metadata:cs:AudioPurposeCS:2007", purpose)] if purpose else [])
    order = [child.tag.removeprefix(NS) for child in ours]
    assert order == [
        name for name in ("Label", "Accessibility", "Role", "Representation") for _ in range(order.count(name))
    ]


def test_the_original_is_marked() -> None:
    tracks = [audio(9, original=True, default=True), audio(9, role="dub", language="fr")]
    assert 'CHARACTERISTICS="public.original-content"' in master([], tracks).splitlines()[3]


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
