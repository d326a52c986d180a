"""The SAM template and the state machine, as far as they can be judged without deploying them."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamify.dest.layout import TURN_LEASES, turn_line

ROOT = Path(__file__).parents[4] / "deploy" / "aws"


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    text = (ROOT / "statemachine.asl.json").read_text()
    text = re.sub(r": \$\{\w+\}", ": 1", text)  # numbers stand without quotes
    found: dict[str, Any] = json.loads(text)
    return found


def every_state(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for states, _ in every_part(machine):
        found |= states
    return found


def every_part(machine: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return the states of the machine, of each branch and of each map, with the one that each begins with."""
    parts = [(machine["States"], machine["StartAt"])]
    for state in machine["States"].values():
        for inner in (*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())):
            parts += every_part(inner)
    return parts


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What cfn-lint finds in the template, and in the state machine: it, and one with a fault, as templates.

    Its rules for state machines look only at definitions that stand in a template.
    """
    text = re.sub(r"\$\{(\w+)\}", lambda one: {"LongestJobSeconds": "1", "Partition": "aws"}.get(one[1], one[1]),
                  (ROOT / "statemachine.asl.json").read_text())  # fmt: skip
    folder, files = tmp_path_factory.mktemp("lint"), {"template": ROOT / "template.yaml"}
    for name, definition in (("good", text), ("broken", text.replace('"Type": "Choice"', '"Type": "Chioce"'))):
        role = "arn:aws:iam::123456789012:role/x"
        properties = {"RoleArn": role, "Definition": json.loads(definition)}
        machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
        files[name] = folder / f"{name}.json"
        files[name].write_text(
            json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Machine": machine}})
        )
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", *map(str, files.values())]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert {one["Filename"] for one in found} <= set(map(str, files.values()))
    return {name: [one["Message"] for one in found if one["Filename"] == str(file)] for name, file in files.items()}


def test_cfn_lint_finds_nothing(findings: dict[str, list[str]]) -> None:
    assert findings["template"] == []


def test_cfn_lint_finds_nothing_in_the_state_machine(findings: dict[str, list[str]]) -> None:
    assert findings["good"] == []
    assert any("Chioce" in one for one in findings["broken"])


def test_the_definition_is_what_its_source_writes() -> None:
    written = runpy.run_path(str(ROOT / "statemachine.py"))["text"]()
    assert written == (ROOT / "statemachine.asl.json").read_text(), "run: python deploy/aws/statemachine.py"


def test_every_state_is_reached_and_every_target_exists(machine: dict[str, Any]) -> None:
    for states, start in every_part(machine):
        targets = {start}
        for state in states.values():
            targets |= {state.get("Next"), state.get("Default")} - {None}
            targets |= {rule["Next"] for rule in (*state.get("Catch", ()), *state.get("Choices", ()))}
        assert targets == set(states)


def test_what_can_pass_is_tried_again_with_backoff_and_jitter(machine: dict[str, Any]) -> None:
    tasks = [one for one in every_state(machine).values() if one["Type"] == "Task"]
    assert len(tasks) > 5
    for state in tasks:
        assert all(rule["BackoffRate"] > 1 and rule["JitterStrategy"] == "FULL" for rule in state["Retry"])
        if "lambda" in state["Resource"]:
            errors = {error for rule in state["Retry"] for error in rule["ErrorEquals"]}
            assert {"TransientError", "Lambda.TooManyRequestsException", "Lambda.ServiceException"} <= errors


def test_no_list_of_items_or_results_is_carried_in_the_state(machine: dict[str, Any]) -> None:
    fan_out = every_state(machine)["Transcode"]
    assert fan_out["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert fan_out["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert fan_out["ResultPath"] is None
    assert "ResultWriter" in fan_out
    assert fan_out["ToleratedFailurePercentage"] == 100  # Assemble names every failed task


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: f"!{suffix} {node.value}")
    found: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Loader)
    return found


def test_every_substitution_is_given_and_used(template: dict[str, Any]) -> None:
    given = set(template["Resources"]["Workflow"]["Properties"]["DefinitionSubstitutions"])
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "statemachine.asl.json").read_text()))
    assert given == used


def test_alarms_and_dashboard_are_what_cloudwatch_takes(template: dict[str, Any]) -> None:
    """An alarm's expression has at most ten metrics, a dashboard 24 columns (CloudWatch User Guide)."""
    resources = template["Resources"].items()
    alarms = {name: one["Properties"] for name, one in resources if one["Type"] == "AWS::CloudWatch::Alarm"}
    assert {"FailedJobs", "LateJobs", "LostTasks", "FunctionErrors", "ThrottledSteps", "OldEvents"} <= set(alarms)
    for name, alarm in alarms.items():
        queries = alarm.get("Metrics", [])
        assert sum("MetricStat" in query for query in queries) <= 10, name
        for query in queries:
            used = set(re.findall(r"[a-z]+\d", query.get("Expression", "")))
            assert not used or used == {other["Id"] for other in queries} - {query["Id"]}, name
        assert "Topic" in str(alarm["AlarmActions"]), name
    body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"].removeprefix("!Sub ")
    for widget in json.loads(body)["widgets"]:
        assert widget["x"] + widget["width"] <= 24
        for reference in re.findall(r"\$\{(\w+)[}.]", json.dumps(widget)):
            assert reference in template["Resources"], reference
    functions = {name for name, one in template["Resources"].items() if one["Type"] == "AWS::Serverless::Function"}
    for title in ("Calls at once", "Throttles", "Errors"):
        (widget,) = (one for one in json.loads(body)["widgets"] if one["properties"]["title"] == title)
        assert set(re.findall(r"\$\{(\w+Function)\}", json.dumps(widget))) == functions, title


def test_what_was_in_the_line_of_jobs_does_not_stay_for_a_month(template: dict[str, Any]) -> None:
    """Every listing of the line goes over the delete markers of a bucket with versions."""
    rules = template["Resources"]["MediaBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = (one for one in rules if turn_line(small=True).startswith(one.get("Prefix", "none")))
    assert TURN_LEASES.startswith(rule["Prefix"])
    assert turn_line(small=False).startswith(rule["Prefix"])
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    assert rule["ExpiredObjectDeleteMarker"] is True


ACTIONS = {
    "arn:${Partition}:states:::lambda:invoke": {"lambda:InvokeFunction"},
    "arn:${Partition}:states:::lambda:invoke.waitForTaskToken": {"lambda:InvokeFunction"},
    "arn:${Partition}:states:::sns:publish": {"sns:Publish"},
    "arn:${Partition}:states:::states:startExecution": {"states:StartExecution"},
    "arn:${Partition}:states:::s3:getObject": {"s3:GetObject"},
    "arn:${Partition}:states:::s3:putObject": {
        "s3:PutObject",
        "s3:ListMultipartUploadParts",
        "s3:AbortMultipartUpload",
    },
}
"""What an integration of Step Functions needs (AWS, "How Step Functions generates IAM policies")."""
DISTRIBUTED = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
"""What a distributed map needs beside it."""


def test_the_machine_may_do_what_its_states_do_and_no_more(machine: dict[str, Any], template: dict[str, Any]) -> None:
    resources = {state["Resource"] for state in every_state(machine).values() if "Resource" in state}
    fan_out = every_state(machine)["Transcode"]
    resources |= {fan_out["ItemReader"]["Resource"], fan_out["ResultWriter"]["Resource"]}
    (policy,) = template["Resources"]["Workflow"]["Properties"]["Policies"]
    granted = {action for one in policy["Statement"] for action in one["Action"]}
    services = {action for action in granted if action.startswith(("logs:", "xray:"))}  # its own logs and traces
    assert granted - services == set().union(*(ACTIONS[one] for one in resources)) | DISTRIBUTED
    assert all(one["Resource"] != "*" for one in policy["Statement"] if not services & set(one["Action"]))


def test_no_arn_names_a_partition() -> None:
    for file in ("template.yaml", "statemachine.asl.json"):
        assert re.findall(r"arn:aws[\w-]*:", (ROOT / file).read_text()) == []


def test_every_function_may_use_the_key_of_the_buckets(template: dict[str, Any]) -> None:
    functions = {name for name, one in template["Resources"].items() if one["Type"] == "AWS::Serverless::Function"}
    roles = {one.removeprefix("!Ref ") for one in template["Resources"]["KmsAccess"]["Properties"]["Roles"]}
    assert roles == {f"{name}Role" for name in functions | {"Workflow"}}


def test_no_function_may_make_network_interfaces(template: dict[str, Any]) -> None:
    """SAM gives all of them the right as soon as the template can put them into a VPC."""
    functions = {name for name, one in template["Resources"].items() if one["Type"] == "AWS::Serverless::Function"}
    denied = template["Resources"]["NoInterfaces"]["Properties"]
    assert {one.removeprefix("!Ref ") for one in denied["Roles"]} == {f"{name}Role" for name in functions}
    (statement,) = denied["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "ec2:*")


def test_the_history_of_a_day_of_48000_items_stays_below_25000_events(machine: dict[str, Any]) -> None:
    def most(states: dict[str, Any]) -> int:
        """Return the events of an execution in which every state is entered and tried as often as it may be."""
        tries = [sum(rule["MaxAttempts"] for rule in state.get("Retry", ())) for state in states.values()]
        return sum(5 + 3 * count for count in tries)  # entered, scheduled, started, ended, exited; 3 for each retry

    turns = 86400 // 120 + 8  # a day of asking for one's turn: after 2, 4, 8 ... then every 120 s
    versions = 900  # of a stream that grows for a day, see `streamify.backends.aws.growing`
    fan_out = every_state(machine)["Transcode"]["ItemProcessor"]["States"]
    here = {name: state for name, state in every_state(machine).items() if name not in fan_out}
    growing = {name: here.pop(name) for name in ("Publish", "More", "LetItGrow")}
    assert most(here) + turns * 9 < 25_000  # of the map: started, ended; children have their own histories
    assert most(here) + most(growing) + versions * 9 < 25_000
    assert most(fan_out) < 25_000
