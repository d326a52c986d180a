"""Files that were given beside the source: subtitles, and a font to draw them with."""

from __future__ import annotations

import base64
import json

from streamify.dest.layout import text_file_key
from streamify.storage.base import Storage, sha256
from streamify.storage.saved import damaged


def read_given(digest: str, name: str, media: Storage) -> bytes:
    """Return a file that was given.

    Args:
        digest: SHA-256 of its bytes, hex.
        name: Of the file, for people.
        media: Of the stream.

    Raises:
        DestinationError: ``state-damaged``, it is not there, or another one.
    """
    key = text_file_key(digest)
    found = media.get(key)
    try:
        data = base64.b64decode(json.loads(found or b"{}")["data"], validate=True)
    except (ValueError, KeyError, TypeError):
        data = b""
    if sha256(data) != digest:
        raise damaged(f"{key} at DEST", f"it does not hold {name}")
    return data
