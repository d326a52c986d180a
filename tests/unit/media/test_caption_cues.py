"""Captions as cues: when they are shown, and how; worked out by hand from the pairs of each picture."""

from __future__ import annotations

from fractions import Fraction

import pytest

from clips.captioned import NULL, odd, pair, pop_on
from streamify.media.text.captions import caption_words, says, track_words

RATE = 30
Said = list[tuple[int, int | None, str]]


def cues(said: dict[int, list[bytes]], *names: str, until: Fraction | None = None) -> dict[str, Said]:
    """Return the cues of channels in pictures; of each said what begins with it, one pair a picture."""
    places = {number + n: one for number, ones in said.items() for n, one in enumerate(ones)}
    pictures = [(Fraction(number, RATE), places[number]) for number in sorted(places)]
    found = caption_words(pictures, names or ("CC1",), until)
    return {
        name: [
            (round(cue.start * RATE), None if cue.end is None else round(cue.end * RATE), cue.text)
            for cue in words.cues
        ]
        for name, words in found.items()
    }


def settings(*pairs: bytes) -> list[tuple[str, str]]:
    pictures = [(Fraction(number), one) for number, one in enumerate(pairs)]
    return [(cue.text, cue.settings) for cue in caption_words(pictures, ["CC1"])["CC1"].cues]


def line(words: str) -> list[bytes]:
    data = words.encode() + b"\0" * (len(words) % 2)
    return [pair(a, b) for a, b in zip(data[::2], data[1::2], strict=True)]


EDM, CR, RU2, RDC, EOC, RCL = (pair(0x14, code) for code in (0x2C, 0x2D, 0x25, 0x29, 0x2F, 0x20))


def test_pop_on() -> None:
    """From the first EOC to the code that erases, or to the next EOC; without one, to the end."""
    ready = len(pop_on("One")) - 2
    said = {0: pop_on("One"), 60: [EDM, EDM], 90: pop_on("Two"), 150: pop_on("Three")}
    shown = [(ready, 60, "One"), (90 + ready, 151 + ready, "Two"), (151 + ready, None, "Three")]
    assert cues(said) == {"CC1": shown}  # "Three" takes one pair more
    assert cues(said, until=Fraction(8))["CC1"][-1] == (151 + ready, 240, "Three")


def test_roll_up() -> None:
    """A line is a cue with the one above it, from the carriage return that makes room for it to the next."""
    said = {0: [RU2, RU2, CR, CR, *line("first")], 60: [CR, CR, *line("second")], 120: [CR, CR, *line("third")]}
    assert cues(said | {200: [EDM]}) == {
        "CC1": [(4, 60, "first"), (60, 120, "first\nsecond"), (120, 200, "second\nthird")]
    }


def test_roll_up_with_a_pause() -> None:
    """What is above stays alone until the line comes; a line that comes in words is shown word by word."""
    said = {0: [RU2, *line("one")], 30: [CR], 90: line("two "), 150: line("three")}
    assert cues(said | {200: [EDM]}) == {"CC1": [(1, 90, "one"), (90, 150, "one\ntwo"), (150, 200, "one\ntwo three")]}


def test_paint_on() -> None:
    """From the first character; a second line that follows later is a cue with the first."""
    said = {0: [RDC, pair(0x14, 0x40), *line("here")], 60: [RDC, pair(0x14, 0x60), *line("there")], 150: [EDM]}
    assert cues(said) == {"CC1": [(2, 62, "here"), (62, 150, "here\nthere")]}


def test_channels_at_once() -> None:
    """CC1 and CC2 in turn in field 1, CC3 in field 2, in the same pictures."""
    first = [*pop_on("One"), *pop_on("Uno", channel=1)]
    third = [*pop_on("Eins", field=1), *[pair(0, 0, 1)] * 99]
    said = {number: [a + b] for number, (a, b) in enumerate(zip(first, third, strict=False))}
    found = cues(said, "CC1", "CC2", "CC3")
    assert {name: [text for *_, text in said] for name, said in found.items()} == {
        "CC1": ["One"], "CC2": ["Uno"], "CC3": ["Eins"],
    }  # fmt: skip
    assert found["CC1"][0][0] == found["CC3"][0][0] == len(pop_on("One")) - 2


def test_styles_and_places() -> None:
    show = [EOC, NULL]
    green = [RCL, pair(0x14, 0x62), *line("green"), *show]
    assert settings(*green) == [("<c.lime>green</c>", "position:10% align:left")]
    top = [RCL, pair(0x11, 0x4E), *line("x" * 30), *show]  # row 1, italics
    assert settings(*top) == [(f"<i>{'x' * 30}</i>", "line:0")]
    right = [RCL, pair(0x14, 0x7C), *line("right"), *show]  # from column 24 to 28
    assert settings(*right) == [("right", "position:82.5% align:right")]
    centred = [RCL, pair(0x16, 0x56), pair(0x17, 0x21), *line("<b> & co"), *show]  # row 7, column 13
    assert settings(*centred) == [("&lt;b&gt; &amp; co", "line:50%")]
    apart = [RCL, pair(0x11, 0x40), *line("above"), pair(0x14, 0x60), *line("below"), *show]
    assert settings(*apart) == [
        ("above", "line:0 position:10% align:left"), ("below", "position:10% align:left"),
    ]  # fmt: skip


def test_what_is_not_kept_is_named() -> None:
    flashing = [pair(0x14, 0x28), pair(0x10, 0x22)]
    pairs = [RCL, pair(0x14, 0x60), *line("a "), *flashing, *line("b"), EOC, b"\xfc\x00" + bytes([odd(0x41) ^ 0x80])]
    others = pop_on("Drei", field=1)
    pictures = [(Fraction(number, RATE), one) for number, one in enumerate([*pairs, *others])]
    words = caption_words(pictures, ["CC1"])["CC1"]
    assert (words.found, len(words.cues), words.left_out) == (1, 1, 0)
    assert dict(words.lost) == {"background": 1, "flashing": 1}
    notes = [(note.kind, note.what) for note in words.all_notes("captions CC1")]
    assert notes == [
        ("damaged", "captions: 2 bytes with wrong parity"),
        ("info", "captions CC3"),
        ("converted", "captions CC1: styling without background (1), flashing (1)"),
    ]


def test_a_channel_that_says_nothing() -> None:
    words = caption_words([(Fraction(0), NULL)], ["CC1", "CC4"])
    assert all((one.found, one.cues) == (0, []) for one in words.values())


def test_a_track_of_captions_is_its_first_channel_that_speaks() -> None:
    pairs = [*pop_on("Zwei", channel=1), *pop_on("Drei", field=1)]
    words = track_words([(Fraction(number, RATE), one) for number, one in enumerate(pairs)], "subtitle stream 1")
    assert [cue.text for cue in words.cues] == ["Zwei"]
    assert [(note.kind, note.what) for note in words.notes] == [("dropped", "subtitle stream 1: CC3")]
    silent = track_words([(Fraction(0), NULL)], "subtitle stream 1")
    assert (silent.found, silent.notes) == (0, [])


def test_padding_says_nothing() -> None:
    assert not says(NULL + pair(0, 0, 1))
    assert says(NULL + pair(0x41, 0))


def test_a_screen_that_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no film says costs no more than what films may say, and is named."""
    monkeypatch.setattr("streamify.media.text.captions.CUES", 5)
    pictures = [(Fraction(number, RATE), RCL + line(f"{number:02d}")[0] + EOC) for number in range(20)]
    words = caption_words(pictures, ["CC1"])["CC1"]
    assert words.cues == []
    assert words.found == words.left_out > 0
    assert [(note.kind, note.why) for note in words.notes] == [("dropped", "the screen changes more than 5 times")]
