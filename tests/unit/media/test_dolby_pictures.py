"""Dolby Vision without a compatible base layer: what libplacebo makes of pictures, each by its own metadata."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

from clips.corpus import digest
from clips.dolby import CODES, JUDGED, NONE, POLYNOMIAL, REGRESSION, SIZE, Metadata, patch, wanted, write_clip
from clips.probing import probe
from streamify.errors import SourceError
from streamify.media.source.reshaping import needs_metadata, reshaping_of
from streamify.media.video.hdr import ToneMapper
from streamify.model.source import Colour

COLOUR = Colour(primaries=9, transfer=16, full_range=True, peak=1001, dolby=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of each kind, twice, and one of the first that lost its metadata."""
    kinds = [NONE, POLYNOMIAL, REGRESSION, REGRESSION, POLYNOMIAL, NONE]
    return write_clip(tmp_path_factory.mktemp("dolby") / "clip.hevc", kinds)


def decoded(path: Path) -> list[VideoFrame]:
    with av.open(path) as container:
        return list(container.decode(video=0))


@pytest.mark.parametrize("number", range(len(CODES)))
@pytest.mark.parametrize(("at", "kind"), [(0, "none"), (1, "polynomial"), (2, "regression")])
def test_pictures_are_those_of_libplacebo(at: int, kind: str, number: int, clip: Path) -> None:
    frame = decoded(clip)[at]
    luma, *chroma = patch(ToneMapper(COLOUR, *SIZE)(frame), number)
    expected = wanted(JUDGED[kind][number])
    assert luma == pytest.approx(expected[0], abs=3)
    # The table of 33 points rounds off where colours leave BT.709, as the last but one does.
    assert chroma == pytest.approx(expected[1:], abs=6 if number == 6 else 3)


def test_each_picture_goes_by_its_own_metadata(clip: Path) -> None:
    """One mapper for all of them makes what one for each makes."""
    frames = decoded(clip)
    together = ToneMapper(COLOUR, *SIZE)
    prints = [digest(together(frame)) for frame in frames]
    assert prints == [digest(ToneMapper(COLOUR, *SIZE)(frame)) for frame in frames]
    assert prints == prints[::-1]
    assert len(set(prints)) == 3


def test_a_picture_without_metadata_is_made_like_the_one_before(clip: Path) -> None:
    frames = decoded(clip)
    bare = VideoFrame(*SIZE, "yuv420p10le")
    for plane, other in zip(bare.planes, frames[1].planes, strict=True):
        plane.update(bytes(other))
    assert not needs_metadata(bare)
    mapper = ToneMapper(COLOUR, *SIZE)
    assert digest(mapper(frames[1])) == digest(mapper(bare))
    assert digest(ToneMapper(COLOUR, *SIZE)(bare)) == digest(ToneMapper(COLOUR, *SIZE)(frames[0]))


def test_metadata_is_read_as_it_was_written(clip: Path) -> None:
    read = reshaping_of(decoded(clip)[2])
    assert read is not None
    luma, first, second = read.curves
    pivots, pieces = REGRESSION.curves[0]
    assert luma.pivots == pytest.approx([pivot / 1023 for pivot in pivots])
    assert [one.polynomial for one in luma.pieces] == [pytest.approx(piece, abs=1e-6) for piece in pieces]
    constant, rows = REGRESSION.curves[1][1][0]
    assert first.pieces[0].constant == pytest.approx(constant, abs=1e-6)
    assert first.pieces[0].regression == tuple(pytest.approx(row, abs=1e-6) for row in rows)  # type: ignore[union-attr]
    assert (second.pieces[0].polynomial, second.pieces[1].polynomial) == ((), (0.0, 1.0))
    assert read.to_lms == pytest.approx(REGRESSION.to_lms, abs=1e-4)
    assert read.crosstalk == pytest.approx(REGRESSION.crosstalk, abs=1e-4)


@pytest.mark.parametrize(
    "hostile",
    [Metadata(crosstalk=(-1.9,) * 9), Metadata(to_lms=(0.0,) * 9),
     Metadata((((0, 1023), ((-(2.0**20), ((2.0**20,) * 7,) * 3),)),) * 3),
     Metadata((((0, 1, 1023), ((2.0**20, -(2.0**20)), (-(2.0**20), 2.0**20, 2.0**20))),) * 3)],
    ids=["light-below-zero", "no-matrix", "large-regression", "large-polynomial"],
)  # fmt: skip
def test_metadata_that_make_no_sense_give_some_picture(hostile: Metadata, tmp_path: Path) -> None:
    frame = decoded(write_clip(tmp_path / "film.hevc", [hostile]))[0]
    assert needs_metadata(frame)
    assert ToneMapper(COLOUR, *SIZE)(frame).format.name == "yuv420p"


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_sources_in_containers(kind: str, tmp_path: Path) -> None:
    """Profile 5 is told by the pictures, whatever the container says of it."""
    facts = probe(write_clip(tmp_path / f"film.{kind}", [POLYNOMIAL] * 6))
    assert facts.video is not None
    assert facts.video.colour == COLOUR
    assert any(note.what == "Dolby Vision without a compatible base layer" for note in facts.notes)


def test_a_compatible_base_layer_is_shown_by_itself(tmp_path: Path) -> None:
    compatible = Metadata(profile=1, full_range=False)
    facts = probe(write_clip(tmp_path / "film.mp4", [compatible] * 6))
    assert facts.video is not None
    assert not facts.video.colour.dolby


def test_the_corpus_file(corpus: Path) -> None:
    """AV1, whose metadata lacks the bits that end it: FFmpeg's decoder passes over it."""
    try:
        facts = probe(corpus / "nat_4k_dv_p10_ipt_av1_4s.mp4")
    except SourceError as error:
        pytest.fail(str(error))
    assert facts.video is not None
    assert facts.video.colour == COLOUR.model_copy(update={"peak": 4000})
