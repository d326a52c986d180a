"""How the objects of a stream are to be served: their media type, and for how long a cache may keep them."""

from __future__ import annotations

from pathlib import PurePosixPath

from streamify.dest.layout import THUMBNAILS, is_state, is_words
from streamify.dest.media import WATCH

_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/mp4",
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".ndjson": "application/x-ndjson",
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".png": "image/png",
}
_IMMUTABLE = frozenset((".m4s", ".mp4"))

FOREVER = "public, max-age=31536000, immutable"
"""A media URL never changes its content."""

SHORT = "public, max-age=5"
"""Manifests: a cache may hold them for seconds, so that a new run is seen soon."""


def content_type(key: str) -> str:
    """Return the Content-Type of an object below DEST."""
    path = PurePosixPath(key)
    if path.suffix in _IMMUTABLE and "audio" in path.parts[-3:-1]:
        return "audio/mp4"
    return _TYPES.get(path.suffix.lower(), "application/octet-stream")


def is_immutable(key: str) -> bool:
    """Return whether the object never changes: it is a media file."""
    return (
        PurePosixPath(key).suffix in _IMMUTABLE
        or is_words(key)
        or (key.startswith(f"{THUMBNAILS}/") and key.endswith(".jpg"))
    )


def cache_control(key: str) -> str:
    """Return the Cache-Control of an object below DEST, as an object store hands it to a CDN."""
    if is_state(key) or key.startswith(f"{WATCH}/"):
        return "no-store"
    return FOREVER if is_immutable(key) else SHORT
