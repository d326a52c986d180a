"""Notes about what pictures hold that the output cannot: decided on the sample that split decodes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from av.video.frame import VideoFrame

from streamify.media.source.captions import Captions
from streamify.media.source.reshaping import needs_metadata
from streamify.media.source.sidedata import SideDataType, first_of, side_data
from streamify.model.source import Note

_PACKED = {1: "side by side", 2: "one above the other", 3: "one picture each in turn", 4: "as a checkerboard",
           5: "side by side", 6: "line by line", 7: "column by column"}  # fmt: skip
"""AVStereo3DType of both views in one stream of pictures."""
_CURVED = {3: "spherical (180 degree)", 4: None, 5: "fisheye"}
"""AVSphericalProjection; 4 is flat: every spatial video of a phone says so."""


def changes(pictures: Sequence[VideoFrame], *, alpha_named: bool, captions: Captions | None) -> Iterator[Note]:
    """Yield what 8-bit 4:2:0 pictures without side data cannot hold.

    Args:
        pictures: Decoded ones.
        alpha_named: Whether a note says already that there is transparency.
        captions: As they were found in the bitstream.
    """
    pixel = pictures[0].format
    if pixel.is_rgb:
        yield Note(kind="converted", what=f"RGB pictures ({pixel.name})", why="BT.709 4:2:0 for players")
    elif pixel.chroma_width() > -(-pixel.width // 2) or pixel.chroma_height() > -(-pixel.height // 2):
        yield Note(kind="converted", what=f"chroma of {pixel.name}", why="4:2:0 for players")
    if not alpha_named and any(component.is_alpha for component in pixel.components):
        yield Note(kind="dropped", what="transparency", why="H.264 has none")
    kinds = {side.type for picture in pictures for side in side_data(picture)}
    if any(map(needs_metadata, pictures)):
        how = "made BT.2020 by the reshaping and the matrices of each picture; trims for displays are not used"
        yield Note(kind="converted", what="Dolby Vision without a compatible base layer", why=how)
    elif kinds & {SideDataType.DOVI_RPU_BUFFER, SideDataType.DOVI_METADATA}:
        yield Note(kind="dropped", what="Dolby Vision metadata", why="its compatible base layer is what is shown")
    if SideDataType.DYNAMIC_HDR_PLUS in kinds:
        yield Note(kind="dropped", what="HDR10+ metadata", why="the tone map goes by the film, not by the scene")
    if SideDataType.DYNAMIC_HDR_VIVID in kinds:
        yield Note(kind="dropped", what="HDR Vivid metadata", why="the tone map goes by the film, not by the scene")
    if captions is not None:
        yield captions.note
    elif SideDataType.A53_CC in kinds:
        why = "they are stored in another way than that of ATSC A/53 or of DVDs"
        yield Note(kind="dropped", what="captions inside the pictures (CEA-608/708)", why=why)
    yield from _mapping(pictures)
    yield from _stereo(pictures)


def _mapping(pictures: Sequence[VideoFrame]) -> Iterator[Note]:
    """Yield how the pictures are mapped where it is not flat (AVSphericalMapping: the projection first)."""
    found = next((data for one in pictures if (data := first_of(one, SideDataType.SPHERICAL)) is not None), None)
    shape = _CURVED.get(struct.unpack_from("=i", found)[0], "spherical (360 degree)") if found is not None else None
    if shape is not None:
        yield Note(kind="dropped", what=f"the mapping of {shape} video", why="pictures are shown flat")


def _stereo(pictures: Sequence[VideoFrame]) -> Iterator[Note]:
    """Yield how two views share one stream of pictures (AVStereo3D: type and flags first)."""
    found = next((data for one in pictures if (data := first_of(one, SideDataType.STEREO3D)) is not None), b"")
    packing = _PACKED.get(struct.unpack_from("=i", found)[0]) if len(found) >= 4 else None
    if packing is not None:
        why = "both stay in the pictures; the mark that tells players of them is not carried over"
        yield Note(kind="info", what=f"two views for 3D, {packing}", why=why)
