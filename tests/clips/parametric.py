"""HE-AAC v2 by hand, which FFmpeg reads and does not write: mono AAC with parametric stereo (ISO/IEC 14496-3).

FFmpeg encodes mono of half the rate; each of its frames gets a fill element with data of spectral band replication
(4.4.2.8), and inside these the parameters of stereo (8.4): left is louder than right by `LOUDER` dB in all bands.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av

CORE_RATE = 22_050
RATE = 44_100
FRAME = 2_048
"""Samples of a decoded frame."""
LOUDER = 10.0
"""dB: what the fourth step of inter-channel intensity differences means (table 8.27)."""

SIGNALS = {"implicit": "1388", "hierarchical": "eb8a10", "compatible": "138856e5a54880"}
"""AudioSpecificConfig (1.6.2.1): AAC LC alone, object type 29 around it, or an extension behind it."""

_STEREO = "1000000010111101" + "0" * 9
"""ps_data of 10 bands: header, then one envelope, differences along the bands: +4, then nothing."""
_STEREO_AGAIN = "0010111101" + "0" * 9
"""The same without its flags: the header of before holds."""
_HEADER = "101111110000001000000"
"""sbr_header: from band 16 to 32 (of 64), linear bands, one of noise."""


def _replication(*, header: bool) -> str:
    """Return the bits of an extension_payload: type, sbr_header, one envelope of eight bands of no energy."""
    stereo = "10" + ("1" + _STEREO if header else "0" + _STEREO_AGAIN)
    stereo += "0" * (-len(stereo) % 8)
    bits = "1101" + ("1" + _HEADER if header else "0")
    bits += "0000000000" + "0" * 7 + "00" * 7 + "0101001" + f"{len(stereo) // 8:04b}" + stereo
    return bits + "0" * (-len(bits) % 8)


def _widened(core: bytes, *, header: bool) -> bytes:
    """Return a frame with the fill element in front of its end."""
    bits = f"{int.from_bytes(core):0{len(core) * 8}b}".rstrip("0")
    assert bits.endswith("111")
    filled = _replication(header=header)
    count = len(filled) // 8
    size = f"{count:04b}" if count < 15 else f"1111{count - 14:08b}"
    bits = f"{bits[:-3]}110{size}{filled}111"
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8)


def _frames(adts: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(adts):
        size = (int.from_bytes(adts[at + 3 : at + 6]) >> 5) & 0x1FFF
        yield adts[at + (7 if adts[at + 1] & 1 else 9) : at + size]
        at += size


def frames(folder: Path, seconds: int, every: int = 1) -> list[bytes]:
    """Return the frames of a tone of 440 Hz; one of `every` has the headers."""
    core = folder / "core.aac"
    source = f"sine=440:r={CORE_RATE}:d={seconds}"
    command = ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-c:a", "aac", "-b:a", "48k", str(core)]
    subprocess.run(command, check=True, timeout=60)
    return [_widened(one, header=number % every == 0) for number, one in enumerate(_frames(core.read_bytes()))]


def write(out: Path, given: Sequence[bytes], config: str) -> Path:
    """Put frames of the same folder into the container of a file's name, with an AudioSpecificConfig."""
    with av.open(str(out.with_name("core.aac"))) as core, av.open(str(out), "w") as container:
        stream = container.add_stream_from_template(core.streams.audio[0])
        stream.codec_context.extradata = bytes.fromhex(config)
        for number, data in enumerate(given):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            packet.pts = packet.dts = number * FRAME
            packet.duration = FRAME
            container.mux(packet)
    return out


def write_adts(out: Path, given: Sequence[bytes]) -> Path:
    """Write frames with ADTS headers (1.A.3.2), which know nothing of the extensions."""
    data = bytearray()
    for one in given:
        head = (0xFFF1 << 40) | (0x5C40 << 24) | ((len(one) + 7) << 13) | 0x1FFC
        data += head.to_bytes(7) + one
    out.write_bytes(data)
    return out
