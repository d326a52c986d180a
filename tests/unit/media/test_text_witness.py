"""Events of ASS as the second reader takes them: drawings and comments are no words, and giant events are left out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from clips.joined_sound import ffmpeg
from streamify.media.drawn.witness import unlike
from streamify.media.source.opening import open_media
from streamify.media.text.embedded import read_embedded
from streamify.media.text.witness import decoded_text

EVENTS = {
    "{\\p1}m 0 0 l 10 10{\\p0}seen": "seen",
    "{\\an7\\p4\\pos(1,2)}m 0 0 l 10 10": "",
    "a{\\p1}m 0 0{\\fs2}l 1 1{\\bord1\\p0}b{\\p2}m 9 9": "ab",
    "{\\pos(10,10)\\pbo5}placed": "placed",
    "{a comment}said{another}": "said",
    "{\\p1}" + "m 0 0 l 10 10 " * 1000 + "{\\p0}too long": None,
}
"""Texts, and what is shown of them; ``None``: more than a cue may have."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ass")
    events = "".join(
        f"Dialogue: 0,0:00:{number:02d}.00,0:00:{number:02d}.50,Default,,0,0,0,,{text}\n"
        for number, text in enumerate(EVENTS)
    )
    (folder / "a.ass").write_text(
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n"
        "\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n" + events
    )
    ffmpeg("-i", folder / "a.ass", "-c", "copy", folder / "a.mkv")
    return folder / "a.mkv"


def test_drawings_and_comments_are_no_words(source: Path) -> None:
    with source.open("rb") as file, open_media(file) as container:
        found = [decoded_text(packet) for packet in container.demux(container.streams.subtitles[0]) if packet.size]
    assert found[:-1] == [text for text in EVENTS.values() if text is not None]
    cues = read_embedded(lambda: source.open("rb"), {0: "words"})[0].cues
    assert [cue.text for cue in cues] == [text for text in EVENTS.values() if text]


def test_what_no_cue_can_hold_is_not_missed(source: Path) -> None:
    times = [number for number, text in enumerate(EVENTS.values()) if text]
    drawn = [(Fraction(number), Fraction(2 * number + 1, 2)) for number in times]
    assert list(unlike(lambda: source.open("rb"), 0, drawn, (Fraction(0), Fraction(60)))) == []
