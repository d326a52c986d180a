"""A stream that grows beside its map on AWS, by the handlers over a real S3 server: what each version names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clouds import Cloud, Kind, media
from e2e.stepping import KEY, SETTINGS, Buckets
from stores import open_storage
from streamify.backends.aws.functions import handlers
from streamify.backends.aws.functions import publish as publishing
from streamify.backends.aws.functions import start as begin
from streamify.dest.layout import GROWING, ledger_key
from streamify.errors import DestinationError
from streamify.model.result import SegmentRecord
from streamify.storage.objects import ObjectStorage

EARLY = SETTINGS | {"publish": "early", "segment_seconds": 2}


class Stage(Buckets):
    """Buckets with a job that is published early."""

    over = False
    """Whether the map is."""

    def publish(self, planned: dict[str, Any]) -> dict[str, Any]:
        """Call the publisher as the state machine does."""
        answer = handlers.publish({"run": planned["run"], "execution": "arn"}, None)
        return dict(json.loads(json.dumps(answer)))

    def begin(self, clip: Path, **settings: Any) -> dict[str, Any]:
        """Plan a job."""
        open_storage(self.uploads).put(KEY, clip.read_bytes())
        return self.split({"source": f"{self.uploads}/{KEY}", "dest": f"{self.media}/{KEY}",
                           "settings": EARLY | settings, "resume": True})  # fmt: skip

    def named(self) -> dict[str, list[str]]:
        """Return the files that each playlist of the master playlist names; all of them are certified and there."""
        master = self.text("master.m3u8")
        playlists = [
            *re.findall(r"^[^#\s].*$", master, re.MULTILINE),
            *re.findall(r'TYPE=AUDIO.*URI="([^"]+)"', master),
        ]
        found = {}
        for playlist in playlists:
            folder = playlist.rsplit("/", 1)[0]
            text = self.text(playlist)
            files = [f"{folder}/{name}" for name in re.findall(r"^[^#\s].*$", text, re.MULTILINE)]
            for number, file in enumerate(files):
                entry = self.dest.get(ledger_key(folder.split("/")[1], number))
                assert entry is not None, f"{file} is not certified"
                stat = self.dest.stat(file)
                assert stat is not None, f"{file} is missing"
                assert stat.size == SegmentRecord.from_json(entry).media.size
            found[playlist] = files
        return found

    def text(self, key: str) -> str:
        """Return a file of the stream."""
        return (self.dest.get(key) or b"").decode()


@pytest.fixture
def stage(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Stage:
    store = cloud("s3")
    store.enter(monkeypatch)
    monkeypatch.setattr(begin, "_is_running", lambda *_: False)
    monkeypatch.setattr(publishing, "FIRST", 0)
    monkeypatch.setattr("streamify.jobs.early.pause", lambda *_: 0)  # no version is left out here
    found = Stage(store)
    monkeypatch.setenv("MEDIA_BUCKET", found.media[5:])
    monkeypatch.setattr(handlers, "map_is_over", lambda *_: found.over)
    monkeypatch.setattr(handlers, "account", lambda: None)
    return found


@pytest.mark.long
def test_a_stream_grows_and_ends_as_one_that_is_published_at_its_end(stage: Stage, clip: Path) -> None:
    planned = stage.begin(clip)
    assert planned["early"] is True
    calls = stage.items(planned)
    keys = [call["item"]["key"] for call in calls]
    # 14 s: the sound, then the smallest rendition of what begins in the first ten seconds, alone, before all else.
    assert keys[0].startswith("audio/")
    assert keys[1:6] == [f"video/{segment:05d}/240p" for segment in range(5)]
    assert len(keys) == len(set(keys)) == 1 + 2 * 7
    assert stage.publish(planned)["status"] == "growing"
    assert stage.dest.get("master.m3u8") is None
    lengths = []
    for call in calls:
        assert handlers.transcode(call, None)["status"] == "done"
        answer = stage.publish(planned)
        named = stage.named() if stage.dest.get("master.m3u8") else {}
        lengths.append((len(named), max(map(len, named.values()), default=0)))
        assert len({len(files) for files in named.values()}) <= 1  # a player may change to any of them
        if lengths[-1][1]:
            assert "#EXT-X-ENDLIST" not in stage.text(next(iter(named)))
            assert 'type="dynamic"' in stage.text("manifest.mpd")
    assert answer == {"status": "ended", "wait": 0}  # all of it exists: the end is for the assembler
    assert lengths[:3] == [(0, 0), (2, 1), (2, 2)]  # sound and a rendition, from the second task on
    assert lengths == sorted(lengths)
    assert lengths[-1][0] == 3
    assert stage.dest.get(GROWING) is not None
    end = stage.assemble(planned)
    assert end["status"] == "complete", end
    assert stage.dest.get(GROWING) is None
    grown = {key: stage.text(key) for key in ("master.m3u8", "manifest.mpd")}
    files = media(f"{stage.media}/{KEY}")
    for one in list(stage.dest.list()):
        stage.dest.delete(one.key)
    planned = stage.begin(clip, publish="final")
    assert "early" not in planned
    stage.transcode(planned)
    assert stage.assemble(planned)["status"] == "complete"
    assert media(f"{stage.media}/{KEY}") == files
    assert {key: stage.text(key) for key in grown} == grown


def test_it_goes_on_after_errors_of_the_storage_and_over_what_an_earlier_run_left(
    stage: Stage, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = stage.begin(clip, ladder="240p")
    sound, *pictures = stage.items(planned)

    def fail_once(name: str, marked: str) -> None:
        real = getattr(ObjectStorage, name)

        def failing(self: ObjectStorage, key: str = "", *rest: Any) -> Any:
            if marked in key:
                monkeypatch.setattr(ObjectStorage, name, real)
                raise DestinationError("storage-unavailable", "503", transient=True)
            return real(self, key, *rest)

        monkeypatch.setattr(ObjectStorage, name, failing)
        with pytest.raises(handlers.TransientError):
            stage.publish(planned)

    def length() -> int:
        return max((len(files) for files in stage.named().values()), default=0)

    for call in (sound, pictures[0]):
        handlers.transcode(call, None)
    (track,) = {one.key.split("/")[1] for one in stage.dest.list("audio/")}
    fail_once("list", f"ledger/{track}")  # after the pictures' listing
    fail_once("get", "init.mp4")
    stage.publish(planned)
    assert length() == 1
    (track,) = {one.key.split("/")[1] for one in stage.dest.list("video/")}
    for left in (b"{}", stage.dest.get(ledger_key(track, 0)) or b""):
        handlers.transcode(pictures[1], None)
        stage.dest.put(ledger_key(track, 1), left)
        stage.publish(planned)
        assert length() == 1
    for call in pictures[1:3]:
        assert handlers.transcode(call, None)["status"] == "done"
        stage.publish(planned)
    assert length() == 3


@pytest.mark.long
def test_what_grew_is_withdrawn_where_the_job_fails_and_only_by_its_own_run(stage: Stage, clip: Path) -> None:
    planned = stage.begin(clip)
    calls = stage.items(planned)
    for call in calls[:3]:
        handlers.transcode(call, None)
    stage.publish(planned)
    assert stage.named()
    open_storage(stage.uploads).delete(KEY)
    for call in calls[3:]:
        assert handlers.transcode(call, None)["status"] == "failed"
    stage.over = True
    assert stage.publish(planned) == {"status": "ended", "wait": 0}
    assert stage.named()
    assert stage.assemble(planned)["status"] == "failed"
    assert (stage.dest.get("master.m3u8"), stage.dest.get("manifest.mpd"), stage.dest.get(GROWING)) == (None,) * 3
    # As the state machine does where the assembler is lost; a later run holds DEST by now.
    again = stage.begin(clip)
    stage.over = False
    stage.publish(again)
    assert stage.named()
    handlers.publish({"withdraw": planned["run"]}, None)
    assert stage.named()
    manifest = stage.text("manifest.mpd")
    stage.publish(planned)
    assert stage.text("manifest.mpd") == manifest  # it publishes nothing over the other's
    handlers.publish({"withdraw": again["run"]}, None)
    assert stage.dest.get("master.m3u8") is None


@pytest.mark.long
def test_a_whole_stream_stays_until_the_one_that_replaces_it_is_whole(stage: Stage, clip: Path) -> None:
    planned = stage.begin(clip, publish="final")
    stage.transcode(planned)
    stage.assemble(planned)
    assert "early" not in stage.begin(clip, crf=40, replace=True)
