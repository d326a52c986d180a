"""What the functions read, write and delete, beside what their roles in the template let them.

Requests are noted where they are made, over a real S3 server; tests/deployed takes rights away and sees jobs fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from clips.bitmaps import Card, subtitled
from clips.joined_sound import ffmpeg
from clips.make import ClipSpec, make_clip
from clouds import Cloud, Kind
from e2e.stepping import KEY, SETTINGS, Buckets
from stores import open_storage
from streamify.backends.aws.functions import handlers, publish
from streamify.backends.aws.functions import start as begin
from streamify.backends.aws.functions.turns import Turns
from streamify.dest.layout import GROWING, THUMBNAILS, TRACK_FOLDERS, is_of_run
from streamify.jobs import early, items
from streamify.model.job import GrowingState
from streamify.storage.objects import ObjectStorage

TEMPLATE = Path(__file__).parents[2] / "deploy" / "aws" / "template.yaml"
ACTIONS = {
    "_read": "s3:GetObject", "open": "s3:GetObject", "stat": "s3:GetObject", "put": "s3:PutObject",
    "put_new": "s3:PutObject", "swap": "s3:PutObject", "delete": "s3:DeleteObject",
}  # fmt: skip
TAGGING = "s3:PutObjectTagging"
"""Of a write that carries a tag."""
ARN = "arn:${AWS::Partition}:s3:::"
CHAPTERS = """;FFMETADATA1
[CHAPTER]
TIMEBASE=1/1000
START=0
END=3000
title=All of it
"""
WORDS = b"1\n00:00:00,500 --> 00:00:01,500\nHello\n"
Request = tuple[str, str, str]
"""Function, action, and bucket with key."""


def roles() -> dict[str, list[tuple[set[str], str]]]:
    """Return for each function its actions and the patterns of objects that they are allowed on."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: node.value)
    resources = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]
    found: dict[str, list[tuple[set[str], str]]] = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Serverless::Function":
            for statement in resource["Properties"]["Policies"][0]["Statement"]:
                given = statement["Resource"]
                found.setdefault(name, []).extend(
                    (set(statement["Action"]), one)
                    for one in (given if isinstance(given, list) else [given])
                    if isinstance(one, str)
                )
    return found


def allows(pattern: str, key: str) -> bool:
    """Return whether an IAM pattern matches."""
    text = pattern.replace(f"{ARN}${{Uploads.Value}}", "uploads").replace(f"{ARN}${{Media.Value}}", "media")
    return re.fullmatch(".*".join(map(re.escape, text.split("*"))), key) is not None


class Machine:
    """Step Functions as far as the line of jobs needs it."""

    def runs(self, execution: str) -> bool:
        return True

    def answer(self, token: str, workers: int) -> bool:
        return True

    def resize(self, execution: str, workers: int) -> bool:
        return True


@pytest.fixture
def made(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[Request]:
    """What the functions did for a job, one that mends it and one that takes its place."""
    store = cloud("s3")
    store.enter(monkeypatch)
    monkeypatch.setattr(begin, "_is_running", lambda *_: False)
    buckets, requests, calling, withdrawn = Buckets(store), set[Request](), list[str](), list[str]()
    monkeypatch.setenv("MEDIA_BUCKET", buckets.media[5:])
    settings = SETTINGS | {"ladder": "240p", "loudness": -20}

    def note(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def noted(self: ObjectStorage, key: str, *rest: Any, **more: Any) -> Any:
            if calling:
                place = repr(self).split("'")[1].replace(buckets.uploads, "uploads").replace(buckets.media, "media")
                requests.add((calling[0], ACTIONS[name], f"{place}/{key}"))
                if name in ("put", "put_new", "swap") and is_of_run(key):
                    requests.add((calling[0], TAGGING, f"{place}/{key}"))
            return real(self, key, *rest, **more)

        return noted

    def call(name: str, event: dict[str, Any]) -> dict[str, Any]:
        calling.append(f"{name.capitalize()}Function")
        try:
            answer: dict[str, Any] = getattr(handlers, name)(event, None)
            return answer
        finally:
            calling.clear()

    def lose(item: dict[str, Any]) -> None:
        call("record", item | {"error": {"Error": "WorkerLost", "Cause": "SIGKILL"}})

    def forget() -> None:
        for failure in [one.key for one in buckets.dest.list() if "/failed/" in one.key]:
            buckets.dest.delete(failure)

    def fail(planned: dict[str, Any], item: dict[str, Any]) -> None:
        """End a job that has published as one with a lost task; then let it go on as if it had not."""
        lose(item)
        assert assemble(planned)["status"] == "failed"
        assert [one.key for one in buckets.dest.list() if one.key.endswith((".m3u8", ".mpd", "growing.json"))] == []
        withdrawn.append(planned["run"]["id"])
        forget()
        publish._publisher.cache_clear()

    def assemble(planned: dict[str, Any]) -> dict[str, Any]:
        return call("assemble", {"run": planned["run"], "prepared": planned["prepared"], "workers": 1})

    def job(settings: dict[str, Any], *, resume: bool = False) -> dict[str, Any]:
        buckets.runs += 1
        given = {"source": f"{buckets.uploads}/{KEY}", "dest": f"{buckets.media}/{KEY}", "settings": settings,
                 "resume": resume}  # fmt: skip
        arn = f"arn:aws:states:us-east-1:0:execution:streamify:run-{buckets.runs}"
        planned = call("split", {"input": given, "execution": arn, "started": "2026-11-23T10:00:00.123Z"})
        assert planned["status"] == "planned", planned
        run = planned["run"]["id"]
        call("turn", {"run": run, "execution": arn, "started": "2026-11-23T10:00:00.123Z", "tasks": 2, "token": run})
        for number, item in enumerate(buckets.items(planned)):
            assert call("transcode", item)["status"] == "done"
            assert call("transcode", item)["status"] == "done"  # as after a lost answer: what is there is read back
            if not number:
                lose(item)
                forget()
            if "early" in planned:
                assert call("publish", {"run": planned["run"], "execution": arn})["status"] in ("growing", "ended")
                if not withdrawn and buckets.dest.stat("master.m3u8") is not None:
                    fail(planned, item)
        if "early" in planned:
            call("publish", {"withdraw": planned["run"]})
        call("turn", {"ended": run})
        end = assemble(planned)
        assert end["status"] == "complete", end
        return end

    media = open_storage(buckets.media)
    assert isinstance(media, ObjectStorage)
    monkeypatch.setattr(publish, "FIRST", 0)
    monkeypatch.setattr(items, "OPENING_SECONDS", 1)  # subtitles are there before the last segment
    monkeypatch.setattr(early, "PATIENCE", 0)
    monkeypatch.setattr(early, "pause", lambda *_: 0)
    monkeypatch.setattr(handlers, "map_is_over", lambda *_: False)
    monkeypatch.setattr(handlers, "account", lambda: None)
    monkeypatch.setattr(handlers, "turns", lambda: Turns(media, Machine(), workers=1, jobs=1, most=1))
    for name in ACTIONS:
        monkeypatch.setattr(ObjectStorage, name, note(name, getattr(ObjectStorage, name)))
    clip = make_clip(ClipSpec(seconds=Fraction(3), rate=Fraction(12), size=(320, 240), bframes=2), tmp_path)
    (tmp_path / "list.txt").write_text(CHAPTERS)
    ffmpeg("-i", clip.path, "-i", tmp_path / "list.txt", "-map_metadata", "1", "-c", "copy", tmp_path / "film.mp4")
    open_storage(buckets.uploads).put(KEY, (tmp_path / "film.mp4").read_bytes())
    open_storage(buckets.uploads).put(f"{KEY.removesuffix('.mp4')}.en.srt", WORDS)
    settings |= {"segment_seconds": 1, "keyframe_seconds": 1}
    job(settings | {"publish": "early"})
    assert withdrawn
    for kind in ("video", "audio", "subtitles"):
        cut = next(one.key for one in buckets.dest.list(f"{kind}/") if one.key.endswith(("0.m4s", "0.vtt")))
        buckets.dest.put(cut, b"short")
    # As a job on another engine left it, which published while it made.
    buckets.dest.put(GROWING, GrowingState(tracks=(), folders=(), segments=0, since=0).to_json())
    job(settings, resume=True)
    drawn = subtitled(tmp_path / "drawn.mkv", [[Card(0.2, 1.5, 60, 150, 100, 40)]], size=(320, 240), seconds=2)
    open_storage(buckets.uploads).put(KEY, drawn.read_bytes())  # without chapters, and with what is drawn into pictures
    other = {"crf": 40, "loudness": -24, "thumbnail_size": 90, "poster": "off", "replace": True, "burn_in": "1"}
    job(settings | other | {"replace_grace": 0}, resume=True)
    later = job(settings | other | {"thumbnail_size": 80, "replace_grace": 3600}, resume=True)["clean"]
    arn = "arn:aws:states:us-east-1:0:execution:streamify:clean"
    asked = {"input": later | {"grace": 0}, "execution": arn, "started": "2026-11-23T10:00:00.123Z"}
    assert call("split", asked)["status"] == "duplicate"
    return requests


@pytest.mark.long
def test_each_function_may_do_what_it_does_and_on_no_other_keys(made: set[Request]) -> None:
    found = roles()
    refused = {
        (function, action, key)
        for function, action, key in made
        if not any(action in actions and allows(pattern, key) for actions, pattern in found[function])
    }
    assert refused == set()
    used = {
        (function, action, pattern.replace("/*/", "/"))
        for function, action, key in made
        for actions, pattern in found[function]
        if action in actions and allows(pattern, key)
    }
    idle = {
        (function, action, pattern)
        for function, grants in found.items()
        for actions, pattern in grants
        for action in actions & {TAGGING, *ACTIONS.values()}
        # At the root of a bucket, a DEST has the same keys without a prefix.
        if "/*/" not in pattern and (re.sub("Larg(est|e)", "", function), action, pattern) not in used
    }
    assert "\n".join(map(str, sorted(idle))) == ""
    assert len(made) > 100, json.dumps(sorted(made))


def test_every_kind_of_track_can_be_written() -> None:
    for function in ("TranscodeFunction", "TranscodeLargeFunction", "TranscodeLargestFunction"):
        for folder in set(TRACK_FOLDERS) - {THUMBNAILS}:
            for key in (f"media/{folder}/x-00000000/00000.m4s", f"media/a.mp4/{folder}/x-00000000/init.mp4"):
                assert any("s3:PutObject" in actions and allows(one, key) for actions, one in roles()[function]), key
