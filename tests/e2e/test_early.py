"""A stream that is published while it is made: every version of its manifests can be played, the end is the same."""

from __future__ import annotations

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from e2e.driving import job, media, playing, published, rungs, streamify, wait_for
from e2e.growing import reading
from e2e.halting import Halt

FLAGS = ["--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast", "--workers", "2"]
SECONDS = 60
UPPER = "*/video/[12][48]0p-*/*.m4s"
"""All segments of the upper rungs: while they wait, no version has more than one rung."""


@pytest.fixture(scope="module")
def source(shared: Path) -> Path:
    spec = ClipSpec(seconds=Fraction(SECONDS), rate=Fraction(12), size=(426, 240), gop=24, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    ladder = tmp_path_factory.mktemp("ladder") / "small.yaml"
    ladder.write_text(json.dumps(rungs(240, 180, 120)))
    return [*FLAGS, "--ladder", ladder]


@pytest.fixture(scope="module")
def final(source: Path, flags: list[object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stream as ``--publish final`` makes it."""
    dest = tmp_path_factory.mktemp("final") / "dest"
    with reading(dest) as reader:
        assert streamify("transcode", source, dest, *flags, "--publish", "final").code == 0
    assert set(map(len, reader.versions.values())) == {1}  # nothing but the end was to be seen
    return dest


def manifests(dest: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(dest)): path.read_bytes()
        for path in dest.rglob("*.m*")
        if path.suffix in (".m3u8", ".mpd") and ".streamify" not in path.parts
    }


def images(dest: Path) -> dict[str, bytes]:
    found = [path for folder in ("poster", "thumbnails") for path in (dest / folder).rglob("*.*")]
    return {str(path.relative_to(dest)): path.read_bytes() for path in found}


def test_a_short_stream_is_published_before_its_end_and_ends_the_same(shared: Path, tmp_path: Path) -> None:
    clip = make_clip(ClipSpec(seconds=Fraction(20), rate=Fraction(12), size=(214, 120), gop=12), shared / "clips").path
    settings = ["--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "ultrafast", "--workers", "1"]
    settings += ["--thumbnails", "0.5"]  # two sheets
    line, halt = (clip, tmp_path / "early", *settings), Halt(tmp_path, 5)
    with reading(tmp_path / "early") as reader, job(tmp_path / "events", *line, env=halt.env) as running:
        wait_for(lambda: reader.versions.get("manifest.mpd"))
        halt.release()
        assert running.end().code == 0
    assert streamify("transcode", clip, tmp_path / "final", *settings, "--publish", "final").code == 0
    assert manifests(tmp_path / "early") == manifests(tmp_path / "final")
    assert media(tmp_path / "early") == media(tmp_path / "final")
    assert images(tmp_path / "early") == images(tmp_path / "final")
    first, last = reader.versions["manifest.mpd"][0], reader.versions["manifest.mpd"][-1]
    assert ('type="dynamic"' in first, 'type="static"' in last) == (True, True)


@pytest.mark.long
def test_every_version_can_be_played_and_the_last_is_that_of_a_stream_published_at_its_end(
    source: Path, flags: list[object], final: Path, tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 4, "*.m4s")
    halt.allow(0, UPPER)
    with reading(dest) as reader, job(tmp_path / "events", source, dest, *flags, env=halt.env) as running:

        def lengths() -> list[int]:
            lowest = [key for key in list(reader.versions) if "video/120p" in key and "playlist" in key]
            return reader.lengths(*lowest) if lowest else []

        wait_for(lengths)
        assert len(media(dest)) <= 4 * 5  # of 240: it was the first segments that made it playable
        halt.release(UPPER)
        for most in (15, 30, 45):
            seen = len(lengths())
            halt.allow(most)
            wait_for(lambda seen=seen: len(lengths()) > seen)  # type: ignore[misc]
        halt.release()
        assert running.end().code == 0
    assert media(dest) == media(final)
    assert manifests(dest) == manifests(final)
    rungs_seen = reader.rungs()
    assert rungs_seen[0] == 1
    assert rungs_seen == sorted(rungs_seen)
    assert rungs_seen[-1] == 3
    assert lengths() == sorted(lengths())
    assert lengths()[0] < 5
    assert len(lengths()) > 3
    types = [re.findall(r'type="(\w+)"', text)[0] for text in reader.versions["manifest.mpd"]]
    assert types == ["dynamic"] * (len(types) - 1) + ["static"]
    assert not (dest / ".streamify/growing.json").exists()
    assert streamify("verify", dest, "--source", source).code == 0


@pytest.mark.long
def test_what_stands_after_kill_9_stays_valid_and_the_next_run_goes_on_from_it(
    source: Path, flags: list[object], final: Path, tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 4)
    halt.allow(0, UPPER)
    with reading(dest) as reader:
        with job(tmp_path / "events", source, dest, *flags, env=halt.env) as running:
            wait_for(reader.rungs)
            halt.release(UPPER)
            halt.allow(50)
            wait_for(lambda: len(reader.rungs()) > 1)
            running.process.send_signal(signal.SIGKILL)
            running.process.wait()
        assert published(dest) == ["master.m3u8", "manifest.mpd"]
        assert not (dest / "report.json").exists()
        halt.allow(55)
        with job(tmp_path / "again", source, dest, *flags, env=halt.env) as running:
            wait_for(lambda: running.in_flight())
            running.process.send_signal(signal.SIGINT)
            assert running.end().code == 130
        assert published(dest) == ["master.m3u8", "manifest.mpd"]
        assert streamify("resume", dest).code == 0
    assert "" not in reader.versions["master.m3u8"]  # it never went away
    assert reader.rungs() == sorted(reader.rungs())
    assert media(dest) == media(final)
    assert manifests(dest) == manifests(final)


@pytest.mark.long
def test_a_job_that_fails_withdraws_its_manifests_and_resume_restores_them(
    source: Path, flags: list[object], final: Path, tmp_path: Path
) -> None:
    dest, mine, halt = tmp_path / "dest", tmp_path / source.name, Halt(tmp_path, 20)
    mine.write_bytes(source.read_bytes())
    stat = mine.stat()
    with reading(dest) as reader:
        with job(tmp_path / "events", mine, dest, *flags, env=halt.env) as running:
            wait_for(lambda: (dest / "manifest.mpd").exists())
            os.utime(mine, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
            halt.release()
            assert running.end().code in (3, 4)
        assert published(dest) == []
        assert list(dest.rglob("*.m3u8")) == []
        assert not (dest / ".streamify/growing.json").exists()
        os.utime(mine, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        wait_for(lambda: reader.versions["master.m3u8"][-1] == "")  # before there is another version
        assert streamify("resume", dest).code == 0
    assert reader.versions["master.m3u8"].count("") == 1
    assert len(media(dest)) == len(media(final))


@pytest.mark.long
def test_a_finished_stream_stays_until_the_one_that_replaces_it_is_finished(
    source: Path, flags: list[object], final: Path, tmp_path: Path
) -> None:
    dest = tmp_path / "dest"
    other = make_clip(ClipSpec(seconds=Fraction(2), size=(214, 120)), tmp_path / "clips").path
    assert streamify("transcode", other, dest, *FLAGS).code == 0
    with reading(dest) as reader:
        wait_for(lambda: reader.versions.get("manifest.mpd"))
        assert streamify("transcode", source, dest, *flags, "--replace").code == 0
    assert manifests(dest).items() >= manifests(final).items()
    assert len(reader.versions["master.m3u8"]) == 2
    assert len(reader.versions["manifest.mpd"]) == 2


@pytest.mark.long
def test_what_is_asked_for_where_another_process_makes_the_stream_is_made_next(
    source: Path, flags: list[object], final: Path, tmp_path: Path
) -> None:
    dest, halt = tmp_path / "dest", Halt(tmp_path, 12)
    with job(tmp_path / "events", source, dest, *flags, env=halt.env) as running:
        wait_for(lambda: len(list(dest.glob("video/*/init.mp4"))) == 3)
        with playing(dest) as play:
            wait_for(lambda: b"#EXT-X-ENDLIST" in play.get(f"{play.tracks()[0]}/playlist.m3u8"))
            assert len(play.tracks()) == 4
            [track] = [name for name in play.tracks() if "/120p-" in name]
            made = set(media(dest))
            assert len(made) < 200  # of 240
            assert not (dest / track / "00055.m4s").exists()
            with ThreadPoolExecutor(1) as pool:
                wanted = pool.submit(play.get, f"{track}/00055.m4s")
                wait_for(lambda: list(dest.glob(".streamify/demands/*/*")))
                halt.release()
                data = wanted.result()
            assert data == (final / track / "00055.m4s").read_bytes()
            last = (dest / track / "00055.m4s").stat().st_mtime_ns
            earlier = [key for key in media(dest) if (dest / key).stat().st_mtime_ns < last]
            assert len(set(earlier) - made) < 40
            running.end()
            wait_for(lambda: play.get("master.m3u8") == (final / "master.m3u8").read_bytes())
            assert list(dest.glob(".streamify/demands/*/*")) == []
            assert play.end() == 130
    assert media(dest) == media(final)
