"""Where a source or a stream lies: parsed once, where a user's text comes in."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from streamify.errors import UsageError

Scheme = Literal["file", "s3", "gs", "az"]
_REMOTE: dict[str, Scheme] = {"s3": "s3", "gs": "gs", "az": "az"}
_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Location:
    """A file or folder of this machine, or an object or prefix in an object store.

    Everything after the scheme of a URL is taken literally: no percent-encoding, so that every key can be named. In
    JSON a location is its `url`.
    """

    scheme: Scheme
    bucket: str
    """Bucket, or container of Azure; empty for a path."""
    key: str
    """Absolute path; or key or prefix without slashes around it, empty for a whole bucket."""
    shown: str = field(default="", compare=False)
    """The text that the user wrote."""

    @classmethod
    def parse(cls, text: str) -> Location:
        """Return the location that a path or a URL names.

        Raises:
            UsageError: ``location-url``, a URL of another scheme, without a bucket, or with a part that URLs cannot
                hold;
                ``location-cwd``, a relative path where the current folder was removed.
        """
        found = _URL.match(text)
        if found is None:
            return cls("file", "", str(_absolute(text)), text)
        scheme = _REMOTE.get(found[1].lower())
        if scheme is None:
            raise UsageError(
                "location-url",
                f"'{text}': {found[1].lower()}:// is not supported",
                f"use {', '.join(_REMOTE)} or a path",
            )
        return _object(scheme, found[2], text)

    @classmethod
    def of_source(cls, source: object) -> Location:
        """Return the location of SOURCE, a path or the URL of an object.

        Raises:
            UsageError: It cannot be a source; the message says why.
        """
        text = _text(source, "SOURCE")
        if text == "-":
            raise UsageError(
                "source-stdin",
                "SOURCE '-': a pipe cannot be read out of order",
                "save it to a file first: cat > video.mp4",
            )
        scheme = _other_scheme(text)
        if scheme is not None:
            remedy = "download it first: curl -fLo video.mp4 URL" if scheme.startswith("http") else "give a path"
            raise UsageError("source-url", f"SOURCE '{text}': {scheme}:// is not read directly", remedy)
        found = cls.parse(text)
        if found.remote and not found.key:
            raise UsageError(
                "location-url", f"SOURCE '{text}' names a bucket", f"name a video in it: {found.root.url}/KEY"
            )
        return found

    @classmethod
    def of_dest(cls, dest: object) -> Location:
        """Return the location of DEST, a path or the URL of a prefix.

        Raises:
            UsageError: It cannot be a DEST; the message says why.
        """
        text = _text(dest, "DEST")
        if text == "-" or _other_scheme(text) is not None:
            raise UsageError(
                "dest-not-a-folder",
                f"DEST '{text}' is not a folder",
                "give the path of a folder, or s3://BUCKET/PREFIX",
            )
        found = cls.parse(text)
        if found.remote and found.key and "" in found.key.split("/"):
            raise UsageError(
                "location-url",
                f"DEST '{text}' has an empty part (// or a slash at its start) in its key",
                f"use one without: {found.root.child('/'.join(filter(None, found.key.split('/')))).url}",
            )
        return found

    @property
    def remote(self) -> bool:
        """Whether it is in an object store."""
        return self.scheme != "file"

    @property
    def path(self) -> Path:
        """The absolute path of a location on this machine."""
        assert not self.remote
        return Path(self.key)

    @property
    def url(self) -> str:
        """The absolute path, or ``SCHEME://BUCKET/KEY``; `parse` gives the same location for it."""
        if not self.remote:
            return self.key
        return f"{self.scheme}://{self.bucket}/{self.key}" if self.key else f"{self.scheme}://{self.bucket}"

    @property
    def root(self) -> Location:
        """The bucket that holds it; for a path, the root of the file system."""
        return Location(self.scheme, self.bucket, "" if self.remote else "/")

    @property
    def parent(self) -> Location:
        """The folder or prefix that holds it."""
        if not self.remote:
            return Location(self.scheme, self.bucket, str(self.path.parent))
        return Location(self.scheme, self.bucket, self.key.rpartition("/")[0])

    @property
    def name(self) -> str:
        """The last part of the path or key, such as ``film.mp4``."""
        return self.key.rsplit("/", 1)[-1]

    def child(self, key: str) -> Location:
        """Return the location of a key below this one."""
        if not self.remote:
            return Location(self.scheme, self.bucket, str(self.path / key))
        return Location(self.scheme, self.bucket, f"{self.key}/{key}" if self.key else key)

    def holds(self, other: Location) -> bool:
        """Return whether `other` is this location or lies below it; links of a file system are followed."""
        if self.remote or other.remote:
            mine, theirs = (self.scheme, self.bucket), (other.scheme, other.bucket)
            return mine == theirs and f"{other.key}/".startswith(f"{self.key}/" if self.key else "")
        path, folder = other.path.resolve(), self.path.resolve()
        return path == folder or folder in path.parents

    def __str__(self) -> str:
        return self.shown or self.url

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic read a location from its text and write its `url`."""
        return core_schema.no_info_plain_validator_function(
            _validated, serialization=core_schema.plain_serializer_function_ser_schema(_serialized, when_used="json")
        )


def _validated(value: object) -> Location:
    if isinstance(value, Location):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a path or a URL")
    try:
        return Location.parse(value)
    except UsageError as error:
        raise ValueError(error.message) from error


def _serialized(value: Location) -> str:
    return value.url


def _object(scheme: Scheme, rest: str, text: str) -> Location:
    bucket, _, key = rest.partition("/")
    key = key.removesuffix("/")
    if not bucket:
        raise UsageError("location-url", f"'{text}' names no bucket", f"write it as {scheme}://BUCKET/KEY")
    parts = key.split("/") if key else []
    good = [part for part in parts if part not in ("", ".", "..")]
    bad = [part for part in parts if part in (".", "..")] or (parts and not parts[-1])
    if bad or (scheme == "gs" and good != parts):  # URLs cannot hold the first; obstore's store takes none of them
        what = "'.', '..' or an empty last part" if scheme != "gs" else "an empty part, '.' or '..'"
        raise _unusable(scheme, bucket, good, text, what)
    if _CONTROL.search(key):
        raise UsageError(
            "location-url",
            f"{text!a} has a control character in its key, which obstore does not take",
            "use a key without it; copy an object that is there",
        )
    if scheme == "az" and "\\" in key:
        raise UsageError(
            "location-url", f"'{text}' has a backslash, which Azure turns into a slash", "use another name"
        )
    return Location(scheme, bucket, key, text)


def _unusable(scheme: str, bucket: str, good: list[str], text: str, what: str) -> UsageError:
    return UsageError(
        "location-url",
        f"'{text}' has {what} in its key",
        f"use a key without them; copy an object that is there: to {scheme}://{'/'.join((bucket, *good))}",
    )


def _other_scheme(text: str) -> str | None:
    """Return the scheme of a URL that is of no object store, in lower case."""
    found = _URL.match(text)
    return found[1].lower() if found and found[1].lower() not in _REMOTE else None


def _absolute(text: str) -> Path:
    try:
        return Path(os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path("./~") forgets the "./" of a plain name
    except FileNotFoundError as error:  # of getcwd
        raise UsageError(
            "location-cwd", f"'{text}': the current folder was removed", "change to another one: cd"
        ) from error


def _text(value: object, what: str) -> str:
    if not isinstance(value, str | os.PathLike) or not isinstance(text := os.fspath(value), str):
        raise UsageError("location-type", f"{what} is a {type(value).__name__}, not a path", "give a str or a Path")
    if not text:
        raise UsageError("location-empty", f"{what} is empty", "give a path")
    if "\0" in text:
        raise UsageError("location-type", f"{what} {text!a} holds a null character", "give a path without it")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("location-not-utf8", f"{what} {text!a} is not valid UTF-8", "rename it") from error
    return text
