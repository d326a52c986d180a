"""The predicted cost of a job, compared with what its Lambda calls take; and what is read of stack and account."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

import streamify
from clouds import Cloud, Kind
from e2e.billing import bill_job, gb_seconds
from e2e.driving import streamify as streamify_command
from streamify.backends.aws.pricing import work
from streamify.backends.aws.pricing.cost import Prediction
from streamify.backends.aws.pricing.deployment import Deployment, read_deployment
from streamify.settings.arguments import SettingsDict

FACTOR = 4
"""How far CPU seconds may be off on machines that do other things too: a unit that is mistaken is off by more.
`benchmarks/cost.py` demands 20 % of the time, on idle ones."""

CLIPS = [("mp4_flower_2997.mp4", "540p,360p"), ("der_gop_h264_open_10s.mp4", "480p,240p")]


def transcoding(prediction: Prediction) -> float:
    """Return what transcoding is predicted to take, GB-seconds."""
    return sum(one.gb_seconds for one in prediction.work if one.what not in ("split", "assemble"))


@pytest.mark.long
@pytest.mark.parametrize(("name", "ladder"), CLIPS)
def test_a_prediction_is_near_what_the_handlers_take(
    corpus: Path, cloud: Callable[[Kind], Cloud], name: str, ladder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "REQUEST_SECONDS", 0)  # waiting takes no CPU
    settings: SettingsDict = {"ladder": ladder, "preset": "veryfast"}
    found = streamify.predict(corpus / name, **settings)
    assert found.sampled
    took = [one for one in bill_job(corpus / name, settings, cloud("s3")) if one.what == "transcode"]
    assert len(took) == found.invocations - 2
    assert 1 / FACTOR < transcoding(found) / gb_seconds(took, found.stack.memory, cpu=True) < FACTOR


def test_the_parameters_of_a_stack_are_read(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> None:
    cloud("s3").enter(monkeypatch)
    template = {
        "Parameters": {name: {"Type": "String"} for name in ("TranscoderMemory", "GroupBelow", "MaxConcurrency")},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": "x"} for name in ("Workflow", "UploadsBucket", "MediaBucket")},
    }
    given = {"TranscoderMemory": "3008", "GroupBelow": "400", "MaxConcurrency": "250"}
    boto3.client("cloudformation", region_name="us-east-1").create_stack(
        StackName="costly",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )
    found = read_deployment("costly")
    assert (found.memory, found.group_below, found.max_concurrency) == (3008, 400, 250)
    assert not [line for line in found.assumed if "stack" in line]
    other = read_deployment("nowhere")
    assert other.memory == Deployment().memory
    assert "stack 'nowhere' was not found: the template's default parameters are assumed" in other.assumed


def test_the_jobs_of_a_stack_are_listed(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> None:
    cloud("s3").enter(monkeypatch)
    states = boto3.client("stepfunctions", region_name="us-east-1")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/x"
    machine = states.create_state_machine(name="listed", definition=definition, roleArn=role)["stateMachineArn"]
    outputs = {"Workflow": machine, "UploadsBucket": "raw", "MediaBucket": "media"}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {k: {"Value": v} for k, v in outputs.items()},
    }
    boto3.client("cloudformation", region_name="us-east-1").create_stack(
        StackName="listed", TemplateBody=json.dumps(template)
    )
    upload = {"detail-type": "Object Created", "source": "aws.s3",
              "detail": {"bucket": {"name": "raw"}, "object": {"key": "a/b.mov", "size": 1}}}  # fmt: skip
    copy = json.loads(json.dumps(upload))
    copy["detail"]["object"]["key"] = ".streamify-uploads/c.mp4"  # its command starts an execution of its own
    by_hand = {"source": "s3://raw/c.mp4", "dest": "s3://media/c"}
    arns = [states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
            for given in (upload, copy, by_hand)]  # fmt: skip
    found = streamify_command("status", "--stack", "listed", "--json").json
    jobs = {job["execution"]: (job["state"], job["source"], job["dest"]) for job in found["jobs"]}
    assert jobs == {
        arns[0]: ("running", "s3://raw/a/b.mov", "s3://media/a/b.mov"),
        arns[2]: ("running", "s3://raw/c.mp4", "s3://media/c"),
    }
    assert not found["more"]
    assert "s3://media/a/b.mov" in streamify_command("status", "--stack", "listed").out
    assert streamify_command("status").code == 2


def test_without_boto3_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    (line,) = read_deployment("mine").assumed
    cause = "the AWS engine needs boto3, which is not installed (pip install 'streamify[aws]')"
    assert f"stack 'mine' was not looked up, {cause}" in line


def test_an_endpoint_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ENDPOINT_URL": "nonsense",
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "b",
        "REGION": "x",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    *_, line = read_deployment("mine").assumed  # the region has prices of its own
    assert "nonsense" in line
    assert line.endswith("default parameters and a quota of 1000 are assumed")


def test_without_credentials_it_is_said_what_is_assumed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = read_deployment("streamify")
    assert found == Deployment(assumed=found.assumed)
    (line,) = found.assumed
    assert "stack 'streamify' was not found" in line
    assert line.endswith("default parameters and a quota of 1000 are assumed")
