"""HDR pictures through the filter graph: the right light, colours in their places, the same bytes everywhere."""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from clips.corpus import digest
from selection import sample
from streamify.errors import DestinationError
from streamify.executors.sealed import LINK
from streamify.machine.folder import LOCK
from streamify.machine.link import VARIABLE, linked
from streamify.media.pq import pq_light, pq_signal
from streamify.media.source.reshaping import NEUTRAL
from streamify.media.video.decode import Picture
from streamify.media.video.dolby import Dolby
from streamify.media.video.hdr import TABLE, ToneMapper, table
from streamify.media.video.picture import Renditions, output_colour
from streamify.media.video.tonemap import Hdr, tone_map
from streamify.model.recipe import VideoRecipe
from streamify.model.source import Colour, VideoFacts
from streamify.model.track import VideoTrack

SIZE = (128, 64)
PQ_COLOUR = Colour(primaries=9, transfer=16, matrix=9)
WIDE = Colour(primaries=9, transfer=14, matrix=9)

DOLBY = Colour(primaries=9, transfer=16, full_range=True, dolby=True)
COLOURS = {"pq": PQ_COLOUR, "wide": WIDE, "dolby": DOLBY}


def test_a_table_goes_through_a_pipe() -> None:
    """Sealed processes give it to FFmpeg that way; pipes hold 1 MiB."""
    assert len(table(Dolby(NEUTRAL))) < 1 << 20


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="links lead to /proc")
@pytest.mark.parametrize("kind", COLOURS)
def test_sealed_processes_make_the_same(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may write no file, and FFmpeg reads the table through a pipe."""
    plain = digest(ToneMapper(COLOURS[kind], *SIZE)(noise()))
    with linked(LINK) as path:
        monkeypatch.setenv(VARIABLE, str(path))
        assert digest(ToneMapper(COLOURS[kind], *SIZE)(noise())) == plain


def facts(**changes: object) -> VideoFacts:
    known = {"stream": 0, "codec": "hevc", "width": SIZE[0], "height": SIZE[1], "sample_aspect": Fraction(1),
             "pixel_format": "yuv420p10le", "bit_depth": 10, "colour": PQ_COLOUR, "time_base": Fraction(1, 90_000),
             "frames": 1, "first": 0, "end": 3600, "rate": Fraction(25), "average_rate": Fraction(25)}  # fmt: skip
    return VideoFacts.model_validate(known | changes)


def track(width: int, height: int, at: tuple[int, int] | None) -> VideoTrack:
    recipe = VideoRecipe(codec="h264", width=width, height=height, frame_rate=Fraction(25), crf=20, maxrate=1,
                         bufsize=1, preset="medium", bframes=0, tone_mapped_at=at)  # fmt: skip
    return VideoTrack(id=f"{height}p", timescale=25, recipe=recipe)


def yuv(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Return 10-bit codes of a BT.2020 signal, limited range (BT.2100, tables 6 and 9)."""
    luma = 0.2627 * red + 0.6780 * green + 0.0593 * blue
    return (
        round(64 + 876 * luma),
        round(512 + 896 * (blue - luma) / 1.8814),
        round(512 + 896 * (red - luma) / 1.4746),
    )


def picture(planes: Sequence[np.ndarray]) -> VideoFrame:
    frame = VideoFrame(*SIZE, "yuv420p10le")
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return frame


def flat(codes: Sequence[int]) -> VideoFrame:
    shapes = ((SIZE[1], SIZE[0]), (SIZE[1] // 2, SIZE[0] // 2), (SIZE[1] // 2, SIZE[0] // 2))
    return picture([np.full(shape, code) for shape, code in zip(shapes, codes, strict=True)])


def noise() -> VideoFrame:
    dice = np.random.default_rng(5)
    shapes = ((SIZE[1], SIZE[0]), (SIZE[1] // 2, SIZE[0] // 2), (SIZE[1] // 2, SIZE[0] // 2))
    return picture([dice.integers(64, 941, shape) for shape in shapes])


def codes_of(frame: VideoFrame) -> tuple[int, int, int]:
    first, second, third = (bytes(plane)[plane.line_size * 3 + 8] for plane in frame.planes)
    return first, second, third


@pytest.mark.parametrize(
    # 203 cd/m2: calculated in test_tonemap.py. 50 is below the knee: 16 + 219*(50/203)^(1/2.4); 1,000 becomes white.
    ("light", "luma"), [(0, 16), (50, 138), (203, 213.8), (1000, 235), (4000, 235)],
)  # fmt: skip
def test_grey_of_known_light(light: float, luma: float) -> None:
    signal = pq_signal(light)
    shown = codes_of(ToneMapper(facts().colour, *SIZE)(flat(yuv(signal, signal, signal))))
    assert shown[0] == pytest.approx(luma, abs=2)
    assert shown[1:] == pytest.approx((128, 128), abs=1)


def bt2390(light: float, peak: float) -> float:
    """Return 8-bit luma of a grey: 5.4.1 of BT.2390 from the peak to 203 cd/m2, then gamma 2.4."""
    top = pq_signal(max(peak, 203))
    white, value = pq_signal(203) / top, min(1.0, pq_signal(light) / top)
    knee = 1.5 * white - 0.5
    if value > knee:
        t = (value - knee) / (1 - knee) if knee < 1 else 0.0
        one, two, three = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t, 3 * t**2 - 2 * t**3
        value = one * knee + two * (1 - knee) + three * white
    return float(16 + 219 * min(1.0, pq_light(value * top) / 203) ** (1 / 2.4))


@pytest.mark.parametrize("peak", [100, 170, 180, 203, 210, 250, 299, 300])
def test_grey_where_the_highlights_are_hardly_brighter_than_white(peak: int) -> None:
    """Films that were SDR, in a container of HDR, say that their brightest pixel has 203 cd/m2."""
    mapper = ToneMapper(PQ_COLOUR.model_copy(update={"peak": peak}), *SIZE)
    for light in (one for one in (20, 80, 120, 150, 165, 170, 178, 185, 195, 203, 220, 290) if one <= peak):
        signal = pq_signal(light)
        shown = codes_of(mapper(flat(yuv(signal, signal, signal))))
        assert shown == pytest.approx((bt2390(light, peak), 128, 128), abs=3), light


@pytest.mark.parametrize("peak", [203, 250, 1000])
def test_points_of_the_table_are_evenly_apart(peak: int) -> None:
    """FFmpeg looks others up in a list for each sample: such a film took 1.6 times as long to map as one of 1,000."""
    head = table(Hdr(16, peak=peak)).decode("ascii").splitlines()[2:11]
    assert head[0::3] == ["2"] * 3
    white = pq_signal(203) / float(head[1].split()[1]) * 32
    assert peak == 1000 or white == pytest.approx(18)


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize(
    "signal",
    [(0.5, 0.2, 0.2), (0.2, 0.5, 0.2), (0.2, 0.2, 0.5), (0.6, 0.5, 0.3), (0.45, 0.4, 0.42), (0.3, 0.6, 0.65)],
)
def test_each_colour_is_what_the_formula_says(signal: tuple[float, float, float], transfer: int) -> None:
    """No channel takes another's place, and 33 points of the table are enough."""
    video = facts(colour=PQ_COLOUR.model_copy(update={"transfer": transfer}))
    red, green, blue = tone_map(signal, Hdr(transfer))
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    wanted = (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)  # BT.709
    assert codes_of(ToneMapper(video.colour, *SIZE)(flat(yuv(*signal)))) == pytest.approx(wanted, abs=3)


@pytest.mark.parametrize("colour", [PQ_COLOUR, WIDE], ids=["pq", "wide"])
def test_a_rendition_does_not_depend_on_those_made_beside_it(colour: Colour) -> None:
    video = facts(colour=colour)
    large, small = track(128, 64, (128, 64)), track(64, 32, (128, 64))
    alone = Renditions(video, [small]).make(Picture(0, noise()))
    together = Renditions(video, [large, small]).make(Picture(0, noise()))
    assert digest(alone[0]) == digest(together[1])
    assert [(one.width, one.height) for one in together] == [(128, 64), (64, 32)]


@pytest.mark.parametrize(("rotation", "size"), [(0, (128, 64)), (90, (64, 128)), (180, (128, 64)), (270, (64, 128))])
def test_turned_pictures(rotation: int, size: tuple[int, int]) -> None:
    """The left half is white, the right half black: where a player's rotation puts them."""
    white = np.zeros((SIZE[1], SIZE[0])) + 64
    white[:, : SIZE[0] // 2] = 700
    frame = picture([white, *(np.full((SIZE[1] // 2, SIZE[0] // 2), 512) for _ in range(2))])
    (made,) = Renditions(facts(rotation=rotation), [track(*size, size)]).make(Picture(0, frame, turn=(rotation, False)))  # type: ignore[arg-type]
    assert (made.width, made.height) == size
    plane = made.planes[0]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    white_at = {0: rows[:, :48], 90: rows[:48], 180: rows[:, -48:], 270: rows[-48:]}[rotation]
    black_at = {0: rows[:, -48:], 90: rows[-48:], 180: rows[:, :48], 270: rows[:48]}[rotation]
    assert white_at.min() > 200
    assert black_at.max() < 20


def test_the_size_may_change_midway() -> None:
    mapper = ToneMapper(facts().colour, 64, 32)
    for size in ((128, 64), (64, 64), (128, 64)):
        frame = VideoFrame(*size, "yuv420p10le")
        assert (mapper(frame).width, mapper(frame).height) == (64, 32)


def test_output_is_tagged_as_bt709() -> None:
    assert output_colour(facts()) == Colour(primaries=1, transfer=1, matrix=1)


def test_the_bitstreams_peak_decides_the_roll_off() -> None:
    signal = pq_signal(600)
    frame = flat(yuv(signal, signal, signal))
    shown = [codes_of(ToneMapper(PQ_COLOUR.model_copy(update={"peak": peak}), *SIZE)(frame))[0]
             for peak in (600, None, 4000)]  # fmt: skip
    assert shown == sorted(shown, reverse=True)
    assert shown[0] == pytest.approx(235, abs=1)
    assert shown[2] < 230


@pytest.mark.parametrize("place", ["missing", "full"])
def test_a_temporary_folder_that_takes_no_file(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing" if place == "missing" else tmp_path))
    if place == "full":
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(DestinationError, match="temporary files") as caught:
            ToneMapper(facts().colour, *SIZE)(noise())
    finally:
        if place == "full":
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (caught.value.code, caught.value.exit_code) == ("temporary-not-writable", 5)
    assert list(tmp_path.iterdir()) == []


def test_no_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one of a process that was killed; nor does the name of the folder matter, where filter graphs have characters
    of their own."""
    folder = tmp_path / "a:b,c;d'e[f]\\g h"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    killed = folder / "streamify-killed"
    killed.mkdir()
    for name in (LOCK, TABLE):
        (killed / name).touch()
    ToneMapper(facts().colour, *SIZE)(noise())
    assert list(folder.iterdir()) == []


MASKED = """
import ctypes, sys
from pathlib import Path
import av
util = ctypes.CDLL(str(sorted(Path(av.__file__).parents[1].glob("av.libs/libavutil-*"))[0]))
util.av_force_cpu_flags(int(sys.argv[1]))
from clips.corpus import digest
from unit.media.test_hdr import COLOURS, SIZE, noise
from streamify.media.video.hdr import ToneMapper
print(digest(ToneMapper(COLOURS[sys.argv[2]], *SIZE)(noise())))
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the masks are those of x86-64")
@pytest.mark.parametrize("kind", sample(["pq", "wide", "dolby"], "pq"))
@pytest.mark.parametrize("flags", sample([0, 0x13DB, 0x7D3DB], 0x13DB), ids=["none", "sse4.2", "avx2"])
def test_the_same_bytes_on_a_lesser_processor(flags: int, kind: str) -> None:
    done = subprocess.run([sys.executable, "-c", MASKED, str(flags), kind], cwd=Path(__file__).parents[2], text=True,
                          capture_output=True, timeout=100, check=True)  # fmt: skip
    assert done.stdout.strip() == digest(ToneMapper(COLOURS[kind], *SIZE)(noise()))
