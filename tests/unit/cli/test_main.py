"""The contract of the command line: exit codes, one line an error, one JSON document."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e.driving import wait_for
from selection import sample
from streamify._project import ERRORS_URL
from streamify.cli.main import _opens_media
from streamify.errors import (
    CapExceeded,
    DestinationError,
    Failure,
    Interrupted,
    SourceError,
    StreamifyError,
    TasksFailed,
    VerificationFailed,
)
from streamify.executors.base import TaskError
from streamify.jobs.engine import Stop
from streamify.model.settings import Settings

Cli = Callable[..., Any]

Job = Callable[[str, Callable[..., Any]], list[tuple[Any, ...]]]
FAILURES = (Failure("video/00003/720p", "worker-killed", "killed by SIGKILL", 3, "line 1\nline 2"),
            Failure("video/00004/720p", "worker-hung", "no result within 60 s", 3))  # fmt: skip


def raising(error: Exception) -> Callable[..., Any]:
    def answer(*_: Any) -> Any:
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SourceError("source-empty", "a.mp4 is empty", "upload it again"), 3),
        (TasksFailed(FAILURES), 4),
        (DestinationError("disk-full", "no space", ""), 5),
        (VerificationFailed(("00001.m4s is missing", "00002.m4s differs")), 6),
        (CapExceeded("cap", "too large"), 7),
        (Interrupted(130), 130),
        (Interrupted(143), 143),
        (KeyboardInterrupt(), 130),
        (RuntimeError("what?"), 1),
    ],
)
def test_every_error_has_its_exit_code_one_line_and_one_document(cli: Cli, job: Job, error: Any, code: int) -> None:
    job("probe", raising(error))
    outcome = cli("probe", "a.mp4")
    assert (outcome.code, outcome.out) == (code, "")
    lines = outcome.err.splitlines()
    assert lines[0].startswith("streamify: error: ")
    assert "Traceback" not in outcome.err
    assert all(line.startswith("  ") for line in lines[1:])
    document = cli("probe", "a.mp4", "--json").json
    assert set(document) == {"error"}
    assert {"code", "message", "hint"} <= set(document["error"])
    if isinstance(error, StreamifyError):
        assert document["error"]["code"] == error.code
        assert lines[0].endswith(f"[{error.code}]; more: streamify error {error.code}, {ERRORS_URL}#{error.code}")


def test_failed_tasks_and_faults_are_each_listed(cli: Cli, job: Job) -> None:
    job("probe", raising(TasksFailed(FAILURES, "run it again")))
    text = cli("probe", "a").err.splitlines()
    assert "2 tasks failed (run it again) [tasks-failed]" in text[0]
    assert text[1:] == ["  video/00003/720p: killed by SIGKILL [worker-killed] after 3 attempts",
                        "  video/00004/720p: no result within 60 s [worker-hung] after 3 attempts"]  # fmt: skip
    assert "line 2" in cli("probe", "a", "-v").err
    assert [one["key"] for one in cli("--json", "probe", "a").json["error"]["failures"]] == [
        one.key for one in FAILURES
    ]
    job("probe", raising(VerificationFailed(("one", "two"))))
    assert cli("probe", "a").err.splitlines()[1:] == ["  one", "  two"]
    assert cli("probe", "a", "--json").json["error"]["faults"] == ["one", "two"]


def test_a_bug_shows_its_traceback_only_when_asked(cli: Cli, job: Job) -> None:
    job("probe", raising(KeyError("x")))
    assert len(cli("probe", "a").err.splitlines()) == 1
    outcome = cli("-v", "probe", "a")
    assert (outcome.code, "Traceback" in outcome.err, "please report" in outcome.err) == (1, True, True)


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["-v"], "Missing command"),
        (["prove"], "did you mean 'probe'?"),
        (["probe"], "'SOURCE'"),
        (["plan"], "'SOURCE'"),
        (["probe", "a", "b"], "unexpected extra argument"),
        (["transcode", "a", "b", "--wokers", "2"], "--workers"),
        (["transcode", "a", "b", "--preset", "turbo"], "turbo"),
        (["transcode", "a", "b", "--workers", "0"], "--workers: should be greater"),
        (["transcode", "a", "b", "--config", "gone.yaml"], "cannot read gone.yaml"),
        (["transcode", "a", "b", "--events", "no/such/folder/e"], "cannot write events"),
        (["probe", "-"], "cat > video.mp4"),
        (["probe", ""], "SOURCE is empty"),
        (["probe", "https://a/b.mp4"], "curl"),
        (["plan", "HTTP://a/b.mp4"], "curl"),
        (["transcode", "rtmp://a/b", "out"], "rtmp:// is not read"),
        (["transcode", "a", "s3://a//b"], "empty part"),
        (["transcode", "a", "gs://"], "names no bucket"),
        (["plan", "s3://a"], "names a bucket"),
        (["plan", "az://a/b\\c"], "backslash"),
        (["transcode", "a", "https://b"], "is not a folder"),
        (["transcode", "a", "-"], "is not a folder"),
        (["verify", "out", "--source", "-"], "pipe"),
        (["probe", os.fsdecode(b"\xff.mp4")], "not valid UTF-8"),
        (["completion", "tcsh"], "tcsh"),
        (["completion"], "Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish (see"),
    ],
)
def test_usage_errors_exit_2_with_a_remedy(cli: Cli, args: list[str], part: str) -> None:
    outcome = cli(*args)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert part in outcome.err
    as_json = cli("--json", *args)
    assert as_json.code == 2
    assert as_json.json["error"]["hint"]


@pytest.mark.parametrize("name", ["a b.mp4", "é.mp4", "%d.mp4", "#1.mp4", "a&b.mp4", "./-x.mp4", "s3/x.mp4", "C:x.mp4"])
def test_odd_names_reach_the_pipeline_as_they_are(cli: Cli, job: Job, name: str) -> None:
    calls = job("probe", raising(SourceError("x", "y")))
    cli("probe", name)
    cli("probe", "--", name)
    assert [str(source) for source, *_ in calls] == [name, name]


def test_a_leading_dash_works_after_two_dashes(cli: Cli, job: Job) -> None:
    calls = job("probe", raising(SourceError("x", "y")))
    outcome = cli("probe", "--", "--json")
    assert ([str(source) for source, *_ in calls], outcome.out) == (["--json"], "")


def test_global_options_work_before_and_after(cli: Cli, job: Job) -> None:
    job("probe", raising(SourceError("x", "y")))
    for args in (["--json", "probe", "a"], ["probe", "--json", "a"], ["probe", "a", "--json"]):
        assert cli(*args).json["error"]["code"] == "x"
    line = cli("--log-format", "text", "probe", "a", "--log-format=json").err
    assert json.loads(line) | {"time": 0} == {"time": 0, "level": "error", "message": "y", "code": "x", "hint": ""}


def test_settings_reach_the_pipeline(cli: Cli, job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "streamify.yaml").write_text("preset: slow\ncrf: 18\nreplace: true\n")
    monkeypatch.setenv("STREAMIFY_CRF", "19")
    calls = job("transcode", raising(SourceError("x", "y")))
    cli("transcode", "in.mp4", "my out", "--workers", "2", "--segment-seconds", "4.8", "--no-replace")
    source, dest, settings, _, stop = calls[0]
    assert (str(source), str(dest), stop.is_set()) == ("in.mp4", "my out", False)
    assert settings == Settings.model_validate(
        {"preset": "slow", "crf": 19, "workers": 2, "segment_seconds": "24/5", "replace": False}
    )


def test_plan_prints_settings_and_schema_without_a_source(cli: Cli) -> None:
    assert "crf: 20  # --crf" in cli("plan", "--print-settings", "--crf", "20").out
    assert cli("plan", "--print-settings", "--json").json["settings"]["preset"] == "balanced"
    assert json.loads(cli("plan", "--print-schema").out)["title"] == "Settings"
    line, end = cli("plan", "--print-schema", "--json").out.split("\n")
    assert (json.loads(line)["title"], end) == ("Settings", "")


def test_version_and_completion(cli: Cli) -> None:
    assert cli("--version").out.startswith("streamify ")
    assert set(cli("probe", "--version", "--json").json) == {"version"}
    for shell in ("bash", "zsh", "fish"):
        assert "_STREAMIFY_COMPLETE" in cli("completion", shell).out
        assert cli("completion", shell, "--json").json["shell"] == shell


def completions(words: str) -> list[str]:
    """Return what bash is told for the last of `words`."""
    env = os.environ | {
        "_STREAMIFY_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    done = subprocess.run([sys.executable, "-c", "from streamify.cli.main import main; main()"], env=env,
                          capture_output=True, text=True, check=False)  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("streamify transcode --pres", ["plain,--preset"]),
        ("streamify transcode vid", ["file,vid"]),
        ("streamify transcode video.mp4 str", ["dir,str"]),
        ("streamify verify out --source vid", ["file,vid"]),
        ("streamify status str", ["dir,str"]),
        ("streamify plan --ladder s", ["plain,standard"]),
        ("streamify plan --ladder my/", ["file,my/"]),
        ("streamify plan --ladder 1080p,72", ["plain,1080p,720p"]),
        ("streamify plan --preset slow", ["plain,slow", "plain,slower"]),
        ("streamify plan --engine in", ["plain,inline"]),
        ("streamify error disk", ["plain,disk-full", "plain,disk-too-small"]),
    ],
)
def test_completion_completes(words: str, found: list[str]) -> None:
    assert completions(words) == found


def test_help_is_short_to_ask_for(cli: Cli) -> None:
    long = cli("--help")
    assert [(cli(*args).code, cli(*args).out) for args in ((), ("-h",))] == [(0, long.out)] * 2
    assert cli("transcode", "-h").out == cli("transcode", "--help").out
    assert cli("--json").json["error"]["code"] == "usage"


def test_an_error_code_is_explained_without_a_network(cli: Cli) -> None:
    found = cli("error", "source-stdin")
    assert found.code == 0
    assert found.out.splitlines() == [
        "source-stdin: Usage and settings (exit code 2)",
        "",
        "SOURCE is -. Segments are read out of order and by several workers; a pipe cannot be.",
        "",
        "Remedy: Save it to a file first: cat > video.mp4.",
        "",
        f"{ERRORS_URL}#source-stdin",
    ]
    assert set(cli("error", "usage", "--json").json) == {"code", "section", "text", "url"}
    close = cli("error", "source-stdn")
    assert (close.code, "did you mean source-stdin" in close.err) == (2, True)
    assert ERRORS_URL in cli("error", "zzzz").err


def texts(value: Any) -> list[str]:
    """Return all strings of a JSON document."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for one in inner for text in texts(one)]


ESCAPES = "\x1b[31m\x1b]0;owned\x07\x9b1m\u202e\n.mp4"


def test_what_comes_from_outside_is_shown_escaped_and_kept_exact_in_json(cli: Cli, job: Job) -> None:
    failures = (Failure(f"video/{ESCAPES}", "x", ESCAPES, 1, ESCAPES),)
    for error in (SourceError("x", ESCAPES, ESCAPES), TasksFailed(failures), VerificationFailed((ESCAPES,))):
        job("probe", raising(error))
        outcome = cli("probe", "a", "-v")
        assert r"\x1b[31m\x1b]0;owned\x07\x9b1m\u202e\n.mp4" in outcome.err
        assert all(line.isprintable() for line in outcome.err.split("\n"))
        assert any(ESCAPES in text for text in texts(cli("probe", "a", "--json").json))
    assert all(line.isprintable() for line in cli("doctor", f"{ESCAPES}/x").out.split("\n"))


@pytest.mark.parametrize("command", ["probe", "plan"])
def test_signals_reach_a_command_through_its_stop(command: str, cli: Cli, job: Job) -> None:
    def stopped(*given: Any) -> None:
        [stop] = [one for one in given if isinstance(one, Stop)]
        signal.raise_signal(signal.SIGTERM)  # raises nothing by itself
        assert stop.wait(60)
        raise Interrupted(stop.exit_code)

    job(command, stopped)
    assert cli(command, "a.mp4").code == 143


def test_the_traceback_of_a_bug_in_a_worker_is_shown_when_asked(cli: Cli, job: Job) -> None:
    job(
        "probe",
        raising(TaskError(Failure("split", "internal-error", "KeyError: 1", 1, "Traceback: here", exit_code=1))),
    )
    assert "Traceback" not in cli("probe", "a").err
    assert cli("probe", "a", "-v").err.splitlines()[1] == "  Traceback: here"
    assert json.loads(cli("probe", "a", "-v", "--log-format", "json").err)["trace"] == "Traceback: here"


def test_help_imports_next_to_nothing() -> None:
    script = (
        "import sys; from streamify.cli.group import run; run(['--help']);"
        "slow = {'pydantic', 'av', 'obstore', 'rich', 'psutil', 'yaml', 'uvicorn', 'starlette', 'anyio'};"
        "print(*[name for name in slow if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_what_is_slow_to_load_is_started_before_the_command_line_is_loaded() -> None:
    script = "import sys, streamify.cli.main; print('click' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_reader_that_went_away_is_no_error() -> None:
    """`streamify ... | head -c 0`: the other end is closed before we write."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write) as closed:
        command = [sys.executable, "-c", "from streamify.cli.main import main; main()", "plan", "--print-schema"]
        done = subprocess.run(command, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


SLOW = """
import sys, time
from streamify.errors import Interrupted
from streamify.backends.here import Here
def slow(self, source, dest, settings, on_event, stop):
    print("ready", file=sys.stderr, flush=True)
    while sys.argv[-1] == "stubborn" or not stop.wait(0.05):
        time.sleep(0.05)
    raise Interrupted(stop.exit_code)
Here.transcode = slow
from streamify.cli.group import run
sys.exit(run(["transcode", "a", "b", "--json"]))
"""


@pytest.mark.parametrize(
    ("args", "early"),
    [
        ("transcode in.mp4 out", True),
        ("-q plan in.mp4", True),
        ("probe a.mkv --json", True),
        ("transcode --help", False),
        ("transcode s3://bucket/a.mp4 out", False),
        ("plan in.mp4 --engine inline", False),
        ("plan in.mp4 --engine=aws", False),
        ("plan in.mp4 --engine ray", True),  # split runs on this machine
        ("transcode in.mp4 out --engine ray", False),
        (f"play {__file__} --engine=ray", False),
        ("verify out", False),
        ("resume out", True),
        (f"play {__file__}", True),
        (f"play {__file__} out --no-open", True),
        (f"play {__file__} --engine inline", False),
        ("play out", False),
        ("play transcode", False),
        ("plan", False),
        ("--help", False),
    ],
)
def test_commands_that_open_media_start_a_worker_ahead(args: str, early: bool) -> None:
    assert _opens_media(args.split()) is early


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_in_order_with_its_own_exit_code(number: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        assert job.stderr is not None
        assert job.stderr.readline() == "ready\n"
        job.send_signal(number)
        out, err = job.communicate(timeout=60)
    assert job.returncode == code
    assert json.loads(out)["error"]["code"] == "interrupted"
    assert "run the same command again" in err


def test_the_second_signal_ends_at_once() -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW, "stubborn"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as job:  # fmt: skip
        assert job.stderr is not None
        assert job.stderr.readline() == "ready\n"
        job.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert job.poll() is None
        insist(job, signal.SIGINT)
        job.communicate(timeout=60)
    assert job.returncode == 130


def insist(command: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal until the process has ended; of two that come before it runs again the kernel keeps one."""

    def sent() -> bool:
        command.send_signal(number)
        return command.poll() is not None

    wait_for(sent)


FLOOD = """
import sys
from streamify.errors import Interrupted
from streamify.backends.here import Here
from streamify.model.event import Event
def flood(self, source, dest, settings, on_event, stop):
    for number in range(2000):
        on_event(Event(time=number, kind="note", message="x" * 600))
    open(sys.argv[1], "w").close()
    while not stop.wait(0.05):
        pass
    if sys.argv[-1] == "stubborn":
        while True:
            pass
    raise Interrupted(stop.exit_code)
Here.transcode = flood
from streamify.cli.group import run
sys.exit(run(["transcode", "a", sys.argv[1], "--json", *sys.argv[2:-1]]))
"""


@pytest.mark.parametrize("how", sample(["in order", "stubborn"], "stubborn"))
def test_a_stderr_that_nobody_reads_stops_neither_the_job_nor_a_signal(how: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "events")
    with (
        os.fdopen(os.open(tmp_path / "events", os.O_RDONLY | os.O_NONBLOCK), "rb"),
        subprocess.Popen(
            [sys.executable, "-c", FLOOD, str(tmp_path / "done"), "--events", str(tmp_path / "events"), how],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as command,
    ):  # fmt: skip
        try:
            wait_for((tmp_path / "done").exists)  # else the job waits for a reader
            command.send_signal(signal.SIGTERM)
            if how == "stubborn":
                time.sleep(0.3)
                insist(command, signal.SIGTERM)
            assert command.wait(timeout=60) == 143
        finally:
            command.kill()
        assert command.stdout is not None
        assert json.loads(command.stdout.read())["error"]["code"] == "interrupted"


def test_a_signal_ends_the_wait_for_a_reader_of_stdout() -> None:
    script = (
        "import signal, sys; from streamify.cli import out\n"
        "from streamify.cli.exit import end_at_once; from streamify.cli.options import Document\n"
        "signal.signal(signal.SIGTERM, lambda number, _: end_at_once(number, Document(owed=True)))\n"
        "sys.stderr.write('ready\\n'); sys.stderr.flush()\n"
        "out.say('x' * (1 << 20))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        assert command.stderr is not None
        assert command.stderr.readline() == "ready\n"
        time.sleep(0.3)
        command.send_signal(signal.SIGTERM)
        assert command.wait(timeout=60) == 143
        assert "stopped before it was finished" in command.stderr.read()
