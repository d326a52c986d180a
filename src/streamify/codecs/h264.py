"""H.264 by x264: ISO/IEC 14496-15 (avc1, avcC), ISO/IEC 23000-19 annex A (media profiles)."""

from __future__ import annotations

from streamify.bitstream.captions import with_sei
from streamify.codecs.base import VideoCodec
from streamify.model.recipe import Tuning, VideoRecipe
from streamify.mp4.boxes import BoxError
from streamify.mp4.description import SampleEntry


class H264(VideoCodec):
    """H.264, High profile, 4:2:0, 8 bit."""

    name = "h264"
    title = "H.264"
    encoder = "libx264"
    library = "libx264"
    entries = (b"avc1", b"avc3")
    pixel_format = "yuv420p"
    nothing = b"\0\0\0\1\x65\x80"  # Annex B: start code, NAL unit of type 5 (IDR slice)

    def bframes(self, preset: str) -> int:
        """Return 3, as in most presets of x264; ``ultrafast`` makes none."""
        return 0 if preset == "ultrafast" else 3

    def words(self, tuning: Tuning) -> dict[str, str]:
        """Return parameters of x264; their fields have its names."""
        given = tuning.model_dump(exclude_none=True)
        return {
            name.replace("_", "-"): value if isinstance(value, str) else f"{value:g}" for name, value in given.items()
        }

    def options(self, recipe: VideoRecipe, timescale: int) -> dict[str, str]:
        """Return libx264's options.

        - Only forced IDR pictures are IDR (``keyint=infinite:min-keyint=99999:open-gop=0``); scene cuts become plain I.
        - ``cpu-independent=1``: without it x264's MB-tree differs from run to run at widths such as 426 and 854.
        - ``vbv-init=0.5``: segments are encoded on their own and played joined; a buffer that starts 90 % full
          underflows at the joins.
        """
        params = {
            "keyint": "infinite",
            "min-keyint": "99999",
            "scenecut": "40",
            "open-gop": "0",
            "cpu-independent": "1",
            "threads": "1",
            "vbv-maxrate": str(recipe.maxrate // 1000),
            "vbv-bufsize": str(recipe.bufsize // 1000),
            "vbv-init": "0.5",
            "bframes": str(recipe.bframes),
            "force-cfr": "1" if recipe.frame_rate.numerator == timescale else "0",
            **self.words(recipe.tuning),
        }
        return {
            "preset": recipe.preset,
            "crf": f"{recipe.crf:g}",
            "profile": "high",
            "forced-idr": "1",
            "a53cc": "0",  # captions would reach only the rung that is not scaled; `with_captions` carries them
            "x264-params": ":".join(f"{key}={value}" for key, value in params.items()),
        }

    def rfc6381(self, entry: SampleEntry) -> str:
        """Return sample entry, profile, constraints and level (14496-15, annex E)."""
        return f"{entry.kind.decode()}.{_configuration(entry)[1:4].hex()}"

    def with_captions(self, picture: bytes, triples: bytes) -> bytes:
        """Return an access unit with an SEI message that is registered by ITU-T T.35."""
        return with_sei(picture, triples)

    def brand(self, entry: SampleEntry, recipe: VideoRecipe, primaries: int) -> bytes:
        """Return what level, size and colour allow (23000-19, table A.1)."""
        level, fits_hd = _configuration(entry)[3], recipe.width <= 1920 and recipe.height <= 1080
        if level <= 31 and recipe.width <= 864 and recipe.height <= 576 and primaries in (1, 5, 6):
            return b"cfsd"
        if level <= 40 and fits_hd and primaries == 1:
            return b"cfhd"
        if level <= 42 and fits_hd and primaries == 1:
            return b"chdf"
        return b""


def _configuration(entry: SampleEntry) -> bytes:
    """Return the AVCDecoderConfigurationRecord: version, profile, constraints, level, ... (14496-15, 5.3.3.1)."""
    record = entry.boxes.get(b"avcC", b"")
    if len(record) < 4:
        raise BoxError("the sample entry of H.264 has no avcC box, or a cut-off one")
    return record
