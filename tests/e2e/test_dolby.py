"""A film in Dolby Vision without a compatible base layer, whose metadata change from scene to scene, as a stream."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.video.frame import VideoFrame

import streamify
from clips.dolby import CODES, JUDGED, NONE, POLYNOMIAL, REGRESSION, patch, wanted, write_clip
from e2e.driving import verify

SCENES = (("none", NONE, 20), ("polynomial", POLYNOMIAL, 30), ("regression", REGRESSION, 22))
"""At 24 pictures a second; segments begin each second, in the middle of scenes."""
LADDER = [{"name": "small", "short_side": 64, "maxrate": 800_000}]


def published(folder: Path) -> list[VideoFrame]:
    """Return the pictures of a rendition as another reader of HLS finds them."""
    with av.open(folder / "playlist.m3u8") as container:
        return list(container.decode(video=0))


@pytest.mark.long
@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_each_scene_has_its_own_colours(kind: str, tmp_path: Path) -> None:
    film = write_clip(tmp_path / f"film.{kind}", [one for _, one, count in SCENES for _ in range(count)])
    kinds = [name for name, _, count in SCENES for _ in range(count)]
    settings = {"ladder": LADDER, "segment_seconds": 1, "keyframe_seconds": 1, "short_start": False, "crf": 10}
    whole = streamify.transcode(film, tmp_path / "whole", engine="inline", **settings)  # type: ignore[arg-type]
    (track,) = (one for one in whole.tracks if one.kind == "video")
    frames = published(tmp_path / "whole" / track.folder)
    assert len(frames) == len(kinds)
    for number, (frame, name) in enumerate(zip(frames, kinds, strict=True)):
        for place in range(len(CODES)):
            luma, *chroma = patch(frame, place)
            expected = wanted(JUDGED[name][place])
            assert luma == pytest.approx(expected[0], abs=5), (number, name, place)
            assert chroma == pytest.approx(expected[1:], abs=7), (number, name, place)
    assert not verify(tmp_path / "whole", source=film).faults
    parted = streamify.transcode(film, tmp_path / "parted", workers=2, **settings)  # type: ignore[arg-type]
    assert [one.folder for one in parted.tracks] == [one.folder for one in whole.tracks]
    for path in sorted((tmp_path / "whole" / track.folder).glob("*.m4s")):
        assert path.read_bytes() == (tmp_path / "parted" / track.folder / path.name).read_bytes()
