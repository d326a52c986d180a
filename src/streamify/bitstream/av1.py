"""Open bitstream units (OBUs) of AV1 that carry Dolby Vision (AV1 Bitstream & Decoding Process Specification, 5.3)."""

from __future__ import annotations

from collections.abc import Iterator

_SEQUENCE = 1
_METADATA, _T35 = 5, 4
"""Type of the OBU, and of what it holds (6.7.1): a message by ITU-T T.35."""
_DOLBY = b"\xb5\x00\x3b\x00\x00\x08\x00"
"""Country (USA), provider (Dolby Laboratories), and its code of what AV1 pictures carry: an RPU inside of EMDF."""
_TRAILING = 0x80
"""A one bit, and zeros: the end of every such OBU (5.3.4)."""


def with_trailing_bits(data: bytes) -> bytes:
    """Return a temporal unit in which each of Dolby Vision's OBUs ends as the specification says.

    Some encoders leave the trailing bits out, and decoders then pass over the metadata. What cannot be read as OBUs is
    returned as it is.
    """
    if _DOLBY not in data:
        return data
    mended, changed = bytearray(), False
    for header, body in _units(data):
        if body is None:
            return data
        dolby = header[0] >> 3 & 15 == _METADATA and body.startswith(bytes((_T35,)) + _DOLBY)
        if dolby and body.rstrip(b"\0")[-1] != _TRAILING:
            body, changed = body + bytes((_TRAILING,)), True
        mended += bytes((header[0] | 2,)) + header[1:] + _leb128(len(body)) + body
    return bytes(mended) if changed else data


def has_sequence(data: bytes) -> bool:
    """Return whether a temporal unit, or the beginning of one, has a sequence header (5.5)."""
    return any(header[0] >> 3 & 15 == _SEQUENCE for header, _ in _units(data))


def _units(data: bytes) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield header (without the size) and payload of each OBU; no payload where the data ends within."""
    at = 0
    while at < len(data):
        header = data[at : at + 1 + (data[at] >> 2 & 1)]
        at += len(header)
        size = len(data) - at
        if header[0] & 2:
            size = shift = 0
            while True:
                if at >= len(data) or shift > 49:
                    yield header, None
                    return
                byte = data[at]
                at, size, shift = at + 1, size | (byte & 127) << shift, shift + 7
                if byte < 128:
                    break
        yield header, data[at : at + size] if at + size <= len(data) else None
        at += size


def _leb128(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))
