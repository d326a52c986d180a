"""Styled words of each format as WebVTT cue text."""

from __future__ import annotations

import struct

import pytest

from streamify.media.text.ass import AssHeader, read_event
from streamify.media.text.encoding import decode
from streamify.media.text.files import read_file
from streamify.media.text.packets import Piece, cues_of
from streamify.media.text.srt import read_srt
from streamify.media.text.tx3g import TimedText
from streamify.media.text.vtt import read_vtt
from streamify.model.cue import CUES


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("<i>one</i> two", "<i>one</i> two"),
        ("<b><i>one</b> two</i>", "<b><i>one</i></b><i> two</i>"),
        ("5 < 6 & 7 > 2", "5 &lt; 6 &amp; 7 &gt; 2"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
        ('<font color="#ffff00">gold</font> rest', "<c.yellow>gold</c> rest"),
        ("<font color=red>a</font>", "<c.red>a</c>"),
        ("{i}old{/i} style", "<i>old</i> style"),
        ("one\n\n\ntwo", "one\ntwo"),
        ("never --> closed", "never --&gt; closed"),
    ],
)
def test_subrip(given: str, wanted: str) -> None:
    assert read_srt(given).text == wanted


def test_subrip_place_and_what_is_lost() -> None:
    found = read_srt("{\\an8}<font face=Arial>top</font> <s>struck</s>")
    assert (found.text, found.settings) == ("top struck", "line:0")
    assert found.lost == {"font", "strikeout"}


HEADER = AssHeader.parse(
    "[Script Info]\nPlayResX: 640\nPlayResY: 480\n\n[V4+ Styles]\n"
    "Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Underline, Alignment\n"
    "Style: Default,Arial,20,&H00FFFFFF,0,0,0,2\nStyle: Sign,Arial,20,&H0000FFFF,-1,-1,0,9\n"
)


@pytest.mark.parametrize(
    ("event", "text", "settings"),
    [
        ("0,0,Default,,0,0,0,,Hello\\Nthere, you", "Hello\nthere, you", ""),
        ("0,0,Sign,,0,0,0,,EXIT", "<c.yellow><b><i>EXIT</i></b></c>", "line:0 position:100% align:right"),
        ("0,0,Default,,0,0,0,,{\\i1}a{\\i0}b{\\u1}c", "<i>a</i>b<u>c</u>", ""),
        ("0,0,Default,,0,0,0,,{\\an7}a", "a", "line:0 position:0% align:left"),
        ("0,0,Default,,0,0,0,,{\\pos(320,40)}a", "a", "line:0"),
        ("0,0,Default,,0,0,0,,{\\c&H0000FF&}red{\\r} plain", "<c.red>red</c> plain", ""),
        ("0,0,Default,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}seen", "seen", ""),
        ("0,0,Default,,0,0,0,,<b>&", "&lt;b&gt;&amp;", ""),
    ],
)
def test_ass(event: str, text: str, settings: str) -> None:
    found = read_event(event, HEADER)
    assert (found.text, found.settings) == (text, settings)


def test_ass_names_what_is_lost() -> None:
    assert read_event("0,0,Default,,0,0,0,,{\\k20\\blur3}la", HEADER).lost == {"k", "blur"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("<v Bob>Hi <i>there", "<v Bob>Hi <i>there</i></v>"),
        ("<c.yellow.loud>a</c>", "<c.yellow.loud>a</c>"),
        ("<ruby>漢<rt>kan</rt></ruby>", "<ruby>漢<rt>kan</rt></ruby>"),
        ("a &amp; b &lt;script&gt;", "a &amp; b &lt;script&gt;"),
        ("<script>x</script>", "x"),
        ("1 < 2", "1 &lt; 2"),
        ("</i>a<b>", "a<b></b>"),
    ],
)
def test_webvtt(given: str, wanted: str) -> None:
    assert read_vtt(given).text == wanted


def test_webvtt_settings() -> None:
    found = read_vtt("a", 'line:10%,start position:20%,line-left size:50% align:middle region:x evil:"')
    assert found.settings == "line:10%,start position:20%,line-left size:50% align:center"
    assert found.lost == {"setting region", "setting evil"}


def sample(text: str, *runs: tuple[int, int, int, bytes]) -> bytes:
    """A sample of 3GPP timed text, by hand (3GPP TS 26.245, 5.17)."""
    raw = text.encode()
    body = struct.pack(">H", len(runs)) + b"".join(
        struct.pack(">HHHBB4s", first, stop, 1, face, 18, colour) for first, stop, face, colour in runs
    )
    return struct.pack(">H", len(raw)) + raw + struct.pack(">I4s", 8 + len(body), b"styl") + body


def test_timed_text() -> None:
    white = b"\xff\xff\xff\xff"
    assert TimedText().read(sample("Grüße an <alle>", (0, 5, 2, white))).text == "<i>Grüße</i> an &lt;alle&gt;"
    assert TimedText().read(sample("ab", (1, 2, 1, b"\xff\xff\x00\xff"))).text == "a<c.yellow><b>b</b></c>"
    wide = "שלום".encode("utf-16-be")
    assert TimedText().read(struct.pack(">H", 2 + len(wide)) + b"\xfe\xff" + wide).text == "שלום"
    assert TimedText().read(b"\0\0").text == ""
    assert TimedText().read(b"\xff\xff\x41").text == "A"  # a length that lies


PANGRAM = "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich. "


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(encoding: str) -> None:
    assert decode((PANGRAM * 3).encode(encoding)).text == PANGRAM * 3


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "Съешь же ещё этих мягких французских булок, да выпей чаю. "),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. "),
        ("shift_jis", "これは字幕のテストです。明日は晴れるでしょう。"),
    ],
)
def test_old_encodings(encoding: str, text: str) -> None:
    found = decode((text * 8).encode(encoding))
    assert (found.text, found.certain) == (text * 8, False)


def test_a_damaged_place_of_utf8_does_not_change_the_encoding() -> None:
    data = (PANGRAM * 20).encode()
    found = decode(data[:300] + b"\xff" + data[300:])
    assert (found.encoding, found.damaged) == ("utf-8", 1)


SRT = """1
00:00:01,000 --> 00:00:02,500
<i>Schön</i> & gut

2
-00:00:03,000 --> 00:00:04,000
negative

3
00:00:05,000 --> 00:00:0x,000
damaged

4
00:00:07,000 --> 00:00:08,000
arrow --> in the text
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_file_with_bad_times(encoding: str) -> None:
    found = read_file(SRT.encode(encoding), "a.srt")
    assert [(float(cue.start), float(cue.end or 0), cue.text) for cue in found.cues] == [
        (1.0, 2.5, "<i>Schön</i> &amp; gut"),
        (7.0, 8.0, "arrow --&gt; in the text"),
    ]
    assert (found.found, found.left_out) == (4, 2)
    assert any("line 6, 10" in note.what for note in found.notes)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1\n00:00:04,000 --> 00:00:03,000\nback\n\n2\n00:00:06,000 --> 00:00:07,000\nkept\n\n", 2),
        ("1\n01:00:00,000 --> 00:59:59,999\nback\n\n2\n01:00:06,000 --> 01:00:07,000\nkept\n\n", 2),
        ("WEBVTT\n\n00:04.000 --> 00:03.900 line:0\nback\n\n00:06.000 --> 01:00:00.000\nkept\n", 3),
        ("[Script Info]\nDialogue: 0,0:00:04.00,0:00:03.99,Default,,0,0,0,,back\n"
         "Dialogue: 0,0:00:06.00,0:00:07.00,Default,,0,0,0,,kept\n", 2),
    ],
)  # fmt: skip
def test_a_cue_that_ends_before_it_begins_is_named_wherever_it_stands(text: str, line: int) -> None:
    """FFmpeg gives it the time of the next one as its end, and says nothing."""
    found = read_file(text.encode(), "a")
    assert [cue.text for cue in found.cues] == ["kept"]
    assert (found.found, found.left_out) == (2, 1)
    assert [(note.what, note.why) for note in found.notes] == [(f"a: 1 cue, line {line}", "they end before they begin")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1\n00:00:01,90 --> 00:00:01,500\na\n\n2\n00:00:02,5 --> 00:00:02,50\nb\n", [(1.09, 1.5), (2.005, 2.05)]),
        ("[Script Info]\nDialogue: 0,0:00:01.9,0:00:01.50,Default,,0,0,0,,a\n"
         "Dialogue: 0,0:00:02.900,0:00:03.50,Default,,0,0,0,,b\n", [(1.09, 1.5)]),
    ],
)  # fmt: skip
def test_digits_of_parts_of_a_second_count_as_in_ffmpeg(text: str, wanted: list[tuple[float, float]]) -> None:
    """Times as ffprobe 5.1 shows them; 2.900 of ASS is 900 hundredths of a second behind 2, at 11 s: behind its end."""
    found = read_file(text.encode(), "a")
    assert [(float(cue.start), float(cue.end or 0)) for cue in found.cues] == wanted
    assert [(note.what, note.why) for note in found.notes] == (
        [("a: 1 cue, line 3", "they end before they begin")] if len(wanted) == 1 else []
    )


def test_files_of_each_kind() -> None:
    vtt = (
        "WEBVTT - a title\n\nSTYLE\n::cue { color: red }\n\nNOTE\nno cue\n\n"
        "one\n00:01.000 --> 00:02.000 line:0\na\n\n00:00:03.000 --> 00:00:04.000\nb\n"
    )
    ass = (
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Bold, Alignment\nStyle: Default,-1,2\n\n"
        "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.50,0:00:02.00,Default,,0,0,0,,one, two\n"
    )
    assert [(cue.text, cue.settings) for cue in read_file(vtt.encode(), "a.vtt").cues] == [("a", "line:0"), ("b", "")]
    [cue] = read_file(ass.encode(), "a.srt").cues  # by what it holds, not by its name
    assert (float(cue.start), cue.text) == (1.5, "<b>one, two</b>")


@pytest.mark.parametrize("data", [b"", b"\x00" * 100, b"\x89PNG\r\n\x1a\n" + b"\xfe" * 100, b"just words\n" * 5])
def test_what_is_no_subtitle_file(data: bytes) -> None:
    found = read_file(data, "a.srt")
    assert not found.cues
    assert found.notes[-1].kind == "dropped"


def test_too_many_cues() -> None:
    pieces = [Piece(None, None, b"a")] * (CUES + 1)
    found = cues_of(pieces, "subrip", b"", "subtitle stream 2")
    assert not found.cues
    assert found.left_out == found.found == CUES + 1
    assert "at most 100000" in found.notes[0].why


def test_style_sheets_and_regions_of_webvtt_are_named() -> None:
    """In comments and in words they are none."""
    text = "WEBVTT\n\nNOTE\nSTYLE\n\nSTYLE\n::cue { color: red }\n\nSTYLE\n\nREGION\nid:a\n\n"
    text += "00:01.000 --> 00:02.000\nSTYLE\n"
    found = read_file(text.encode(), "f.vtt")
    assert [cue.text for cue in found.cues] == ["STYLE"]
    assert [(note.kind, note.what) for note in found.notes] == [
        ("converted", "f.vtt: without 2 STYLE blocks and 1 REGION block")
    ]
