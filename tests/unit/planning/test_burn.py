"""Which subtitles are drawn, where, and in which stretches of time. Expected values by hand."""

from __future__ import annotations

import unicodedata
from fractions import Fraction
from importlib.metadata import version

import pytest

from plan_samples import facts, plan
from streamify.bitstream.bitmaps.base import Bitmap, Display
from streamify.errors import SourceError, UsageError
from streamify.media.bitmaps.place import Area, place
from streamify.media.bitmaps.shown import Account, TooManyError, pixels_of, stretches
from streamify.model.burn import PART_BYTES, BitmapFacts, BurnBitmap, FontFile, Shown, parse_burn_in
from streamify.model.settings import MediaSettings, Rung, Settings
from streamify.model.source import Look, TextFacts
from streamify.model.subtitle import SubtitleFile
from streamify.planning.burn import burn_in, recipe_of
from streamify.tasks.burn import Feed, burn_id

SHAPER = (
    f"uharfbuzz {version('uharfbuzz')}, python-bidi {version('python-bidi')}, Unicode {unicodedata.unidata_version}"
)
PGS, DVB = "hdmv_pgs_subtitle", "dvb_subtitle"
FILM = facts().model_copy(
    update={
        "bitmaps": (
            BitmapFacts(stream=2, codec=PGS, language="eng", forced=True),
            BitmapFacts(stream=3, codec=PGS, language="eng"),
            BitmapFacts(stream=4, codec=DVB, language="pt-BR"),
            BitmapFacts(stream=5, codec=PGS, language="pt"),
        ),
        "text": (TextFacts(stream=6, codec="subrip", language="fre"),),
    }
)


@pytest.mark.parametrize(
    ("asked", "stream", "forced"),
    [
        ("en", 3, False),  # not the one that holds what is forced alone
        ("eng", 3, False),
        ("en.forced", 2, False),  # all of the stream that is
        ("3.forced", 3, True),
        ("2", 2, False),
        ("pt", 5, False),  # the language itself before one of its kinds
        ("pt-BR", 4, False),
    ],
)
def test_the_stream_that_is_asked_for(asked: str, stream: int, *, forced: bool) -> None:
    found = burn_in(FILM, MediaSettings(burn_in=asked))
    assert found is not None
    assert (found.stream, found.forced) == (stream, forced)


def test_text_of_a_stream_and_of_a_file_which_comes_first() -> None:
    """What decides pixels is in the recipe: font, encoding, version of what draws; the name of the file is not."""
    font = FontFile(file="a.ttf", sha256="f" * 64)
    found = burn_in(FILM, MediaSettings(burn_in="fr", burn_in_font=font))
    assert found is not None
    assert (found.stream, found.codec, found.font, found.font_found, found.encoding) == (
        6, "subrip", "f" * 64, False, "cp1252",
    )  # fmt: skip
    files = (SubtitleFile(file="x/f.srt", language="eng", sha256="a" * 64),
             SubtitleFile(file="g.srt", language="en", role="forced", sha256="b" * 64))  # fmt: skip
    for asked, digest in (("en", "a" * 64), ("en.forced", "b" * 64), ("3", None), ("pt", None)):
        found = burn_in(FILM, MediaSettings(burn_in=asked, subtitles=files))
        assert found is not None
        assert (found.file, found.is_text) == (digest, digest is not None)
    burn = burn_in(FILM, MediaSettings(burn_in="en", subtitles=files))
    recipe = recipe_of(burn)
    assert burn is not None
    assert recipe is not None
    assert (burn.name, "name" in recipe.model_dump()) == ("f.srt", False)
    assert (recipe.file, recipe.shaper, recipe.font) == ("a" * 64, SHAPER, None)


@pytest.mark.parametrize(
    ("asked", "page"),
    [("7", "888"), ("7:888", "888"), ("7:889", "889"), ("7:1af", "1AF"), ("nl", "889"), ("7:150", None),
     ("6:888", None), ("3:888", None)],
)  # fmt: skip
def test_a_page_of_teletext(asked: str, page: str | None) -> None:
    pages = [("888", "eng"), ("889", "dut"), ("1AF", "eng")]
    teletext = tuple(TextFacts(stream=7, codec="dvb_teletext", language=tag, page=number) for number, tag in pages)
    film = FILM.model_copy(update={"text": (*FILM.text, *teletext)})
    if page is None:
        with pytest.raises(UsageError, match=rf"burn-in {asked}: .*page 888.*page 889"):
            burn_in(film, MediaSettings(burn_in=asked))
        return
    found = burn_in(film, MediaSettings(burn_in=asked))
    assert found is not None
    assert (found.stream, found.page) == (7, page)


@pytest.mark.parametrize(
    ("asked", "code"),
    [("9", "unknown"), ("de", "unknown"), ("4.forced", "unknown"), ("fr.forced", "unknown"), ("0", "unknown")],
)
def test_one_that_is_not_there(asked: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        burn_in(FILM, MediaSettings(burn_in=asked))
    assert caught.value.code == f"burn-in-{code}"
    with pytest.raises(UsageError, match="no pictures"):
        burn_in(FILM.model_copy(update={"video": None}), MediaSettings(burn_in="en"))


def test_the_setting() -> None:
    assert [Settings(burn_in=value).burn_in for value in ("off", None, "EN.forced", "7")] == [
        None, None, "EN.forced", "7",
    ]  # fmt: skip
    assert Settings.model_validate({"burn_in": 3}).burn_in == "3"
    assert Settings.model_validate({"burn_in": False}).burn_in is None  # as YAML reads "off"
    for bad in ("english subtitles", "", "3,4", "-1", ".forced", "3:", "3:99", "3:900", "en:888"):
        with pytest.raises(ValueError, match="should be the number"):
            parse_burn_in(bad)


def look(width: int, height: int, aspect: Fraction = Fraction(1)) -> Look:
    return Look(width=width, height=height, sample_aspect=aspect, pixel_format="yuv420p")


def bitmap(x: int, y: int, width: int, height: int) -> BurnBitmap:
    return BurnBitmap(x=x, y=y, width=width, height=height, palette="", data="")


@pytest.mark.parametrize(
    ("codec", "canvas", "pictures", "rendition", "wanted"),
    [
        (PGS, (1920, 1080), look(1920, 1080), (640, 360), Area(200, 300, 240, 40)),
        (PGS, (1920, 1080), look(3840, 2160), (1920, 1080), Area(600, 900, 720, 120)),
        # 140 lines above and below were cut off: line 900 is line 760; all of it is inside.
        (PGS, (1920, 1080), look(1920, 800), (1920, 800), Area(600, 680, 720, 120)),
        (PGS, (1920, 1080), look(1280, 534), (1280, 534), Area(400, 454, 480, 80)),
        (DVB, (720, 576), look(1920, 1080), (720, 288), Area(0, 228, 720, 60)),  # larger than it; stretched
        ("dvd_subtitle", (720, 480), look(720, 480, Fraction(32, 27)), (1280, 720), Area(0, 540, 1280, 180)),
    ],
)
def test_where_a_bitmap_lies(
    codec: str, canvas: tuple[int, int], pictures: Look, rendition: tuple[int, int], wanted: Area
) -> None:
    shown = bitmap(600, 900, 720, 120)
    if codec != PGS:
        shown = bitmap(0, 456, 720, 120) if codec == DVB else bitmap(0, 360, 720, 120)
    placing = place(codec, canvas, pictures, Area(0, 0, *rendition))
    assert placing.area(shown) == wanted


def test_the_canvas_of_text_is_the_whole_picture_of_a_source_whose_pixels_are_wide() -> None:
    """1440x1080 with pixels of 4:3 is shown as 1920x1080, which is the size that text is drawn for."""
    placing = place("subrip", (1920, 1080), look(1440, 1080, Fraction(4, 3)), Area(0, 0, 1920, 1080))
    assert placing.area(bitmap(134, 900, 1651, 120)) == Area(134, 900, 1651, 120)
    placing = place(".srt", (1920, 1080), look(1920, 800), Area(0, 0, 1280, 720))
    assert placing.area(bitmap(600, 900, 720, 120)) == Area(400, 600, 480, 80)


def test_the_size_for_which_text_is_drawn_is_in_the_address() -> None:
    """One pair of font and words is other pixels at 720p where it is drawn for 1080p, as bitmaps of a disc are not."""
    rungs = {side: Rung(name=f"{side}p", short_side=side, maxrate=1_000_000) for side in (720, 1080)}
    for asked, moves in (("fr", True), ("3", False)):
        both, _ = plan(FILM, ladder=(rungs[1080], rungs[720]), burn_in=asked)
        alone, _ = plan(FILM, ladder=(rungs[720],), burn_in=asked)
        assert (both.video[1].id != alone.video[0].id) == moves
        assert both.burn is not None
        assert both.burn.canvas == ((1920, 1080) if moves else None)


def test_another_part_of_a_film_is_drawn_from_other_files() -> None:
    """Segments of every part begin at 0; what a plan that may go on draws is not to be overwritten."""
    found, windows = plan(FILM, burn_in="fr")
    assert found.burn is not None
    assert found.source.video is not None
    later = found.timeline.model_copy(update={"origin": found.timeline.origin + 30_030})
    late = found.source.video.model_copy(update={"late": Fraction(1, 2)})
    larger = found.burn.model_copy(update={"canvas": (640, 360)})
    others = [
        found,
        found.model_copy(update={"timeline": later}),
        found.model_copy(update={"source": found.source.model_copy(update={"video": late})}),
        found.model_copy(update={"burn": larger}),
    ]
    names = [burn_id(one, one.burn, windows, one.source.ref) for one in others if one.burn is not None]
    assert len(set(names)) == len(names) == 4


def one(number: int = 1, *, forced: bool = False, width: int = 4) -> Bitmap:
    """Return 4x2 pixels of which two in the middle of the lower line are seen."""
    pixels = bytes([0] * width + [0, number, number] + [0] * (width - 3))
    return Bitmap(10, 20, width, 2, pixels, ((0, 0, 0, 0), (9, 8, 7, 255), (1, 1, 1, 5)), forced)


def displays(*entries: tuple[int, tuple[Bitmap, ...], int | None]) -> list[Display]:
    return [
        Display(Fraction(at), (100, 50), shown, None if end is None else Fraction(end)) for at, shown, end in entries
    ]


def test_stretches() -> None:
    account = Account()
    given = displays(
        (1, (one(),), None), (3, (one(),), 20), (5, (), None), (6, (one(2),), 8), (10, (one(),), None), (9, (), None)
    )
    found = list(stretches(given, account, forced=False))
    times = [(float(shown.start), shown.end and float(shown.end)) for shown in found]
    assert times == [(1, 5), (6, 8), (10, None)]  # the same goes on
    assert (account.shown, account.unordered, account.outside) == (3, 1, 0)
    [seen] = found[0].bitmaps
    assert (seen.x, seen.y, seen.width, seen.height) == (11, 21, 2, 1)
    assert pixels_of(seen) == (bytes([0, 0]), [(9, 8, 7, 255)])


def test_a_bitmap_that_is_shown_again_beside_another_is_packed_once() -> None:
    """Of text, each of several cues of one time is in as many displays as begin or end while it is shown."""
    first, second = one(), one(2)
    given = displays((1, (first,), None), (2, (first, second), None), (3, (second,), None), (4, (), None))
    found = list(stretches(given, Account()))
    assert [len(shown.bitmaps) for shown in found] == [1, 2, 1]
    assert found[1].bitmaps[0] is found[0].bitmaps[0]
    assert found[2].bitmaps[0] is found[1].bitmaps[1]


def test_forced_ones_and_what_lies_outside() -> None:
    account = Account()
    given = displays((1, (one(), one(2, forced=True)), None), (2, (one(),), None))
    [shown] = stretches(given, account, forced=True)
    assert (shown.start, shown.end) == (Fraction(1), Fraction(2))
    assert (len(shown.bitmaps), account.forced) == (1, 1)
    account = Account()
    wide = Bitmap(98, 10, 4, 1, bytes([1] * 4), ((0, 0, 0, 0), (9, 8, 7, 255)))
    [shown] = stretches(displays((1, (wide,), None)), account, forced=False)
    assert (shown.bitmaps[0].width, account.outside) == (2, 1)


def test_more_than_can_be_drawn() -> None:
    given = (Display(Fraction(at), (100, 50), (one(1 + at % 2),)) for at in range(103))
    with pytest.raises(TooManyError):
        for _ in stretches(given, Account(), forced=False, most=100):
            pass


def test_one_stretch_of_time_after_another() -> None:
    spans: list[tuple[int, int | None]] = [(0, 1), (1, 25), (9, 12), (30, None)]
    shown = [
        Shown(start=Fraction(start), end=None if end is None else Fraction(end), canvas=(9, 9), bitmaps=())
        for start, end in spans
    ]
    feed = Feed(iter(shown), "it")
    found = [[one.start for one in feed.between(Fraction(start), Fraction(start + 12))] for start in (0, 10, 20, 30)]
    assert found == [[0, 1, 9], [1, 9], [1, 30], [30]]
    assert feed.count == 4


def test_bitmaps_that_fill_memory_are_refused_before_they_do() -> None:
    large = bitmap(0, 0, 9, 9).model_copy(update={"data": "A" * (PART_BYTES // 4)})
    endless = (
        Shown(start=Fraction(at), end=Fraction(at + 1, 2), canvas=(9, 9), bitmaps=(large,)) for at in range(10**9)
    )
    feed = Feed((one.model_copy(update={"start": one.start / 2}) for one in endless), "it")
    with pytest.raises(SourceError) as caught:
        list(feed.between(Fraction(0), Fraction(10**9)))
    assert (caught.value.code, feed.count) == ("burn-in-too-much", 5)
