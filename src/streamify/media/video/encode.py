"""Encoding and packaging one segment of one rendition."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from typing import cast

import av
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from streamify.codecs.registry import video_codec
from streamify.media.package import Packaged, split_muxed
from streamify.model.source import Colour
from streamify.model.track import VideoTrack
from streamify.mp4.description import sample_entry


class VideoEncoder:
    """Encodes the pictures of one segment; use once."""

    def __init__(self, track: VideoTrack, colour: Colour) -> None:
        self._container = av.open(
            (buffer := io.BytesIO()),
            "w",
            format="mp4",
            options={
                "movflags": "+frag_keyframe+delay_moov+default_base_moof+skip_trailer",
                "use_editlist": "1",
                "avoid_negative_ts": "disabled",
                "video_track_timescale": str(track.timescale),
                "fflags": "+bitexact",
            },
        )
        self._buffer = buffer
        self._recipe, self._primaries = track.recipe, colour.primaries
        self._codec = video_codec(track.recipe.codec)
        options = self._codec.options(track.recipe, track.timescale)
        stream = self._container.add_stream(self._codec.encoder, rate=track.frame_rate, options=options)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        context = self._stream.codec_context
        context.width, context.height, context.pix_fmt = track.width, track.height, self._codec.pixel_format
        context.time_base = Fraction(1, track.timescale)
        context.framerate = track.frame_rate
        context.sample_aspect_ratio = Fraction(1)
        context.thread_count = 1
        context.flags |= Flags.global_header | Flags.bitexact
        context.color_primaries = colour.primaries
        context.color_trc = colour.transfer
        context.colorspace = colour.matrix
        context.color_range = 1
        self._time_base = context.time_base
        self._packets: list[av.Packet[av.VideoStream]] = []

    def encode(self, frame: VideoFrame, *, ticks: int, kind: PictureType) -> None:
        """Encode one yuv420p picture of the rendition's size.

        Args:
            frame: The picture; its timestamp and type are overwritten.
            ticks: Presentation time from the start of the segment, output ticks.
            kind: I forces an IDR, P an anchor that nothing is reordered across, NONE leaves the choice.
        """
        frame.pts, frame.time_base, frame.pict_type = ticks, self._time_base, kind
        self._packets.extend(self._stream.encode(frame))

    def feign(self) -> None:
        """Take a packet that holds no picture in place of one that is encoded, for an init segment alone.

        All that an init segment says of an encoder is known once that is open; to encode takes several times as long.
        """
        self._stream.codec_context.open(strict=False)
        packet = cast("av.Packet[av.VideoStream]", av.Packet(self._codec.nothing))
        packet.stream, packet.pts, packet.is_keyframe = self._stream, 0, True
        self._packets.append(packet)

    def flush(self) -> None:
        """Take what the encoder still holds; nothing may be encoded after it."""
        self._packets.extend(self._stream.encode(None))

    def package(
        self, *, reorder: int, duration: int, start: int, sequence: int, captions: Mapping[int, bytes]
    ) -> Packaged:
        """Package what was encoded, after `flush`.

        Args:
            reorder: Delay of decode times, ticks; the edit list takes it out again.
            duration: Length of the segment, ticks.
            start: Where the segment lies on the output's timeline, ticks.
            sequence: Number of its first fragment.
            captions: By presentation time, ticks from the start of the segment: cc_data that a picture carries.
        """
        shown = sorted(packet.pts for packet in self._packets if packet.pts is not None)
        given = [self._with_captions(packet, captions) for packet in self._packets]
        for packet, pts, following in zip(given, shown, [*shown[1:], duration], strict=True):
            packet.dts = pts - reorder
            packet.duration = following - pts
            packet.time_base = self._time_base
            self._container.mux(packet)
        self._container.close()
        data = self._buffer.getvalue()
        return split_muxed(data, start, sequence, self._codec.brand(sample_entry(data), self._recipe, self._primaries))

    def _with_captions(
        self, packet: av.Packet[av.VideoStream], captions: Mapping[int, bytes]
    ) -> av.Packet[av.VideoStream]:
        if packet.pts is None or packet.pts not in captions:
            return packet
        carrying = av.Packet(self._codec.with_captions(bytes(packet), captions[packet.pts]))
        carrying.pts, carrying.is_keyframe, carrying.stream = packet.pts, packet.is_keyframe, self._stream
        return cast("av.Packet[av.VideoStream]", carrying)
