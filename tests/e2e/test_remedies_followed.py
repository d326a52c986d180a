"""Remedies that name a setting or another command: each is followed to the letter, and the error is gone."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import streamify
from clips.claims import claiming
from e2e.driving import Ran
from e2e.test_bad_input import Cli, cli
from fuzz.mutate import clip
from selection import sample
from streamify.planning import caps

__all__ = ["cli"]  # a fixture

ROOT = Path(__file__).parents[2]
FAST = ("--preset", "ultrafast", "--engine", "inline")


class Remedy(NamedTuple):
    """An error and what mends it."""

    code: str
    refused: tuple[str, ...]
    said: str
    """Of the hint."""
    then: tuple[tuple[str, ...], ...]
    """Command lines, each of which succeeds."""
    before: Callable[[Path], object] = lambda _: None
    """Makes the state in which the first command is refused."""


def removed(name: str) -> Callable[[Path], object]:
    return lambda dest: shutil.rmtree(dest / name) if (dest / name).is_dir() else (dest / name).unlink()


def written(name: str, text: str) -> Callable[[Path], object]:
    return lambda dest: (dest / name).write_text(text)


def newer(name: str) -> Callable[[Path], object]:
    def change(dest: Path) -> None:
        path = dest / name
        path.write_text(re.sub(r'"schema":\s*\d+', '"schema":999', path.read_text()))

    return change


def changed_source(dest: Path) -> None:
    source = dest.parent / "film.mp4"
    streamify.transcode(source, dest, engine="inline", preset="ultrafast", replace=True)
    source.write_bytes(clip("fmp4"))


MAKE = ("transcode", "film.mp4", "dest", *FAST)
ALIKE = ("plan", "film.mp4", "--engine", "inline", "--no-short-start")
NEW = ("transcode", "film.mp4", "new", *FAST)
ANEW = (*MAKE, "--replace")
REMEDIES = {
    "a longer film": Remedy(
        "source-too-long", ("plan", "film.mp4", "--max-duration", "0.5"), "raise --max-duration",
        (("plan", "film.mp4", "--max-duration", "2"),),
    ),
    "a longer pause": Remedy(
        "source-pause-too-long", ("plan", "pause.mp4"), "raise --max-pause",
        (("plan", "pause.mp4", "--max-pause", "20000"),),
    ),
    "fewer segments": Remedy(
        "too-many-segments", (*ALIKE, "--segment-seconds", "0.5", "--keyframe-seconds", "0.5"),
        "longer --segment-seconds", ((*ALIKE, "--segment-seconds", "10"),),
    ),
    "an earlier start": Remedy("cut-outside", ("plan", "film.mp4", "--from", "5"), "an earlier --from",
                               (("plan", "film.mp4", "--from", "0.5"),)),
    "another ladder": Remedy("ladder-impossible", ("plan", "film.mp4", "--ladder", "1080p"), "--ladder auto",
                             (("plan", "film.mp4", "--ladder", "auto"),)),
    "another programme": Remedy("program-unknown", ("plan", "film.ts", "--program", "99"), "leave out --program",
                                (("plan", "film.ts", "--program", "1"), ("plan", "film.ts"))),
    "no burning in": Remedy("burn-in-unknown", ("plan", "film.mp4", "--burn-in", "eng"), "streamify probe",
                            (("probe", "film.mp4"), ("plan", "film.mp4"))),
    "a stream without its state": Remedy("dest-occupied", MAKE, "--replace", (ANEW,), removed(".streamify")),
    "another film": Remedy("dest-other-source", ("transcode", "film.ts", "dest", *FAST), "--replace",
                           (("transcode", "film.ts", "dest", *FAST, "--replace"),)),
    "a damaged report": Remedy("report-unreadable", ("verify", "dest"), "--replace", (ANEW, ("verify", "dest")),
                               written("report.json", "{")),
    "a damaged plan": Remedy("plan-unreadable", MAKE, "--replace", (ANEW,), written(".streamify/plan.json", "{")),
    "a plan of a newer release": Remedy("state-newer", MAKE, "--replace", (ANEW,), newer(".streamify/plan.json")),
    "a damaged record": Remedy("state-damaged", ("resume", "dest"), "--replace", (ANEW, ("resume", "dest")),
                               written(".streamify/job.json", "{")),
    "no record": Remedy("job-unknown", ("resume", "dest"), "run its command again", (MAKE, ("resume", "dest")),
                        removed(".streamify/job.json")),
    "no state to resume": Remedy("job-unknown", ("resume", "dest"), "--replace", (ANEW,), removed(".streamify")),
    "no plan to take a task from": Remedy(
        "not-planned", ("run-task", "dest", "--list"), "run its command again", (MAKE, ("run-task", "dest", "--list")),
        removed(".streamify/plan.json"),
    ),
    "no such run": Remedy("run-unknown", ("explain", "dest", "--run", "x"), "leave --run out", (("explain", "dest"),)),
    "no such task": Remedy("task-unknown", ("run-task", "dest", "video/99/x"), "--list shows all",
                           (("run-task", "dest", "--list"),)),
    "another source": Remedy("source-other", ("verify", "dest", "--source", "film.ts"), "leave out --source",
                             (("verify", "dest"), ("verify", "dest", "--source", "film.mp4"))),
    "no plan to compare with": Remedy(
        "no-plan", ("verify", "dest", "--source", "film.mp4"), "verify without --source", (("verify", "dest"),),
        removed(".streamify"),
    ),
    "no stream": Remedy("no-stream", ("verify", "dest"), "streamify transcode", (MAKE, ("verify", "dest")),
                        removed("report.json")),
    "a source that changed": Remedy("source-changed", ("resume", "dest"), "--replace", (ANEW,),
                                    changed_source),
    "words that are damaged": Remedy(
        "subtitles-incomplete", ("transcode", "film.mp4", "new", *FAST, "--subtitles", "en:words.en.srt", "--strict"),
        "leave out --strict", (("transcode", "film.mp4", "new", *FAST, "--subtitles", "en:words.en.srt"),),
    ),
    "events elsewhere": Remedy("events-unwritable", (*NEW, "--events", "none/events"), "--events",
                               ((*NEW, "--events", "events"),)),
    "no such command": Remedy("usage", ("transcod",), "--help", (("--help",),)),
}  # fmt: skip


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some sources, and the stream of one."""
    folder = tmp_path_factory.mktemp("remedies")
    (folder / "film.mp4").write_bytes(clip("mp4"))
    (folder / "words.en.srt").write_bytes(
        b"1\n00:00:00,500 --> 00:00:00,100\nBackwards\n\n2\n00:00:00,100 --> 00:00:00,500\nWords\n"
    )
    (folder / "film.ts").write_bytes(clip("ts"))
    (folder / "pause.mp4").write_bytes(claiming(2, duration=5 * 3600 * 12_800))
    streamify.transcode(folder / "film.mp4", folder / "dest", engine="inline", preset="ultrafast")
    return folder


@pytest.mark.parametrize("what", sample(REMEDIES, "a longer film", "a damaged report", "no record"))
def test_the_remedy_works(what: str, stream: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    remedy = REMEDIES[what]
    shutil.copytree(stream, tmp_path, dirs_exist_ok=True)
    if remedy.code == "too-many-segments":
        monkeypatch.setattr(caps, "SEGMENTS", 1)
    remedy.before(tmp_path / "dest")
    ran: Ran = cli(*remedy.refused)
    assert ran.code != 0
    assert ran.line
    assert f"[{remedy.code}" in ran.err
    assert remedy.said in ran.err
    for line in remedy.then:
        done = cli(*line)
        assert done.code == 0, (line, done.err)


TRIED = {
    "audio-map-unfit": "tests/unit/planning/test_arrange.py",
    "burn-in-font": "tests/e2e/test_burn_in_text.py",
    "cancelled": "tests/e2e/test_job_control.py",
    "cannot-listen": "tests/e2e/test_play_command.py",
    "dest-busy": "tests/e2e/test_job_control.py",
    "disk-too-small": "tests/unit/jobs/test_disk.py",
    "interrupted": "tests/e2e/test_resume.py",
    "job-running": "tests/e2e/test_clean.py",
    "job-ambiguous": "tests/unit/jobs/test_listing.py",
    "no-pictures": "tests/e2e/test_remedies.py",
    "no-timestamps": "tests/e2e/test_remedies.py",
    "ray-address": "tests/e2e/test_ray.py",
    "ray-unreachable": "tests/e2e/test_ray.py",
    "source-format": "tests/e2e/test_remedies.py",
    "source-incomplete": "tests/e2e/test_cases.py",
    "source-not-media": "tests/e2e/test_remedies.py",
    "source-keyframes-too-rare": "tests/e2e/test_remedies.py",
    "source-too-complex": "tests/e2e/test_remedies.py",
    "source-too-large-to-scan": "tests/e2e/test_remedies.py",
    "source-too-many-streams": "tests/e2e/test_remedies.py",
    "source-truncated": "tests/e2e/test_remedies.py",
    "too-many-lost": "tests/e2e/test_cut_off.py",
}
"""Codes whose remedies are followed elsewhere, and where."""

NOT_TRIED = {
    "burn-in-too-large": "leaves out what was asked for",
    "burn-in-too-much": "leaves out what was asked for",
    "captions-too-much": "leaves out what was asked for",
    "engine-unsupported": "leaves out what was asked for",
    "index-disagrees": "no file is known that is read so wrongly; the command is that of no-timestamps",
    "tasks-failed": "the job goes on, as in tests/e2e/test_crash.py",
    "verification-failed": "the job goes on, as in tests/e2e/test_sabotage.py",
    "bug": "asks for a report",
    "internal-error": "asks for a report",
    "dest-taken": "only shows what happened",
    "ray-missing": "installs a package; its command is that of tests/docs",
    "source-too-large-pictures": "takes gigabytes; its command was run by hand",
    "source-too-many-pictures": "takes hours; its command was run by hand",
    "source-too-small": "only shows what happened",
}
"""Codes whose remedies no test follows, and why; those of AWS are followed where there is a stack."""
ON_AWS = re.compile(r"aws-|task-too-|cost-|worker-|hook-|jobs-failed|sidecar|dest-claimed|too-many-tasks")


def test_every_remedy_that_names_a_command_or_a_setting_is_followed_by_a_test() -> None:
    followed = {one.code for one in REMEDIES.values()} | TRIED.keys() | NOT_TRIED.keys()
    printed = dict(_printed())
    assert {code: hint for code, hint in printed.items() if code not in followed and not ON_AWS.match(code)} == {}
    for code, place in TRIED.items():
        files = [ROOT / place] if place.endswith(".py") else list((ROOT / place).rglob("*.py"))
        assert any(code in path.read_text() for path in files), (code, place)


def _printed() -> Iterator[tuple[str, str]]:
    """Yield the codes of errors in our sources whose hints name a command or a flag, with the hint."""
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    codes = set(re.findall(r"^### ([a-z0-9-]+)$", page, re.MULTILINE))
    trees = [ast.parse(path.read_text()) for path in (ROOT / "src" / "streamify").rglob("*.py")]
    shared = {name: _text(value, {}) for tree in trees for name, value in _names(tree) if name.isupper()}
    for tree in trees:
        names = dict(shared)
        for name, value in _names(tree):
            if not name.isupper():
                names[name] = f"{names.get(name, '')} {_text(value, names)}"
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            hints = [*call.args[2:3], *(word.value for word in call.keywords if word.arg == "hint")]
            hint = " ".join(_text(one, names) for one in hints)
            if call.args[0].value in codes and re.search(r"ffmpeg |--[a-z]|streamify [a-z]", hint):
                yield str(call.args[0].value), hint


def _names(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _text(node: ast.AST, names: dict[str, str]) -> str:
    """Return what is known of a text that is put together."""
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr(values=values):
            return "".join(_text(one, names) for one in values)
        case ast.FormattedValue(value=inner):
            return _text(inner, names)
        case ast.Name(id=name):
            return names.get(name, "")
        case ast.BinOp(left=left, right=right):
            return _text(left, names) + _text(right, names)
        case ast.IfExp(body=left, orelse=right):
            return f"{_text(left, names)} {_text(right, names)}"
    return ""
