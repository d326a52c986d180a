"""`clean` removes what nobody needs, and nothing that a manifest names, a viewer may still play or `resume` needs."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from obstore.store import MemoryStore

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import rungs, wait_for
from e2e.driving import streamify as run
from e2e.halting import Halt
from e2e.test_resume import poison
from selection import sample
from streamify.backends.here import Here, is_running
from streamify.errors import DestinationError, Interrupted
from streamify.jobs import clean
from streamify.jobs.clean import clean_job
from streamify.jobs.engine import Stop
from streamify.jobs.hold import holding
from streamify.jobs.record import local_claim, read_job
from streamify.jobs.status import job_status
from streamify.model.event import Event
from streamify.model.location import Location
from streamify.settings.read import from_arguments
from streamify.storage.local import LocalStorage
from streamify.storage.objects import ObjectStorage
from streamify.tasks.plan_file import read_plan

SETTINGS = {"ladder": rungs(240, 120), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast",
            "publish": "final"}  # fmt: skip
States = dict[str, Path]
ENDED = ("finished", "replaced", "interrupted", "failed", "early")


def make(source: Path, dest: Path, stop_after: int | None = None, **more: object) -> None:
    """Carry a job out in this process; with `stop_after`, until so many segments exist, up to 14 of 18.

    Those are all of sound and four of each track of pictures; the fifth waits for the stop: events come in a thread of
    their own, and the job of a quick machine would be over by then.
    """
    stop, made = Stop(), []

    def on_event(event: Event) -> None:
        if event.kind == "segment.finished":
            made.append(event)
            if len(made) == stop_after:
                try:
                    if more.get("publish") == "early":
                        wait_for((dest / "manifest.mpd").exists)
                finally:
                    stop.set()
                    halt.release()

    settings = from_arguments({**SETTINGS, "engine": "inline", **more})
    places = Location.of_source(source), Location.of_dest(dest)
    if stop_after is None:
        Here().transcode(*places, settings, on_event, stop)
        return
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        halt = Halt(Path(folder), 4)
        halt.enter(patch)
        with pytest.raises(Interrupted):
            Here().transcode(*places, settings, on_event, stop)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> States:
    """One job in each state that a run can leave, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("states")
    source = folder / "in.mp4"
    shutil.copy2(make_clip(ClipSpec(seconds=Fraction(6), size=(426, 240), gop=25), shared / "clips").path, source)
    found = {name: folder / name for name in ENDED}
    make(source, found["finished"], stop_after=3)  # so that there is an earlier run
    make(source, found["finished"])
    shutil.copytree(found["finished"], found["replaced"])
    make(source, found["replaced"], replace=True, crf=35)
    make(source, found["interrupted"], stop_after=9)
    make(source, found["early"], stop_after=14, publish="early")
    with pytest.raises(streamify.TasksFailed):
        make(poison(source, folder / "bad.mp4", (1.5, 4.5)), found["failed"])  # 2 s may be lost
    return found


def named(dest: Path) -> set[str]:
    """Return the files that playlists and the MPD name, read without our code."""
    found, waiting = set(), ["master.m3u8"]
    while waiting:
        playlist = dest / waiting.pop()
        if not playlist.exists():
            continue
        text = playlist.read_text()
        uris = re.findall(r'URI="([^"]+)"', text) + [line for line in text.splitlines() if line and line[0] != "#"]
        for uri in uris:
            key = str((playlist.parent / uri).relative_to(dest))
            if key not in found:
                found.add(key)
                waiting += [key] if key.endswith(".m3u8") else []
    mpd = dest / "manifest.mpd"
    if mpd.exists():
        text = mpd.read_text()
        for folder in re.findall(r'media="([^"$]+)/\$Number', text):
            found |= {f"{folder}/init.mp4"} if not folder.startswith("thumbnails/") else set()
    return found


def litter(dest: Path, dice: random.Random) -> set[str]:
    """Add what nobody needs; return its keys."""
    gone = f".tmp-{hashlib.sha256(os.uname().nodename.encode()).hexdigest()[:8]}-{2**22 + 1}-{dice.getrandbits(64):x}"
    orphan = f"{dice.choice([240, 999])}p-{dice.getrandbits(32):08x}"
    plan = read_plan(LocalStorage(dest))
    assert plan is not None
    track = dice.choice(plan.video).id
    keys = {
        f"video/{orphan}/init.mp4", f"video/{orphan}/{dice.randrange(9):05d}.m4s", f"video/{orphan}/playlist.m3u8",
        f".streamify/ledger/{orphan}/00000.json", f".streamify/loudness/{orphan}.json",
        f".streamify/segments-{dice.getrandbits(64):016x}.ndjson", ".streamify/doctor-1", f"video/{track}/00099.m4s",
        f"video/{track}/{gone}", f".streamify/{gone}", gone,
    }  # fmt: skip
    for key in dice.sample(sorted(keys), len(keys)):
        (dest / key).parent.mkdir(parents=True, exist_ok=True)
        (dest / key).write_bytes(b"x" * dice.randrange(100))
    return keys


def files(dest: Path) -> dict[str, bytes]:
    return {str(path.relative_to(dest)): path.read_bytes() for path in dest.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", sample(ENDED, "finished", "interrupted", "replaced", "failed"))
def test_what_is_needed_stays_in_every_state_and_what_is_not_goes(states: States, tmp_path: Path, name: str) -> None:
    dest, dice = tmp_path / "dest", random.Random(name)
    shutil.copytree(states[name], dest)
    before, wanted = files(dest), named(dest)
    assert bool(wanted) == (name in ("finished", "replaced", "early"))
    rubbish = litter(dest, dice)
    theirs = {"video/notes.txt", "video/mine/clip.mp4", "notes/a.m4s", ".streamify/note.txt"}
    for key in theirs:
        (dest / key).parent.mkdir(parents=True, exist_ok=True)
        (dest / key).write_text("mine")
    looked = run("clean", dest, "--json").json
    assert looked["removed"] is False
    assert rubbish <= {item["key"] for item in looked["items"]}
    assert rubbish <= files(dest).keys()
    removed = run("clean", dest, "--yes", "--json").json
    assert removed["items"] == looked["items"]
    after = files(dest)
    assert rubbish.isdisjoint(after)
    assert wanted | theirs <= after.keys()
    old_runs = {key for key in before if key.startswith(".streamify/runs/")} if wanted and name != "early" else set()
    changed = {key for key in before if after.get(key) != before[key] and key != ".streamify/lock"}
    assert changed <= old_runs
    assert bool(changed) == (name in ("finished", "replaced"))
    assert run("clean", dest, "--json").json["items"] == []
    if name in ("finished", "replaced"):
        assert run("verify", dest).code == 0
    if name in ("interrupted", "early"):
        done = streamify.resume(dest)
        assert done.tasks_reused >= 9
        media = {key: data for key, data in files(states["finished"]).items() if key.endswith((".m4s", ".mp4"))}
        assert {key: data for key, data in files(dest).items() if key in media} == media
        assert run("verify", dest).code == 0


def test_replaced_tracks_go_when_their_time_is_over(states: States, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    shutil.copytree(states["replaced"], dest)
    found = run("clean", dest, "--yes", "--json").json
    assert {item["kind"] for item in found["items"]} == {"runs"}
    assert len([line for line in found["kept"] if "viewers may play it" in line]) == 3
    retired = dest / ".streamify/retired.json"
    retired.write_text(re.sub(r":1[0-9]{9}(\.[0-9]+)?", f":{time.time() - 3601}", retired.read_text()))
    wanted = named(dest)
    found = run("clean", dest, "--yes", "--json").json
    assert {item["kind"] for item in found["items"]} == {"replaced"}
    assert not retired.exists()
    assert wanted <= files(dest).keys()
    assert len(list((dest / "video").iterdir())) == len(list((dest / ".streamify/ledger").iterdir())) - 1 == 2
    assert run("verify", dest).code == 0


def test_the_state_of_a_finished_job_goes_only_where_that_is_asked_for(states: States, tmp_path: Path) -> None:
    for name in ("finished", "interrupted"):
        shutil.copytree(states[name], tmp_path / name)
    found = run("clean", tmp_path / "finished", "--state", "--yes", "--json").json
    assert {item["kind"] for item in found["items"]} == {"state"}
    assert set(files(tmp_path / "finished/.streamify")) <= {"lock"}
    assert run("verify", tmp_path / "finished").code == 0
    assert run("status", tmp_path / "finished", "--json").json["state"] == "complete"
    found = run("clean", tmp_path / "interrupted", "--state", "--yes", "--json").json
    assert (found["items"], "resume needs it" in found["kept"][0]) == ([], True)


def test_only_what_is_old_enough_goes(states: States, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    shutil.copytree(states["finished"], dest)
    for number, age in enumerate((10, 3 * 86400)):
        path = dest / f"video/240p-{number:08x}/00000.m4s"
        path.parent.mkdir()
        path.write_bytes(b"x")
        os.utime(path, (time.time() - age,) * 2)
    found = run("clean", dest, "--older-than", "2d", "--json").json
    assert [item["key"] for item in found["items"]] == ["video/240p-00000001/00000.m4s"]
    bad = run("clean", dest, "--older-than", "soon")
    assert (bad.code, "[age-invalid]" in bad.line) == (2, True)


def test_nothing_is_removed_while_a_job_runs_there(states: States, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    shutil.copytree(states["interrupted"], dest)
    litter(dest, random.Random(1))
    before, job = files(dest), read_job(LocalStorage(dest))
    assert job is not None
    with holding(Location.of_dest(dest), LocalStorage(dest), local_claim(job), is_running):
        for more in ((), ("--yes",)):
            refused = run("clean", dest, *more)
            assert (refused.code, "[job-running]" in refused.line) == (5, True)
    assert {key: data for key, data in files(dest).items() if key != ".streamify/lock"} == {
        key: data for key, data in before.items() if key != ".streamify/lock"
    }


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (lambda text: text.replace('"schema":3', '"schema":99', 1), "state-newer"),
        (lambda text: text[:100], "plan-unreadable"),
    ],
)
def test_a_plan_that_cannot_be_read_stops_it(
    states: States, tmp_path: Path, harm: Callable[[str], str], code: str
) -> None:
    dest = tmp_path / "dest"
    shutil.copytree(states["interrupted"], dest)
    plan = dest / ".streamify/plan.json"
    plan.write_text(harm(plan.read_text()))
    before = files(dest)
    refused = run("clean", dest, "--yes")
    assert (refused.code, f"[{code}]" in refused.line, files(dest)) == (5, True, before)
    nothing = run("clean", tmp_path / "nothing")
    assert (nothing.code, "[no-job]" in nothing.line) == (5, True)


def upload(dest: Path, media: ObjectStorage) -> None:
    """Copy a folder into an object store, where a claim that was given up stands in place of the lock."""
    for key, data in files(dest).items():
        if key == ".streamify/lock":
            media.put(".streamify/claim.json", data.replace(b'"ended":null', b'"ended":1.5'))
        else:
            media.put(key, data)


@pytest.mark.parametrize("name", ENDED)
def test_the_same_in_an_object_store(
    states: States, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dest, media, place = tmp_path / "dest", ObjectStorage(MemoryStore(), "memory"), Location.parse("s3://bucket/dest")
    shutil.copytree(states[name], dest)
    rubbish = {key for key in litter(dest, random.Random(name)) if ".tmp-" not in key}
    wanted, needed = named(dest), clean_job(job_status(Location.of_dest(dest), LocalStorage(dest), is_running),
                                            LocalStorage(dest), is_running)  # fmt: skip
    upload(dest, media)
    status = job_status(place, media, is_running)
    assert clean_job(status, media, is_running, remove=True).items == ()  # written within the hour
    monkeypatch.setattr(clean, "LEFT_BEHIND", 0)
    found = clean_job(status, media, is_running, remove=True)
    assert {item.key for item in found.items} == {item.key for item in needed.items if ".tmp-" not in item.key}
    left = {entry.key for entry in media.list()}
    assert rubbish.isdisjoint(left)
    assert wanted <= left


def test_a_run_that_begins_in_an_object_store_stops_it(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    media, place = ObjectStorage(MemoryStore(), "memory"), Location.parse("s3://bucket/dest")
    upload(states["finished"], media)
    status = job_status(place, media, is_running)
    other = media.get(".streamify/claim.json") or b""
    media.put(".streamify/claim.json", other.replace(b'"run":"2', b'"run":"3', 1))
    monkeypatch.setattr(clean, "LEFT_BEHIND", 0)
    before = {entry.key for entry in media.list()}
    with pytest.raises(DestinationError) as caught:
        clean_job(status, media, is_running, remove=True)
    assert caught.value.code == "job-running"
    assert {entry.key for entry in media.list()} == before


@pytest.mark.long
def test_the_cache_of_play_goes_by_age_and_not_while_it_is_played(states: States, tmp_path: Path) -> None:
    cache = tmp_path / "streamify"
    for name in ("old", "new", "played"):
        shutil.copytree(states["interrupted"], cache / name)
    for path in (cache / "old/.streamify", cache / "old/.streamify/lock"):
        os.utime(path, (time.time() - 86400 * 8,) * 2)
    (cache / "mine").mkdir()
    job = read_job(LocalStorage(cache / "played"))
    assert job is not None
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    with holding(Location.of_dest(cache / "played"), LocalStorage(cache / "played"), local_claim(job), is_running):
        found = run("clean", "--cache", "--older-than", "7d", "--yes", "--json", env=env).json
        assert ([item["key"] for item in found["items"]], (cache / "old").exists()) == (["old"], False)
        found = run("clean", "--cache", "--json", env=env).json
        assert [item["key"] for item in found["items"]] == ["new"]
        assert found["kept"] == ["mine: it is no stream of Streamify", "played: it is being played"]
    assert (cache / "new").exists()
    both = run("clean", cache / "new", "--cache", env=env)
    assert (both.code, "[usage]" in both.line) == (2, True)


def test_a_run_that_was_kept_out_is_the_one_that_holds_dest_then(states: States, tmp_path: Path) -> None:
    """A run of the same job begins while `clean` has the lock."""
    import threading

    from streamify.jobs.hold import read_claim
    from streamify.jobs.hold_folder import shut

    dest = tmp_path / "dest"
    shutil.copytree(states["interrupted"], dest)
    lock = dest / ".streamify/lock"
    lock.write_text(re.sub(r'"pid":\d+', f'"pid":{2**22 + 1}', lock.read_text()))  # whoever ran has ended
    job = read_job(LocalStorage(dest))
    assert job is not None
    claim, seen = local_claim(job), []

    def begin() -> None:
        with holding(Location.of_dest(dest), LocalStorage(dest), claim, is_running):
            seen.append(read_claim(Location.of_dest(dest), LocalStorage(dest), is_running))

    with shut(Location.of_dest(dest)):
        thread = threading.Thread(target=begin)
        thread.start()
        time.sleep(0.3)
        assert seen == []
    thread.join()
    assert [(held.run if held else None, alive) for held, alive in seen] == [(claim.run, True)]
