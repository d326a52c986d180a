"""AC-3 and E-AC-3 by FFmpeg's own encoders: ETSI TS 102 366, annex F (ac-3, dac3; ec-3, dec3) and annex I (DASH)."""

from __future__ import annotations

from streamify.codecs.base import AudioCodec
from streamify.mp4.boxes import BoxError
from streamify.mp4.description import SampleEntry

_CHANNELS = "tag:dolby.com,2014:dash:audio_channel_configuration:2011"
_MASKS = {2: "A000", 6: "F801"}
"""Which loudspeakers a track has, one bit each from the highest on: L, C, R, Ls, Rs, ...; the lowest is LFE."""


class Ac3(AudioCodec):
    """AC-3 (Dolby Digital). The encoder's delay is taken off before its first frame: receivers ignore edit lists."""

    name = "ac3"
    title = "AC-3"
    encoder = "ac3"
    entries = (b"ac-3",)
    frame = 1536
    delay = 256
    priming = 0
    layouts = {2: "stereo", 6: "5.1(side)"}  # noqa: RUF012 - typed as a Mapping in the base class
    surround_bitrate = 448_000
    rates = (48_000,)
    # Receivers that mix down do it as ours does; without a dialnorm of their own, they leave the level alone.
    options = {"center_mixlev": "0.707", "surround_mixlev": "0.707"}  # noqa: RUF012
    brands = {}  # noqa: RUF012 - CMAF names none
    _configuration = b"dac3"
    _length = 3

    def rfc6381(self, entry: SampleEntry) -> str:
        """Return the sample entry, which says it all."""
        if len(entry.boxes.get(self._configuration, b"")) < self._length:
            raise BoxError(f"the sample entry of {self.title} has no {self._configuration.decode()} box")
        return entry.kind.decode()

    def channel_configuration(self, channels: int) -> tuple[str, str]:
        """Return Dolby's scheme (annex I.1.2.1)."""
        return _CHANNELS, _MASKS[channels]


class Eac3(Ac3):
    """E-AC-3 (Dolby Digital Plus)."""

    name = "eac3"
    title = "E-AC-3"
    encoder = "eac3"
    entries = (b"ec-3",)
    surround_bitrate = 384_000
    options = {"loro_cmixlev": "0.707", "loro_surmixlev": "0.707"}  # noqa: RUF012
    brands = {2: b"ceac", 6: b"ceac"}  # noqa: RUF012
    _configuration = b"dec3"
    _length = 5
