"""A source that is refused leaves a DEST as it was; a worker that is lost while it reads a source says which one."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore

import streamify
from clips.claims import film
from streamify.errors import Failure, SourceError, StreamifyError
from streamify.executors.base import TaskError
from streamify.jobs import run
from streamify.jobs.hold import holding
from streamify.jobs.locations import cache_folder
from streamify.jobs.record import local_claim, new_job
from streamify.jobs.refused import NewDest
from streamify.model.location import Location
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.storage.objects import ObjectStorage

REF = SourceRef(key="a.mp4", size=1, version="v", identity="x" * 32)
REFUSED = SourceError("source-format", "refused", "hint")


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("there", [(), ("out",), ("out", "out/a")], ids=["nothing", "a parent", "an empty DEST"])
def test_a_refused_source_leaves_a_folder_as_it_was(there: tuple[str, ...], tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(b"Dear Sir or Madam,\n")
    for name in there:
        (tmp_path / name).mkdir()
    before = tree(tmp_path)
    with pytest.raises(SourceError):
        streamify.transcode(source, tmp_path / "out" / "a", engine="inline")
    assert tree(tmp_path) == before


def test_settings_that_do_not_fit_leave_nothing_either(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(film(3))
    with pytest.raises(StreamifyError) as caught:
        streamify.transcode(source, tmp_path / "dest", engine="inline", max_duration=0.01)
    assert caught.value.exit_code == 7
    assert tree(tmp_path) == {"a.mp4"}


def test_what_was_there_stays(tmp_path: Path) -> None:
    """A stream that stands there is not touched by another film that is refused."""
    dest = tmp_path / "dest"
    (dest / ".streamify").mkdir(parents=True)
    (dest / ".streamify" / "job.json").write_bytes(b"{}")
    source = tmp_path / "a.mp4"
    source.write_bytes(b"text")
    with pytest.raises(SourceError):
        streamify.transcode(source, dest, engine="inline", replace=True)
    assert (dest / ".streamify" / "job.json").exists()


def test_an_object_store_is_left_as_it_was() -> None:
    dest, media = Location.parse("s3://media/out"), ObjectStorage(MemoryStore(), "memory")
    job = new_job(Location.of_source("/a.mp4"), REF, dest, Settings())
    new = NewDest(dest, media)
    with holding(dest, media, local_claim(job), lambda _: False) as hold:

        def refused() -> None:
            with new.cleared(hold):
                media.put(".streamify/job.json", b"{}")
                raise REFUSED

        with pytest.raises(SourceError):
            refused()
    assert not media.names()


def test_a_lost_worker_is_told_with_the_source_that_it_read() -> None:
    failure = Failure("split", "worker-killed", "the worker was ended by SIGABRT", attempts=3)
    with pytest.raises(TaskError) as caught, run._reading(REF):
        raise TaskError(failure)
    assert caught.value.message == "a.mp4: the worker was ended by SIGABRT, while it read it"
    assert caught.value.hint
    assert (caught.value.code, caught.value.exit_code, caught.value.failure.attempts) == ("worker-killed", 4, 3)


def test_streams_with_other_settings_have_folders_of_their_own() -> None:
    def folder(**given: object) -> Path:
        return cache_folder({"XDG_CACHE_HOME": "/c"}, REF, Settings(**given).media())  # type: ignore[arg-type]

    assert folder() == folder(engine="inline", workers=3)
    assert folder() != folder(ladder="360p")
    assert folder().parent == Path("/c/streamify")
