"""From a decoded picture to the pictures of all renditions: deinterlaced, made SDR, scaled, turned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from av.video.frame import VideoFrame

from streamify.media.video.decode import DecodeLog, Picture, decode_window
from streamify.media.video.deinterlace import deinterlaced
from streamify.media.video.fit import Box, fit
from streamify.media.video.hdr import ToneMapper
from streamify.media.video.look import Looks
from streamify.media.video.scaling import Chain, Scaler
from streamify.media.video.window import WindowSource
from streamify.model.plan import Segment
from streamify.model.settings import Deinterlace
from streamify.model.source import Colour, Look, VideoFacts
from streamify.model.track import VideoTrack

BT709 = Colour(primaries=1, transfer=1, matrix=1)


def output_colour(video: VideoFacts) -> Colour:
    """Return how the renditions are tagged: the source's own SDR colour, or BT.709 for RGB and what is converted.

    A source that says nothing is taken for what players assume at its own size, and that is said in every rung:
    otherwise the colours would change with the rung.
    """
    colour = video.colour
    if needs_conversion(colour):
        return BT709
    if colour.matrix == 0:  # RGB, which becomes Y'CbCr of BT.709: its primaries and transfer stay
        return Colour(
            primaries=colour.primaries if colour.primaries != 2 else 1,
            transfer=colour.transfer if colour.transfer != 2 else 1,
            matrix=1,
        )
    large = min(video.width, video.height) >= 720
    default = 1 if large else 6
    return Colour(
        primaries=colour.primaries if colour.primaries != 2 else default,
        transfer=colour.transfer if colour.transfer != 2 else default,
        matrix=colour.matrix if colour.matrix != 2 else default,
    )


def needs_conversion(colour: Colour) -> bool:
    """Return whether transfer or primaries must change, not only the tags."""
    return colour.converted


class Renditions:
    """Makes the pictures of all renditions of one source; holds scalers, so use one per task."""

    def __init__(self, video: VideoFacts, tracks: Sequence[VideoTrack]) -> None:
        self._video, self._tracks = video, tracks
        self._looks = Looks(video)
        self._makers: dict[Look, _Maker] = {}

    def look(self, picture: Picture) -> Look:
        """Return how a picture is meant to be shown."""
        return self._looks.of(picture)

    def make(self, picture: Picture) -> list[VideoFrame]:
        """Return one yuv420p picture per rendition, in the order of the tracks."""
        look = self._looks.of(picture)
        if look not in self._makers:
            if len(self._makers) >= HELD:
                self._makers.clear()
            self._makers[look] = _Maker(self._video, look, self._tracks)
        return self._makers[look](picture.frame)


HELD = 3
"""Looks whose scalers are kept at the same time."""


class _Maker:
    """Makes the pictures of all renditions from pictures that look alike."""

    def __init__(self, video: VideoFacts, look: Look, tracks: Sequence[VideoTrack]) -> None:
        self._made: list[tuple[tuple[int, int] | None, Scaler | Chain]] = []
        self._tone_mappers: dict[tuple[int, int], ToneMapper] = {}
        target = output_colour(video)
        for track in tracks:
            box = fit(look, video.look, track.width, track.height)
            width, height = _stored(box, look)
            after = [*_turns(look), *_pad(box, track)]
            if needs_conversion(look.colour):
                mapped = track.recipe.tone_mapped_at or (track.width, track.height)
                size = _stored(fit(look, video.look, *mapped), look)
                if size not in self._tone_mappers:
                    self._tone_mappers[size] = ToneMapper(look.colour, *size)
                self._made.append((size, _chained(Scaler(width, height, BT709, target), after)))
            else:
                self._made.append((None, _chained(Scaler(width, height, look.colour, target), after)))

    def __call__(self, frame: VideoFrame) -> list[VideoFrame]:
        sources: dict[tuple[int, int] | None, VideoFrame] = {None: frame}
        sources |= {size: tone_mapper(frame) for size, tone_mapper in self._tone_mappers.items()}
        return [scaler(sources[size]) for size, scaler in self._made]


def _stored(box: Box, look: Look) -> tuple[int, int]:
    """Return width and height of a box before it is turned."""
    return (box.height, box.width) if look.rotation in (90, 270) else (box.width, box.height)


def _pad(box: Box, track: VideoTrack) -> list[str]:
    if (box.width, box.height) == (track.width, track.height):
        return []
    return [f"pad={track.width}:{track.height}:{box.left}:{box.top}:black"]


def _chained(scaler: Scaler, filters: list[str]) -> Scaler | Chain:
    return Chain(filters, scaler) if filters else scaler


def window_pictures(
    source: WindowSource,
    video: VideoFacts,
    segment: Segment,
    log: DecodeLog,
    done: Deinterlace,
    *,
    before: bool = False,
) -> Iterator[Picture]:
    """Yield a segment's pictures, deinterlaced where they are interlaced, and the one after its end.

    With `before`, the picture before the window may come first. Deinterlacing looks at it, so that it may come there in
    any case.
    """
    if done == "off":
        return decode_window(source, segment, log, before=before)
    pictures = decode_window(source, segment, log, before=True, insist=video.interlaced)
    return deinterlaced(pictures, fields=done == "field", combed=video.combed)


def _turns(look: Look) -> list[str]:
    turns = ["hflip"] if look.mirrored else []
    return turns + {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}[look.rotation]
