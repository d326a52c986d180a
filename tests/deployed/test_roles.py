"""Each function has the actions that it needs, and not one more: take any away, and something fails.

Roles of functions are enforced by the emulator. What the state machine itself may do is not; that is compared with its
definition.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator import SETTINGS, Stack

GRANTED_BY_SAM = {
    "AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole", "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
}  # fmt: skip
"""Logs, traces, and the network interfaces of a VPC."""
FUNCTIONS = ("SplitFunction", "TranscodeFunction", "TranscodeLargeFunction", "RecordFunction", "AssembleFunction")
EVERY = (*FUNCTIONS, "TurnFunction", "PublishFunction")
"""What the last two do with the media bucket is judged by tests/e2e/test_aws_roles.py."""
UNENFORCED = {"s3:PutObjectTagging", "s3:GetObjectVersion"}
"""The emulator asks for them nowhere. The first is judged by tests/e2e/test_aws_roles.py."""
SEEN_USED = {("AssembleFunction", 1, "s3:GetObject")}
"""Number of the statement in the middle. Assemble looks whether the upload was replaced: a job in which it was not ends
well without. That it is used is seen by tests/e2e/test_aws_roles.py."""
WITHOUT_RESOURCES = {"lambda:GetAccountSettings", "states:SendTaskSuccess"}


def fresh(stack: Stack, clip: Path) -> str:
    """Run a new job; return its key."""
    key = f"roles/{uuid.uuid4().hex}.mp4"
    stack.upload(key, clip.read_bytes())
    (execution,) = stack.wait(key)
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    return key


def resumed(stack: Stack, clip: Path) -> None:
    """Mend a stream of which a file was cut off."""
    key = fresh(stack, clip)
    name = next(name for name in stack.objects(key) if name.endswith("00000.m4s"))
    stack.client("s3").put_object(Bucket=stack.media, Key=f"{key}/{name}", Body=b"short")
    request = {"source": f"s3://{stack.uploads}/{key}", "dest": f"s3://{stack.media}/{key}", "settings": SETTINGS}
    execution = stack.end(stack.start(request | {"resume": True}))
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    assert len(stack.objects(key)[name]) > 5


def taken(stack: Stack, clip: Path) -> None:
    """Take over the DEST of a job that has ended without a report."""
    key = fresh(stack, clip)
    stack.client("s3").delete_object(Bucket=stack.media, Key=f"{key}/report.json")
    request = {"source": f"s3://{stack.uploads}/{key}", "dest": f"s3://{stack.media}/{key}", "settings": SETTINGS}
    execution = stack.end(stack.start(request | {"resume": True}))
    assert execution["status"] == "SUCCEEDED", execution.get("cause")


def replaced(stack: Stack, clip: Path) -> None:
    """Take the place of a stream of other settings, and keep nothing of it for its viewers."""
    key = fresh(stack, clip)
    old = {name.split("/")[1] for name in stack.objects(key) if name.startswith("video/")}
    settings = SETTINGS | {"crf": 40, "replace": True, "replace_grace": 0}
    request = {"source": f"s3://{stack.uploads}/{key}", "dest": f"s3://{stack.media}/{key}", "settings": settings}
    execution = stack.end(stack.start(request | {"resume": True}))
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    assert not old & {name.split("/")[1] for name in stack.objects(key) if name.startswith("video/")}


def transcoded(stack: Stack, clip: Path) -> None:
    """Call the transcoder alone: in a job, the larger one takes over what it cannot do."""
    assert called(stack, clip, "TranscodeFunction", {}) == {"status": "done"}


def taken_over(stack: Stack, clip: Path) -> None:
    """Call the larger transcoder as the state machine does for a worker that was lost."""
    assert called(stack, clip, "TranscodeLargeFunction", {}) == {"status": "done"}


def recorded(stack: Stack, clip: Path) -> None:
    """Note a task that was lost for good."""
    lost = {"error": {"Error": "Runtime.ExitError", "Cause": "signal: killed"}}
    assert called(stack, clip, "RecordFunction", lost) == {"status": "failed"}


def called(stack: Stack, clip: Path, function: str, more: dict[str, Any]) -> dict[str, Any]:
    """Call a function for the first item of a job that has run."""
    key = fresh(stack, clip)
    (execution,) = stack.executions(key)
    left = (one.get("stateExitedEventDetails") for one in stack.history(execution["executionArn"]))
    plan = next(json.loads(one["output"])["plan"] for one in left if one and one["name"] == "Split")
    items = stack.objects(key)[plan["prepared"]["items"]]
    name = stack.client("cloudformation").describe_stack_resource(StackName=stack.name, LogicalResourceId=function)
    payload = {"run": plan["run"], "item": json.loads(items.splitlines()[0])} | more
    answer = stack.client("lambda").invoke(
        FunctionName=name["StackResourceDetail"]["PhysicalResourceId"], Payload=json.dumps(payload)
    )
    assert "FunctionError" not in answer, answer["Payload"].read()
    return {"status": json.loads(answer["Payload"].read())["status"]}


WITNESSES: dict[tuple[str, str], Callable[[Stack, Path], Any]] = {
    ("SplitFunction", "s3:DeleteObject"): resumed,
    ("SplitFunction", "states:DescribeExecution"): taken,
    ("AssembleFunction", "s3:DeleteObject"): replaced,
    ("TranscodeFunction", "s3:PutObject"): transcoded,
    **{("TranscodeLargeFunction", action): taken_over for action in ("s3:GetObject", "s3:PutObject")},
    ("RecordFunction", "s3:PutObject"): recorded,
}
"""What needs an action, where a plain job does not."""


def grants(stack: Stack) -> list[tuple[str, int, str]]:
    """Return function, number of the statement and action of all that the functions may do."""
    return [
        (function, number, action)
        for function in FUNCTIONS
        for number, statement in enumerate(stack.role(function)[2]["Statement"])
        for action in statement["Action"]
        if action not in UNENFORCED and (function, number, action) not in SEEN_USED
    ]


@pytest.mark.long
def test_all_that_is_granted_suffices(stack: Stack, small: Path) -> None:
    for witness in {fresh, *WITNESSES.values()}:
        witness(stack, small)


@pytest.mark.long
def test_none_of_it_is_too_much(stack: Stack, small: Path) -> None:
    iam, idle = stack.client("iam"), []
    for function, number, action in grants(stack):
        role, name, policy = stack.role(function)
        less = copy.deepcopy(policy)
        less["Statement"][number]["Action"].remove(action)
        less["Statement"][number]["Action"] += ["sts:GetCallerIdentity"]  # a statement without actions is none
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
        try:
            WITNESSES.get((function, action), fresh)(stack, small)
            idle.append((function, number, action))
        except AssertionError:
            pass  # as it should be
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    assert len(grants(stack)) > 10
    assert idle == []


KEYS: list[tuple[str, str, Callable[[Stack, Path], Any]]] = [
    ("TranscodeFunction", "video/*", transcoded),
    ("SplitFunction", ".streamify/*", fresh),
    ("AssembleFunction", "report.json", fresh),
    ("TranscodeFunction", ".streamify/ledger/*", transcoded),
    ("TranscodeFunction", ".streamify/runs/*", transcoded),
    ("TranscodeLargeFunction", "video/*", taken_over),
    ("RecordFunction", ".streamify/runs/*", recorded),
    ("AssembleFunction", "master.m3u8", fresh),
    ("AssembleFunction", "video/*.m3u8", fresh),
    ("AssembleFunction", "poster/*", fresh),
    ("AssembleFunction", "thumbnails/*", fresh),
]
"""Functions, keys below DEST, and what fails without them. All of them are judged by tests/e2e/test_aws_roles.py."""


@pytest.mark.parametrize("part", ["a sample", pytest.param("all", marks=pytest.mark.long)])
def test_a_key_outside_the_pattern_is_refused(part: str, stack: Stack, small: Path) -> None:
    iam, idle = stack.client("iam"), []
    for function, keys, witness in KEYS if part == "all" else KEYS[:2]:
        role, name, policy = stack.role(function)
        less = copy.deepcopy(policy)
        for statement in less["Statement"]:
            given = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            # At the root of a bucket, a DEST has the same keys without a prefix.
            statement["Resource"] = [
                one for one in given if not one.endswith((f":::{stack.media}/{keys}", f"/*/{keys}"))
            ]
            statement["Resource"] += [f"arn:aws:s3:::{stack.media}/none-of-it"]
        assert less != policy
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(less))
        try:
            witness(stack, small)
            idle.append((function, keys))
        except AssertionError:
            pass  # as it should be
        finally:
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))
    assert idle == []


def test_nothing_is_granted_on_everything(stack: Stack) -> None:
    for function in EVERY:
        for statement in stack.role(function)[2]["Statement"]:
            for resource in (
                [statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"]
            ):
                if not WITHOUT_RESOURCES.issuperset(statement["Action"]):
                    assert stack.name in resource
                    assert resource != "*"
            assert not [action for action in statement["Action"] if "*" in action]


@pytest.mark.parametrize("function", EVERY)
def test_only_tracing_and_logs_are_granted_beside(stack: Stack, function: str) -> None:
    attached = stack.client("iam").list_attached_role_policies(RoleName=stack.role(function)[0])["AttachedPolicies"]
    names = {one["PolicyArn"].rsplit("/", 1)[-1] for one in attached}
    assert [name for name in names - GRANTED_BY_SAM if "NoInterfaces" not in name] == []
