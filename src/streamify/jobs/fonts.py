"""The font of a job whose text is drawn into pictures: the one that was given, or one of this machine."""

from __future__ import annotations

from pathlib import Path

from streamify.errors import UsageError
from streamify.model.burn import FONT_BYTES, FontFile
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.text import size
from streamify.storage.base import sha256
from streamify.storage.locate import reach_storage

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts/Supplemental")
"""Where systems keep fonts."""
NAMES = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "NotoSans[wght].ttf", "LiberationSans-Regular.ttf", "Arial.ttf")
"""Files of fonts that are looked for, the one with most letters first."""


def read_font(settings: MediaSettings, *, here: bool) -> tuple[FontFile | None, bytes]:
    """Return the font of a job and its bytes; ``None``: none is needed, or none was found.

    Args:
        settings: Name a font, or leave it to what is there.
        here: Whether paths are of this machine and its user; else only URLs are read.

    Raises:
        UsageError: ``burn-in-font``.
        DestinationError: The object store cannot be used.
    """
    given = settings.burn_in_font
    if settings.burn_in is None or (given is not None and given.sha256 is not None):
        return given, b""
    if given is None:
        found = _installed() if here else None
        data = found.read_bytes() if found is not None else b""
        return (FontFile(file=found.name, sha256=sha256(data), found=True) if found is not None else None), data
    place = Location.parse(given.file)
    if not place.remote and not here:
        raise _refused(place, "a path is of no use where the job runs", "give the URL of a font in an object store")
    data = _remote(place) if place.remote else _local(place)
    return FontFile(file=place.name, sha256=sha256(data)), data


def _installed() -> Path | None:
    places: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in sorted(Path(folder).rglob("*.ttf")):
            places.setdefault(path.name, path)
    return next((places[name] for name in NAMES if name in places), None)


def _remote(place: Location) -> bytes:
    bucket = reach_storage(place.root)
    facts = bucket.stat(place.key)
    if facts is None:
        raise _refused(place, "there is no such object", "check the key")
    _refuse_large(place, facts.size)
    return bucket.get(place.key) or b""


def _local(place: Location) -> bytes:
    try:
        if not place.path.is_file():
            raise _refused(place, "there is no such file", "check the path")
        _refuse_large(place, place.path.stat().st_size)
        return place.path.read_bytes()
    except OSError as error:
        raise _refused(place, f"{error.strerror}", "check its permissions") from error


def _refuse_large(place: Location, count: int) -> None:
    if count > FONT_BYTES:
        raise _refused(place, f"it has {size(count)}, the limit is {size(FONT_BYTES)}", "give a smaller font")


def _refused(place: Location, why: str, hint: str) -> UsageError:
    return UsageError("burn-in-font", f"burn-in-font {place}: {why}", hint)
