"""The one place where a location becomes a storage.

A location is the absolute path of a folder, or ``scheme://bucket`` with an optional ``/prefix``. Everything after the
scheme is taken literally: no percent-encoding, so that every key can be named.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from streamify.errors import UsageError
from streamify.model.base import Frozen
from streamify.storage.base import Storage, Stores
from streamify.storage.local import LocalStorage

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az")
_URL = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)

CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
               "no_proxy")  # fmt: skip
"""How the names of the environment variables begin that reach an object store."""


class ObjectUrl(NamedTuple):
    """A place in an object store."""

    scheme: str
    bucket: str
    """Bucket, or container of Azure."""
    key: str
    """Key or prefix, without slashes around it; may be empty."""

    @property
    def root(self) -> str:
        """The bucket as a location."""
        return f"{self.scheme}://{self.bucket}"


def scheme_of(text: str) -> str | None:
    """Return the scheme of a URL in lower case, or ``None`` for a path."""
    found = _URL.match(text)
    return found[1].lower() if found else None


def parse_url(text: str) -> ObjectUrl | None:
    """Take apart the URL of an object or a prefix; ``None`` for everything else.

    Raises:
        UsageError: It names no bucket, or has an empty part.
    """
    scheme, found = scheme_of(text), _URL.match(text)
    if scheme not in SCHEMES or found is None:
        return None
    bucket, _, key = found[2].partition("/")
    key = key.removesuffix("/")
    if not bucket or any(not part or part in (".", "..") for part in key.split("/") if key):
        what = "names no bucket" if not bucket else "has an empty part, '.' or '..' in its key"
        raise UsageError("location-url", f"'{text}' {what}", f"write it as {scheme}://BUCKET/KEY")
    if scheme == "az" and "\\" in key:
        raise UsageError(
            "location-url", f"'{text}' has a backslash, which Azure turns into a slash", "use another name"
        )
    return ObjectUrl(scheme, bucket, key)


def open_storage(location: str) -> Storage:
    """Return the storage at a location.

    Raises:
        UsageError: The environment configures an object store in a way that does not fit.
    """
    url = parse_url(location)
    if url is None:
        return LocalStorage(Path(location))
    from streamify.storage.objects import ObjectStorage  # obstore is slow to load, and most jobs need none

    return ObjectStorage(object_store(url), location)


def object_store(url: ObjectUrl, **given: Any) -> ObjectStore:
    """Return obstore's store of a place; `given` goes before what the environment says.

    Raises:
        UsageError: The environment configures it in a way that does not fit.
    """
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, GCSStore, S3Store

    from streamify.storage.object_errors import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE

    options = {"timeout": "120s", "connect_timeout": "5s"}
    first, longest = timedelta(seconds=FIRST_PAUSE), timedelta(seconds=LONGEST_PAUSE)
    pauses = {"init_backoff": first, "max_backoff": longest, "base": 2}
    # By time, not by number: the pauses are drawn at random, and twelve of them were over after 4 to 37 s.
    retry = {"max_retries": 1000, "retry_timeout": timedelta(seconds=PATIENCE), "backoff": pauses}
    endpoints = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
    # Whoever writes http:// means it.
    if any(os.environ.get(name, "").startswith("http://") for name in endpoints):
        options = {**options, "allow_http": True}  # type: ignore[dict-item]
    try:
        kind = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[url.scheme]
        ours = {"prefix": url.key or None, "client_options": options, "retry_config": retry}
        found: ObjectStore = kind(url.bucket, **{**ours, **given})
    except (BaseError, ValueError) as error:
        text = " ".join(str(error).split("\n\nDebug source:")[0].split())
        raise UsageError("location-url", f"{url.root}: {text[:300]}", "see docs/guides/object-storage.md") from error
    return found


class StoreLocations(Frozen):
    """Where the stores of a job are; what a worker process is told at its start."""

    uploads: str
    """Location of the folder or bucket that holds the source."""
    media: str
    """Location of DEST."""

    def open(self) -> Stores:
        """Return the stores."""
        return Stores(open_storage(self.uploads), open_storage(self.media))

    @property
    def remote(self) -> bool:
        """Whether any of them is an object store, whose credentials the workers need."""
        return any(parse_url(one) is not None for one in (self.uploads, self.media))
