"""TTML documents as cues. Times are calculated by hand, as W3C TTML2 (12.3) has them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import pytest

from streamify.media.text import documents, ttml
from streamify.media.text.documents import sample_words
from streamify.media.text.files import kind_of, read_file
from streamify.media.text.packets import Piece, cues_of
from streamify.media.text.ttml import PROPERTIES, read_ttml
from streamify.media.text.ttml_paragraph import Shown
from streamify.media.text.ttml_times import Clock
from streamify.model.cue import SourceCue

NAMES = (
    'xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" '
    'xmlns:ttp="http://www.w3.org/ns/ttml#parameter"'
)


def document(body: str, head: str = "", root: str = "") -> str:
    return f"<tt {NAMES} {root}><head>{head}</head><body><div>{body}</div></body></tt>"


def timed(cues: Iterable[Shown | SourceCue]) -> list[tuple[float, float | None, str]]:
    return [(float(one.start), None if one.end is None else float(one.end), one.text) for one in cues]


def cues(text: str) -> list[tuple[float, float | None, str, str]]:
    return [(float(one[0]), None if one[1] is None else float(one[1]), *one[2:4]) for one in read_ttml(text).shown]


@pytest.mark.parametrize(
    ("given", "parameters", "wanted"),
    [
        ("01:02:03.5", {}, Fraction("3723.5")),
        ("00:00:01:15", {}, Fraction("1.5")),
        ("00:00:01:12", {"frameRate": "24"}, Fraction("1.5")),
        ("00:00:01:12", {"frameRate": "24", "frameRateMultiplier": "1000 1001"}, 1 + Fraction(1001, 2000)),
        ("48f", {"frameRate": "24", "frameRateMultiplier": "1000 1001"}, Fraction(2002, 1000)),
        ("48f", {"frameRate": "24", "frameRateMultiplier": "1000:1001"}, Fraction(2002, 1000)),
        ("15000000t", {"tickRate": "10000000"}, Fraction("1.5")),
        ("50t", {"frameRate": "25"}, Fraction(2)),
        ("1.5h", {}, Fraction(5400)),
        ("2m", {}, Fraction(120)),
        ("250ms", {}, Fraction("0.25")),
        # Time codes of 29.97 count 30 a second; those of drop frame leave out two a minute, so that an hour is an hour.
        ("00:01:00:00", {"timeBase": "smpte", "frameRateMultiplier": "1000 1001"}, Fraction(60060, 1000)),
        (
            "01:00:00:00",
            {"timeBase": "smpte", "frameRateMultiplier": "1000 1001", "dropMode": "dropNTSC"},
            Fraction(107892 * 1001, 30000),
        ),
    ],
)
def test_times(given: str, parameters: dict[str, str], wanted: Fraction) -> None:
    assert Clock.of(parameters).seconds(given) == wanted


@pytest.mark.parametrize("given", ["", "1", "-1s", "00:61:00", "0:00:01", "00:00:01:40", "1e3s", "wallclock(12:00)"])
def test_what_is_no_time(given: str) -> None:
    with pytest.raises(ValueError, match=r"no time|that there is not"):
        Clock().seconds(given)


def test_times_inside_of_times() -> None:
    """What is inside counts from where the outer one begins, and ends with it at the latest."""
    body = (
        '<div begin="10s" end="20s"><p begin="1s" dur="2s">a</p><p begin="5s" end="99s">b</p><p>c</p>'
        '<p begin="30s" end="31s">never</p></div>'
    )
    found = read_ttml(document(body))
    assert timed(found.shown) == [(11, 13, "a"), (15, 20, "b"), (10, 20, "c")]
    assert (found.paragraphs, found.unseen) == (4, [1])


def test_one_after_another() -> None:
    body = '<div timeContainer="seq" begin="1s"><p dur="2s">a</p><p begin="1s" dur="1s">b</p><p dur="1s">c</p></div>'
    assert cues(document(body)) == [(1, 3, "a", ""), (4, 5, "b", ""), (5, 6, "c", "")]


def test_spans_with_times_of_their_own() -> None:
    body = '<p begin="1s" end="4s"><span end="2s">one</span> <span begin="1s">two</span></p>'
    assert cues(document(body)) == [(1, 2, "one", ""), (2, 3, "one two", ""), (3, 4, "two", "")]
    assert read_file(document(body).encode(), "f").split == 2


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ('<span tts:fontStyle="italic">a</span> b', "<i>a</i> b"),
        ('<span tts:fontWeight="bold" tts:textDecoration="underline">a</span>', "<b><u>a</u></b>"),
        ('<span tts:color="yellow">a</span>', "<c.yellow>a</c>"),
        ('<span tts:color="#00ffffcc">a</span>', "<c.cyan>a</c>"),
        ('<span tts:color="rgba(255,0,0,255)">a</span>', "<c.red>a</c>"),
        ("a<br/>b", "a\nb"),
        ("\n   a  \n  <br/>\n  b\n ", "a\nb"),
        ('<span xml:space="preserve">a  b</span>', "a  b"),
        ("5 &lt; 6 &amp; <![CDATA[<script>x</script>]]>", "5 &lt; 6 &amp; &lt;script&gt;x&lt;/script&gt;"),
        ("a<metadata xmlns='urn:x'>not this</metadata>b", "ab"),
        ('<span tts:visibility="hidden">no</span>yes', "yes"),
        (
            '<span tts:ruby="container"><span tts:ruby="base">漢</span><span tts:ruby="text">かん</span></span>字',
            "<ruby>漢<rt>かん</rt></ruby>字",
        ),
        (
            '<span tts:ruby="container"><span tts:ruby="baseContainer"><span tts:ruby="base">a</span>'
            '<span tts:ruby="base">b</span></span><span tts:ruby="textContainer"><span tts:ruby="text">1</span>'
            '<span tts:ruby="text">2</span></span></span>',
            "<ruby>a<rt>1</rt>b<rt>2</rt></ruby>",
        ),
    ],
)
def test_words(given: str, wanted: str) -> None:
    assert [one[2] for one in cues(document(f'<p begin="0s" end="1s">{given}</p>'))] == [wanted]


def test_styles_refer_to_each_other_and_are_inherited() -> None:
    head = (
        '<styling><style xml:id="a" tts:color="red" tts:fontStyle="italic"/><style xml:id="b" style="a" '
        'tts:color="lime"/><style xml:id="x" style="y"/><style xml:id="y" style="x" tts:fontFamily="serif"/></styling>'
    )
    found = read_ttml(document('<p begin="0s" end="1s" style="b x">a<span tts:fontStyle="normal">b</span></p>', head))
    assert found.shown[0].text == "<c.lime><i>a</i></c><c.lime>b</c>"
    assert found.lost == {"fontFamily": 1}


@pytest.mark.parametrize(
    ("region", "wanted"),
    [
        ('tts:origin="10% 80%" tts:extent="80% 10%" tts:displayAlign="after" tts:textAlign="center"', ""),
        ('tts:origin="10% 5%" tts:extent="80% 10%" tts:textAlign="center"', "line:5%"),
        ('tts:origin="10% 80%" tts:extent="80% 10%" tts:textAlign="left"', "position:10% align:left"),
        ('tts:origin="10% 80%" tts:extent="80% 10%" tts:textAlign="end"', "position:90% align:right"),
        ('tts:origin="50% 80%" tts:extent="40% 10%" tts:textAlign="center"', "position:70% align:center"),
        ('tts:origin="64px 648px" tts:extent="512px 72px" tts:textAlign="start"', "position:5% align:left"),
        ('tts:writingMode="tbrl"', "vertical:rl"),
    ],
)
def test_regions(region: str, wanted: str) -> None:
    head = f'<layout><region xml:id="r" {region}/></layout>'
    found = document('<p region="r" begin="0s" end="1s">a</p>', head, 'tts:extent="1280px 720px"')
    assert cues(found)[0][3] == wanted


def test_a_region_around_a_span_as_ffmpeg_writes_it() -> None:
    head = '<layout><region xml:id="r" tts:textAlign="center" tts:displayAlign="before"/></layout>'
    assert cues(document('<p begin="0s" end="1s"><span region="r">a</span></p>', head))[0][3] == "line:0%"


def test_ebu_and_old_names() -> None:
    ebu = (
        '<tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:ebuttm="urn:ebu:tt:metadata"><tt:head><tt:metadata>'
        "<ebuttm:documentMetadata><ebuttm:documentStartOfProgramme>10:00:00:00</ebuttm:documentStartOfProgramme>"
        '</ebuttm:documentMetadata></tt:metadata></tt:head><tt:body><tt:div><tt:p begin="10:00:01.000" '
        'end="10:00:02.000">a</tt:p></tt:div></tt:body></tt:tt>'
    )
    assert cues(ebu) == [(1, 2, "a", "")]
    old = '<tt xmlns="http://www.w3.org/2006/10/ttaf1"><body><div><p begin="1s" end="2s">a</p></div></body></tt>'
    assert cues(old) == [(1, 2, "a", "")]
    assert cues(old.replace(' xmlns="http://www.w3.org/2006/10/ttaf1"', "")) == [(1, 2, "a", "")]


BOMB = '<!DOCTYPE tt [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE tt [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declared", [BOMB, OUTSIDE])
def test_entities_are_refused(declared: str) -> None:
    words = read_file((declared + document('<p begin="0s" end="1s">&a;</p>')).encode(), "film.ttml")
    assert words.cues == []
    assert [note.why for note in words.notes] == ["line 1: it declares an entity, which is refused"]


def test_a_document_type_alone_is_not() -> None:
    words = read_file(("<!DOCTYPE tt>" + document('<p begin="0s" end="1s">a</p>')).encode(), "film.ttml")
    assert (len(words.cues), words.notes) == (1, [])


def test_a_document_that_breaks_off_keeps_what_was_read() -> None:
    text = document('<p begin="0s" end="1s">a</p><p begin="1s" end="2s">b</p>')
    words = read_file(text[: text.index("b</p>")].encode(), "film.ttml")
    assert [cue.text for cue in words.cues] == ["a"]
    assert [(note.kind, note.what) for note in words.notes] == [("damaged", "film.ttml: not read to its end")]


@pytest.mark.parametrize(
    "text", ["<tt><body>" + "<div>" * 100_000, document('<p style="' + "a " * 100_000 + '">b</p>')]
)
def test_deep_and_long_ones_end(text: str) -> None:
    assert len(read_file(text.encode(), "f").cues) <= 1


def test_words_that_change_too_often_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttml, "WORK", 200_000)
    spans = "".join(f'<span begin="{n}ms" end="{n + 1}ms">x</span>' for n in range(300))
    body = f'<p begin="0s" end="9s">{spans}</p>'
    assert read_ttml(document(body)).broken is None
    found = read_ttml(document(body * (200_000 // 300**2 + 2)))
    assert found.broken is not None
    assert "change too often" in found.broken


def test_line_breaks_and_kinds_of_styling_have_a_limit() -> None:
    """Each takes memory and time: the first by itself, the second for each paragraph that refers to it."""
    found = read_ttml(document(f'<p begin="0s" end="1s">x{"<br/>" * 20_000}</p><p begin="1s" end="2s">y</p>'))
    assert [one.text for one in found.shown] == ["y"]
    assert found.long == [1]
    many = " ".join(f'tts:kind{number}=""' for number in range(PROPERTIES + 1))
    said = '<p begin="0s" end="1s">a</p>'
    found = read_ttml(document(f"{said}<p {many}>b</p>"))
    assert (found.broken, len(found.shown)) == (f"line 1: more than {PROPERTIES} kinds of styling", 1)


def test_what_cannot_be_kept_is_counted_and_named() -> None:
    body = (
        '<p begin="0s" end="1s">kept</p>\n<p begin="soon" end="1s">no time</p>\n<p begin="5s" end="4s">backwards</p>'
        f'\n<p begin="0s" end="1s" tts:display="none">hidden</p>\n<p begin="0s" end="1s">{"x" * 10_001}</p>'
        '\n<p begin="0s" end="1s"/><div xmlns:smpte="http://www.smpte-ra.org/schemas/2052-1/2010/smpte-tt" '
        'smpte:backgroundImage="#i" begin="0s" end="1s"/>'
    )
    words = read_file(document(body).encode(), "film.ttml")
    assert (words.found, len(words.cues), words.left_out, words.split) == (6, 1, 5, 0)
    assert [(note.what, note.why) for note in words.notes] == [
        ("film.ttml: 1 cue, line 2", "their times cannot be read"),
        ("film.ttml: 2 cues, line 3, 4", "they are hidden, or outside of the times of what they are in"),
        ("film.ttml: 1 cue, line 5", "each has more than 10000 characters"),
        ("film.ttml: 1 image", "words as pictures (IMSC image profile) cannot become text"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1251"])
def test_encodings(encoding: str) -> None:
    said = "Привет" if encoding == "windows-1251" else "Grüße"
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    words = read_file((declared + document(f'<p begin="0s" end="1s">{said}</p>')).encode(encoding), "f")
    assert ([cue.text for cue in words.cues], words.notes) == ([said], [])


@pytest.mark.parametrize("declared", ["x-none", "undefined", "hex", "rot13", "punycode", "unicode_escape"])
def test_a_declared_encoding_that_texts_are_not_in_is_passed_over(declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>' + document('<p begin="0s" end="1s">Caf\xe9 \\ud800</p>')
    words = read_file(text.encode("cp1252"), "f")
    assert [cue.text[-7:] for cue in words.cues] == [" \\ud800"]


def test_more_cues_than_a_track_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ttml, documents):
        assert module.CUES == 100_000  # as output.md has it
        monkeypatch.setattr(module, "CUES", 500)
    line = '<p begin="1s" end="2s">a</p>'
    assert len(read_file(document(line * 500).encode(), "film.ttml").cues) == 500
    words = read_file(document(line * 501).encode(), "film.ttml")
    assert (words.found, words.left_out, words.cues) == (501, 501, [])
    assert words.notes[0].why == "a track has at most 500"


def test_which_text_is_ttml() -> None:
    assert kind_of('\ufeff<?xml version="1.0"?><!-- a --><tt:tt xmlns:tt="http://www.w3.org/ns/ttml">') == "ttml"
    assert kind_of("<html><body>00:00 --> x</body></html>") == "srt"
    assert kind_of("<NonRealTimeMeta/>") is None


def samples(*said: tuple[float, float, str]) -> list[tuple[Fraction, Fraction | None, bytes]]:
    return [(Fraction(start), Fraction(end), document(body).encode()) for start, end, body in said]


def test_samples_are_documents() -> None:
    """As Shaka Packager 3 writes them: a cue over a join is in both, with all of its time."""
    over, inside = '<p begin="1.8s" end="4.2s">over</p>', '<p begin="2.5s" end="3s">inside</p>'
    words = sample_words(samples((0, 2, over), (2, 4, over + inside), (4, 6, over)), "stream")
    assert [(float(cue.start), cue.end, cue.text) for cue in words.cues] == [
        (1.8, Fraction("4.2"), "over"), (2.5, 3, "inside"),
    ]  # fmt: skip
    assert (words.found, words.left_out, words.split, words.notes) == (2, 0, 0, [])


def test_samples_that_are_cut_at_joins() -> None:
    first, second = '<p begin="1s" end="2s">a</p>', '<p begin="2s" end="3s">a</p><p begin="3s" end="4s">b</p>'
    words = sample_words(samples((0, 2, first), (2, 4, second)), "stream")
    assert timed(words.cues) == [(1, 3, "a"), (3, 4, "b")]
    assert words.found == 2


def test_samples_show_nothing_outside_of_their_times() -> None:
    words = sample_words(samples((2, 4, '<p begin="0s" end="1s">early</p><p>always</p>'), (4, 6, "")), "stream")
    assert timed(words.cues) == [(2, 4, "always")]
    assert (words.found, words.left_out) == (2, 1)
    assert words.notes[0].why == "they are outside of the times of their samples"


def test_images_behind_a_document_are_passed_over() -> None:
    data = document('<p begin="0s" end="1s">a</p>').encode() + b"\n\x89PNG\r\n\x1a\n"
    words = sample_words([(Fraction(0), Fraction(1), data)], "stream")
    assert (len(words.cues), words.notes) == (1, [])


def test_characters_of_samples_that_are_none_are_named() -> None:
    """More of a sample is UTF-8 than not; another is all of it in what its declaration says."""
    broken = document(f'<p begin="0s" end="1s">{"é" * 30}@</p>').encode().replace(b"@", b"\xff")
    old = '<?xml version="1.0" encoding="windows-1251"?>' + document('<p begin="1s" end="2s">Привет</p>')
    words = sample_words(
        [(Fraction(0), Fraction(1), broken), (Fraction(1), Fraction(2), old.encode("cp1251"))], "stream"
    )
    assert [cue.text for cue in words.cues] == ["é" * 30 + "\ufffd", "Привет"]
    assert [(note.kind, note.what) for note in words.notes] == [("damaged", "stream: 1 character")]


def test_samples_without_a_time_are_named() -> None:
    pieces = [Piece(None, None, document("<p>a</p>").encode(), ""), Piece(Fraction(0), Fraction(1), b"", "")]
    for codec in ("stpp", "wvtt"):
        words = cues_of(pieces, codec, b"", "stream")
        assert ("dropped", "stream: 1 sample", "they have no time") in [
            (note.kind, note.what, note.why) for note in words.notes
        ]
