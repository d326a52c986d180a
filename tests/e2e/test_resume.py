"""Whatever stops a job, the same command goes on where it stopped; what can be kept is kept."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.identity import decode_track
from clips.make import ClipSpec, make_clip
from e2e.driving import COMMAND, disk, job, made, media, published, rungs, verify, wait_for
from e2e.driving import streamify as command
from e2e.halting import Halt
from selection import sample
from streamify.errors import DestinationError, SourceError, TasksFailed, VerificationFailed
from streamify.model.event import Event
from streamify.model.settings import Engine

FLAGS = ("--ladder", "240p", "--segment-seconds", "0.5", "--keyframe-seconds", "0.5", "--preset", "medium",
         "--workers", "1")  # fmt: skip
QUICK: dict[str, Any] = {"segment_seconds": 1, "keyframe_seconds": 1, "preset": "ultrafast"}


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(10), rate=Fraction(24), size=(426, 240), gop=24, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return made(source, tmp_path_factory.mktemp("undisturbed"), *FLAGS)


@pytest.mark.parametrize(
    ("number", "code"), sample([(signal.SIGINT, 130), (signal.SIGTERM, 143)], (signal.SIGINT, 130))
)
def test_signals_stop_in_order_and_the_same_command_goes_on(
    number: signal.Signals, code: int, source: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 3)
    with job(tmp_path / "events", source, dest, *FLAGS, env=halt.env) as running:
        wait_for(lambda: len(running.events("segment.finished")) >= 3)
        running.process.send_signal(number)
        ended = running.end()
        assert running.orphans() == []
    assert ended.code == code
    assert running.events("job.failed")[0]["data"] == {"code": "interrupted", "exit_code": code}
    assert "[interrupted]" in ended.line
    assert "run the same command again" in ended.line
    assert "report.json" not in published(dest)
    finished = {path: path.stat().st_mtime_ns for path in dest.glob(".streamify/ledger/240p-*/*.json")}
    resumed = command("transcode", source, dest, *FLAGS, "--json")
    assert resumed.code == 0
    assert resumed.json["tasks_reused"] >= len(finished)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert resumed.json["tasks_run"] + resumed.json["tasks_reused"] == 40
    assert not list(dest.rglob(".tmp-*"))  # what a stopped worker was just writing is swept away
    assert media(dest) == undisturbed


def test_a_second_run_of_a_finished_job_makes_nothing(source: Path, tmp_path: Path) -> None:
    first = streamify.transcode(source, tmp_path / "dest", ladder=rungs(120), engine="inline", **QUICK)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "dest").rglob("*.m4s")}
    second = streamify.transcode(source, tmp_path / "dest", ladder=rungs(120), engine="inline", **QUICK)
    assert (first.tasks_run, first.tasks_reused, second.tasks_run, second.tasks_reused) == (20, 0, 0, 20)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "dest").rglob("*.m4s")} == stamps
    assert first.tracks == second.tracks


@pytest.mark.long
def test_a_disk_that_fills_up(source: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=40m") as folder:
        dest, filler = folder / "dest", folder / "filler"
        lock = threading.Lock()

        def fill(event: Event) -> None:
            with lock:
                if event.kind == "segment.finished" and not filler.exists():
                    with filler.open("wb", buffering=0) as file:
                        try:
                            while file.write(bytes(4096)):
                                pass
                        except OSError:
                            return

        settings: dict[str, Any] = {
            "ladder": "240p",
            "segment_seconds": "0.5",
            "keyframe_seconds": "0.5",
            "preset": "medium",
        }
        with pytest.raises(DestinationError) as caught:
            streamify.transcode(source, dest, on_event=fill, workers=2, **settings)
        assert caught.value.code == "disk-full"
        assert caught.value.exit_code == 5
        assert published(dest) == []
        again = command("transcode", source, dest, *FLAGS)
        assert again.code == 5
        assert "[disk-" in again.line
        filler.unlink()
        report = streamify.transcode(source, dest, workers=2, **settings)
        assert report.tasks_reused >= 1
        assert media(dest) == undisturbed
        assert not list(dest.rglob(".tmp-*"))


def test_changing_one_rung_encodes_that_rung_alone(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    ladder = rungs(240, 120)
    before = streamify.transcode(source, dest, ladder=ladder, engine="inline", **QUICK)
    stamps = {path: path.stat().st_mtime_ns for path in dest.rglob("*.m4s")}
    ladder[1]["crf"] = 35
    after = streamify.transcode(source, dest, ladder=ladder, engine="inline", **QUICK)
    assert (before.tasks_run, after.tasks_run, after.tasks_reused) == (30, 10, 20)
    assert [one.folder for one in before.tracks][::2] == [one.folder for one in after.tracks][::2]
    assert before.tracks[1].folder != after.tracks[1].folder
    assert after.tracks[1].bytes < before.tracks[1].bytes
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert before.tracks[1].id not in (dest / "master.m3u8").read_text()
    assert verify(dest, source).faults == ()


@pytest.mark.long
def test_adding_a_rung_encodes_that_rung_alone(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    streamify.transcode(source, dest, ladder=rungs(240), engine="inline", **QUICK)
    report = streamify.transcode(source, dest, ladder=rungs(240, 120), engine="inline", **QUICK)
    assert (report.tasks_run, report.tasks_reused) == (10, 20)


@pytest.mark.long
def test_two_runs_at_once_on_one_dest(source: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    with job(tmp_path / "one", source, dest, *FLAGS) as one, job(tmp_path / "two", source, dest, *FLAGS) as two:
        ends = [one.end(), two.end()]
    assert [ended.code for ended in ends] == [0, 0], ends
    assert media(dest) == undisturbed
    assert command("verify", dest, "--source", source).code == 0


@pytest.mark.long  # tests/contract has it on every backend
def test_another_job_on_the_same_dest_is_sent_away(source: Path, tmp_path: Path) -> None:
    dest, others, halt = tmp_path / "dest", (*FLAGS, "--crf", "31", "--json"), Halt(tmp_path, 3)
    with job(tmp_path / "one", source, dest, *FLAGS, env=halt.env) as one:
        wait_for(lambda: one.events("plan.ready"))
        busy = command("transcode", source, dest, *others)
        halt.release()
        assert (busy.code, busy.json["error"]["code"]) == (5, "dest-busy")
        assert one.end().code == 0
    assert command("verify", dest, "--source", source).code == 0
    assert command("transcode", source, dest, *others).code == 0  # now it is free


def old_track(found: dict[str, str]) -> str:
    """Return the folder of a video track among media files."""
    return next(key.rpartition("/")[0] for key in found if key.startswith("video/"))


@pytest.mark.long
def test_another_source_is_refused_unless_it_may_replace(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "video.mp4"
    shutil.copy(source, copy)
    dest = tmp_path / "dest"
    streamify.transcode(copy, dest, ladder=rungs(120), engine="inline", **QUICK)
    old = media(dest)
    make_clip(ClipSpec(seconds=Fraction(3), size=(256, 144)), tmp_path).path.replace(copy)
    with pytest.raises(DestinationError) as caught:
        streamify.transcode(copy, dest, ladder=rungs(120), engine="inline", **QUICK)
    assert caught.value.code == "dest-other-source"
    assert media(dest) == old
    assert verify(dest).faults == ()
    mine = [dest / "video" / "mine.mp4", dest / "video" / "my folder" / "init.mp4", dest / old_track(old) / "notes.txt"]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    report = streamify.transcode(copy, dest, ladder=rungs(120), engine="inline", replace=True, replace_grace=0, **QUICK)
    assert report.certificate.encoded == 75
    assert [path.read_text() for path in mine] == ["mine"] * 3  # only what Streamify wrote is removed
    for path in mine:
        path.unlink()
    assert not set(media(dest)) & set(old)  # a media URL never changes its content
    assert verify(dest, copy).faults == ()


def test_a_stream_without_its_state_may_be_replaced_and_is_else_left_alone(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    streamify.transcode(source, dest, ladder=rungs(120), engine="inline", **QUICK)
    shutil.rmtree(dest / ".streamify")
    old = media(dest)
    with pytest.raises(DestinationError, match="--replace") as caught:
        streamify.transcode(source, dest, ladder=rungs(120), engine="inline", **QUICK)
    assert caught.value.code == "dest-occupied"
    assert media(dest) == old
    (dest / "mine.txt").write_text("mine")
    with pytest.raises(DestinationError, match=r"did not make: mine.txt"):
        streamify.transcode(source, dest, ladder=rungs(120), engine="inline", replace=True, **QUICK)
    (dest / "mine.txt").unlink()
    streamify.transcode(source, dest, ladder=rungs(60), engine="inline", replace=True, replace_grace=0, **QUICK)
    assert not {name for name in set(media(dest)) & set(old) if name.startswith("video/")}
    assert verify(dest, source).faults == ()


@pytest.mark.long
def test_what_verify_advises_mends_the_stream(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    streamify.transcode(source, dest, ladder=rungs(120), engine="inline", **QUICK)
    good = media(dest)
    victim = sorted(dest.glob("video/*/*.m4s"))[3]
    data = bytearray(victim.read_bytes())
    data[-9] ^= 1
    victim.write_bytes(data)
    (dest / "master.m3u8").write_text("#EXTM3U\n")
    with pytest.raises(VerificationFailed, match="delete what is damaged") as caught:
        streamify.verify(dest)
    assert any(victim.name in fault for fault in caught.value.faults)
    victim.unlink()
    report = streamify.transcode(source, dest, ladder=rungs(120), engine="inline", **QUICK)
    assert report.tasks_run == 1
    assert media(dest) == good
    assert streamify.verify(dest).faults == ()


def test_a_source_that_changes_meanwhile_fails_the_job(source: Path, tmp_path: Path) -> None:
    copy = tmp_path / "video.mp4"
    shutil.copy(source, copy)

    def grow(event: Event) -> None:
        if event.kind == "plan.ready":
            with copy.open("ab") as file:
                file.write(b"more")

    with pytest.raises(SourceError) as caught:
        streamify.transcode(copy, tmp_path / "dest", on_event=grow, ladder=rungs(120), engine="inline", **QUICK)
    assert (caught.value.code, caught.value.exit_code) == ("source-changed", 3)
    failed = streamify.status(tmp_path / "dest").failed
    assert {one.code for one in failed} == {"source-changed"}
    assert len(failed) > 1
    assert published(tmp_path / "dest") == []


def poison(source: Path, out: Path, *spans: tuple[float, float]) -> Path:
    """Copy a clip; what lies between some seconds of it becomes noise that no decoder takes for pictures."""
    import av

    data = bytearray(source.read_bytes())
    with av.open(str(source)) as container:
        packets = [(p.pts * p.time_base, p.pos, p.size) for p in container.demux(video=0) if p.pts is not None]
    for moment, at, size in packets:
        if at is not None and any(start <= moment < end for start, end in spans):
            data[at : at + size] = bytes(size)
    out.write_bytes(data)
    return out


@pytest.mark.parametrize("engine", sample(["inline", "local"], "inline"))
def test_poisoned_segments_are_each_named_and_all_stay(engine: Engine, source: Path, tmp_path: Path) -> None:
    bad = poison(source, tmp_path / "bad.mp4", (2.5, 4.5), (6.5, 8.5))
    dest = tmp_path / "dest"
    with pytest.raises(TasksFailed) as caught:
        streamify.transcode(bad, dest, ladder=rungs(240, 120), engine=engine, **QUICK)
    (failure,) = caught.value.failures
    assert (failure.code, failure.attempts) == ("too-many-lost", 1)
    spans = re.findall(r"from ([\d.]+) s to ([\d.]+) s", failure.cause)
    assert [(2 < float(first) <= 3, 4 <= float(last) < 5) for first, last in spans[:1]] == [(True, True)]
    assert [(6 < float(first) <= 7, 8 <= float(last) < 9) for first, last in spans[1:]] == [(True, True)]
    assert published(dest) == []
    stayed = media(dest)
    assert len([name for name in stayed if name.endswith(".m4s")]) == 2 * 10 + 10
    ran = command("transcode", bad, dest, "--ladder", "240p", "--segment-seconds", "1", "--keyframe-seconds", "1",
                  "--preset", "ultrafast", "--json")  # fmt: skip
    assert ran.code == 4
    assert [one["code"] for one in ran.json["error"]["failures"]] == ["too-many-lost"]
    assert {name: sha for name, sha in media(dest).items() if name in stayed} == stayed
    refused = command("verify", dest)
    assert refused.code == 5
    assert "[no-stream]" in refused.line


@pytest.mark.long
def test_damage_inside_segments_is_counted_and_named(source: Path, tmp_path: Path) -> None:
    """Half a second of noise costs its pictures, not the job: the certificate says which are lost."""
    bad = poison(source, tmp_path / "bad.mp4", (2.25, 2.75))
    report = streamify.transcode(bad, tmp_path / "dest", ladder=rungs(144), engine="inline", **QUICK)
    found = report.certificate
    assert found.promised == 240
    assert found.decoded + len(found.lost) == 240
    assert 1 <= len(found.lost) <= 24
    shown = decode_track(tmp_path / "dest", report.tracks[0].folder)
    for moment, number in shown:
        assert number is None or abs(moment - Fraction(number, 24)) <= Fraction(1, 2)
    assert verify(tmp_path / "dest", bad).faults == ()


@pytest.mark.long
def test_a_second_signal_stops_at_once(source: Path, tmp_path: Path) -> None:
    halt = Halt(tmp_path, 3)
    with job(tmp_path / "events", source, tmp_path / "dest", *FLAGS, env=halt.env) as running:
        wait_for(lambda: running.in_flight())
        running.process.send_signal(signal.SIGTERM)
        running.process.send_signal(signal.SIGTERM)
        assert running.end().code == 143
        wait_for(lambda: running.orphans() == [], fault=True)


def test_a_second_signal_still_gives_the_document(source: Path, tmp_path: Path) -> None:
    halt = Halt(tmp_path, 3)
    with job(tmp_path / "events", source, tmp_path / "dest", *FLAGS, "--json", env=halt.env) as running:
        wait_for(running.in_flight)
        running.process.send_signal(signal.SIGINT)
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
    assert (ended.code, ended.json["error"]["code"]) == (130, "interrupted")


def test_a_signal_ends_a_job_whose_events_nobody_reads(source: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events")
    line = [str(COMMAND), "transcode", str(source), str(tmp_path / "dest"), "--events", str(tmp_path / "events")]
    with (
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        wait_for(lambda: catches(process.pid, signal.SIGTERM))
        time.sleep(1)  # by then it waits for a reader
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, "[interrupted]" in said) == (143, True)


@pytest.mark.parametrize("after", sample([0, 0.05, 0.15, 0.25, 0.5], 0.15))
def test_a_signal_at_any_moment_ends_it_in_order(after: float, source: Path, tmp_path: Path) -> None:
    line = [str(COMMAND), "transcode", str(source), str(tmp_path / "dest"), *FLAGS, "--preset", "veryslow"]
    env = Halt(tmp_path, 12).env
    with (
        subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process,
        ExitStack() as stack,
    ):
        stack.callback(process.kill)
        # Before the first line of ours runs, Python itself says KeyboardInterrupt: not before it catches SIGTERM, too.
        wait_for(lambda: catches(process.pid, signal.SIGTERM))
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said


def catches(pid: int, number: int) -> bool:
    """Whether a process has a handler for a signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    caught = next(int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:"))
    return bool(caught >> (number - 1) & 1)


@pytest.mark.long
def test_a_job_started_in_the_background_ignores_a_closed_terminal(source: Path, tmp_path: Path) -> None:
    """Stderr that nobody reads any more, as after ``| head``, is no reason to fail."""
    read, write = os.pipe()
    os.close(read)
    command_line = [str(COMMAND), "transcode", str(source), str(tmp_path / "dest"), *FLAGS]
    done = subprocess.run(command_line, stdout=write, stderr=write, timeout=100, check=False)
    os.close(write)
    assert done.returncode == 0
    assert published(tmp_path / "dest") == ["master.m3u8", "manifest.mpd", "report.json"]
