"""Replies on their way from a node: compressed, because a plan of a long film is large."""

from __future__ import annotations

import zlib

from streamify.executors.wire import REPLY, Done, Failed

LONGEST = 64 << 20
"""Bytes of a reply. What decodes on a node decodes media of strangers: the driver takes no more of it."""


def packed(reply: Done | Failed) -> bytes:
    """Return a reply as it is sent."""
    return zlib.compress(reply.to_json(), 1)


def unpacked(data: bytes) -> Done | Failed:
    """Return the reply that `packed` made into `data`.

    Raises:
        ValueError: It is none, or longer than `LONGEST`.
    """
    opener = zlib.decompressobj()
    try:
        text = opener.decompress(data, LONGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not opener.eof:
        raise ValueError(f"a reply of more than {LONGEST} bytes, or a part of one")
    found = REPLY.validate_json(text)
    if not isinstance(found, Done | Failed):
        raise ValueError(f"a {found.kind} is no reply")
    return found
