"""What a process of a node does with a task: it holds the credentials, and its child without any decodes."""

from __future__ import annotations

import hashlib
import os
import socket
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module

from streamify.dest.layout import JOB
from streamify.errors import Failure, StreamifyError
from streamify.executors.attempt import failure_of
from streamify.executors.local.start import worker_environment
from streamify.executors.log import tail
from streamify.executors.ray.blame import on_node
from streamify.executors.ray.parcel import packed
from streamify.executors.ray.wire import Build, Card, Given, features
from streamify.executors.sealed import SealedWorker
from streamify.executors.wire import Done, Failed, Progress
from streamify.machine.seal import Seal, hide
from streamify.model.attempt import Usage
from streamify.storage.base import Stores
from streamify.storage.locate import StoreLocations

FIRST_PATIENCE = 10.0
"""Seconds for which a process of a node tries to connect to object stores that no node has reached yet in this job: a
node that lacks their endpoint is told of soon. Stores that were reached and fail later are tried for half a minute."""
Tell = Callable[[bytes], None]
"""Takes a `Progress` as JSON."""


def card(node: str) -> bytes:
    """Return what this process says of itself; `node` is the id of its node."""
    host, pid = socket.gethostname(), os.getpid()
    made = Card(node=node, host=host, pid=pid, time=time.time(), build=Build.here(), features=features())
    return made.to_json()


@cache
def sealed_worker() -> SealedWorker:
    """Return the process that decodes, of which a process of Ray has one; it ends with it."""
    hide()  # before there is a child
    return SealedWorker(environment=worker_environment(os.environ), start_timeout=60, whole=True)


def run(given: bytes, tell: Tell) -> bytes:
    """Carry out what the driver gave; return a `Done` or a `Failed`, compressed."""
    order = Given.from_json(zlib.decompress(given))
    try:
        reply = refused(order) or _run(order, tell)
    except StreamifyError as error:  # its stores cannot be opened or read from here
        reply = _failed(failure_of(order.work.task.key, error))
    return packed(_named(order, reply))


def _named(order: Given, reply: Done | Failed) -> Done | Failed:
    """Return a reply that names this node, where its storage failed."""
    if isinstance(reply, Done):
        return reply
    assert order.work.stores is not None
    try:
        uploads = _opened(order.work.stores).uploads
    except StreamifyError:  # which the reply tells of
        return reply
    source = getattr(order.work.task, "source", None)
    key = source.key if source is not None else None
    failure = on_node(reply.failure, socket.gethostname(), uploads, key)
    return reply.model_copy(update={"failure": failure})


def _run(order: Given, tell: Tell) -> Done | Failed:
    assert order.work.stores is not None
    task, locations = order.work.task, order.work.stores
    stores = _opened(locations) if order.reached else _reached(locations)
    worker = _worker(order.worker)

    def on_progress(told: Progress) -> None:
        tell(told.to_json())

    reply = worker.run(order.job, task, stores, on_progress=on_progress)
    if worker.refused is not None:
        return _failed(_unsealed(task.key, worker.refused))
    if isinstance(reply, Failed):
        failure = reply.failure
        return reply.model_copy(update={"failure": replace(failure, log=tail(worker.log + failure.log))})
    return reply


@cache
def _reached(locations: StoreLocations) -> Stores:
    return locations.reach(FIRST_PATIENCE)


@cache
def _opened(locations: StoreLocations) -> Stores:
    return locations.open()


def _worker(name: str | None) -> SealedWorker:
    if name is None:
        return sealed_worker()
    module, _, attribute = name.partition(":")
    found = getattr(import_module(module), attribute)()
    assert isinstance(found, SealedWorker)
    return found


def _unsealed(key: str, found: Seal) -> Failure:
    missing = "the system calls" if not found.filtered else "the memory of its parent"
    cause = f"node {socket.gethostname()} does not keep {missing} from the process that decodes"
    hint = "use Linux 5.13 or later, where a container allows seccomp and Landlock, and do not run Ray as root"
    return Failure(key, "ray-node-unfit", cause, hint=hint, exit_code=5)


def refused(order: Given) -> Failed | None:
    """Return why a task cannot run here: this node does not see the folders of the job."""
    stores, host = order.work.stores, socket.gethostname()
    assert stores is not None
    source = getattr(order.work.task, "source", None)
    if source is not None and not stores.uploads.remote and not stores.uploads.child(source.key).path.exists():
        return _unseen(order, f"node {host} does not see the source {stores.uploads.child(source.key)}", "the source")
    if order.marker is not None and order.marker != mark(_opened(stores)):
        return _unseen(order, f"node {host} does not see DEST {stores.media}", "DEST")
    return None


def mark(stores: Stores) -> str:
    """Return what is the same on every node that sees the same DEST."""
    return hashlib.sha256(stores.media.get(JOB) or b"").hexdigest()


def _unseen(order: Given, cause: str, what: str) -> Failed:
    hint = f"put {what} into an object store or a folder that every node has at the same path, such as one of NFS"
    return _failed(Failure(order.work.task.key, "ray-folder-unshared", cause, hint=hint, exit_code=5))


def _failed(failure: Failure) -> Failed:
    return Failed(failure=failure, usage=Usage(seconds=0, cpu_seconds=0, peak_bytes=0, resident_bytes=0))
