"""Object stores as a storage: S3, Google Cloud Storage, Azure Blob Storage, memory; all through obstore."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, GenericError, PreconditionError

from streamify.dest.delivery import cache_control, content_type
from streamify.dest.layout import is_of_run
from streamify.errors import DestinationError
from streamify.storage.base import ConflictError, Listed, Stat, Written, source_changed
from streamify.storage.empty_parts import divided
from streamify.storage.many import side_by_side
from streamify.storage.object_errors import BROKE_OFF, Patience, explain, insist, is_absent
from streamify.storage.ranges import READ_AHEAD, RangeFile

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta, PutMode, PutResult
    from obstore.store import ObjectStore


class ObjectStorage:
    """`Storage` over an obstore store.

    Args:
        store: Rooted at the prefix that keys are below.
        name: Of the place, for messages.
        behind: Opens the store of keys behind an empty part of a key; such objects can only be read. ``None``: there
            are none.
        run_tags: Tags of what belongs to single runs of jobs; not every store has tags.
    """

    def __init__(
        self,
        store: ObjectStore,
        name: str,
        behind: Callable[[str], ObjectStore] | None = None,
        *,
        run_tags: dict[str, str] | None = None,
    ) -> None:
        self._store, self._run_tags = store, run_tags
        self._name = name
        self._behind = lru_cache(maxsize=4)(behind) if behind is not None else None

    def _at(self, key: str) -> tuple[ObjectStore, str]:
        """Return the store in which an object is read, and its key there."""
        parts = divided(key)
        if parts is None or self._behind is None:
            return self._store, key
        return self._behind(parts[0]), parts[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def get(self, key: str) -> bytes | None:
        """See `Storage.get`."""
        found = self._read(key)
        return found[0] if found is not None else None

    def _read(self, key: str) -> tuple[bytes, str | None] | None:
        """Return the object's bytes and their tag."""
        try:
            return insist(lambda: self._fetch(key), BROKE_OFF)
        except (BaseError, OSError) as error:
            self._nothing("read", key, error)
            return None

    def _fetch(self, key: str) -> tuple[bytes, str | None]:
        found = obstore.get(*self._at(key))
        return bytes(found.bytes()), _tag(found.meta["e_tag"])

    def get_many(self, keys: Iterable[str]) -> Iterator[bytes | None]:
        """See `Storage.get_many`."""
        return side_by_side(self.get, keys)

    def put(self, key: str, data: bytes) -> None:
        """See `Storage.put`."""
        try:
            self._put(key, data, "overwrite")
        except (BaseError, OSError) as error:
            raise self._failed("write", key, error) from error

    def put_new(self, key: str, data: bytes) -> Written:
        """See `Storage.put_new`."""
        patience = Patience()
        while True:
            try:
                made = insist(lambda: self._put(key, data, "create"))
            except (AlreadyExistsError, FileExistsError, PreconditionError) as error:
                # A response lost on the way makes the retry report AlreadyExists for our own write: read back.
                found = self._read(key)
                if found is not None and found[0] == data:
                    return Written(new=False, tag=found[1])
                if found is not None:
                    raise ConflictError(
                        "dest-conflict",
                        f"{self._name}/{key} exists with other bytes",
                        "something else writes here, or the file was damaged: delete it, or use another DEST",
                    ) from None
                # S3 answers 409 while another write or delete of the key is on its way, and obstore takes it for that.
                patience.pause(self._failed("write", key, error))
            except (BaseError, OSError) as error:
                raise self._failed("write", key, error) from error
            else:
                return Written(new=True, tag=_tag(made["e_tag"]))

    def put_new_many(self, files: Iterable[tuple[str, bytes]]) -> None:
        """See `Storage.put_new_many`."""
        for _ in side_by_side(lambda file: self.put_new(*file), files):
            pass

    def swap(self, key: str, old: bytes, new: bytes) -> bool:
        """Overwrite `old` by `new` unless somebody else was faster. Return whether `new` is there now."""
        try:
            return insist(lambda: self._swap(key, old, new))
        except (PreconditionError, AlreadyExistsError):
            return self.get(key) == new  # a lost response makes the retry fail on our own write
        except (BaseError, OSError) as error:
            self._nothing("write", key, error)
            return False

    def _swap(self, key: str, old: bytes, new: bytes) -> bool:
        found = obstore.get(self._store, key)
        there = bytes(found.bytes())
        if there == old:
            self._put(key, new, {"e_tag": found.meta["e_tag"] or ""})
        return there in (old, new)

    def _put(self, key: str, data: bytes, mode: PutMode) -> PutResult:
        tags = self._run_tags if is_of_run(key) else None
        return obstore.put(
            self._store, key, data, mode=mode, use_multipart=False, attributes=_attributes(key), tags=tags
        )

    def stat(self, key: str) -> Stat | None:
        """See `Storage.stat`. The version is that of a bucket that keeps versions, else the ETag."""
        try:
            facts = insist(lambda: obstore.head(*self._at(key)), BROKE_OFF)
        except (BaseError, OSError) as error:
            self._nothing("read", key, error)
            return None
        return Stat(facts["size"], _version(facts), facts["last_modified"].timestamp())

    def list(self, prefix: str = "", after: str = "") -> Iterator[Listed]:
        """See `Storage.list`; with `after`, only keys that sort behind it: S3 begins there, others may not."""
        try:
            for meta in self._listing(prefix, after):
                yield Listed(meta["path"], meta["size"], _tag(meta["e_tag"]), meta["last_modified"].timestamp())
        except (BaseError, OSError) as error:
            self._nothing("list", prefix, error)

    def _listing(self, prefix: str, after: str = "") -> Iterator[ObjectMeta]:
        """Yield what a listing shows; where the connection breaks, begin anew behind what is known."""
        seen: set[str] = set()
        patience = Patience()
        while True:
            try:
                for page in obstore.list(self._store, prefix or None, offset=after or None, chunk_size=1000):
                    for meta in page:
                        if meta["path"] > after and meta["path"] not in seen:
                            seen.add(meta["path"])
                            yield meta
            except GenericError as error:
                patience.wait(error)
            else:
                return

    def names(self) -> set[str]:
        """See `Storage.names`."""
        folders, objects = self.top()
        return folders | objects

    def top(self) -> tuple[set[str], set[str]]:
        """See `Storage.top`."""
        try:
            found = insist(lambda: obstore.list_with_delimiter(self._store))
        except (BaseError, OSError) as error:
            self._nothing("list", "", error)
            return set(), set()
        paths = found["common_prefixes"], [meta["path"] for meta in found["objects"]]
        folders, objects = ({path.rstrip("/").split("/")[-1] for path in kind} for kind in paths)
        return folders, objects

    def beginning(self, start: str) -> set[str]:
        """See `Storage.beginning`; listings are in the order of keys."""
        found = set[str]()
        for entry in self.list(after=f"{start[:-1]}{chr(ord(start[-1]) - 1)}~"):
            if entry.key.startswith(start):
                found |= {entry.key} if "/" not in entry.key else set()
            elif entry.key > start:
                break
        return found

    def free_bytes(self) -> int | None:
        """See `Storage.free_bytes`."""
        return None

    def delete(self, key: str) -> None:
        """See `Storage.delete`."""
        try:
            insist(lambda: obstore.delete(self._store, key))
        except (BaseError, OSError) as error:
            self._nothing("delete", key, error)

    def delete_folder(self, prefix: str) -> None:
        """See `Storage.delete_folder`: there are none."""

    def open(self, key: str, version: str | None = None) -> BinaryIO:
        """See `Storage.open`. Every read gives bytes of the same version.

        A bucket that keeps versions goes on giving one that was overwritten, to whoever may read versions. Otherwise
        reading raises SourceError.
        """
        facts, earlier = self._facts(key, version)
        pinned = facts["e_tag"]

        def fetch(start: int, end: int, by: dict[str, str]) -> bytes:
            options = {"range": (start, end)} | by
            found = insist(lambda: obstore.get(*self._at(key), options=options), BROKE_OFF)  # type: ignore[arg-type]
            return bytes(found.bytes())

        def read(start: int, end: int) -> bytes:
            nonlocal earlier
            try:
                if earlier is None:
                    try:
                        return fetch(start, end, {"if_match": pinned} if pinned else {})
                    except PreconditionError as error:
                        earlier = self._overwritten(key, facts, error)
                return fetch(start, end, {"version": earlier})
            except (BaseError, OSError) as error:
                if _may_be_gone(error):
                    raise source_changed(key, "was deleted while it was read, or may not be read any more") from error
                raise self._failed("read", key, error) from error

        return io.BufferedReader(RangeFile(read, facts["size"]), READ_AHEAD)

    def _facts(self, key: str, version: str | None) -> tuple[ObjectMeta, str | None]:
        """Return what is known of an object, or of the version of it that is named, and the id of an earlier one."""
        try:
            facts = insist(lambda: obstore.head(*self._at(key)), BROKE_OFF)
        except (BaseError, OSError) as error:
            if version is not None and _may_be_gone(error):
                raise source_changed(key, "is gone since it was planned, or may not be read any more") from error
            raise self._failed("open", key, error) from error
        if version in (None, _version(facts)):
            return facts, None
        found = self._version_facts(key, version) if version is not None and _version_id(facts) else None
        if found is None:
            raise source_changed(key, "was overwritten since it was planned")
        return found, version

    def _overwritten(self, key: str, facts: ObjectMeta, error: PreconditionError) -> str:
        """Return the id of a version that was overwritten while it was read."""
        version = _version_id(facts)
        if version is None or self._version_facts(key, version) is None:
            raise source_changed(key, "was overwritten while it was read") from error
        return version

    def _version_facts(self, key: str, version: str) -> ObjectMeta | None:
        """Return what is known of a version; ``None``: it is none, is gone, or may not be read."""
        if version.startswith(('"', "W/")):
            return None  # an ETag: the bucket did not keep versions then
        options: GetOptions = {"version": version, "head": True}
        try:
            return insist(lambda: obstore.get(*self._at(key), options=options), BROKE_OFF).meta
        except (BaseError, OSError) as error:
            if _may_be_gone(error):
                return None
            raise self._failed("open", key, error) from error

    def sweep(self) -> None:
        """See `Storage.sweep`: object stores leave nothing that can be listed."""

    def _nothing(self, verb: str, key: str, error: Exception) -> None:
        """Return where there is just no such object.

        Raises:
            DestinationError: The error says something else.
        """
        if not is_absent(error):
            raise self._failed(verb, key, error) from error

    def _failed(self, verb: str, key: str, error: Exception) -> DestinationError:
        return explain(f"cannot {verb} {self._name}/{key}" if key else f"cannot {verb} {self._name}", error)


def _may_be_gone(error: Exception) -> bool:
    """Return whether an object may have been deleted: to whoever may not list its bucket, S3 says 403 then."""
    return is_absent(error) or explain("", error).code == "storage-denied"


def _version(facts: ObjectMeta) -> str:
    return str(_version_id(facts) or facts["e_tag"] or facts["last_modified"])


def _version_id(facts: ObjectMeta) -> str | None:
    """Return the id of a version; ``None``: the bucket keeps none, or did not when this was written."""
    return facts["version"] if facts["version"] not in (None, "", "null") else None


def _tag(etag: str | None) -> str | None:
    """Return an ETag in the one way that is compared: Azure puts quotes round it everywhere but in listings."""
    return etag.removeprefix("W/").strip('"') or None if etag else None


def _attributes(key: str) -> dict[str, str]:
    return {"Content-Type": content_type(key), "Cache-Control": cache_control(key)}
