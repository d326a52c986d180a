"""The one place where a location becomes a storage."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from streamify.errors import UsageError
from streamify.model.base import Frozen
from streamify.model.location import Location
from streamify.storage.base import Storage, Stores
from streamify.storage.empty_parts import AZURE_ENDPOINTS, S3_ENDPOINTS, reaching
from streamify.storage.local import LocalStorage

if TYPE_CHECKING:
    from obstore.store import ObjectStore

FIRST_PATIENCE = 2
"""Seconds for which a command tries to connect to an endpoint at all."""
RUN_TAG = "RUN_STATE_TAG"
"""Environment variable of functions: a tag, ``KEY=VALUE``, of all that belongs to single runs, so that it expires."""
CREDENTIALS = ("AWS_", "AZURE_", "GOOGLE_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
               "no_proxy")  # fmt: skip
"""How the names of the environment variables begin that reach an object store."""


def open_storage(location: Location) -> Storage:
    """Return the storage at a location.

    Raises:
        UsageError: The environment configures an object store in a way that does not fit.
    """
    if not location.remote:
        return LocalStorage(location.path)
    from streamify.storage.objects import ObjectStorage  # obstore is slow to load, and most jobs need none

    key, _, value = os.environ.get(RUN_TAG, "").partition("=")
    tags = {key: value} if key else None
    return ObjectStorage(object_store(location), location.url, partial(_behind, location), run_tags=tags)


def reach_storage(location: Location, *, patience: float = FIRST_PATIENCE, **given: Any) -> Storage:
    """Return the storage at a location once its endpoint has accepted a connection.

    A command begins with it: a wrong endpoint is told within seconds, although a store that fails later is tried again
    for half a minute.

    Args:
        location: Of the storage.
        patience: Seconds for which a connection is tried.
        given: See `object_store`.

    Raises:
        UsageError: The environment configures an object store in a way that does not fit.
        DestinationError: Nobody listens at its endpoint.
    """
    if not location.remote:
        return LocalStorage(location.path)
    from streamify.storage.object_errors import check_endpoint
    from streamify.storage.objects import ObjectStorage

    check_endpoint(object_store(location, retry_config=_retries(patience), **given), location.url)
    return ObjectStorage(object_store(location, **given), location.url, partial(_behind, location, **given))


def _behind(location: Location, before: str, **given: Any) -> ObjectStore:
    """Return a store of the keys behind an empty part of those of a bucket's root, or of a prefix."""
    return object_store(location, before=f"/{location.key}{before}" if location.key else before, **given)


def object_store(location: Location, *, before: str | None = None, **given: Any) -> ObjectStore:
    """Return obstore's store at a location; `given` goes before what the environment says.

    Args:
        location: Of a bucket or a prefix.
        before: All of a key up to its last empty part, as `streamify.storage.empty_parts` divides it; keys of the store
            are then what follows it.
        given: Arguments of obstore's store.

    Raises:
        UsageError: The environment configures it in a way that does not fit.
    """
    from obstore.exceptions import BaseError
    from obstore.store import AzureStore, GCSStore, S3Store

    from streamify.storage.object_errors import PATIENCE

    options = {"timeout": "120s", "connect_timeout": "5s"}
    # Whoever writes http:// means it.
    if any(os.environ.get(name, "").startswith("http://") for name in (*S3_ENDPOINTS, *AZURE_ENDPOINTS)):
        options = {**options, "allow_http": True}  # type: ignore[dict-item]
    try:
        kind = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}[location.scheme]
        ours = {"prefix": location.key or None, "client_options": options, "retry_config": _retries(PATIENCE)}
        bucket = location.bucket
        if before is not None:
            bucket, more = reaching(location.scheme, bucket, before, os.environ, given)
            ours |= {"prefix": None, **more}
        found: ObjectStore = kind(bucket, **{**ours, **given})
    except (BaseError, ValueError) as error:
        text = " ".join(str(error).split("\n\nDebug source:")[0].split())
        raise UsageError(
            "location-url", f"{location.root}: {text[:300]}", "see docs/guides/object-storage.md"
        ) from error
    return found


def _retries(patience: float) -> dict[str, Any]:
    """Return how obstore tries again, for so many seconds."""
    from streamify.storage.object_errors import PAUSES

    first, longest = timedelta(seconds=PAUSES.first), timedelta(seconds=PAUSES.longest)
    pauses = {"init_backoff": first, "max_backoff": longest, "base": PAUSES.factor}
    # By time, not by number: the pauses are drawn at random, and twelve of them were over after 4 to 37 s.
    return {"max_retries": 1000, "retry_timeout": timedelta(seconds=patience), "backoff": pauses}


class StoreLocations(Frozen):
    """Where the stores of a job are; what a worker process is told at its start."""

    uploads: Location
    """Location of the folder or bucket that holds the source."""
    media: Location
    """Location of DEST."""

    def open(self) -> Stores:
        """Return the stores."""
        return Stores(open_storage(self.uploads), open_storage(self.media))

    def reach(self, patience: float) -> Stores:
        """Return the stores once their endpoints have accepted a connection; see `reach_storage`."""
        return Stores(reach_storage(self.uploads, patience=patience), reach_storage(self.media, patience=patience))

    @property
    def remote(self) -> bool:
        """Whether any of them is an object store, whose credentials the workers need."""
        return self.uploads.remote or self.media.remote
