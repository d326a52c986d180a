"""``streamify watch``: each upload becomes one stream, the same as `transcode` makes, whatever happens."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import time
import uuid
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from clouds import Cloud, Kind
from clouds import media as media_in_cloud
from e2e.driving import made, media, streamify, wait_for
from e2e.halting import Halt
from e2e.watching import FLAGS, records, watch
from stores import open_storage

LONG = ClipSpec(seconds=Fraction(6), gop=25)
SEGMENTS = ("--segment-seconds", "1", "--keyframe-seconds", "1")


@pytest.fixture(scope="module")
def film(shared: Path) -> Path:
    """A clip of 2 s."""
    return make_clip(ClipSpec(seconds=Fraction(2)), shared / "clips").path


@pytest.fixture(scope="module")
def other(shared: Path) -> Path:
    """Another one."""
    return make_clip(ClipSpec(seconds=Fraction(3)), shared / "clips").path


@pytest.fixture(scope="module")
def wanted(
    film: Path, other: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, dict[str, str]]:
    """Hashes of the media that `transcode` makes of each clip."""
    clips = (film, other, make_clip(LONG, shared / "clips").path)
    return {clip: bare(made(clip, tmp_path_factory.mktemp("wanted"), *SEGMENTS, *FLAGS)) for clip in clips}


def bare(found: dict[str, str]) -> dict[str, str]:
    """Return hashes by names without that of the track, which depends on when the source was written."""
    return {re.sub("-[0-9a-f]{8}/", "/", name): digest for name, digest in found.items()}


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def once(uploads: object, target: object, *flags: object) -> dict[str, object]:
    ran = streamify("watch", uploads, target, *FLAGS, "--once", "--json", *flags)
    found: dict[str, object] = ran.json
    assert ran.code == (4 if "error" in found else 0), ran.err
    return found


def outcomes(found: dict[str, object]) -> dict[str, str]:
    ended = found["ended"]
    assert isinstance(ended, list)
    return {one["key"]: one["outcome"] for one in ended}


def test_what_arrives_becomes_streams_and_failures_hold_up_nothing(
    tmp_path: Path, uploads: Path, film: Path, other: Path
) -> None:
    target = tmp_path / "media"
    with watch(uploads, target, tmp_path / "events", "--settle", 0.5) as running:
        (uploads / "a").mkdir()
        (uploads / "notes.txt").write_text("no film")
        shutil.copy(film, uploads / "film.mp4.part")
        shutil.copy(film, uploads / ".hidden.mp4")
        (uploads / "bad.mp4.streamify.yaml").write_text("crf: 20\npreset: quick\n")
        shutil.copy(film, uploads / "bad.mp4")
        (uploads / "a" / "film.mp4.streamify.yaml").write_text("crf: 40\n")
        shutil.copy(film, tmp_path / "moved")
        (tmp_path / "moved").rename(uploads / "a" / "film.mp4")  # arrives whole
        shutil.copy(other, uploads / "a" / "film.mov")  # differs in its extension alone
        ended = running.ended(4)
        assert {key: (one["outcome"], one["code"]) for key, one in ended.items()} == {
            "notes.txt": ("failed", "source-not-media"),
            "bad.mp4": ("failed", "bad-setting"),
            "a/film.mp4": ("complete", None),
            "a/film.mov": ("complete", None),
        }
        assert "bad.mp4.streamify.yaml, line 2: preset" in ended["bad.mp4"]["message"]
        assert ended["notes.txt"]["retry"].startswith(f"touch {uploads}/notes.txt")
        assert not (target / "bad.mp4").exists()
        (uploads / "film.mp4.part").rename(uploads / "film.mp4")
        (uploads / "bad.mp4.streamify.yaml").write_text("crf: 20\n")  # correcting it is a new try
        ended = running.ended(6)
        assert ended["film.mp4"]["outcome"] == ended["bad.mp4"]["outcome"] == "complete"
        code, err = running.stop()
    assert code == 130
    assert [line for line in err.splitlines() if "a/film.mp4: complete" in line]
    assert media(target / "a/film.mp4") == made(uploads / "a/film.mp4", tmp_path / "one", "--crf", 40, *FLAGS)
    assert media(target / "a/film.mov") == made(uploads / "a/film.mov", tmp_path / "two", *FLAGS)
    assert set(outcomes(once(uploads, target))) == set()  # all of it is known
    assert sorted(path.name for path in target.iterdir()) == [
        ".streamify-watch", "a", "bad.mp4", "film.mp4", "notes.txt",
    ]  # fmt: skip


@pytest.mark.long
def test_a_new_version_of_an_upload_takes_the_place_of_the_old_stream(
    tmp_path: Path, uploads: Path, film: Path, other: Path
) -> None:
    target = tmp_path / "media"
    shutil.copy(film, uploads / "film.mp4")
    assert outcomes(once(uploads, target)) == {"film.mp4": "complete"}
    assert outcomes(once(uploads, target)) == {}
    shutil.copy(other, uploads / "film.mp4")
    assert outcomes(once(uploads, target, "--replace-grace", 0)) == {"film.mp4": "complete"}
    assert media(target / "film.mp4") == made(uploads / "film.mp4", tmp_path / "other", *FLAGS)
    assert [one["outcome"] for one in records(target, "ended")] == ["complete", "complete"]
    (uploads / "film.mp4").unlink()
    assert outcomes(once(uploads, target)) == {}
    assert (target / "film.mp4" / "report.json").exists()


@pytest.mark.long
def test_a_copy_that_pauses_is_waited_for(tmp_path: Path, uploads: Path, film: Path) -> None:
    whole = film.read_bytes()
    with watch(uploads, tmp_path / "media", tmp_path / "events", "--settle", 0.2) as running:
        with (uploads / "film.mp4").open("wb") as file:
            file.write(whole[:1000])
            file.flush()
            time.sleep(1.5)
            assert running.events("upload.accepted") == []
            file.write(whole[1000:])
        assert running.ended()["film.mp4"]["outcome"] == "complete"
        assert len(running.events("upload.accepted")) == 1


@pytest.mark.long
def test_a_half_copied_upload_fails_and_the_whole_one_gets_a_job_of_its_own(
    tmp_path: Path, uploads: Path, film: Path
) -> None:
    whole = film.read_bytes()
    with watch(uploads, tmp_path / "media", tmp_path / "events", "--settle", 0.2) as running:
        (uploads / "film.mp4").write_bytes(whole[: len(whole) // 2])
        assert running.ended()["film.mp4"]["outcome"] == "failed"
        (uploads / "film.mp4").write_bytes(whole)
        running.ended(2)
    assert sorted(one["outcome"] for one in records(tmp_path / "media", "ended")) == ["complete", "failed"]


@pytest.mark.long
@pytest.mark.parametrize("how", ["replaced", pytest.param("deleted", marks=pytest.mark.long)])
def test_an_upload_that_goes_away_while_its_job_runs(
    tmp_path: Path, uploads: Path, film: Path, shared: Path, how: str
) -> None:
    source = make_clip(LONG, shared / "clips").path
    shutil.copy(source, uploads / "film.mp4")
    flags, halt = ("--settle", 0.2, "--preset", "veryslow", *SEGMENTS), Halt(tmp_path, 2)
    with watch(uploads, tmp_path / "media", tmp_path / "events", *flags, env=halt.env) as running:
        wait_for(lambda: running.events("task.finished"))
        if how == "replaced":
            shutil.copy(film, tmp_path / "new")
            (tmp_path / "new").rename(uploads / "film.mp4")
        else:
            (uploads / "film.mp4").unlink()
            (uploads / "empty").write_bytes(b"")  # UPLOADS is there: no disk that was unmounted
        halt.release()
        wait_for(lambda: any(one["key"] == "film.mp4" for one in records(tmp_path / "media", "ended")))
        if how == "replaced":
            running.ended(2)
    found = [one for one in records(tmp_path / "media", "ended") if one["key"] == "film.mp4"]
    ended, *rest = sorted(found, key=lambda one: one["ended"])
    assert (ended["outcome"], ended["code"]) == ("failed", "source-changed" if how == "replaced" else "source-missing")
    if how == "replaced":
        assert [one["outcome"] for one in rest] == ["complete"]


@pytest.mark.long
def test_a_clip_passes_a_film_that_runs(tmp_path: Path, uploads: Path, film: Path, shared: Path) -> None:
    long = make_clip(ClipSpec(seconds=Fraction(40), gop=25), shared / "clips").path
    flags = ("--settle", 0.2, "--preset", "slow", "--workers", 2, *SEGMENTS)
    both, one = "*/film.mp4/video/*.m4s", "*/film.mp4/video/*/00035.m4s"  # how many of the workers wait
    halt = Halt(tmp_path, 2, both)
    with watch(uploads, tmp_path / "media", tmp_path / "events", *flags, env=halt.env) as running:
        with (uploads / "film.mp4").open("wb") as file:
            file.write(long.read_bytes() + b"\0" * 500_000_000)  # by its size a film of hours
        wait_for(lambda: running.events("task.finished"))
        shutil.copy(film, uploads / "clip.mp4")
        wait_for(lambda: len(running.events("job.started")) == 2)
        halt.allow(0, one)  # so the film does not end
        halt.release(both)
        running.ended(1)
        halt.release()
        running.ended(2)
        told = [event["data"]["upload"] for event in running.events("upload.ended")]
        assert told == ["clip.mp4", "film.mp4"]
        begun = [Path(event["job"]).name for event in running.events("task.started")]
        assert begun[::-1].index("clip.mp4") > 10, begun  # the clip waited for no more than a part of the film's 40
        kinds = [event["kind"] for event in running.events("job.started", "job.finished")]
        assert kinds == ["job.started"] * 2 + ["job.finished"] * 2
        assert len({event["worker"] for event in running.events("task.started")}) <= 4  # two, and what they replaced


def test_only_one_process_watches_for_a_media(tmp_path: Path, uploads: Path) -> None:
    with watch(uploads, tmp_path / "media", tmp_path / "events") as running:
        ran = streamify("watch", uploads, tmp_path / "media", "--once")
        assert ran.code == 5
        assert "[watch-busy]" in ran.line
        assert f"process {running.process.pid}" in ran.line
        code, _ = running.stop(signal.SIGTERM)
        assert code == 143
    assert streamify("watch", uploads, tmp_path / "media", "--once").code == 0


def test_what_cannot_be_watched(tmp_path: Path, uploads: Path) -> None:
    for args, code, name in (
        ((uploads, uploads / "media"), 2, "watch-overlap"),
        ((uploads, tmp_path), 2, "watch-overlap"),
        ((tmp_path / "nothing", tmp_path / "media"), 5, "uploads-unreadable"),
        ((uploads, tmp_path / "media", "--ladder", "720q"), 2, "ladder-unknown"),
        ((uploads, tmp_path / "media", "--on-done", "mail"), 2, "hook-target"),
        ((uploads, tmp_path / "media", "--webhook-secret-file", tmp_path / "no"), 2, "hook-secret"),
    ):
        ran = streamify("watch", *args, "--once")
        assert (ran.code, f"[{name}]" in ran.line) == (code, True), ran.err
    assert not (tmp_path / "media").exists()


def test_a_failure_is_an_exit_code_of_once_and_hooks_tell_it(tmp_path: Path, uploads: Path, film: Path) -> None:
    (uploads / "notes.txt").write_text("no film")
    shutil.copy(film, uploads / "film.mp4")
    told = tmp_path / "told"
    hook = f"exec:sh -c 'echo $JOB_EVENT $JOB_UPLOAD $JOB_CODE >> {told}'"
    ran = streamify(
        "watch", uploads, tmp_path / "media", *FLAGS, "--once", "--settle", 0.2, "--on-done", hook, "--on-failed", hook
    )  # fmt: skip
    assert ran.code == 4
    assert "[jobs-failed]" in ran.line
    assert sorted(told.read_text().splitlines()) == ["job.done film.mp4", "job.failed notes.txt source-not-media"]
    assert "1 complete, 1 failed" in ran.out


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 5))
def test_kill_9_at_any_moment_loses_and_repeats_nothing(
    tmp_path: Path, uploads: Path, wanted: dict[Path, dict[str, str]], seed: int
) -> None:
    """Three uploads arrive while the watching process is killed three times at random moments."""
    dice = random.Random(seed)
    arriving = list(zip(("a.mp4", "b/c.mov", "d.mp4"), wanted, strict=True))
    sources = dict(arriving)
    target, events, told = tmp_path / "media", tmp_path / "events", tmp_path / "told"
    hook = f"exec:sh -c 'echo $JOB_UPLOAD $JOB_DELIVERY >> {told}'"
    flags = ("--settle", 0.2, *SEGMENTS, "--on-done", hook, "--workers", 2)
    for _ in range(3):
        with watch(uploads, target, events, *flags) as running:
            if arriving:
                name, source = arriving.pop()
                (uploads / name).parent.mkdir(exist_ok=True)
                _copy_slowly(source, uploads / name)
            time.sleep(dice.uniform(0, 2.5))
            os.killpg(running.process.pid, signal.SIGKILL)
    with watch(uploads, target, events, *flags) as running:
        wait_for(lambda: len(records(target, "ended")) == 3)
        wait_for(lambda: not list((target / ".streamify-watch/deliveries").glob("*.json")))
        assert running.stop()[0] == 130
        told_events = running.events()
    assert {one["key"]: one["outcome"] for one in records(target, "ended")} == dict.fromkeys(
        ("a.mp4", "b/c.mov", "d.mp4"), "complete"
    )
    assert len(records(target, "accepted")) == 3
    for name in ("a.mp4", "b/c.mov", "d.mp4"):
        assert bare(media(target / name)) == wanted[sources[name]]
        kinds = [event["kind"] for event in told_events if event["job"] == str(target / name)]
        if "job.finished" in kinds:  # what is complete is never started again
            assert "job.started" not in kinds[kinds.index("job.finished") :]
        segments = [
            (event["data"]["track"], event["data"]["segment"])
            for event in told_events
            if event["kind"] == "segment.finished" and event["job"] == str(target / name)
        ]
        assert len(segments) == len(set(segments))  # and no segment that exists is made again
    calls = {tuple(line.split()) for line in told.read_text().splitlines()}
    assert sorted(name for name, _ in calls) == ["a.mp4", "b/c.mov", "d.mp4"]  # at least once, each with one id


def _copy_slowly(source: Path, to: Path) -> None:
    data = source.read_bytes()
    with to.open("wb") as file:
        for start in range(0, len(data), len(data) // 4 + 1):
            file.write(data[start : start + len(data) // 4 + 1])
            file.flush()
            time.sleep(0.1)


@pytest.mark.long
@pytest.mark.servers
def test_uploads_in_an_object_store(
    tmp_path: Path, cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch, film: Path, other: Path
) -> None:
    store = cloud("s3")
    store.enter(monkeypatch)
    bucket = store.make_bucket(f"b-{uuid.uuid4().hex}")
    uploads, target = f"{bucket}/up", f"{bucket}/media"
    storage = open_storage(uploads)
    storage.put("a/film 1.mp4.streamify.yaml", b"crf: 40\n")
    storage.put("a/film 1.mp4", film.read_bytes())
    storage.put("notes.txt", b"no film")
    with watch(uploads, target, tmp_path / "events", "--poll", 0.3) as running:
        ended = running.ended(2)
        assert {key: one["outcome"] for key, one in ended.items()} == {
            "a/film 1.mp4": "complete",
            "notes.txt": "failed",
        }
        ran = streamify("watch", uploads, target, "--once", env=store.environment)
        assert (ran.code, "[watch-busy]" in ran.line) == (5, True)
        storage.put("film.mp4", other.read_bytes())
        ended = running.ended(3)
        os.killpg(running.process.pid, signal.SIGKILL)
    assert ended["film.mp4"]["dest"] == f"{target}/film.mp4"
    assert open_storage(f"{target}/a/film 1.mp4").get("report.json") is not None
    ran = streamify("watch", uploads, target, "--once", "--json", env=store.environment)  # takes over from the dead
    assert (ran.code, ran.json["ended"]) == (0, []), ran.err


@pytest.mark.long
@pytest.mark.servers
@pytest.mark.parametrize("kind", ["s3", "az"])
def test_kill_9_at_any_moment_with_all_in_an_object_store(
    tmp_path: Path,
    cloud: Callable[[Kind], Cloud],
    monkeypatch: pytest.MonkeyPatch,
    film: Path,
    other: Path,
    wanted: dict[Path, dict[str, str]],
    kind: Kind,
) -> None:
    store, dice = cloud(kind), random.Random(kind)
    store.enter(monkeypatch)
    bucket = store.make_bucket(f"b-{uuid.uuid4().hex}")
    uploads, target, events = f"{bucket}/up", f"{bucket}/media", tmp_path / "events"
    arriving = [("a b.mp4", film), ("c/d.mov", other), ("e.mp4", film)]
    flags = ("--poll", 0.3, *SEGMENTS)
    for name, source in arriving:
        with watch(uploads, target, events, *flags) as running:
            open_storage(uploads).put(name, source.read_bytes())
            time.sleep(dice.uniform(0.3, 3))
            os.killpg(running.process.pid, signal.SIGKILL)
    with watch(uploads, target, events, *flags) as running:
        storage = open_storage(target)
        wait_for(lambda: len(list(storage.list(".streamify-watch/ended"))) == 3)
        assert running.stop()[0] == 130
        told = running.events()
    for name, source in arriving:
        assert sorted(media_in_cloud(f"{target}/{name}").values()) == sorted(wanted[source].values())
        kinds = [event["kind"] for event in told if event["job"] == f"{target}/{name}"]
        if "job.finished" in kinds:
            assert "job.started" not in kinds[kinds.index("job.finished") :]
    ran = streamify("jobs", target, "--json", env=store.environment)
    assert {one["name"]: one["state"] for one in ran.json["jobs"]} == {name: "complete" for name, _ in arriving}
