"""Services of CEA-708 as cues: films of packets written by hand, judged by when they show what, and by Shaka Player."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest

from clips.captioned import packets, window
from streamify.manifests import webvtt
from streamify.media.text import services
from streamify.media.text.captions import caption_words
from streamify.media.text.read import Words
from streamify.model.cue import Cue, SourceCue

SHAKA = Path(__file__).parents[2] / "players"
SHOW, HIDE, CLEAR, DELETE, RESET = b"\x89\x01", b"\x8a\x01", b"\x88\x01", b"\x8c\x01", b"\x8f"
CR = b"\x0d"
RATE = 30


def pictures(film: Mapping[int, bytes], service: int = 1) -> list[tuple[Fraction, bytes]]:
    """Return times and cc_data of a film: of each picture of some the codes of a service, in blocks of 31 bytes."""
    found, number = list[tuple[Fraction, bytes]](), 0
    for frame, codes in film.items():
        triples = b""
        for at in range(0, len(codes), 31):
            triples += b"".join(packets((service, codes[at : at + 31]), sequence=number))
            number += 1
        found.append((Fraction(frame, RATE), triples))
    return found


def words(film: Mapping[int, bytes], until: int | None = None) -> Words:
    end = Fraction(until, RATE) if until is not None else None
    return caption_words(pictures(film), ["SERVICE1"], end)["SERVICE1"]


def cues(film: Mapping[int, bytes], until: int | None = None) -> list[tuple[int, int | None, str]]:
    return [_frames(cue) for cue in words(film, until).cues]


def _frames(cue: SourceCue) -> tuple[int, int | None, str]:
    return int(cue.start * RATE), int(cue.end * RATE) if cue.end is not None else None, cue.text


POP_ON = {
    0: window() + b"\x91\x3c\x00\x00" + b"Hello" + CR + b"\x90\x01\x80there",
    10: SHOW,
    40: HIDE + window(1, down=5, point=1) + b"Above",
    50: b"\x89\x02",
    70: b"\x88\x02",
}
ROLL_UP = {
    0: window(visible=True, rows=2, style=4) + b"one",
    20: CR + b"two",
    40: CR + b"three",
    60: DELETE,
}
STACKED = {
    0: window(0, rows=1, down=69) + b"Upper" + window(1, rows=1, down=74) + b"Lower",
    10: b"\x89\x03",
    30: b"\x8c\x03",
}


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        (POP_ON, [(10, 40, "<c.yellow>Hello</c>\n<c.yellow><i>there</i></c>"), (50, 70, "Above")]),
        (ROLL_UP, [(0, 20, "one"), (20, 40, "one\ntwo"), (40, 60, "two\nthree")]),
        (STACKED, [(10, 30, "Upper\nLower")]),
        # painted on, two letters a picture; then half a second without any
        ({0: window(visible=True), 1: b"pa", 2: b"in", 3: b"ted", 30: b" on", 60: RESET},
         [(1, 30, "painted"), (30, 60, "painted on")]),
        ({0: window() + b"first" + SHOW, 30: CLEAR + b"second", 60: RESET}, [(0, 30, "first"), (30, 60, "second")]),
        ({0: window() + b"same" + SHOW, 30: window(visible=True), 60: RESET}, [(0, 60, "same")]),
        ({0: window() + b"moved" + SHOW, 30: window(visible=True, down=10), 60: RESET},
         [(0, 30, "moved"), (30, 60, "moved")]),
        ({0: window() + b"<script>&", 10: SHOW, 20: RESET}, [(10, 20, "&lt;script&gt;&amp;")]),
        # characters of 16 bits: "<", line feeds, "-->", NUL, then blanks alone
        ({0: window() + b"a\x18\x00\x3cb\x18\x00\x26", 10: SHOW, 20: RESET}, [(10, 20, "a&lt;b&amp;")]),
        ({0: window() + b"a\x18\x00\x0a\x18\x00\x0ab", 10: SHOW, 20: RESET}, [(10, 20, "a__b")]),
        ({0: window() + b"\x18\x00\x2d\x18\x00\x2d\x18\x00\x3e", 10: SHOW, 20: RESET}, [(10, 20, "--&gt;")]),
        ({0: window() + b"\x18\x00\x00\x18\x00\x85\x18\xd8\x00", 10: SHOW, 20: RESET}, [(10, 20, "___")]),
        ({0: window() + b"\x90\x01\x80\x18\x00\x20\x18\x30\x00", 10: SHOW, 20: RESET}, []),
        ({0: window() + b"late" + b"\x8d\x0a" + SHOW, 60: RESET}, [(30, 60, "late")]),  # a delay of one second
        ({0: window() + b"never seen", 60: RESET}, []),
        # a row that is full rolls up like one that is ended
        ({0: window(visible=True, rows=1, columns=5, style=4) + b"ab cd", 30: b"ef", 60: RESET},
         [(0, 30, "ab cd"), (30, 60, "cdef")]),
        ({0: window() + b"at once" + SHOW + DELETE}, []),
    ],
)  # fmt: skip
def test_cues(film: Mapping[int, bytes], expected: list[tuple[int, int | None, str]]) -> None:
    assert cues(film) == expected


def test_what_a_delay_shows_after_the_end() -> None:
    assert cues({0: window() + b"too late" + b"\x8d\xff" + SHOW}, 90) == []


def test_words_without_an_end_of_their_row() -> None:
    """A row has 64 columns at most, a window 15 rows: more roll up, and none is lost."""
    found = cues({n: (window(visible=True, rows=15) if n == 0 else b"") + b"%03d " % n for n in range(1000)}, 1000)
    assert max(len(text) for _, _, text in found) <= 15 * 65
    assert {f"{n:03d}" for n in range(1000)} <= {word for _, _, text in found for word in text.split()}


def test_characters_of_16_bits_are_read_back_as_they_are() -> None:
    """Latin, surrogates and the end of the first plane, 32 a cue, as the files of a stream hold them."""
    numbers = (*range(0x300), *range(0x2000, 0x2080), *range(0xD7E0, 0xE020), *range(0xFFC0, 0x10000))
    codes = [b"\x18" + code.to_bytes(2, "big") for code in numbers]
    film = {2 * n: (window() if n == 0 else b"") + CLEAR + SHOW + b"".join(codes[32 * n : 32 * n + 32])
            for n in range(len(codes) // 32)}  # fmt: skip
    found = words(film, 2 * len(film)).cues
    placed = [Cue(n, int(one.start * 1000), int(one.end * 1000), one.text) for n, one in enumerate(found, 1) if one.end]
    assert len(placed) == len(found) > 90
    assert [*webvtt.read_back(webvtt.segment(placed))] == placed


def test_cues_with_too_many_bytes_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window of 15 rows of 63 columns, whose characters differ in colour from their neighbours."""
    red, blue = b"\x91\x30\x00\x00", b"\x91\x03\x00\x00"
    full = CR.join((red + b"x" + blue + b"y") * 31 for _ in range(15))
    film = {
        0: window(rows=15, columns=64) + full + SHOW,
        30: CLEAR + b"\x91\x3f\x00\x00\x92\x00\x00short",
        60: CLEAR + b"brief",
        90: RESET,
    }
    found = words(film)
    assert [cue.text for cue in found.cues] == ["short", "brief"]
    assert [(note.kind, note.what, note.why) for note in found.notes] == [
        ("dropped", "captions SERVICE1: 1 cue", "each has more than 10000 bytes")
    ]
    assert (found.found, found.left_out) == (3, 1)
    monkeypatch.setattr(services, "SERVICE_BYTES", 9)
    found = words(film)
    assert (found.found, found.left_out, len(found.cues)) == (3, 2, 1)
    assert found.notes[-1].what == "captions SERVICE1: 1 cue at its end"


def test_what_is_shown_at_the_end() -> None:
    film = {0: window() + b"to the end" + SHOW}
    assert cues(film) == [(0, None, "to the end")]
    assert cues(film, 90) == [(0, 90, "to the end")]


@pytest.mark.parametrize(
    ("placed", "settings"),
    [
        (window(visible=True, columns=5), ""),  # five columns about the middle, at the bottom
        (window(visible=True, down=0, point=1, columns=5), "line:0"),
        (window(visible=True, down=37, point=4, columns=5), "line:50%"),
        (window(visible=True, columns=32, style=3), ""),  # centred
        (window(visible=True, across=0, point=6), "position:10% align:left"),
        # relative: 50 % across, 98 % down; the left edge is in the middle
        (window(visible=True, down=0x80 | 98, across=50, point=6, columns=10), "position:50.4% align:left"),
    ],
)
def test_places(placed: bytes, settings: str) -> None:
    (cue,) = words({0: placed + b"words", 30: RESET}).cues
    assert cue.settings == settings


def test_services_beside_each_other_and_what_is_missing() -> None:
    both = [
        (Fraction(0), b"".join(packets((1, window(visible=True) + b"one"), (2, window(visible=True) + b"zwei")))),
        (Fraction(1), b"".join(packets((1, RESET), (2, RESET), sequence=3))),
    ]
    found = caption_words(both, ["CC1", "SERVICE2", "SERVICE1", "SERVICE63"])
    assert [*found] == ["CC1", "SERVICE2", "SERVICE1", "SERVICE63"]
    assert [[cue.text for cue in one.cues] for one in found.values()] == [[], ["zwei"], ["one"], []]
    assert [(note.kind, note.what) for one in found.values() for note in one.notes] == [
        ("info", "captions: 2 packets of CEA-708 missing")
    ]


def test_a_packet_that_is_cut_off_is_damage() -> None:
    whole = packets((1, window(visible=True) + b"one"), sequence=0)
    both = [(Fraction(0), b"".join(whole[:-1])), (Fraction(1), b"".join(packets((1, RESET), sequence=1)))]
    (note,) = caption_words(both, ["SERVICE1"])["SERVICE1"].notes
    assert (note.kind, note.what) == ("damaged", "captions: 1 packet of CEA-708 cut off")


@pytest.mark.parametrize("film", [POP_ON, ROLL_UP, STACKED])
def test_shaka_player_reads_the_same(film: Mapping[int, bytes]) -> None:
    """Its own decoder, in Node; it keeps each window apart, and gives all that a window shows until rows roll up."""
    messages = [
        (float(time), (b"\xb5\x00\x31GA94\x03" + bytes((0xC0 | len(data) // 3, 0xFF)) + data + b"\xff").hex())
        for time, data in pictures(film)
    ]
    command = ["node", str(SHAKA / "services.mjs")]
    done = subprocess.run(command, input=json.dumps(messages), capture_output=True, text=True, check=True)
    theirs = sorted(
        (round(one["start"] * RATE), round(one["end"] * RATE), one["text"]) for one in json.loads(done.stdout)
    )
    ours = [(start, end, unescape(re.sub("<[^>]*>", "", text))) for start, end, text in cues(film)]
    if film is STACKED:
        ours = [(start, end, line) for start, end, text in ours for line in text.split("\n")]
    assert theirs == sorted(ours)
