"""What is damaged, missing, swapped, foreign or cut off is found and named: by `verify`, and before publishing."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.make import Clip, ClipSpec, make_clip
from e2e.driving import media, published, rungs, verify
from e2e.driving import streamify as command
from selection import sample
from stores import locations
from streamify.errors import DestinationError, SourceError, StreamifyError, VerificationFailed
from streamify.jobs.assemble import assemble
from streamify.media import testcard
from streamify.tasks.plan_file import read_plan

SETTINGS: dict[str, Any] = {
    "engine": "inline", "ladder": rungs(144, 96), "segment_seconds": 1, "keyframe_seconds": 1, "preset": "veryfast"
}  # fmt: skip
SPEC = ClipSpec(seconds=Fraction(4), bframes=2)
Deed = Callable[[Path, Path], object]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(SPEC, tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def finished(source: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished stream, and beside it as ``other`` one of another source with the same shape."""
    folder = tmp_path_factory.mktemp("finished")
    streamify.transcode(source.path, folder / "dest", **SETTINGS)
    other = make_clip(replace(SPEC, crf=35), folder)
    streamify.transcode(other.path, folder / "other", **SETTINGS)
    return folder / "dest"


def track(dest: Path, name: str) -> Path:
    (found,) = (*dest.glob(f"video/{name}-*"), *dest.glob(f"audio/*{name}-*"))
    return found


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) * 3 // 4] ^= 0x10
    file.write_bytes(data)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def swap(one: Path, two: Path) -> None:
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def foreign(file: Path, dest: Path, other: Path) -> None:
    shutil.copy(track(other, file.parent.name.split("-")[0]) / file.name, file)


MEDIA: dict[str, tuple[str, str, Deed]] = {
    "damaged segment": ("144p", "00001.m4s", lambda file, _: flip(file)),
    "damaged segment of the lower rung": ("96p", "00002.m4s", lambda file, _: flip(file)),
    "damaged sound": ("aac", "00001.m4s", lambda file, _: flip(file)),
    "missing segment": ("144p", "00001.m4s", lambda file, _: file.unlink()),
    "missing sound": ("aac", "00003.m4s", lambda file, _: file.unlink()),
    "truncated segment": ("144p", "00002.m4s", lambda file, _: cut_off(file)),
    "empty segment": ("144p", "00000.m4s", lambda file, _: file.write_bytes(b"")),
    "swapped segments": ("144p", "00001.m4s", lambda file, _: swap(file, file.with_name("00002.m4s"))),
    "segment of the other rung": ("144p", "00001.m4s", lambda file, dest: swap(file, track(dest, "96p") / file.name)),
    "segment of another stream": ("144p", "00001.m4s", lambda file, dest: foreign(file, dest, dest.parent / "other")),
    "damaged init": ("144p", "init.mp4", lambda file, _: flip(file)),
    "missing init": ("96p", "init.mp4", lambda file, _: file.unlink()),
    "init of the other rung": ("144p", "init.mp4", lambda file, dest: swap(file, track(dest, "96p") / file.name)),
}  # fmt: skip

MANIFESTS: dict[str, tuple[str, Deed]] = {
    "missing master": ("master.m3u8", lambda file, _: file.unlink()),
    "missing MPD": ("manifest.mpd", lambda file, _: file.unlink()),
    "empty master": ("master.m3u8", lambda file, _: file.write_text("")),
    "master without a rung": ("master.m3u8", lambda file, dest: edit(file, f"{track(dest, '96p').name}/", "gone/")),
    "MPD without a rung": ("manifest.mpd", lambda file, dest: edit(file, f"{track(dest, '96p').name}", "gone")),
    "missing playlist": ("144p/playlist.m3u8", lambda file, _: file.unlink()),
    "truncated playlist": ("144p/playlist.m3u8", lambda file, _: file.write_bytes(file.read_bytes()[:-30])),
    "playlist that is not UTF-8": ("144p/playlist.m3u8", lambda file, _: file.write_bytes(b"\xff" + file.read_bytes())),
    "playlist in another order": ("144p/playlist.m3u8", lambda file, _: edit(file, "00001.m4s", "00002.m4s")),
    "playlist of the other rung": ("aac/playlist.m3u8", lambda file, dest: swap(file, track(dest, "96p") / file.name)),
    "playlist without its end": ("144p/playlist.m3u8", lambda file, _: edit(file, "#EXT-X-ENDLIST", "")),
    "wrong duration": ("144p/playlist.m3u8", lambda file, _: edit(file, "#EXTINF:1.0", "#EXTINF:2.0")),
    "another init": ("144p/playlist.m3u8", lambda file, _: edit(file, 'URI="init.mp4"', 'URI="../init.mp4"')),
    "missing I-frame playlist": ("144p/iframes.m3u8", lambda file, _: file.unlink()),
    "wrong byte range": ("144p/iframes.m3u8", lambda file, _: edit(file, "#EXT-X-BYTERANGE:", "#EXT-X-BYTERANGE:9")),
    "wrong time in the MPD": ("manifest.mpd", lambda file, _: edit(file, ' d="', ' d="1')),
    "wrong bandwidth": ("master.m3u8", lambda file, _: edit(file, "BANDWIDTH=", "BANDWIDTH=1")),
    "cut-off MPD": ("manifest.mpd", lambda file, _: file.write_bytes(file.read_bytes()[:-60])),
}


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished.parent, tmp_path / "copy")
    return tmp_path / "copy" / "dest"


@pytest.mark.parametrize("deed", sample(MEDIA, *list(MEDIA)[::4]))  # all of them go through assemble below
def test_verify_names_media(deed: str, copy: Path) -> None:
    name, file, act = MEDIA[deed]
    victim = track(copy, name) / file
    act(victim, copy)
    with pytest.raises(VerificationFailed) as caught:
        verify(copy)
    assert any(str(victim.relative_to(copy)) in fault for fault in caught.value.faults), caught.value.faults


@pytest.mark.parametrize("deed", sample(MANIFESTS, *list(MANIFESTS)[::3]))
def test_verify_names_manifests(deed: str, copy: Path) -> None:
    name, act = MANIFESTS[deed]
    victim = track(copy, name.split("/")[0]) / name.split("/")[1] if "/" in name else copy / name
    act(victim, copy)
    with pytest.raises(VerificationFailed) as caught:
        verify(copy)
    assert any(str(victim.relative_to(copy)) in fault for fault in caught.value.faults), caught.value.faults


def claimed(file: Path, dest: Path) -> None:
    """Let the report say of a segment what its bytes say now."""
    report = json.loads((dest / "report.json").read_text())
    (own,) = (one for one in report["tracks"] if one["id"] == file.parent.name)
    own["segments"]["sha256"][int(file.stem)] = hashlib.sha256(file.read_bytes()).hexdigest()
    (dest / "report.json").write_text(json.dumps(report))


def test_times_swapped_in_a_trun_are_found_though_the_checksum_fits(copy: Path, source: Clip) -> None:
    """Two pictures at each other's times: a player shows them in the wrong order."""
    victim = track(copy, "96p") / "00001.m4s"
    data = bytearray(victim.read_bytes())
    at = data.index(b"trun") + 4
    flags, count = struct.unpack_from(">II", data, at)
    assert flags & 0xFFFFFF == 0xA05  # data offset, flags of the first; size and composition offset of each
    places = [at + 16 + 8 * number + 4 for number in range(count)]
    offsets = [struct.unpack_from(">i", data, place)[0] for place in places]
    two = next(number for number in range(1, count) if offsets[number] > offsets[number + 1] + 1)
    struct.pack_into(">i", data, places[two], offsets[two + 1] + 1)  # of a tick, which a picture lasts
    struct.pack_into(">i", data, places[two + 1], offsets[two] - 1)
    victim.write_bytes(data)
    claimed(victim, copy)
    for given in (None, source.path):
        with pytest.raises(VerificationFailed) as caught:
            verify(copy, given)
        assert all(str(victim.relative_to(copy)) in fault for fault in caught.value.faults[:1]), caught.value.faults


def test_verify_exits_6_with_a_line_for_each_fault(copy: Path) -> None:
    for number in (1, 2):
        flip(track(copy, "144p") / f"0000{number}.m4s")
    ran = command("verify", copy)
    assert ran.code == 6
    assert "[verification-failed]" in ran.line
    for number in (1, 2):
        assert f"{track(copy, '144p').name}/0000{number}.m4s" in ran.err
    document = command("verify", copy, "--json").json
    assert len(document["error"]["faults"]) >= 2


def test_a_stream_without_its_plan_can_be_verified(copy: Path) -> None:
    """As a CDN or another machine has it."""
    shutil.rmtree(copy / ".streamify")
    assert verify(copy).faults == ()
    flip(track(copy, "96p") / "00003.m4s")
    with pytest.raises(VerificationFailed, match="00003"):
        verify(copy)


def test_a_report_of_another_stream_is_noticed(copy: Path) -> None:
    shutil.copy(copy.parent / "other" / "report.json", copy / "report.json")
    with pytest.raises(VerificationFailed) as caught:
        verify(copy)
    assert any("is missing" in fault for fault in caught.value.faults)


HUGE_TRUN = """
import re, sys
from pathlib import Path
import streamify
try:
    streamify.verify(sys.argv[1])
except streamify.VerificationFailed as error:
    print(error)
# Not ru_maxrss: that begins with what the process that started this one had.
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


def test_a_segment_that_claims_sixty_million_samples_costs_the_driver_nothing(copy: Path) -> None:
    """The report fits the segment, as a stranger can make it: checksum and size are right."""
    victim = track(copy, "144p") / "00001.m4s"
    data = bytearray(victim.read_bytes())
    at = data.index(b"trun") + 4
    struct.pack_into(">II", data, at, 0, 60_000_000)
    victim.write_bytes(data)
    claimed(victim, copy)
    done = subprocess.run([sys.executable, "-c", HUGE_TRUN, copy], capture_output=True, text=True, check=True)
    said, peak = done.stdout.splitlines()
    assert f"{victim.relative_to(copy)}: the trun at byte" in said
    assert "claims 60000000 samples" in said
    assert int(peak) < 250  # MiB: Python, pydantic and the report


HOSTILE_REPORTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "columns of different lengths": lambda track: track["segments"]["size"].pop(),
    "a folder outside": lambda track: track.update(folder="../../etc"),
    "an id with a slash": lambda track: track.update(id="a/b"),
    "no timescale": lambda track: track.update(timescale=0),
}


@pytest.mark.parametrize("lie", HOSTILE_REPORTS)
def test_a_report_that_cannot_be_true_is_refused(lie: str, copy: Path) -> None:
    report = json.loads((copy / "report.json").read_text())
    HOSTILE_REPORTS[lie](report["tracks"][0])
    (copy / "report.json").write_text(json.dumps(report))
    with pytest.raises(DestinationError) as caught:
        verify(copy)
    assert caught.value.code == "report-unreadable"


@pytest.mark.parametrize("deed", MEDIA)
def test_assemble_names_media_and_publishes_nothing(deed: str, copy: Path) -> None:
    name, file, act = MEDIA[deed]
    for manifest in published(copy):
        (copy / manifest).unlink()
    victim = track(copy, name) / file
    act(victim, copy)
    stores = locations(copy.parent, copy).open()
    plan = read_plan(stores.media)
    assert plan is not None
    with pytest.raises(VerificationFailed) as caught:
        assemble(plan, stores.media)
    assert any(str(victim.relative_to(copy)) in fault for fault in caught.value.faults), caught.value.faults
    assert published(copy) == []


@pytest.mark.parametrize("deed", sample(MEDIA, *list(MEDIA)[1::6]))
def test_the_same_command_names_it_or_makes_it_again(deed: str, copy: Path, source: Clip, finished: Path) -> None:
    """Never a stream of other bytes: what has the wrong size or is gone is made again, what lies is named (exit 6)."""
    name, file, act = MEDIA[deed]
    for manifest in published(copy):
        (copy / manifest).unlink()
    victim = track(copy, name) / file
    act(victim, copy)
    error = refusal(source, copy)
    if error is None:
        assert media(copy) == media(finished)
        return
    assert error.exit_code in (5, 6)
    assert str(victim.relative_to(copy)) in str(error)
    assert published(copy) == []


def refusal(source: Clip, dest: Path) -> StreamifyError | None:
    """Run the job; return the error it ends with."""
    try:
        streamify.transcode(source.path, dest, **SETTINGS)
    except StreamifyError as error:
        return error
    return None


@pytest.mark.parametrize("what", sample(["ledger entry", "all of the ledger", "plan", "segment list"], "plan"))
def test_lost_books_are_written_again(what: str, copy: Path, source: Clip, finished: Path) -> None:
    books = copy / ".streamify"
    if what == "ledger entry":
        next(books.glob("ledger/144p-*/00001.json")).unlink()
    elif what == "all of the ledger":
        shutil.rmtree(books / "ledger")
    elif what == "plan":
        (books / "plan.json").unlink()
    else:
        next(books.glob("segments-*.ndjson")).unlink()
    report = streamify.transcode(source.path, copy, **SETTINGS)
    assert report.tasks_run == {"ledger entry": 1, "all of the ledger": 12}.get(what, 0)
    assert media(copy) == media(finished)
    assert verify(copy, source.path).faults == ()


@pytest.mark.parametrize("text", sample(["", "{", "null", "[]", '{"status": "complete"}'], "", "null"))
def test_a_damaged_plan_or_ledger_is_no_bug(text: str, copy: Path, source: Clip, finished: Path) -> None:
    (copy / ".streamify" / "plan.json").write_text(text)
    next(copy.glob(".streamify/ledger/144p-*/00001.json")).write_text(text)
    error = refusal(source, copy)
    if error is None:
        assert media(copy) == media(finished)
        return
    assert error.exit_code == 5
    assert "plan.json" in str(error)


def late(monkeypatch: pytest.MonkeyPatch, by: int) -> None:
    """Make every picture of a clip show the number of another."""
    luma = testcard.Card.luma

    def shifted(self: testcard.Card, number: int, flash: bool, phase: int | None = None) -> bytes:
        return luma(self, number + by, flash, phase)

    monkeypatch.setattr(testcard.Card, "luma", shifted)


@pytest.mark.parametrize("by", sample([1, 40, 12345], 1))
def test_verify_with_the_source_notices_other_pictures(
    by: int, copy: Path, source: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes, checksums, counts and times all fit; only what is to be seen is wrong: as after a seek that missed."""
    late(monkeypatch, by)
    streamify.transcode(make_clip(SPEC, tmp_path / "wrong").path, tmp_path / "wrong" / "dest", **SETTINGS)
    report = json.loads((copy / "report.json").read_text())
    wrong = json.loads((tmp_path / "wrong" / "dest" / "report.json").read_text())
    for ours, theirs in zip(report["tracks"], wrong["tracks"], strict=True):
        ours["segments"], ours["init_sha256"] = theirs["segments"], theirs["init_sha256"]
        for file in (tmp_path / "wrong" / "dest" / theirs["folder"]).iterdir():
            if file.suffix != ".m3u8":
                shutil.copy(file, copy / ours["folder"] / file.name)
    (copy / "report.json").write_text(json.dumps(report))
    with pytest.raises(VerificationFailed) as caught:
        verify(copy, source.path)
    found = {fault.split(":")[0] for fault in caught.value.faults if "picture" in fault}
    files = {str(file.relative_to(copy)) for file in copy.glob("video/*/*.m4s")}
    smallest = str(next(copy.glob("video/96p-*")).relative_to(copy))
    assert found == files | {smallest}  # each segment, and the source decoded anew beside the smallest rendition


def test_verify_with_another_source_says_so(copy: Path, tmp_path: Path) -> None:
    other = make_clip(replace(SPEC, crf=30), tmp_path)
    with pytest.raises(SourceError, match="is not the source of this stream") as caught:
        verify(copy, other.path)
    assert caught.value.code == "source-other"
