"""Writes ``statemachine.asl.json``, the definition of the state machine: ``python deploy/aws/statemachine.py``.

Numbers that the template fills in stand without quotes, so the file is no JSON before that.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("statemachine.asl.json")
State = dict[str, Any]


def retry(*errors: str, comment: str, first: int, attempts: int, longest: int = 60) -> State:
    """Return one rule of retries: pauses double, and are drawn at random below that."""
    return {
        "Comment": comment,
        "ErrorEquals": list(errors),
        "IntervalSeconds": first,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": longest,
        "JitterStrategy": "FULL",
    }


RETRY = [
    # Numbers of `python -m benchmarks many`: each try is a paid transition, so they wait for minutes.
    retry("Lambda.TooManyRequestsException", first=20, attempts=300, longest=600,
          comment="More calls than the account runs at once: they wait, for a day if need be"),
    retry("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException",
          "Lambda.ClientExecutionTimeoutException", first=2, attempts=8,
          comment="Faults of the Lambda service itself: nothing of ours ran"),
    retry("TransientError", first=3, attempts=4, comment="Storage that throttles or fails for a moment"),
]  # fmt: skip
ONCE_MORE = retry("WorkerLost", "Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout",
                  first=2, attempts=1, comment="The worker was lost: memory, time, a crash")  # fmt: skip


TRANSCODERS = ("TranscodeFunction", "TranscodeLargeFunction", "TranscodeLargestFunction")
"""Substitutions of the functions that run tasks, the smallest first; an item has the place of its own in this list."""


def transcoder(larger: int = 0) -> str:
    """Return what chooses a task's function, or so many sizes above it; above the last one there is none."""
    arns = ", ".join(f"'${{{name}}}'" for name in (*TRANSCODERS, *TRANSCODERS[-1:] * larger))
    place = f"States.MathAdd($.item.function, {larger})" if larger else "$.item.function"
    return f"States.ArrayGetItem(States.Array({arns}), {place})"


def invoke(function: str, payload: State, *, caught_by: str | None, once_more: bool = True, **more: Any) -> State:
    """Return a state that calls a function.

    Args:
        function: Name of its substitution, or the intrinsic function that gives it.
        payload: What it gets.
        caught_by: The state that follows where it is lost for good; ``None``: the execution ends.
        once_more: Whether a lost worker is tried again here.
        more: Of the state.
    """
    chosen = {"FunctionName.$": function} if "(" in function else {"FunctionName": f"${{{function}}}"}
    state = {
        "Type": "Task",
        "Resource": "arn:${Partition}:states:::lambda:invoke",
        "Parameters": {**chosen, "Payload": payload},
        **more,
        "Retry": [*RETRY, ONCE_MORE] if once_more else RETRY,
    }
    if caught_by is not None:
        state["Catch"] = [caught(caught_by)]
    return state


def caught(then: str, path: str | None = "$.error", *errors: str) -> State:
    """Return what catches errors."""
    return {"ErrorEquals": list(errors) or ["States.ALL"], "ResultPath": path, "Next": then}


def task(function: str, *, caught_by: str | None, once_more: bool = True, **payload: Any) -> State:
    """Return a state inside of the map."""
    given = {"run.$": "$.run", "item.$": "$.item"} | {f"{name}.$": value for name, value in payload.items()}
    kept = {"ResultSelector": {"status.$": "$.Payload.status"}, "ResultPath": "$.result", "OutputPath": "$.result"}
    return invoke(function, given, caught_by=caught_by, once_more=once_more, **kept, End=True)


RETRIES = "$$.State.RetryCount"
TASK = task(transcoder(), caught_by="TaskLarge", once_more=False, retries=RETRIES)
LARGE = task(transcoder(1), caught_by="Record", retries=RETRIES)
LARGE["Comment"] = "Once more, in the next larger function"
LARGE["Parameters"]["Payload"]["lost"] = 1

TURN = invoke(
    "TurnFunction",
    {
        "run.$": "$.plan.run.id",
        "execution.$": "$$.Execution.Id",
        "started.$": "$$.Execution.StartTime",
        "tasks.$": "$.plan.prepared.count",
        "token.$": "$$.Task.Token",
    },
    caught_by="NameLost",
    Comment="Wait until there are workers for the job; whoever frees some answers",
    TimeoutSeconds=900,
    ResultPath="$.turn",
    Next="Make",
)
TURN["Resource"] += ".waitForTaskToken"
TURN["Retry"] = [
    *RETRY,
    retry("Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", first=2, attempts=4,
          comment="The function was lost: no job fails for want of an answer"),
    retry("States.Timeout", first=1, attempts=3000, longest=2, comment="Ask again: an answer may have been lost"),
]  # fmt: skip
RELEASE = invoke(
    "TurnFunction",
    {"ended.$": "$.plan.run.id"},
    caught_by=None,
    Comment="Its workers go to other jobs",
    ResultPath=None,
    Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Made"}],
    End=True,
)

MAP = {
    "Type": "Map",
    "Comment": "Every item is one task; its failure is recorded, and Assemble names all of them",
    "Label": "Transcode",
    "MaxConcurrencyPath": "$.turn.workers",
    "ToleratedFailurePercentage": 100,
    "ItemReader": {
        "Resource": "arn:${Partition}:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket.$": "$.plan.items.bucket", "Key.$": "$.plan.items.key"},
    },
    "ItemSelector": {"run.$": "$.plan.run", "item.$": "$$.Map.Item.Value"},
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Task",
        "States": {
            "Task": TASK,
            "TaskLarge": LARGE,
            "Record": task("RecordFunction", caught_by=None, error="$.error"),
        },
    },
    "ResultWriter": {
        "Resource": "arn:${Partition}:states:::s3:putObject",
        "WriterConfig": {"OutputType": "JSONL", "Transformation": "COMPACT"},
        "Parameters": {
            "Bucket.$": "$.plan.items.bucket",
            "Prefix.$": "States.Format('.streamify/results/{}', $.plan.run.id)",
        },
    },
    "ResultPath": None,
    # Nothing reads the results; Assemble looks at the ledger.
    "Catch": [caught("Release", None, "States.ResultWriterFailed")],
    "Next": "Release",
}

PUBLISH = invoke(
    "PublishFunction",
    {"run.$": "$.plan.run", "execution.$": "$$.Execution.Id"},
    caught_by=None,
    Comment="Manifests of what exists by now; a job does not fail for want of them",
    ResultSelector={"status.$": "$.Payload.status", "wait.$": "$.Payload.wait"},
    ResultPath="$.growing",
    Catch=[caught("Published", None)],
    Next="More",
)
MAKE = {
    "Type": "Parallel",
    "Comment": "All tasks; beside them, manifests that grow, if the job asks for them",
    "Branches": [
        {
            "StartAt": "Transcode",
            "States": {"Transcode": MAP, "Release": RELEASE, "Made": {"Type": "Succeed"}},
        },
        {
            "StartAt": "Early",
            "States": {
                "Early": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.plan.early", "IsPresent": True, "Next": "Publish"}],
                    "Default": "Published",
                },
                "Publish": PUBLISH,
                "More": {
                    "Type": "Choice",
                    "Choices": [{"Variable": "$.growing.status", "StringEquals": "growing", "Next": "LetItGrow"}],
                    "Default": "Published",
                },
                "LetItGrow": {"Type": "Wait", "SecondsPath": "$.growing.wait", "Next": "Publish"},
                "Published": {"Type": "Succeed"},
            },
        },
    ],
    "ResultPath": None,
    "Catch": [caught("NameLost")],
    "Next": "Assemble",
}

SPLIT = invoke(
    "SplitFunction",
    {"input.$": "$$.Execution.Input", "execution.$": "$$.Execution.Id", "started.$": "$$.Execution.StartTime"},
    caught_by="NameLost",
    ResultSelector={"plan.$": "$.Payload"},
    Next="Planned",
)
ASSEMBLE = invoke(
    "AssembleFunction",
    {"run.$": "$.plan.run", "prepared.$": "$.plan.prepared", "workers.$": "$.turn.workers"},
    caught_by="NameLost",
    ResultSelector={"end.$": "$.Payload"},
    Next="Say",
)


def when(variable: str, value: str, then: str) -> State:
    """Return a rule of a choice."""
    return {"Variable": variable, "StringEquals": value, "Next": then}


PLANNED = {
    "Type": "Choice",
    "Choices": [
        when("$.plan.status", "duplicate", "Duplicate"),
        when("$.plan.status", "failed", "Refuse"),
        when("$.plan.status", "refused", "Refuse"),
        when("$.plan.status", "superseded", "Refuse"),
        when("$.plan.status", "busy", "WaitForTurn"),
        {"Variable": "$.plan.prepared.count", "NumericEquals": 0, "Next": "NothingMissing"},
    ],
    "Default": "Turn",
}
NOTHING_MISSING = {"Type": "Pass", "Result": {"workers": 1}, "ResultPath": "$.turn", "Next": "Assemble"}
WAIT = {
    "Type": "Wait",
    "Comment": "Another job holds the DEST, such as that of an earlier version of the original",
    "SecondsPath": "$.plan.wait",
    "Next": "Split",
}
REFUSE = {
    "Type": "Pass",
    "Comment": "The original or the request cannot be used, or a newer version of it has come",
    "InputPath": "$.plan",
    "ResultPath": "$.end",
    "Next": "Say",
}
NAME_LOST = {
    "Type": "Pass",
    "Comment": "A step was lost more often than it is tried again: tell it with all that names the job",
    "Parameters": {
        "status": "failed",
        "execution.$": "$$.Execution.Id",
        "input.$": "$$.Execution.Input",
        "error.$": "$.error",
    },
    "ResultPath": "$.end",
    "Next": "Grown",
}
GROWN = {
    "Type": "Choice",
    "Choices": [{"Variable": "$.plan.early", "IsPresent": True, "Next": "Withdraw"}],
    "Default": "Say",
}
WITHDRAW = invoke(
    "PublishFunction",
    {"withdraw.$": "$.plan.run"},
    caught_by=None,
    Comment="What was published early of a job that failed",
    ResultPath=None,
    Catch=[caught("Say", None)],
    Next="Say",
)
SAY = {
    "Type": "Task",
    "Comment": "A topic that does not answer changes no end",
    "Resource": "arn:${Partition}:states:::sns:publish",
    "Parameters": {
        "TopicArn": "${Topic}",
        "Message.$": "States.JsonToString($.end)",
        "MessageAttributes": {"status": {"DataType": "String", "StringValue.$": "$.end.status"}},
    },
    "ResultPath": None,
    "Retry": [retry("States.TaskFailed", comment="The topic may answer soon", first=2, attempts=3)],
    "Catch": [caught("Ended", None)],
    "Next": "Ended",
}
CLEAN_LATER = {
    "Type": "Task",
    "Comment": "What was replaced stays for viewers who play it; an execution of its own waits and removes it",
    "Resource": "arn:${Partition}:states:::states:startExecution",
    "Parameters": {"StateMachineArn.$": "$$.StateMachine.Id", "Input.$": "$.end.clean"},
    "ResultPath": None,
    "Retry": [retry("States.TaskFailed", comment="Step Functions may take it soon", first=2, attempts=5)],
    "Catch": [caught("Complete", None)],
    "Next": "Complete",
}
ENDED = {
    "Type": "Choice",
    "Choices": [
        {"Variable": "$.end.clean", "IsPresent": True, "Next": "CleanLater"},
        when("$.end.status", "complete", "Complete"),
        when("$.end.status", "refused", "Refused"),
        when("$.end.status", "superseded", "Superseded"),
        {"Variable": "$.end.error.code", "IsPresent": True, "Next": "Failed"},
    ],
    "Default": "Lost",
}

MACHINE = {
    "Comment": "Split one original, transcode every segment into every rendition, assemble the manifests",
    "StartAt": "Split",
    "TimeoutSeconds": "#LongestJobSeconds",
    "States": {
        "Split": SPLIT,
        "Planned": PLANNED,
        "WaitForTurn": WAIT,
        "Duplicate": {"Type": "Succeed", "Comment": "Another execution does, or did, the same work"},
        "NothingMissing": NOTHING_MISSING,
        "Turn": TURN,
        "Make": MAKE,
        "Assemble": ASSEMBLE,
        "Refuse": REFUSE,
        "NameLost": NAME_LOST,
        "Grown": GROWN,
        "Withdraw": WITHDRAW,
        "Say": SAY,
        "Ended": ENDED,
        "CleanLater": CLEAN_LATER,
        "Complete": {"Type": "Pass", "OutputPath": "$.end", "End": True},
        "Refused": {
            "Type": "Pass",
            "Comment": "Its sender can mend it, the operator cannot: no failure of the stack, and no alarm",
            "OutputPath": "$.end",
            "End": True,
        },
        "Superseded": {
            "Type": "Pass",
            "Comment": "The original was uploaded again, which has a job of its own: no failure, and no alarm",
            "OutputPath": "$.end",
            "End": True,
        },
        "Failed": {
            "Type": "Fail",
            "ErrorPath": "$.end.error.code",
            "CausePath": "States.JsonToString($.end.error)",
        },
        "Lost": {"Type": "Fail", "ErrorPath": "$.end.error.Error", "CausePath": "$.end.error.Cause"},
    },
}


def text() -> str:
    """Return the definition."""
    return re.sub(r'"#(\w+)"', r"${\1}", json.dumps(MACHINE, indent=2)) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
