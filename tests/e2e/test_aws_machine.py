"""The state machine by a second interpreter: what the emulator ignores or takes otherwise than AWS does.

The emulator knows no names of errors, so retries by name are judged here; distributed maps it knows, so here the map
reads its items from the state.
"""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from selection import sample
from streamify.backends.aws.functions import handlers
from streamify.model.settings import Settings

ROOT = Path(__file__).parents[2]
INTERPRETER = ROOT / "tests" / "machine" / "interpret.js"
CONTEXT: dict[str, dict[str, Any]] = {
    "Execution": {"Id": "arn:aws:states:eu-west-1:1:execution:streamify:x", "StartTime": "2026-11-24T10:00:00Z"},
    "StateMachine": {"Id": "arn:aws:states:eu-west-1:1:stateMachine:streamify"},
    "Task": {"Token": "a token"},
    "State": {"RetryCount": 0},  # it does not count; tests/deployed does
}
INPUT = {"source": "s3://uploads/a.mp4", "dest": "s3://media/a.mp4"}
RUN = {"id": "x"}
ITEMS: list[dict[str, Any]] = [{"key": "video/00000/0", "function": 0}, {"key": "video/00001/0", "function": 0}]
PLANNED = {
    "status": "planned",
    "job": INPUT,
    "run": RUN,
    "prepared": {"items": "items.ndjson", "count": 2},
    "items": {"bucket": "media", "key": "items.ndjson"},
    "list": ITEMS,
}
COMPLETE = {"status": "complete", "job": INPUT, "frames": 300}
FAILED = {"status": "failed", "error": {"code": "tasks-failed", "cause": "2 tasks failed"}, "job": INPUT}
DONE = {"status": "done", "key": "video/00000/0"}


def definition() -> dict[str, Any]:
    """Return the machine with its map over a list in the state."""
    text = (ROOT / "deploy/aws/statemachine.asl.json").read_text()
    text = text.replace("${LongestJobSeconds}", "86400").replace("${Partition}", "aws")
    found: dict[str, Any] = json.loads(text)
    work = found["States"]["Make"]["Branches"][0]["States"]["Transcode"]
    for name in ("ItemReader", "ResultWriter", "Label", "ToleratedFailurePercentage"):
        del work[name]
    work["ItemsPath"] = "$.plan.list"
    work["ItemProcessor"]["ProcessorConfig"] = {"Mode": "INLINE"}
    found["States"]["Failed"]["CausePath"] = "$.end.error.cause"  # it knows no intrinsic functions there
    return found


def returns(payload: dict[str, Any]) -> dict[str, Any]:
    """Say what a call of Lambda gives."""
    return {"returns": {"Payload": payload}}


def raises(name: str) -> dict[str, str]:
    """Say that a call fails."""
    return {"raises": name}


def interpreted(**answers: list[dict[str, Any]]) -> dict[str, Any]:
    """Run the machine; states that nothing is said of do well."""
    told = {"Split": [returns(PLANNED)], "Task": [returns(DONE)], "TaskLarge": [returns(DONE)],
            "Turn": [{"returns": {"workers": 1}}], "Release": [returns({})],
            "Record": [returns({"status": "failed"})], "Assemble": [returns(COMPLETE)],
            "Publish": [returns({"status": "ended", "wait": 0})], "Withdraw": [returns({})],
            "CleanLater": [{"returns": {}}], "Say": [{"returns": {}}]}  # fmt: skip
    given = {
        "definition": definition(),
        "input": INPUT,
        "context": CONTEXT | {"Execution": CONTEXT["Execution"] | {"Input": INPUT}},
        "answers": told | answers,
    }
    interpreter = _interpreter()
    assert interpreter.stdin is not None
    assert interpreter.stdout is not None
    interpreter.stdin.write(json.dumps(given) + "\n")
    interpreter.stdin.flush()
    line = interpreter.stdout.readline()
    assert line, f"it ended with status {interpreter.wait(30)}; stderr says why"
    found: dict[str, Any] = json.loads(line)
    return found


@cache
def _interpreter() -> subprocess.Popen[str]:
    """Start it once for all tests of this process: that takes longer than a run of the machine."""
    node = shutil.which("node")
    assert node is not None
    process = subprocess.Popen([node, str(INTERPRETER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(_end, process)
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)


def order(found: dict[str, Any]) -> list[str]:
    """Return the states whose tasks were called, in order, without those that share the workers between jobs."""
    return [call["state"] for call in found["calls"] if call["state"] not in ("Turn", "Release")]


def test_a_job_goes_from_split_to_the_notification() -> None:
    found = interpreted()
    assert order(found) == ["Split", "Task", "Task", "Assemble", "Say"]
    assert found["output"] == COMPLETE
    split, turn, task, _, release, assemble, said = (call["input"] for call in found["calls"])
    assert split["Payload"] | {"started": ""} == {
        "input": INPUT,
        "execution": CONTEXT["Execution"]["Id"],
        "started": "",
    }
    assert turn["Payload"] | {"started": ""} == {
        "run": "x",
        "execution": CONTEXT["Execution"]["Id"],
        "started": "",
        "tasks": 2,
        "token": "a token",
    }
    assert task["Payload"] == {"run": RUN, "item": ITEMS[0], "retries": 0}
    assert release["Payload"] == {"ended": "x"}
    assert assemble["Payload"] == {"run": RUN, "prepared": PLANNED["prepared"], "workers": 1}
    assert json.loads(said["Message"]) == COMPLETE


def test_nothing_missing_goes_to_assemble_at_once() -> None:
    none = PLANNED | {"prepared": {"items": "items.ndjson", "count": 0}}
    found = interpreted(Split=[returns(none)])
    assert [call["state"] for call in found["calls"]] == ["Split", "Assemble", "Say"]


def test_a_job_that_waits_for_workers_asks_again_in_case_an_answer_was_lost() -> None:
    found = interpreted(Turn=[*[raises("States.Timeout")] * 99, {"returns": {"workers": 3}}])
    assert [call["state"] for call in found["calls"]].count("Turn") == 100
    (assemble,) = (call["input"]["Payload"] for call in found["calls"] if call["state"] == "Assemble")
    assert assemble["workers"] == 3


def test_a_function_that_is_lost_while_it_shares_the_workers_is_asked_again() -> None:
    lost = [raises(name) for name in ("Sandbox.Timedout", "Runtime.ExitError", "Lambda.Unknown", "TransientError")]
    assert interpreted(Turn=[*lost, {"returns": {"workers": 1}}])["output"] == COMPLETE


def test_workers_that_cannot_be_handed_back_do_not_end_a_job() -> None:
    assert interpreted(Release=[raises("Runtime.ExitError")])["output"] == COMPLETE


def test_a_duplicate_ends_in_silence() -> None:
    found = interpreted(Split=[returns({"status": "duplicate", "reason": "the stream is complete", "job": INPUT})])
    assert order(found) == ["Split"]
    assert "output" in found


EARLY = PLANNED | {"early": True}
GROWING = returns({"status": "growing", "wait": 3})


def test_a_stream_grows_beside_its_map_until_the_publisher_has_seen_its_end() -> None:
    found = interpreted(Split=[returns(EARLY)], Publish=[GROWING, GROWING, returns({"status": "ended", "wait": 0})])
    called = [call["state"] for call in found["calls"]]
    assert called.count("Publish") == 3
    assert called[-2:] == ["Assemble", "Say"]  # no version is written after the last one
    assert found["output"] == COMPLETE
    publish = next(call["input"]["Payload"] for call in found["calls"] if call["state"] == "Publish")
    assert publish == {"run": RUN, "execution": CONTEXT["Execution"]["Id"]}


def test_a_stream_that_cannot_grow_is_made_all_the_same() -> None:
    found = interpreted(Split=[returns(EARLY)], Publish=[raises("Runtime.ExitError")])
    assert found["output"] == COMPLETE
    assert "Publish" not in order(interpreted())  # unless it is asked for


def test_what_grew_is_withdrawn_where_the_assembler_is_lost() -> None:
    found = interpreted(Split=[returns(EARLY)], Assemble=[raises("Runtime.ExitError")])
    assert order(found)[-2:] == ["Withdraw", "Say"]
    (withdrawn,) = (call["input"]["Payload"] for call in found["calls"] if call["state"] == "Withdraw")
    assert withdrawn == {"withdraw": RUN}
    assert found["error"]["name"] == "Runtime.ExitError"
    assert "Withdraw" not in order(interpreted(Assemble=[raises("Runtime.ExitError")]))


def test_what_was_replaced_is_left_to_an_execution_of_its_own() -> None:
    later = {"clean": INPUT["dest"], "grace": 3600}
    found = interpreted(Assemble=[returns(COMPLETE | {"clean": later})])
    assert order(found)[-2:] == ["Say", "CleanLater"]
    assert found["calls"][-1]["input"]["Input"] == later
    assert found["output"]["status"] == "complete"
    failing = interpreted(Assemble=[returns(COMPLETE | {"clean": later})], CleanLater=[raises("States.TaskFailed")])
    assert failing["output"]["status"] == "complete"


def test_a_job_whose_original_was_uploaded_again_ends_well() -> None:
    late = {"status": "superseded", "reason": "uploaded again", "job": INPUT}
    for step in ("Split", "Assemble"):
        found = interpreted(**{step: [returns(late)]})
        assert order(found)[-1] == "Say"
        assert found["output"] == late


def test_a_job_waits_for_its_turn_and_keeps_its_input() -> None:
    busy = {"status": "busy", "reason": "another job runs there", "wait": 5, "job": INPUT}
    found = interpreted(Split=[returns(busy), returns(busy), returns(PLANNED)])
    assert order(found)[:4] == ["Split", "Split", "Split", "Task"]
    assert [call["input"]["Payload"]["input"] for call in found["calls"][:3]] == [INPUT] * 3


NO_MEDIA = {"status": "refused", "error": {"code": "source-not-media", "cause": "a text file"}, "job": INPUT}
NO_DEST = {"status": "failed", "error": {"code": "storage-denied", "cause": "no right to write"}, "job": INPUT}
ENDS = [("Split", NO_DEST, "storage-denied"), ("Assemble", FAILED, "tasks-failed")]


def test_a_refused_job_is_told_and_is_no_failure() -> None:
    found = interpreted(Split=[returns(NO_MEDIA)])
    assert order(found) == ["Split", "Say"]
    said = found["calls"][-1]["input"]
    assert json.loads(said["Message"]) == NO_MEDIA
    assert said["MessageAttributes"]["status"]["StringValue"] == "refused"
    assert found["output"] == NO_MEDIA


@pytest.mark.parametrize(("step", "answer", "code"), ENDS)
def test_what_cannot_pass_is_told_and_never_tried_again(step: str, answer: dict[str, Any], code: str) -> None:
    found = interpreted(**{step: [returns(answer)]})
    assert order(found).count(step) == 1
    assert order(found)[-1] == "Say"
    said = found["calls"][-1]["input"]
    assert json.loads(said["Message"]) == answer
    assert said["MessageAttributes"]["status"]["StringValue"] == "failed"
    assert found["error"]["name"] == code


TRIES = {"TransientError": 5, "Lambda.ServiceException": 9}
OWN = ("WorkerLost", "Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown", "KeyError")


@pytest.mark.parametrize(
    ("name", "tries"),
    sample([*TRIES.items(), *((name, 1) for name in OWN)], ("TransientError", 5), ("WorkerLost", 1)),
)
def test_a_lost_task_is_tried_as_often_as_its_error_deserves_then_with_more_memory(name: str, tries: int) -> None:
    found = interpreted(Task=[*[raises(name)] * tries, returns(DONE)])
    assert order(found) == ["Split", *["Task"] * tries, "TaskLarge", "Task", "Assemble", "Say"]
    (large,) = (call["input"]["Payload"] for call in found["calls"] if call["state"] == "TaskLarge")
    assert large == {"run": RUN, "item": ITEMS[0], "retries": 0, "lost": 1}


@pytest.mark.parametrize(
    ("function", "names"),
    [
        pytest.param(0, ["TranscodeFunction", "TranscodeLargeFunction"], marks=pytest.mark.long),
        (1, ["TranscodeLargeFunction", "TranscodeLargestFunction"]),
        (2, ["TranscodeLargestFunction", "TranscodeLargestFunction"]),
    ],
)
def test_a_task_goes_to_the_function_that_its_item_names_then_to_the_next_larger(
    function: int, names: list[str]
) -> None:
    planned = PLANNED | {"list": [{"key": "video/00000/0", "function": function}]}
    found = interpreted(Split=[returns(planned)], Task=[raises("WorkerLost")])
    called = [call["input"]["FunctionName"] for call in found["calls"] if call["state"].startswith("Task")]
    assert called == [f"${{{name}}}" for name in names]


def test_a_task_waits_for_its_turn_as_long_as_it_takes() -> None:
    throttled = [raises("Lambda.TooManyRequestsException")] * 300  # for a day
    found = interpreted(Task=[*throttled, returns(DONE)])
    assert order(found) == ["Split", *["Task"] * 301, "Task", "Assemble", "Say"]


def test_what_passes_in_time_is_no_loss() -> None:
    found = interpreted(Task=[raises("TransientError"), raises("Lambda.TooManyRequestsException"), returns(DONE)])
    assert order(found) == ["Split", "Task", "Task", "Task", "Task", "Assemble", "Say"]


def test_a_task_that_is_lost_for_good_is_recorded_and_the_others_go_on() -> None:
    found = interpreted(Task=[raises("Runtime.ExitError"), returns(DONE)], TaskLarge=[raises("Runtime.ExitError")])
    assert order(found) == ["Split", "Task", "TaskLarge", "TaskLarge", "Record", "Task", "Assemble", "Say"]
    record = next(call["input"]["Payload"] for call in found["calls"] if call["state"] == "Record")
    assert record["item"] == ITEMS[0]
    assert record["error"]["Error"] == "Runtime.ExitError"


def test_a_topic_that_does_not_answer_changes_no_end() -> None:
    dead = [raises("SNS.PublishFailed")]
    assert interpreted(Say=dead)["output"] == COMPLETE
    assert interpreted(Say=dead, Split=[returns(NO_MEDIA)])["output"] == NO_MEDIA
    assert interpreted(Say=dead, Split=[returns(NO_DEST)])["error"]["name"] == "storage-denied"
    assert interpreted(Say=dead, Assemble=[returns(FAILED)])["error"]["name"] == "tasks-failed"
    assert interpreted(Say=dead, Split=[raises("Runtime.ExitError")])["error"]["name"] == "Runtime.ExitError"


LONG = "k" * 850
"""As many bytes as a DEST may have."""


def largest() -> dict[str, list[dict[str, Any]]]:
    """Return the largest answers of the handlers: ten hours in eight rungs, the longest names, all that is named."""
    rates = {"maxrate": 99_000_000, "bufsize": 99_000_000, "crf": 23.5}
    ladder = [{"name": f"{side}{'n' * 28}", "short_side": side} | rates for side in range(144, 1200, 66)]
    settings = Settings.model_validate({"ladder": ladder, "max_cost": 123.456}).model_dump(mode="json")
    job = {"source": f"s3://{'b' * 63}/{LONG}", "dest": f"s3://{'b' * 63}/{LONG}"}
    run = {
        "id": "x" * 80,
        "places": {"uploads": f"s3://{'b' * 63}", "media": job["dest"]},
        "source": {"key": LONG, "size": 10**12, "version": "v" * 1024, "identity": "f" * 32},
        "settings": settings,
        "began": 1764000000.123,
    }
    key = f".streamify/runs/{'x' * 80}/items.ndjson"
    planned = {"status": "planned", "job": job, "run": run, "items": {"bucket": "b" * 63, "key": f"{LONG}/{key}"},
               "prepared": {"items": key, "count": 48_000, "total": 48_000, "reused": 0}, "list": ITEMS}  # fmt: skip
    named = [{"key": "video/05999/" + "n" * 200, "code": "c" * 40, "cause": "c" * 500}] * handlers.NAMED
    error: dict[str, Any] = {"code": "c" * 40, "cause": "c" * 4000, "hint": "h" * 1000, "exit_code": 4}
    error |= {"failures": named, "faults": ["f" * 500] * handlers.NAMED}
    failed = {"status": "failed", "error": error, "job": job}
    return {"Split": [returns(planned)], "Assemble": [returns(failed)]}


def test_no_state_of_a_job_of_48000_items_comes_near_256_kib() -> None:
    found = interpreted(**largest())
    assert order(found)[-1] == "Say"
    sizes = {call["state"]: len(json.dumps(call["input"]).encode()) for call in found["calls"]}
    answers = [len(json.dumps(one["returns"]["Payload"]).encode()) for queue in largest().values() for one in queue]
    # A state holds no more than the answers so far: the plan, then the end. Items are read from S3, one a child.
    assert 10_000 < max(*sizes.values(), sum(answers)) < 256 * 1024 / 5, sizes


@pytest.mark.parametrize("step", sample(["Split", "Assemble"], "Split"))
def test_a_step_that_is_lost_twice_ends_the_job_with_a_word(step: str) -> None:
    found = interpreted(**{step: [raises("Runtime.ExitError")]})
    assert order(found).count(step) == 2
    assert order(found)[-1] == "Say"
    assert found["error"]["name"] == "Runtime.ExitError"
    said = json.loads(found["calls"][-1]["input"]["Message"])
    assert (said["status"], said["input"], said["error"]["Error"]) == ("failed", INPUT, "Runtime.ExitError")
    assert said["execution"] == CONTEXT["Execution"]["Id"]
