"""What object stores answer when they refuse, in our words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import obstore
from obstore.exceptions import (
    BaseError,
    GenericError,
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from streamify.dest.layout import REPORT
from streamify.errors import DestinationError
from streamify.model.backoff import Backoff

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PATIENCE = 30
"""Seconds for which what a store fails to do is tried again."""
PAUSES = Backoff(0.2, 2, 5.0)
"""Between two tries, by obstore and by us."""

_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_TRIED = re.compile(r"after (\d+) retries")

_PASSING = ("408", "409", "425", "429")
"""Answers of 4xx that another try may not get."""
_DENIED = ("HTTP 401", "HTTP 403", "AccessDenied", "AllAccessDisabled", "AuthorizationPermissionMismatch")
_NO_CONNECTION = re.compile(r"\bkind: Connect\b|legacy::Error\(\s*Connect\b")
"""How obstore's details of an error say that no request was sent: refused, or not answered in time."""
_NOT_IN_TIME = re.compile(r"\bkind: Timeout\b|\bTimedOut\b")
"""That connecting, or what is agreed on before a request (TLS), took longer than allowed: clocks at two layers end it,
and either may be first."""
_ASKED = re.compile(r"\buri: Some\(\s*(\w+://[^/\s,]+)")
_CAUSE = re.compile(r'\b(?:message|error): "([^"]+)"')
_ABSENT = (NotFoundError, FileNotFoundError)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "bucket does not exist")


class KnownError(NamedTuple):
    """An answer that we can explain."""

    code: str
    hint: str
    marks: tuple[str, ...]
    """What such an answer holds, any of them."""
    transient: bool = False
    """Whether it may be gone at the next try."""


_KNOWN = (
    KnownError("storage-no-bucket", "create the bucket, or check its name, account and region", _NO_BUCKET),
    KnownError(
        "storage-credentials",
        "the credentials have expired: get new ones and run the same command again",
        ("ExpiredToken", "TokenRefreshRequired", "RequestExpired"),
    ),
    KnownError(
        "storage-credentials",
        "check the credentials in the environment, see docs/guides/object-storage.md",
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AuthenticationFailed", "InvalidToken", "InvalidClientTokenId",
         "InvalidAuthenticationInfo", "instance metadata", "169.254.169.254", "metadata.google"),
    ),
    KnownError(
        "storage-kms",
        "let these credentials use the key of the bucket (kms:Decrypt, kms:GenerateDataKey): for a stack on AWS deploy"
        " it with KmsKeyArn, and look at the key's own policy",
        ("kms:", "KMS."),
    ),
    KnownError(
        "storage-region",
        "set AWS_REGION to the region of the bucket; for --engine aws, copy the object to the stack's uploads bucket",
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraint", "Redirect", "redirect"),
    ),
    KnownError(
        "storage-unreachable",
        "check the endpoint, the network and the proxy",
        ("error trying to connect", "dns error", "tcp connect error", "Connection refused", "error sending request"),
        transient=True,
    ),
)  # fmt: skip


_T = TypeVar("_T")


class Patience:
    """Waits between the tries of one call, longer each time."""

    def __init__(self) -> None:
        self._until, self._tries = time.monotonic() + PATIENCE, 0

    def wait(self, error: Exception, broken: str = "HTTP error:") -> None:
        """Wait for the next try.

        Raises:
            Exception: `error`, where it is anything but a connection that broke, or there were tries enough.
        """
        if broken not in str(error):
            raise error
        self.pause(error)

    def pause(self, error: Exception) -> None:
        """Wait for the next try, whatever the error says.

        Raises:
            Exception: `error`, where there were tries enough.
        """
        if time.monotonic() > self._until:
            raise error
        self._tries += 1
        time.sleep(PAUSES.pause(self._tries))


BROKE_OFF = "body error"
"""What marks an answer that came and broke off; a store that cannot be reached at all is told at once."""


def insist(call: Callable[[], _T], broken: str = "HTTP error:") -> _T:
    """Return what `call` returns, and call again where the connection broke.

    obstore does so by itself for all but listings, answers that broke off in the middle of an error, and what may have
    been carried out although no answer came: conditional puts and deletes. Whoever calls this for a put finds out by
    reading back.
    """
    patience = Patience()
    while True:
        try:
            return call()
        except GenericError as error:
            patience.wait(error, broken)


def check_endpoint(store: ObjectStore, name: str) -> None:
    """Make sure that the endpoint of a store accepts connections. Whatever it answers is for later requests to judge.

    Args:
        store: That tries again only for a short time.
        name: Of the place, for messages.

    Raises:
        DestinationError: No connection could be made: nobody listens there, or its name is not known.
    """
    try:
        obstore.head(store, REPORT)
    except (BaseError, OSError) as error:
        text = str(error)
        if not _NO_CONNECTION.search(text):
            return
        known, asked, cause = explain("", error), _ASKED.search(text), _CAUSE.search(text)
        what = f"cannot reach {name}" + (f" at {asked[1]}" if asked else "")
        why = "connecting timed out" if _NOT_IN_TIME.search(text) else "no connection could be made"
        why = cause[1] if cause else why
        raise DestinationError(known.code, f"{what}: {why}", known.hint, transient=known.transient) from error


def is_absent(error: Exception) -> bool:
    """Return whether there is just no such object, in a bucket that exists."""
    return isinstance(error, _ABSENT) and not any(mark in str(error) for mark in _NO_BUCKET)


def explain(what: str, error: Exception) -> DestinationError:
    """Return what a store's error means.

    Args:
        what: What could not be done, and where.
        error: By obstore, or of the system.
    """
    text = " ".join(str(error).split("\n\nDebug source:")[0].split())
    found = _CODE.search(text)
    status = _STATUS.search(text)
    said = found[1] if found else f"HTTP {status[1]}" if status else text[:300]
    if isinstance(error, InvalidPathError):
        return DestinationError("storage-key", f"{what}: {text[:300]}", "use another name")
    for known in _KNOWN:
        if any(mark in text for mark in known.marks):
            return DestinationError(known.code, f"{what}: {said}", known.hint, transient=known.transient)
    if isinstance(error, (PermissionDeniedError, UnauthenticatedError)) or said in _DENIED:
        return DestinationError(
            "storage-denied", f"{what}: {said}", "grant these credentials the right to read, write and list there"
        )
    tried = _TRIED.search(text)
    if tried and (status is None or status[1].startswith("5") or status[1] == "429"):
        hint = "wait until the store is well, and run the same command again"
        cause = f"{what}: {said}, also after {tried[1]} retries"
        return DestinationError("storage-unavailable", cause, hint, transient=True)
    if status and status[1].startswith("4") and status[1] not in _PASSING:
        return DestinationError("storage-refused", f"{what}: {said}", "see that code in the store's documentation")
    return DestinationError("storage-failed", f"{what}: {said}", "run the same command again", transient=True)
