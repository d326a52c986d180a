"""Samples of WebVTT in MP4. The first are as Shaka Packager 3.4 writes them."""

from __future__ import annotations

from fractions import Fraction

from clips.timed_samples import EMPTY, vttc
from streamify.media.text.read import Words
from streamify.media.text.wvtt import vtt_words


def read(*samples: tuple[float, float, bytes]) -> Words:
    return vtt_words([(Fraction(str(a)), Fraction(str(b)), data) for a, b, data in samples], "stream")


def told(words: Words) -> list[tuple[float, float | None, str, str]]:
    return [(float(one.start), float(one.end or -1), one.text, one.settings) for one in words.cues]


OVER = vttc("over the join", "line:10% align:left")


def test_a_cue_goes_on_over_samples() -> None:
    words = read(
        (0, 0.5, EMPTY),
        (0.5, 1.75, vttc("<i>Hello</i>, world &amp; all", "align:center")),
        (1.75, 1.8, EMPTY),
        (1.8, 2, OVER),
        (2, 2.5, OVER),
        (2.5, 3, OVER + vttc("overlapping")),
        (3, 4.2, OVER),
        (4.2, 6, EMPTY),
    )
    assert told(words) == [
        (0.5, 1.75, "<i>Hello</i>, world &amp; all", "align:center"),
        (1.8, 4.2, "over the join", "line:10% align:left"),
        (2.5, 3, "overlapping", ""),
    ]
    assert (words.found, words.left_out, words.notes) == (3, 0, [])


def test_the_same_words_again_are_another_cue() -> None:
    words = read(
        (0, 1, vttc("no")), (1, 2, EMPTY), (2, 3, vttc("no")), (3, 4, vttc("no", name="7")), (4, 5, vttc("no") * 2)
    )
    assert [one[:2] for one in told(words)] == [(0, 1), (2, 3), (3, 4), (4, 5), (4, 5)]
    assert words.found == 5


def test_what_is_damaged_or_cannot_be_kept_is_named() -> None:
    words = read(
        (0, 1, vttc("a")[:-1]), (1, 2, vttc("x" * 10_001)), (2, 3, vttc("")), (3, 4, vttc("<script>x</script>"))
    )
    assert told(words) == [(3, 4, "x", "")]
    assert (words.found, words.left_out) == (3, 2)
    assert [(note.kind, note.what) for note in words.notes] == [
        ("dropped", "stream: 1 cue"), ("dropped", "stream: 1 cue"), ("damaged", "stream: 1 sample, at 0.000 s"),
    ]  # fmt: skip


def test_characters_that_are_none_are_named() -> None:
    words = read((0, 1, vttc("caf\u00e9 \ufffd").replace("\u00e9".encode(), b"\xe9\x20")), (1, 2, vttc("whole")))
    assert [cue.text for cue in words.cues] == ["caf\ufffd  \ufffd", "whole"]
    assert [(note.kind, note.what, note.why) for note in words.notes] == [
        ("damaged", "stream: 1 character", "utf-8 has no such bytes")
    ]
