"""State below ``.streamify`` that is damaged, of another schema, or no file: made again and said, or refused."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import streamify
from clips.make import ClipSpec, make_clip
from e2e.driving import media, rungs, verify
from e2e.driving import streamify as command
from selection import sample
from streamify.errors import DestinationError, VerificationFailed
from streamify.model.event import Event

SETTINGS: dict[str, Any] = {
    "ladder": rungs(120), "preset": "ultrafast", "engine": "inline", "segment_seconds": 1, "keyframe_seconds": 1
}  # fmt: skip


@pytest.fixture(scope="module")
def clip(shared: Path) -> Path:
    """Three segments that cost next to nothing: each test makes some of them anew."""
    spec = ClipSpec(seconds=Fraction(3), rate=Fraction(12), size=(214, 120), gop=12, bframes=2)
    return make_clip(spec, shared / "clips").path


@pytest.fixture(scope="module")
def made(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    dest = tmp_path_factory.mktemp("made") / "dest"
    streamify.transcode(clip, dest, **SETTINGS)
    return dest


@pytest.fixture
def dest(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "dest"))


def segment_list(dest: Path) -> Path:
    return next((dest / ".streamify").glob("segments-*.ndjson"))


def entry(dest: Path) -> Path:
    return next((dest / ".streamify" / "ledger").glob("120p-*/00001.json"))


def again(clip: Path, dest: Path, **more: Any) -> tuple[Any, list[str]]:
    notes: list[Event] = []
    report = streamify.transcode(clip, dest, on_event=notes.append, **{**SETTINGS, **more})
    return report, [one.message for one in notes if one.kind == "note"]


def altered(data: bytes) -> bytes:
    """Change one digit of the first number of three or more."""
    found = re.search(rb"\d{3,}", data)
    assert found is not None
    at = found.start()
    return data[:at] + (b"9" if data[at : at + 1] != b"9" else b"8") + data[at + 1 :]


LISTS: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "no JSON": lambda _: b"\0" * 100,
    "altered digits": altered,
    "a line too many": lambda data: data + data.splitlines(keepends=True)[-1],
}


@pytest.mark.parametrize("case", sample(LISTS, "altered digits"))
def test_a_segment_list_that_is_not_what_its_name_says_is_made_again(
    case: str, clip: Path, dest: Path, made: Path
) -> None:
    path = segment_list(dest)
    good = path.read_bytes()
    path.write_bytes(LISTS[case](good))
    entry(dest).unlink()  # something is to be made, from that list
    report, notes = again(clip, dest)
    assert report.tasks_run >= 1
    assert any("planned anew" in note and path.name in note for note in notes), notes
    assert path.read_bytes() == good
    assert media(dest) == media(made)
    assert verify(dest, clip).faults == ()


def test_a_segment_list_that_is_missing_is_made_again(clip: Path, dest: Path, made: Path) -> None:
    good = segment_list(dest).read_bytes()
    segment_list(dest).unlink()
    again(clip, dest)
    assert segment_list(dest).read_bytes() == good
    assert media(dest) == media(made)


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("fields", [{"schema": 0, "other": 1}, {"track": 5}])
def test_a_ledger_entry_that_cannot_be_read_is_made_again_and_said(
    fields: dict[str, Any], clip: Path, dest: Path, made: Path
) -> None:
    change(entry(dest), **fields)
    report, notes = again(clip, dest)
    assert report.tasks_run == 1
    assert [note for note in notes if note.startswith("1 segment made again: ledger damaged")]
    assert media(dest) == media(made)


NEWER: dict[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "a ledger entry": (entry, {"schema": 99, "colour": "blue"}),
    "a ledger entry with the same fields": (entry, {"schema": 99}),
    "the plan": (lambda dest: dest / ".streamify" / "plan.json", {"schema": 99, "shape": []}),
    "the job": (lambda dest: dest / ".streamify" / "job.json", {"schema": 99}),
}


@pytest.mark.parametrize("case", sample(NEWER, "a ledger entry", "the plan"))
def test_state_of_a_newer_release_is_not_taken_for_damage(case: str, clip: Path, dest: Path, made: Path) -> None:
    find, fields = NEWER[case]
    change(find(dest), **fields)
    before = {path: path.stat().st_mtime_ns for path in dest.rglob("*.m4s")}
    with pytest.raises(DestinationError) as caught:
        again(clip, dest)
    assert (caught.value.code, caught.value.exit_code) == ("state-newer", 5)
    assert find(dest).relative_to(dest).as_posix() in caught.value.message
    assert "--replace" in caught.value.hint
    assert {path: path.stat().st_mtime_ns for path in dest.rglob("*.m4s")} == before
    again(clip, dest, replace=True)
    assert media(dest) == media(made)
    assert verify(dest, clip).faults == ()


@pytest.mark.parametrize("name", sample(["transcode", "resume", "verify"], "transcode"))
@pytest.mark.parametrize("fields", [pytest.param({"schema": 99}, marks=pytest.mark.long), {"schema": 99, "status": 5}])
def test_a_report_of_a_newer_release_is_not_overwritten(
    fields: dict[str, Any], name: str, clip: Path, dest: Path
) -> None:
    report = dest / "report.json"
    change(report, **fields)
    before = report.read_bytes()
    source = (clip,) if name == "transcode" else ()
    ran = command(name, *source, dest, *(("--ladder", "240p", "--preset", "ultrafast") if source else ()))
    assert (ran.code, "[state-newer]" in ran.line, "report.json at DEST" in ran.line) == (5, True, True), ran.err
    assert report.read_bytes() == before
    again(clip, dest, replace=True)
    assert verify(dest, clip).faults == ()


REPORTS: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "emptied": lambda report: report.write_bytes(b""),
    "cut off": lambda report: report.write_bytes(report.read_bytes()[:99]),
    "no JSON": lambda report: report.write_bytes(b"\0" * 99),
    "of another program": lambda report: report.write_text('{"passed": 7}'),
    "newer": lambda report: change(report, schema=99),
    "newer, other fields": lambda report: change(report, schema=99, status=5),
    "older": lambda report: change(report, schema=0, tracks=None),
}


@pytest.mark.parametrize("case", sample(REPORTS, "cut off"))
def test_a_stream_without_its_state_whose_report_cannot_be_read_may_be_replaced(
    case: str, clip: Path, dest: Path, made: Path
) -> None:
    shutil.rmtree(dest / ".streamify")
    REPORTS[case](dest / "report.json")
    old = {path: path.read_bytes() for path in dest.rglob("*") if path.is_file()}
    with pytest.raises(DestinationError) as caught:
        again(clip, dest)
    assert caught.value.code == ("state-newer" if case.startswith("newer") else "dest-occupied")
    assert "--replace" in caught.value.hint
    assert {path: path.read_bytes() for path in dest.rglob("*") if path.is_file()} == old
    again(clip, dest, replace=True)
    assert media(dest) == media(made)
    shutil.rmtree(dest / ".streamify")
    REPORTS[case](dest / "report.json")
    again(clip, dest, replace=True, ladder=rungs(60), replace_grace=0)
    assert not list(dest.glob("video/120p-*"))
    assert verify(dest, clip).faults == ()


@pytest.mark.parametrize("name", ["video/720p/init.mp4", "video/film-0123abcd/film.mp4", "video/clip-0123abcd.mp4", ""])
def test_a_report_and_folders_of_other_programs_are_not_replaced(name: str, clip: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    theirs = {"report.json": '{"passed": 7}', "master.m3u8": "#EXTM3U"} | ({name: "theirs"} if name else {})
    for key, text in theirs.items():
        (dest / key).parent.mkdir(parents=True, exist_ok=True)
        (dest / key).write_text(text)
    with pytest.raises(DestinationError, match="did not make") as caught:
        again(clip, dest, replace=True)
    assert caught.value.code == "dest-occupied"
    assert {path.relative_to(dest).as_posix(): path.read_text() for path in dest.rglob("*") if path.is_file()} == theirs


def other_place(found: dict[str, Any], name: str) -> None:
    if name in ("media", "init"):
        found[name]["key"] = found[name]["key"].replace("120p", "121p")
    else:
        found[name] = {"track": "other", "segment": 7}[name]


@pytest.mark.parametrize("name", sample(["track", "segment", "media", "init"], "segment", "media"))
def test_a_ledger_entry_of_another_place_is_made_again(name: str, clip: Path, dest: Path, made: Path) -> None:
    found = json.loads(entry(dest).read_text())
    other_place(found, name)
    entry(dest).write_text(json.dumps(found))
    report, notes = again(clip, dest)
    assert report.tasks_run == 1
    assert [note for note in notes if note.startswith("1 segment made again: ledger damaged")]
    assert media(dest) == media(made)


@pytest.mark.parametrize("name", sample(["start", "duration", "frames", "media", "init"], "media"))
def test_replace_never_fails_for_what_the_ledger_says(name: str, clip: Path, dest: Path, made: Path) -> None:
    found = json.loads(entry(dest).read_text())
    if name in ("media", "init"):
        found[name]["sha256"] = "0" * 64
    else:
        found[name] += 1
    entry(dest).write_text(json.dumps(found))
    with pytest.raises(VerificationFailed):
        again(clip, dest)
    report, notes = again(clip, dest, replace=True)
    assert report.tasks_reused == 0
    assert [note for note in notes if note.startswith("all segments are made anew")]
    assert media(dest) == media(made)
    assert verify(dest, clip).faults == ()


@pytest.mark.parametrize("gone", ["job.json", ""])
def test_resume_says_what_is_missing(gone: str, clip: Path, dest: Path, made: Path) -> None:
    path = dest / ".streamify" / gone
    path.unlink() if gone else shutil.rmtree(path)
    ran = command("resume", dest)
    assert (ran.code, "[job-unknown]" in ran.line, "earlier" in ran.line) == (5, True, False), ran.err
    assert "job.json is missing" in ran.line
    assert ("--replace" in ran.line) == (not gone)
    again(clip, dest, replace=not gone)
    assert media(dest) == media(made)


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    (path / "inside").mkdir(parents=True)


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/full")


def file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_text("x")


def nowhere(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.parent / "none" / "at all")


KINDS = (folder, pipe, device)
PLACES: dict[str, Callable[[Path], Path]] = {
    "lock": lambda dest: dest / ".streamify" / "lock",
    "plan": lambda dest: dest / ".streamify" / "plan.json",
    "job": lambda dest: dest / ".streamify" / "job.json",
    "list": segment_list,
    "entry": entry,
    "cancel": lambda dest: dest / ".streamify" / "cancel.json",
    "retired": lambda dest: dest / ".streamify" / "retired.json",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("place", "how"),
    sample(
        product(PLACES, KINDS), ("lock", pipe), ("plan", device), ("list", folder), ("entry", pipe), ("cancel", folder)
    ),
)
def test_what_is_no_file_in_place_of_one_is_refused_and_replaced_if_asked(
    place: str, how: Callable[[Path], None], clip: Path, dest: Path, made: Path
) -> None:
    path = PLACES[place](dest)
    how(path)
    refused = command("transcode", clip, dest, "--ladder", "240p", "--engine", "inline", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (5, "state-damaged"), refused.err
    assert path.name in refused.json["error"]["message"]
    again(clip, dest, replace=True)
    assert media(dest) == media(made)
    assert verify(dest, clip).faults == ()


PUBLISHED = ["report.json", "master.m3u8", "manifest.mpd", "video/*/00001.m4s", "audio/*/init.mp4"]


@pytest.mark.parametrize("name", ["resume", "verify"])
@pytest.mark.parametrize("place", sample(PUBLISHED, "report.json", "video/*/00001.m4s"))
def test_a_folder_in_place_of_a_published_file(place: str, name: str, clip: Path, dest: Path, made: Path) -> None:
    path = next(dest.glob(place))
    folder(path)
    ran = command(name, dest)
    assert (ran.code, "[dest-conflict]" in ran.line) == (5, True), ran.err
    assert f"{path}: it is a folder" in ran.line
    with pytest.raises(DestinationError, match="it is a folder"):
        again(clip, dest, replace=True)  # it holds something
    (path / "inside").rmdir()
    again(clip, dest, replace=True)
    assert media(dest) == media(made)


@pytest.mark.parametrize("place", sample(["", "ledger", "ledger/track", "runs"], "", "ledger/track"))
def test_a_file_in_place_of_a_folder(place: str, clip: Path, dest: Path, made: Path) -> None:
    path = entry(dest).parent if place == "ledger/track" else dest / ".streamify" / place
    file(path)
    with pytest.raises(DestinationError) as caught:
        again(clip, dest)
    assert (caught.value.code, caught.value.exit_code) == ("state-damaged", 5)
    again(clip, dest, replace=True)
    assert media(dest) == media(made)


@pytest.mark.parametrize("place", sample(["plan", "job", "list", "entry"], "plan", "entry"))
def test_a_link_that_leads_nowhere_is_no_file(place: str, clip: Path, dest: Path, made: Path) -> None:
    nowhere(PLACES[place](dest))
    with pytest.raises(DestinationError) as caught:
        again(clip, dest)
    assert caught.value.code == "state-damaged"
    again(clip, dest, replace=True)
    assert media(dest) == media(made)


@pytest.mark.parametrize(
    ("text", "refused"),
    sample(
        [("", True), ("no JSON", True), ("[]", True), ('{"schema": 1}', False)], ("[]", True), ('{"schema": 1}', False)
    ),
)
def test_a_record_of_the_job_that_is_damaged(text: str, refused: bool, clip: Path, dest: Path, made: Path) -> None:
    """One that says its schema is as good as none: the same command writes it again."""
    (dest / ".streamify" / "job.json").write_text(text)
    assert command("resume", dest).code == 5
    if refused:
        assert "[state-damaged]" in command("status", dest).line
        with pytest.raises(DestinationError, match=r"job\.json"):
            again(clip, dest)
    again(clip, dest, replace=refused)
    assert media(dest) == media(made)
    assert command("resume", dest).code == 0


@pytest.mark.parametrize("text", sample(["", "no JSON", "abc {}", "[]"], "no JSON"))
def test_any_text_in_the_lock_is_overwritten(text: str, clip: Path, dest: Path) -> None:
    (dest / ".streamify" / "lock").write_text(text)
    assert command("status", dest).code == 0
    again(clip, dest)


@pytest.mark.parametrize("name", ["status", "cancel", "resume"])
@pytest.mark.parametrize("how", [folder, pipe])
@pytest.mark.parametrize("place", sample(["lock", "plan", "job"], "lock"))
@pytest.mark.timeout(60)
def test_commands_on_a_job_say_what_is_no_file(name: str, place: str, how: Callable[[Path], None], dest: Path) -> None:
    how(PLACES[place](dest))
    ran = command(name, dest)
    assert (ran.code, "[state-damaged]" in ran.line) == (5, True), ran.err
