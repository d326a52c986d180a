"""What AWS refuses becomes one line with AWS's code and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.exceptions as bc
import pytest

from e2e.driving import streamify
from streamify.backends.aws.account import Account, find_stack
from streamify.backends.aws.refusals import refusal
from streamify.errors import DestinationError


def answer(code: str, message: str = "the words of AWS") -> bc.ClientError:
    return bc.ClientError({"Error": {"Code": code, "Message": message}}, "StartExecution")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (answer("ExpiredTokenException"), "aws-credentials", "ExpiredTokenException"),
        (answer("UnrecognizedClientException"), "aws-credentials", "UnrecognizedClientException"),
        (bc.NoCredentialsError(), "aws-credentials", "NoCredentialsError"),
        (bc.ProfileNotFound(profile="gone"), "aws-credentials", "gone"),
        (bc.UnauthorizedSSOTokenError(), "aws-credentials", "SSO"),
        (answer("AccessDeniedException"), "aws-denied", "states:StartExecution"),
        (answer("403"), "aws-denied", "403"),
        (bc.NoRegionError(), "aws-region", "NoRegionError"),
        (answer("AuthorizationHeaderMalformed"), "aws-region", "AuthorizationHeaderMalformed"),
        (answer("ThrottlingException"), "aws-limit", "ThrottlingException"),
        (answer("ExecutionLimitExceeded"), "aws-limit", "ExecutionLimitExceeded"),
        (answer("StateMachineDoesNotExist"), "aws-no-stack", "StateMachineDoesNotExist"),
        (answer("ExecutionDoesNotExist"), "aws-no-execution", "ExecutionDoesNotExist"),
        (answer("NoSuchBucket"), "storage-no-bucket", "NoSuchBucket"),
        (bc.EndpointConnectionError(endpoint_url="https://x"), "aws-unreachable", "https://x"),
        (bc.ReadTimeoutError(endpoint_url="https://x"), "aws-unreachable", "https://x"),
        (bc.SSLError(endpoint_url="https://x", error="old"), "aws-unreachable", "https://x"),
        (answer("SomethingNewException"), "aws-failed", "SomethingNewException"),
    ],
)  # fmt: skip
def test_every_refusal_has_the_code_of_aws_and_a_remedy(error: Exception, code: str, said: str) -> None:
    found = refusal(error, "states:StartExecution")
    assert (found.code, found.exit_code) == (code, 5)
    assert said in found.message
    assert "\n" not in str(found)
    assert found.hint
    assert found.transient == (code in ("aws-limit", "aws-unreachable"))


class _Answers(Account):
    """An account whose CloudFormation says what it is told to."""

    def __init__(self, stacks: list[dict[str, Any]] | DestinationError) -> None:
        self._stacks = stacks

    @property
    def region(self) -> str:
        return "eu-central-1"

    def ask(self, service: str, action: str, /, **_: Any) -> dict[str, Any]:
        assert (service, action) == ("cloudformation", "DescribeStacks")
        if isinstance(self._stacks, DestinationError):
            raise self._stacks
        return {"Stacks": self._stacks}


def test_a_stack_is_found_by_what_it_puts_out() -> None:
    outputs = {"Workflow": "arn:x", "UploadsBucket": "raw", "MediaBucket": "media", "Topic": "t"}
    told = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    found = find_stack(_Answers([{"StackStatus": "CREATE_COMPLETE", "Outputs": told}]), "streamify")
    assert (found.workflow, found.uploads, found.media) == ("arn:x", "raw", "media")


def test_a_stack_that_is_missing_or_half_made_is_named_with_its_region() -> None:
    gone = refusal(answer("ValidationError", "Stack with id streamify does not exist"), "cloudformation:DescribeStacks")
    for account in (_Answers(gone), _Answers([{"StackStatus": "CREATE_IN_PROGRESS"}])):
        with pytest.raises(DestinationError, match=r"streamify.*eu-central-1") as caught:
            find_stack(account, "streamify")
        assert caught.value.code == "aws-no-stack"
        assert "--stack" in caught.value.hint
    with pytest.raises(DestinationError) as caught:
        find_stack(_Answers(refusal(answer("AccessDenied"), "cloudformation:DescribeStacks")), "streamify")
    assert caught.value.code == "aws-denied"


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"AWS_REGION": "us-east-1"}, "aws-credentials"),
        ({"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}, "aws-region"),
        ({"AWS_PROFILE": "nobody"}, "aws-credentials"),
        pytest.param({"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1",
          "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "aws-unreachable", marks=pytest.mark.long),  # boto3 tries long
    ],
)  # fmt: skip
def test_the_command_line_says_it_in_one_line(tmp_path: Path, environment: dict[str, str], code: str) -> None:
    nowhere = {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }
    (tmp_path / "a.mp4").write_bytes(b"x")
    ran = streamify("transcode", tmp_path / "a.mp4", "s3://media/a", "--engine", "aws", env=nowhere | environment)
    assert ran.code == 5, ran.err
    assert f"[{code}]" in ran.line
