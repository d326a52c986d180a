"""Which file a URL means: only regular files below the folder, never hidden ones, never through a link out of it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".m4s": "video/mp4",
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".vtt": "text/vtt",
    ".jpg": "image/jpeg",
    ".png": "image/png",
}
_PAGE_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css",
               ".svg": "image/svg+xml"}  # fmt: skip
_IMMUTABLE = frozenset((".m4s", ".mp4"))


def find(root: Path, target: str) -> tuple[Path, bool] | None:
    """Return the file that a request target means and whether it is part of our page; ``None`` for 404.

    Args:
        root: Folder of the stream, resolved.
        target: Request target as it came.
    """
    path = unquote(urlsplit(target).path, errors="surrogateescape")
    if path == "/":
        return PAGE / "index.html", True
    first, *parts = path.split("/")
    if first or not parts or any(not part or part.startswith(".") or "\0" in part or "\\" in part for part in parts):
        return None
    if parts[0] == "_play":
        return (PAGE / parts[1], True) if len(parts) == 2 and (PAGE / parts[1]).is_file() else None
    try:
        real = root.joinpath(*parts).resolve(strict=True)
        inside = real.relative_to(root)
    except (OSError, ValueError, RuntimeError):  # does not exist, outside, or a loop of links
        return None
    if any(part.startswith(".") for part in inside.parts):  # a link into .streamify
        return None
    return (real, False) if real.is_file() else None


def content_type(path: Path, ours: bool) -> str:
    """Return the Content-Type. A stranger's HTML in the folder is never served as such: it could act as our page."""
    if ours:
        return _PAGE_TYPES.get(path.suffix, "application/octet-stream")
    if path.suffix in _IMMUTABLE and "audio" in path.parts[-3:-1]:
        return "audio/mp4"
    return _TYPES.get(path.suffix.lower(), "application/octet-stream")


def cache_control(path: Path, ours: bool) -> str:
    """Return the Cache-Control: a media URL never changes its content, everything else is asked for again."""
    return "public, max-age=31536000, immutable" if path.suffix in _IMMUTABLE and not ours else "no-cache"
