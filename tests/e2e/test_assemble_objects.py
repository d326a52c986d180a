"""Assemble in an object store: what it asks for, and what it still finds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import obstore
import pytest

from clouds import Cloud, Kind
from e2e.stepping import KEY, SETTINGS, Buckets
from faults import proxy
from faults.proxy import Proxy
from stores import open_storage
from streamify.backends.aws.functions import handlers
from streamify.storage.objects import ObjectStorage

SEGMENTS, TRACKS = 3, 3


@dataclass(frozen=True)
class Transcoded:
    """A job before its last step. Whoever changes what lies there puts it back."""

    buckets: Buckets
    planned: dict[str, Any]
    objects: dict[str, bytes]
    """Everything at DEST by its key."""

    def of(self, track: str, name: str) -> str:
        """Return the key of a file of a track."""
        return next(key for key in self.objects if track in key.split("/")[1] and key.endswith(f"/{name}"))


@pytest.fixture(scope="module")
def transcoded(cloud: Callable[[Kind], Cloud], clip: Path) -> Transcoded:
    with pytest.MonkeyPatch.context() as patch:
        store = cloud("s3")
        store.enter(patch)
        buckets = Buckets(store)
        patch.setenv("MEDIA_BUCKET", buckets.media[5:])
        patch.setenv("SETTINGS", json.dumps(SETTINGS | {"thumbnails": "off", "poster": "off"}))  # which read segments
        open_storage(buckets.uploads).put(KEY, clip.read_bytes())
        planned = buckets.split()
        buckets.transcode(planned)
        objects = {one.key: buckets.dest.get(one.key) or b"" for one in buckets.dest.list()}
        return Transcoded(buckets, planned, objects)


@pytest.fixture
def way(cloud: Callable[[Kind], Cloud], transcoded: Transcoded, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Lead to the store; at the end everything lies there as before."""
    with proxy.before(cloud("s3")) as found:
        found.cloud.enter(monkeypatch)
        yield found
    dest = transcoded.buckets.dest
    for key in {one.key for one in dest.list()} - transcoded.objects.keys():
        dest.delete(key)
    for key, data in transcoded.objects.items():
        dest.put(key, data)


def assemble(job: Transcoded) -> dict[str, Any]:
    event = {"run": job.planned["run"], "prepared": job.planned["prepared"], "workers": 2}
    return handlers.assemble(event, None)


def below_dest(keys: list[str]) -> list[str]:
    return [key.removeprefix(f"{KEY}/") for key in keys]


def test_no_segment_is_read(transcoded: Transcoded, way: Proxy) -> None:
    assert assemble(transcoded)["status"] == "complete"
    read = Counter(below_dest(way.keys("GET", "HEAD")))
    inits = {key for key in transcoded.objects if key.endswith("/init.mp4")}
    assert len(inits) == TRACKS
    assert {key for key in read if key.startswith(("video/", "audio/"))} == inits
    ledger = {key for key in transcoded.objects if key.startswith(".streamify/ledger/")}
    assert len(ledger) == SEGMENTS * TRACKS
    attempts = {key for key in transcoded.objects if "/attempts/" in key}  # which say what the job cost
    assert len(attempts) == 2 * SEGMENTS + 2  # of each picture task, of sound and of split
    assert all(read[key] == 1 for key in inits | ledger | attempts)
    listed = Counter(below_dest(way.prefixes()))
    assert (listed["video/"], listed["audio/"]) == (2, 2)  # to compare, and for tracks of a replaced stream
    rest = len(way.requests) - len(ledger) - len(attempts)
    assert rest <= 2 * TRACKS + 31  # does not grow with the segments


def flip(dest: ObjectStorage, key: str) -> None:
    data = bytearray(dest.get(key) or b"")
    data[len(data) // 2] ^= 1
    dest.put(key, bytes(data))


def swap(dest: ObjectStorage, one: str, other: str) -> None:
    first, second = dest.get(one) or b"", dest.get(other) or b""
    dest.put(one, second)
    dest.put(other, first)


Sabotage = Callable[[ObjectStorage, Transcoded], object]

SABOTAGE: dict[str, tuple[str, str, str, Sabotage]] = {
    "rewritten": ("360p", "00001.m4s", "checksum", lambda d, j: flip(d, j.of("360p", "00001.m4s"))),
    "missing": ("240p", "00002.m4s", "missing", lambda d, j: d.delete(j.of("240p", "00002.m4s"))),
    "truncated": (
        "aac", "00000.m4s", "bytes, its worker",
        lambda d, j: d.put(j.of("aac", "00000.m4s"), j.objects[j.of("aac", "00000.m4s")][:-1]),
    ),
    "emptied": ("360p", "00000.m4s", "0 bytes, its worker", lambda d, j: d.put(j.of("360p", "00000.m4s"), b"")),
    "swapped": (
        "360p", "00001.m4s", "bytes, its worker",
        lambda d, j: swap(d, j.of("360p", "00001.m4s"), j.of("360p", "00000.m4s")),
    ),
    "of another rung": (
        "360p", "00001.m4s", "bytes, its worker",
        lambda d, j: swap(d, j.of("360p", "00001.m4s"), j.of("240p", "00001.m4s")),
    ),
    "init rewritten": ("240p", "init.mp4", "checksum", lambda d, j: flip(d, j.of("240p", "init.mp4"))),
    "init missing": ("aac", "init.mp4", "missing", lambda d, j: d.delete(j.of("aac", "init.mp4"))),
}  # fmt: skip


@pytest.mark.parametrize("case", SABOTAGE)
def test_what_happened_to_a_file_is_named(case: str, transcoded: Transcoded, way: Proxy) -> None:
    track, name, why, change = SABOTAGE[case]
    dest = transcoded.buckets.dest
    assert isinstance(dest, ObjectStorage)
    change(dest, transcoded)
    answer = assemble(transcoded)
    assert answer["status"] == "failed"
    assert answer["error"]["exit_code"] == 6
    victim = transcoded.of(track, name)
    assert len(answer["error"]["faults"]) == (2 if case in ("swapped", "of another rung") else 1)
    assert any(fault.startswith(victim) and why in fault for fault in answer["error"]["faults"]), answer
    assert dest.get("master.m3u8") is None


@pytest.mark.long
def test_the_same_bytes_under_another_tag_are_read_and_no_fault(transcoded: Transcoded, way: Proxy) -> None:
    dest = transcoded.buckets.dest
    assert isinstance(dest, ObjectStorage)
    victim = transcoded.of("240p", "00001.m4s")
    before = {one.key: one.tag for one in dest.list("video")}
    obstore.put(dest._store, victim, transcoded.objects[victim], use_multipart=True)  # as copies of large objects are
    after = {one.key: one.tag for one in dest.list("video")}
    assert {key for key in after if after[key] != before[key]} == {victim}
    way.forget()
    assert assemble(transcoded)["status"] == "complete"
    read = below_dest(way.keys("GET"))
    assert [key for key in read if key.endswith(".m4s")] == [victim]


@pytest.mark.long
def test_a_ledger_without_tags_is_checked_by_reading(transcoded: Transcoded, way: Proxy) -> None:
    dest = transcoded.buckets.dest
    entries = [key for key in transcoded.objects if key.startswith(".streamify/ledger/")]
    for key in entries:
        entry = json.loads(transcoded.objects[key])
        assert entry.pop("media_tag")
        dest.put(key, json.dumps(entry).encode())
    victim = transcoded.of("360p", "00002.m4s")
    assert assemble(transcoded)["status"] == "complete"
    read = [key for key in below_dest(way.keys("GET")) if key.endswith(".m4s")]
    assert sorted(read) == sorted(key for key in transcoded.objects if key.endswith(".m4s"))
    flip(dest, victim)  # type: ignore[arg-type]
    assert f"{victim}: checksum" in str(assemble(transcoded)["error"]["faults"])
