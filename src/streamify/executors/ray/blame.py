"""Which machine a failure of the storage is about: nodes have other credentials and networks than the driver."""

from __future__ import annotations

from dataclasses import replace

from streamify.errors import DestinationError, Failure
from streamify.storage.base import Storage

_RIGHTS = ("storage-credentials", "storage-denied", "storage-kms")
"""Codes of failures that credentials explain."""
_ENDPOINT = "storage-unreachable"
"""Code of those that an endpoint explains."""


def on_node(failure: Failure, host: str, uploads: Storage, source: str | None) -> Failure:
    """Return a failure of a task with the node on which the storage failed.

    Args:
        failure: Of a task.
        host: Name of the node.
        uploads: Where the sources are, as the node reaches it.
        source: Key of the task's source; ``None``: it reads none.
    """
    if failure.code == "source-changed" and source is not None:
        failure = _denied(failure, uploads, source) or failure
    if not failure.code.startswith("storage-"):
        return failure
    hint = failure.hint
    if failure.code in (*_RIGHTS, _ENDPOINT):
        what = "the variables, such as AWS_ENDPOINT_URL," if failure.code == _ENDPOINT else "those"
        hint = f"{hint}; nodes have {what} of the environment of `ray start`, not of this command".removeprefix("; ")
    return replace(failure, cause=f"node {host}: {failure.cause}", hint=hint)


def _denied(failure: Failure, uploads: Storage, source: str) -> Failure | None:
    """Return the failure of a source that this node may not read, which the driver has found; ``None``: it may."""
    try:
        uploads.stat(source)
    except DestinationError as error:
        # To whoever may not list a bucket, S3 says the same of a key that is gone.
        cause = f"{error.message}, or it is gone" if error.code == "storage-denied" else error.message
        return replace(failure, code=error.code, cause=cause, hint=error.hint, exit_code=error.exit_code)
    return None
