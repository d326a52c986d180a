"""Subtitle files and the font of a job: found beside its source, installed, or named by its settings; read once, and
kept at DEST by their hash.

Where a task runs it may not reach the place that a file was read from; DEST it always can.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from streamify.dest.layout import text_file_key
from streamify.errors import SourceError, StreamifyError, UsageError
from streamify.jobs.fonts import read_font
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.subtitle import FILE_BYTES, UNCLEAR, SubtitleFile, beside, unclear
from streamify.model.text import size
from streamify.planning.languages import is_language
from streamify.storage.base import Storage, sha256
from streamify.storage.locate import reach_storage

MOST = 64
"""Subtitle files of a job at most."""
UNLISTED = ("storage-denied", "storage-key", "location-url")
"""Why a place is not listed from which objects can be read: by its rights, or by keys with empty parts."""


LINKED = "it is a link out of the film's folder: copy the file there, or give it with --subtitles"
"""Why such a file is left out."""

S = TypeVar("S", bound=MediaSettings)


@dataclass(frozen=True)
class Gathered(Generic[S]):
    """The subtitle files of a job, and the font that text is drawn with."""

    settings: S
    """Those that were given, with names and hashes of all files in place of paths."""
    files: dict[str, bytes]
    """By SHA-256, hex; those that were read now."""

    def keep(self, media: Storage) -> None:
        """Write the files into the state of a DEST."""
        for digest, data in self.files.items():
            text = json.dumps({"schema": 1, "data": base64.b64encode(data).decode()})
            media.put(text_file_key(digest), text.encode())


def gather(settings: S, source: Location, *, here: bool = True) -> Gathered[S]:
    """Read the subtitle files that belong to a source, and the font that text is drawn with; see `_words` for errors.

    Raises:
        UsageError: ``burn-in-font``.
    """
    found = _words(settings, source, here=here)
    font, data = read_font(found.settings, here=here)
    if font == found.settings.burn_in_font:
        return found
    assert font is not None
    files = found.files | ({font.sha256: data} if font.sha256 is not None else {})
    return Gathered(found.settings.model_copy(update={"burn_in_font": font}), files)


def _words(settings: S, source: Location, *, here: bool) -> Gathered[S]:
    """Read the subtitle files that belong to a source.

    Args:
        settings: Name files, or leave it to the names beside the source. Those that have hashes were read before.
        source: A file or an object.
        here: Whether paths are of this machine and its user; else only files beside the source and URLs are read.

    Raises:
        UsageError: ``subtitles-missing``, ``subtitles-unreadable``, ``subtitles-too-large``, ``subtitles-too-many``
            or ``subtitles-path``; of files that nobody named only where the settings are ``strict``.
        SourceError: ``subtitles-incomplete``, of a file beside the source nothing is made, and the settings are
            ``strict``.
        DestinationError: The object store cannot be used.
    """
    chosen = settings.subtitles
    if chosen == "off" or (isinstance(chosen, tuple) and any(one.sha256 or one.left_out for one in chosen)):
        return Gathered(settings, {})
    named = [(one, _place(one, here=here)) for one in (chosen if isinstance(chosen, tuple) else ())]
    files: dict[str, bytes] = {}
    entries: dict[object, SubtitleFile] = {}
    left_out: list[SubtitleFile] = []

    def keep(one: SubtitleFile, place: Location) -> None:
        if len(entries) >= MOST - 1:  # an entry is kept for what is left out
            raise UsageError("subtitles-too-many", f"a film has at most {MOST - 1} subtitle files", "give fewer")
        data = _read(place)
        digest = sha256(data)
        files[digest] = data
        # The same words may be given as two languages or roles, and files without a word are alike.
        found = one.model_copy(update={"file": place.name, "sha256": digest})
        entries.setdefault((digest, one.language, one.role, None if data.strip() else place.name), found)

    for one, place in named:
        keep(one, place)
    for one, place in _beside(source):
        try:
            if one.left_out is not None and settings.strict:
                raise SourceError(
                    "subtitles-incomplete",
                    f"{place} belongs to the film by its name, and is left out: {one.left_out}",
                    "mend it, --subtitles off makes no subtitles, or leave out --strict: the file is then named",
                )
            if one.left_out is not None:
                left_out.append(one)
            elif not _is_other(place):
                keep(one, place)
        except UsageError as error:  # nobody named it: the film does without
            if settings.strict:
                raise
            why = error.message.removeprefix(f"subtitles {place}").lstrip(": ")  # a report names no path
            left_out.append(one.model_copy(update={"file": place.name, "left_out": why}))
    everything = (*entries.values(), *_named_together(left_out, MOST - len(entries)))
    if not everything:
        return Gathered(settings, {})
    return Gathered(settings.model_copy(update={"subtitles": everything}), files)


def _named_together(left_out: list[SubtitleFile], room: int) -> list[SubtitleFile]:
    """Return entries for files that are left out; those for which there is no room are counted by the last one."""
    if len(left_out) <= room:
        return left_out
    *kept, last = left_out[:room]
    more = f"{last.left_out}; so are {len(left_out) - room} more files"
    return [*kept, last.model_copy(update={"left_out": more})]


def _beside(source: Location) -> Iterator[tuple[SubtitleFile, Location]]:
    """Yield the files beside a source that belong to it by their names; what a name means may not be known."""
    begin = source.name.rpartition(".")[0] or source.name
    names = sorted(_names(source.parent, f"{begin}."))
    for name in names:
        found = beside(source.name, name)
        strange = found is not None and found.language is not None and not is_language(found.language)
        if strange and name.lower().endswith(".xml"):
            continue
        if strange or (found is None and unclear(source.name, name, names)):
            found = SubtitleFile(file=name, left_out=UNCLEAR)
        if found is not None:
            place = source.parent.child(name)
            if _leads_away(place, source):
                found = SubtitleFile(file=name, left_out=LINKED)
            yield found, place


def _leads_away(place: Location, source: Location) -> bool:
    """Return whether a file beside a source is a link out of their folder, where the source is none itself.

    Whoever may put files beside a film, as into a folder that `watch` looks at, could publish any file we can read.
    """
    if place.remote or not place.path.is_symlink() or source.path.is_symlink():
        return False
    return not place.path.resolve().is_relative_to(source.parent.path.resolve())


def _is_other(place: Location) -> bool:
    """Return whether a file is XML of another kind, such as the metadata that cameras write beside a film."""
    if not place.name.lower().endswith(".xml"):
        return False
    from streamify.media.text.documents import decode_xml, is_ttml

    return not is_ttml(decode_xml(_read(place)).text)


def _names(folder: Location, begin: str) -> set[str]:
    """Return the names in a folder that begin so; none where the store does not list it, as `UNLISTED` says."""
    try:
        return reach_storage(folder).beginning(begin)
    except StreamifyError as error:
        if error.code not in UNLISTED:
            raise
        return set()


def _place(one: SubtitleFile, *, here: bool) -> Location:
    place = Location.parse(one.file)
    if not place.remote and not here:
        raise UsageError(
            "subtitles-path",
            f"subtitles {one.file}: a path is of no use where the job runs",
            "put the file beside the source by its name, such as film.en.srt, or give its URL",
        )
    return place


def _read(place: Location) -> bytes:
    if place.remote:
        bucket = reach_storage(place.root)
        facts = bucket.stat(place.key)
        if facts is None:
            raise UsageError("subtitles-missing", f"subtitles {place}: there is no such object", "check the key")
        _refuse_large(place, facts.size)
        return bucket.get(place.key) or b""
    try:
        if place.path.is_dir():
            raise UsageError("subtitles-unreadable", f"subtitles {place}: it is a folder", "give a file")
        if not place.path.is_file():
            raise UsageError("subtitles-missing", f"subtitles {place}: there is no such file", "check the path")
        _refuse_large(place, place.path.stat().st_size)
        return place.path.read_bytes()
    except OSError as error:
        raise UsageError(
            "subtitles-unreadable", f"subtitles {place}: {error.strerror}", "check its permissions"
        ) from error


def _refuse_large(place: Location, count: int) -> None:
    if count > FILE_BYTES:
        raise UsageError(
            "subtitles-too-large",
            f"subtitles {place} has {size(count)}, the limit is {size(FILE_BYTES)}",
            "give a subtitle file: of a film of three hours it has some 200 kB",
        )
