"""Captions inside pictures (CEA-608/708): where their bytes are, whatever the codec. Pure."""

from __future__ import annotations

A53 = b"GA94\x03"
"""ATSC identifier and user data type of cc_data (ATSC A/53 part 4, 6.2.2), in user data of MPEG-2 and in ITU-T T.35
messages of H.264, HEVC and AV1."""
T35 = b"\xb5\x00\x31" + A53
"""United States, ATSC."""
USER_DATA = b"\x00\x00\x01\xb2"
DVD = USER_DATA + b"CC\x01\xf8"
"""Line 21 data of DVDs."""


def has_captions(data: bytes) -> bool:
    """Return whether a packet of video carries caption data."""
    return _has(data, T35) or _has(data, USER_DATA + A53) or DVD in data


def _has(data: bytes, mark: bytes) -> bool:
    at = data.find(mark)
    while at >= 0:
        flags = data[at + len(mark) : at + len(mark) + 1]
        if flags and flags[0] & 0x40 and flags[0] & 0x1F:  # process_cc_data_flag, cc_count
            return True
        at = data.find(mark, at + 1)
    return False
