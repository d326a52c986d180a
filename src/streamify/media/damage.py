"""What a decoder refuses is damage, to be counted and named; what this machine lacks is not."""

from __future__ import annotations

import errno
from typing import Any

import av


def damage(error: av.FFmpegError, packet: av.Packet[Any] | None) -> str:
    """Return one line about a packet that a decoder refused. Decoders use all kinds of codes for bad data, EPERM too.

    Raises:
        MemoryError: It is memory that was lacking.
    """
    if error.errno == errno.ENOMEM:
        raise MemoryError(str(error)) from error
    return f"packet at {packet.pts if packet is not None else 'the end'}: {error.strerror}"
