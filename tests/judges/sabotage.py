"""Ways to break a finished stream, each with the rule that must see it. The stream has two video renditions or more,
an audio track or more, and two segments or more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from judges.isobmff import FULL, Header, read_fragments, whole

Sabotage = Callable[[Path], None]
NO_DEFAULTS = Header("vide", 1, 0, 0, (0, 0, 0))
"""For segments whose fragments say everything themselves."""


def _track(dest: Path, kind: str) -> Path:
    return min((dest / kind).iterdir())


def _text(name: str, pattern: str, replacement: str, kind: str | None = None, count: int = 1) -> Sabotage:
    """Replace text in a manifest: of DEST, or of the first track of `kind`."""

    def act(dest: Path) -> None:
        path = (dest if kind is None else _track(dest, kind)) / name
        text, changed = re.subn(pattern, replacement, path.read_text(), count=count, flags=re.DOTALL | re.MULTILINE)
        assert changed, f"{pattern} not found in {name}"
        path.write_text(text)

    return act


def _bytes(kind: str, name: str, change: Callable[[bytearray], None]) -> Sabotage:
    def act(dest: Path) -> None:
        path = _track(dest, kind) / name
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)

    return act


def _master(pattern: str, replacement: str) -> Sabotage:
    return _text("master.m3u8", pattern, replacement)


def _mpd(pattern: str, replacement: str) -> Sabotage:
    return _text("manifest.mpd", pattern, replacement)


def _late(data: bytearray) -> None:
    """Add one tick to the tfdt of the first fragment."""
    tfdt = whole(bytes(data)).all("moof", "traf", "tfdt")[0]
    size = 8 if tfdt.version == 1 else 4
    _put(data, tfdt.payload + FULL, tfdt.number(FULL, size) + 1, size)


def _put(data: bytearray, at: int, value: int, size: int = 4) -> None:
    data[at : at + size] = value.to_bytes(size, "big")


def _no_idr(data: bytearray) -> None:
    """Turn the IDR slices of the first picture into others."""
    fragment = read_fragments(bytes(data), NO_DEFAULTS)[0]
    at = fragment.data
    while at < fragment.data + fragment.sizes[0]:
        if data[at + 4] & 31 == 5:
            data[at + 4] ^= 4
        at += 4 + int.from_bytes(data[at : at + 4], "big")


def _no_sync(data: bytearray) -> None:
    """Declare the first sample a non-sync sample, wherever its flags stand."""
    traf = whole(bytes(data)).all("moof", "traf")[0]
    trun = traf.all("trun")[0]
    at = trun.payload + FULL + 4 + 4 * bool(trun.flags & 1)
    if trun.flags & 4:
        data[at + 1] |= 1
    elif trun.flags & 0x400:
        data[at + 1 + 4 * bool(trun.flags & 0x100) + 4 * bool(trun.flags & 0x200)] |= 1
    else:
        data[traf.only("tfhd").end - 3] |= 1


def _trun_version(data: bytearray) -> None:
    data[whole(bytes(data)).all("moof", "traf", "trun")[0].payload] = 1


def _timescale(data: bytearray) -> None:
    mdhd = whole(bytes(data)).only("moov", "trak", "mdia", "mdhd")
    offset = FULL + (16 if mdhd.version == 1 else 8)
    _put(data, mdhd.payload + offset, mdhd.number(offset) * 4)


def _edit(data: bytearray) -> None:
    """Shift the presentation by one tick."""
    data[whole(bytes(data)).only("moov", "trak", "edts", "elst").end - 5] ^= 1


def _unbrand(data: bytearray) -> None:
    for brand in (b"cmfc", b"cmf2"):
        data[:64] = data[:64].replace(brand, b"xxxx")


def _unstyp(data: bytearray) -> None:
    data[4:8] = b"free"


def _misbrand(data: bytearray) -> None:
    for brand in (b"cfhd", b"cfsd", b"chdf", b"caac"):
        data[:64] = data[:64].replace(brand, b"xxxx")


def _garbage(data: bytearray) -> None:
    """Overwrite the first samples but for the lengths of their NAL units."""
    fragment = read_fragments(bytes(data), NO_DEFAULTS)[-1]
    at = fragment.data
    for size in fragment.sizes[:20]:
        data[at + 5 : at + size] = bytes(max(0, size - 5))
        at += size


def _remove(kind: str, name: str) -> Sabotage:
    return lambda dest: (_track(dest, kind) / name).unlink()


_LAST_ENTRY = r"#EXTINF:[^\n]*\n[^\n]*\n#EXT-X-ENDLIST"
_LIST, _IFRAMES = "playlist.m3u8", "iframes.m3u8"

SABOTAGES: dict[str, tuple[str, Sabotage]] = {
    "file lost": ("readable", _remove("video", "00001.m4s")),
    "attribute list broken": ("readable", _master('RESOLUTION=', 'RESOLUTION="')),
    "EXTINF above target": ("rule_01_target_duration", _text(_LIST, r"#EXTINF:\d+", "#EXTINF:60", "video")),
    "target too small": ("rule_01_target_duration", _text(_LIST, r"(TARGETDURATION:)\d+", r"\g<1>1", "video")),
    "targets differ": ("rule_02_same_target", _text(_LIST, r"(TARGETDURATION:)(\d+)", r"\g<1>1\2", "audio")),
    "EXTINF rounded": ("rule_03_extinf_sums", _text(_LIST, r"#EXTINF:\d+", "#EXTINF:0", "video")),
    "audio ends early": ("rule_04_same_range", _text(_LIST, _LAST_ENTRY, "#EXT-X-ENDLIST", "audio")),
    "video ends early": ("rule_04_same_range", _text(_LIST, _LAST_ENTRY, "#EXT-X-ENDLIST", "video")),
    "starts late": ("rule_04_same_range", _bytes("video", "init.mp4", _edit)),
    "no ENDLIST": ("rule_05_vod", _text(_LIST, "#EXT-X-ENDLIST\n", "", "video")),
    "no VOD": ("rule_05_vod", _text(_IFRAMES, "#EXT-X-PLAYLIST-TYPE:VOD\n", "", "video")),
    "tfdt off by one": ("rule_06_continuous", _bytes("video", "00001.m4s", _late)),
    "tfdt of audio off by one": ("rule_06_continuous", _bytes("audio", "00001.m4s", _late)),
    "no IDR": ("rule_07_idr", _bytes("video", "00001.m4s", _no_idr)),
    "not independent": ("rule_08_independent", _text(_LIST, "#EXT-X-INDEPENDENT-SEGMENTS\n", "", "video")),
    "other grid": ("rule_09_aligned", _text(_LIST, _LAST_ENTRY, "#EXT-X-ENDLIST", "video")),
    "old version": ("rule_10_map_and_version", _text(_LIST, "VERSION:7", "VERSION:3", "video")),
    "no MAP": ("rule_10_map_and_version", _text(_IFRAMES, "#EXT-X-MAP[^\n]*\n", "", "video")),
    "other profile": ("rule_11_codecs", _master(r'CODECS="avc1\.\w\w', 'CODECS="avc1.f4')),
    "no audio codec": ("rule_11_codecs", _master(r",mp4a\.40\.2", "")),
    "RESOLUTION": ("rule_12_true_of_bitstream", _master(r"RESOLUTION=\d+", "RESOLUTION=1234")),
    "FRAME-RATE": ("rule_12_true_of_bitstream", _master(r"FRAME-RATE=\d+", "FRAME-RATE=31")),
    "no AVERAGE-BANDWIDTH": ("rule_12_true_of_bitstream", _master(r"AVERAGE-BANDWIDTH=\d+,", "")),
    "BANDWIDTH too high": ("rule_13_measured_bandwidth", _master(r":BANDWIDTH=", ":BANDWIDTH=1")),
    "AVERAGE too high": ("rule_13_measured_bandwidth", _master(r"AVERAGE-BANDWIDTH=", "AVERAGE-BANDWIDTH=1")),
    "BANDWIDTH without audio": ("rule_14_bandwidth_with_audio", _master(r":BANDWIDTH=\d+", ":BANDWIDTH=1000")),
    "no I-frame tag": ("rule_15_iframes", _text(_IFRAMES, "#EXT-X-I-FRAMES-ONLY\n", "", "video")),
    "range without moof": ("rule_15_iframes", _text(_IFRAMES, r"(BYTERANGE:\d+)@\d+", r"\1@900", "video")),
    "range too long": ("rule_15_iframes", _text(_IFRAMES, r"BYTERANGE:", "BYTERANGE:1", "video")),
    "I-frame EXTINF": ("rule_15_iframes", _text(_IFRAMES, r"#EXTINF:\d+", "#EXTINF:0", "video")),
    "I-frames without CODECS": ("rule_15_iframes", _master(r'(I-FRAME-STREAM-INF.*?),CODECS="[^"]*"', r"\1")),
    "no I-frame stream": ("rule_15_iframes", _master("^#EXT-X-I-FRAME-STREAM-INF[^\n]*\n", "")),
    "no LANGUAGE": ("rule_16_audio", _master(r'LANGUAGE="[^"]*",', "")),
    "CHANNELS": ("rule_16_audio", _master(r'CHANNELS="2"', 'CHANNELS="6"')),
    "no audio group": ("rule_16_audio", _master(r'AUDIO="[^"]*",', "")),
    "no default": ("rule_16_audio", _master(r"DEFAULT=YES", "DEFAULT=NO")),
    "claims HDR": ("rule_17_video_range", _master("VIDEO-RANGE=SDR", "VIDEO-RANGE=PQ")),
    "too many frames": ("rule_18_pictures", _bytes("video", "init.mp4", _timescale)),
    "timescales differ": ("rule_19_decode_times", _bytes("video", "init.mp4", _timescale)),
    "tfdt is no sum": ("rule_19_decode_times", _bytes("audio", "00001.m4s", _late)),
    "trun v1 and edit list": ("rule_20_access", _bytes("video", "00001.m4s", _trun_version)),
    "no sync sample": ("rule_20_access", _bytes("video", "00001.m4s", _no_sync)),
    "no CMAF brand": ("rule_21_brands", _bytes("video", "init.mp4", _unbrand)),
    "no media profile brand": ("rule_21_brands", _bytes("video", "init.mp4", _misbrand)),
    "no audio brand": ("rule_21_brands", _bytes("audio", "init.mp4", _misbrand)),
    "no styp": ("rule_21_brands", _bytes("audio", "00001.m4s", _unstyp)),
    "no minBufferTime": ("rule_22_mpd", _mpd(r'minBufferTime="[^"]*"', "")),
    "short minBufferTime": ("rule_22_mpd", _mpd(r'minBufferTime="[^"]*"', 'minBufferTime="PT0.01S"')),
    "no profiles": ("rule_22_mpd", _mpd(r'profiles="[^"]*"', "")),
    "duration": ("rule_22_mpd", _mpd(r'(mediaPresentationDuration="PT)', r"\g<1>1")),
    "DASH bandwidth": ("rule_22_mpd", _mpd(r'bandwidth="', 'bandwidth="1')),
    "DASH codecs": ("rule_22_mpd", _mpd(r'codecs="avc1\.\w\w', 'codecs="avc1.f4')),
    "S@d": ("rule_23_timeline", _mpd(r'<S t="0" d="', '<S t="0" d="1')),
    "S@r": ("rule_23_timeline", _mpd(r"<S [^>]*>", "")),
    "presentationTimeOffset": ("rule_23_timeline", _mpd("timescale=", 'presentationTimeOffset="1024" timescale=')),
    "DASH timescale": ("rule_23_timeline", _mpd(r'timescale="', 'timescale="1')),
    "not aligned": ("rule_23_timeline", _mpd(r'segmentAlignment="true"', 'segmentAlignment="false"')),
    "sar": ("rule_24_true_of_media", _mpd(r'sar="1:1"', 'sar="4:3"')),
    "par": ("rule_24_true_of_media", _mpd(r'par="\d+:', 'par="97:')),
    "frameRate": ("rule_24_true_of_media", _mpd(r'( frameRate=")\d', r"\g<1>9")),
    "channels": ("rule_24_true_of_media", _mpd(r'ChannelConfiguration" value="2"', 'ChannelConfiguration" value="6"')),
    "startNumber": ("rule_24_true_of_media", _mpd(r'startNumber="0"', 'startNumber="1"')),
    "ids repeat": ("rule_24_true_of_media", _mpd(r'AdaptationSet id="\d+"(.*)AdaptationSet id="(\d+)"',
                                                 r'AdaptationSet id="\2"\1AdaptationSet id="\2"')),
    "tiles": ("rule_thumbnails_dash", _mpd(r'value="(\d)x(\d)"', r'value="7x\2"')),
    "sheets": ("rule_thumbnails_dash", _mpd(r'duration="\d+" startNumber', 'duration="1" startNumber')),
    "no sheet": ("rule_thumbnails_dash", _remove("thumbnails", "00000.jpg")),
    "image playlist": ("rule_thumbnails_hls", _text(_LIST, r"LAYOUT=\d", "LAYOUT=9", "thumbnails")),
    "image lengths": ("rule_thumbnails_hls", _text(_LIST, r"#EXTINF:", "#EXTINF:1", "thumbnails")),
    "m3u8 sees no end": ("parser_m3u8", _text(_LIST, "#EXT-X-ENDLIST\n", "", "video")),
    "mpegdash misses a track": ("parser_mpegdash", _mpd(r"<Representation .*?</Representation>", "")),
    "parsers disagree": ("parser_node", _text(_LIST, _LAST_ENTRY, "#EXT-X-ENDLIST", "video")),
    "hls-parser refuses": ("parser_node", _text(_LIST, r"#EXT-X-TARGETDURATION:\d+\n", "", "video")),
    "pictures destroyed": ("decoder_ffmpeg", _bytes("video", "00001.m4s", _garbage)),
}  # fmt: skip
"""What is done: the rule that must see it, and the deed."""
