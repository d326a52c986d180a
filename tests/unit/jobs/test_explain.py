"""Why a job was slow or failed, by what DEST keeps of its runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamify.cli.show.analysis import explained
from streamify.errors import Failure, UsageError
from streamify.jobs.attempts import AttemptLog
from streamify.jobs.explain import explain_job
from streamify.jobs.failures import write_failure
from streamify.jobs.record import RunLog
from streamify.model.analysis import Explanation
from streamify.model.attempt import Attempt
from streamify.model.job import RunRecord
from streamify.model.status import Execution, JobStatus, RunStatus, State
from streamify.storage.local import LocalStorage

T = 1_700_000_000.0


def keep(media: LocalStorage, run: str, begin: float, end: float | None, *tasks: Attempt, **more: object) -> None:
    """Keep a run that began at a second, and its attempts."""
    record = RunRecord(id=run, engine="local", started=T + begin, capacity=2, workers=2)
    RunLog(media, record).update(ended=None if end is None else T + end, **more)
    log = AttemptLog(media, run)
    for task in tasks:
        log.add(task)
    log.close()


def tried(task: str, begin: float, end: float | None, outcome: str = "finished", **more: object) -> Attempt:
    return Attempt.model_validate({
        "task": task, "number": 1, "worker": "7", "started": T + begin, "ended": None if end is None else T + end,
        "outcome": outcome if end is not None else "running", **more,
    })  # fmt: skip


def status(state: State, run: str | None, failed: tuple[Failure, ...] = ()) -> JobStatus:
    last = RunStatus(id=run, engine="local", host="desk", pid=1, started=T, ended=None) if run is not None else None
    return JobStatus(dest="out dir", state=state, source="in.mp4", run=last, failed=failed)


def causes(found: Explanation) -> list[str]:
    return [one.cause for one in found.findings]


def test_each_run_is_told_apart(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    keep(media, "20261101T1", 0, None, tried("split", 0, 1), tried("video/00000/a", 1, None))
    keep(media, "20261102T2", 100, 110, tried("video/00000/a", 100, 108), outcome="complete")
    last = explain_job(status("complete", "20261102T2"), media)
    assert last.run is not None
    assert (last.run.id, last.run.wall_seconds, last.run.tasks) == ("20261102T2", 10, 1)
    assert [(one.id, one.outcome) for one in last.runs] == [("20261101T1", None), ("20261102T2", "complete")]
    first = explain_job(status("complete", "20261102T2"), media, "20261101")
    assert first.run is not None
    assert first.run.id == "20261101T1"
    assert causes(first)[0] == "run-lost"
    assert "at work on video/00000/a" in first.findings[0].text
    assert "streamify resume 'out dir'" in first.findings[0].advice
    for wanted, words in (("2026", "2 runs begin with '2026'"), ("x", "there is no run 'x' at out dir")):
        with pytest.raises(UsageError) as caught:
            explain_job(status("complete", "20261102T2"), media, wanted)
        assert (caught.value.code, words in caught.value.message, "20261102T2" in caught.value.message) == (
            "run-unknown", True, True,
        )  # fmt: skip


def test_tasks_that_failed_are_named_first_with_what_to_do(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    bad = Failure("video/00003/a", "worker-killed", "killed by SIGKILL", attempts=3)
    worse = Failure("audio/x/00000", "segment-undecodable", "no pictures", hint="copy the source again", exit_code=3)
    tries = [
        tried("video/00003/a", 0, 4, "retried", failure=bad),
        tried("video/00003/a", 5, 9, "failed", failure=bad, number=2),
        tried("audio/x/00000", 0, 1, "failed", failure=worse),
    ]
    keep(media, "r", 0, 10, *tries, outcome="failed", error="2 tasks failed [tasks-failed]")
    for failure in (bad, worse):
        write_failure(media, "r", failure)
    found = explain_job(status("failed", "r"), media)
    assert causes(found)[:2] == ["segment-undecodable", "worker-killed"]
    assert found.findings[0].advice == "copy the source again"
    assert "streamify error worker-killed" in found.findings[1].advice
    text = "\n".join(explained(found))
    assert "video/00003/a failed after 3 attempts: killed by SIGKILL [worker-killed]" in text
    assert "    1: retried after 4.0 s, worker 7: killed by SIGKILL [worker-killed]" in text


def test_a_run_that_failed_as_a_whole_says_why(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    keep(media, "r", 0, 1, outcome="failed", error="unknown ladder: 144p [ladder-unknown]")
    found = explain_job(status("failed", "r"), media)
    assert (found.findings[0].cause, found.findings[0].text) == ("ladder-unknown", "unknown ladder: 144p")
    keep(media, "r", 0, 1, outcome="failed", error="KeyError: 'x'")
    found = explain_job(status("failed", "r"), media)
    assert (found.findings[0].cause, found.findings[0].text) == ("run-failed", "KeyError: 'x'")


@pytest.mark.parametrize("outcome", ["cancelled", "interrupted"])
def test_a_run_that_was_ended_says_how_to_go_on(tmp_path: Path, outcome: State) -> None:
    media = LocalStorage(tmp_path)
    keep(media, "r", 0, 5, tried("split", 0, 1), tried("video/00000/a", 1, 5, "cancelled"), outcome=outcome)
    found = explain_job(status(outcome, "r"), media)
    assert found.findings[0].cause == f"run-{outcome}"
    assert found.run is not None
    assert (found.run.lost, found.run.retried) == (4, ())


@pytest.mark.parametrize(
    ("ended", "error", "cause", "words"),
    [
        ("ABORTED", None, "run-cancelled", "streamify cancel ended it"),
        ("TIMED_OUT", None, "run-failed", "its execution ended as TIMED_OUT"),
        ("FAILED", "no such role [aws-failed]", "aws-failed", "no such role"),
    ],
)
def test_an_execution_that_aws_ended_is_asked_about_there(
    tmp_path: Path, ended: str, error: str | None, cause: str, words: str
) -> None:
    media = LocalStorage(tmp_path)
    keep(media, "r", 0, None, tried("split", 0, 1))
    execution = Execution(arn="arn:r", status=ended, started=T, stopped=T + 5, error=error)
    found = explain_job(status("failed", "r").model_copy(update={"execution": execution}), media)
    assert (found.findings[0].cause, found.findings[0].text) == (cause, words)


def test_a_job_without_records_says_so(tmp_path: Path) -> None:
    found = explain_job(status("complete", None), LocalStorage(tmp_path))
    assert (found.run, found.runs, causes(found)) == (None, (), ["no-record"])
    assert explained(found)[0] == "out dir: complete"


def test_a_run_on_aws_has_no_idle_workers_to_blame(tmp_path: Path) -> None:
    media = LocalStorage(tmp_path)
    keep(media, "r", 0, 100, tried("video/00000/a", 1, 99), outcome="complete")
    here = explain_job(status("complete", "r"), media)
    assert "idle-tail" in causes(here)
    record = RunRecord(id="r", engine="aws", started=T, ended=T + 100, outcome="complete")
    RunLog(media, record).update()
    there = explain_job(status("complete", "r"), media)
    assert there.run is not None
    assert (there.run.workers, causes(there)) == (1, ["mostly-wait"])
