"""The files of the page, in memory."""

from __future__ import annotations

import hashlib
from pathlib import Path

from streamify.http.files import Served

_FOLDER = Path(__file__).parent / "page"
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def read_page() -> dict[str, Served]:
    """Return the files of the page by name."""
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
    return {name: _served(name, data) for name, data in files.items()}


def _served(name: str, data: bytes) -> Served:
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    return Served(data, len(data), etag, _TYPES[Path(name).suffix], "no-cache")
