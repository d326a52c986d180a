"""The files of the page, in memory."""

from __future__ import annotations

from pathlib import Path

from streamify.http.files import Served

_FOLDER = Path(__file__).parent / "page"
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


def read_page() -> dict[str, Served]:
    """Return the files of the page by name."""
    files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
    return {name: Served.of(data, _TYPES[Path(name).suffix], "no-cache") for name, data in files.items()}
