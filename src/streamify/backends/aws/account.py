"""An AWS account as the command line reaches it: calls, a deployed stack, and storage with the same credentials."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from streamify.backends.aws.refusals import refusal
from streamify.errors import DestinationError
from streamify.model.location import Location
from streamify.storage.locate import reach_storage
from streamify.storage.objects import ObjectStorage


def open_dest(location: Location) -> ObjectStorage:
    """Return the storage at an ``s3://`` location, also where boto3 is not installed: not all of S3 is of AWS."""
    if find_spec("boto3") is not None:
        return Account().storage(location)
    found = reach_storage(location)
    assert isinstance(found, ObjectStorage)
    return found


_IAM = {"stepfunctions": "states"}
"""Names of services in IAM where boto3 has others."""


class Account:
    """Credentials and a region, found as the AWS command line finds them; profiles count.

    Args:
        region: ``None``: that of ``AWS_REGION``, else of the profile.
        patient: Whether to try again for as long as a job is worth; a prediction is not.

    Raises:
        DestinationError: boto3 is not installed, or the profile does not exist.
    """

    def __init__(self, region: str | None = None, *, patient: bool = True) -> None:
        self._tries = 8 if patient else 3
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise DestinationError(
                "aws-extra", "the AWS engine needs boto3, which is not installed", "pip install 'streamify[aws]'"
            ) from error
        self._refusals = (BotoCoreError, ClientError)
        self._clients: dict[str, Any] = {}
        try:  # botocore itself knows only AWS_DEFAULT_REGION
            self._session = boto3.Session(region_name=region or os.environ.get("AWS_REGION") or None)
            self._credentials = self._session.get_credentials()
        except self._refusals as error:
            raise refusal(error, "credentials") from error

    @property
    def known(self) -> bool:
        """Whether there are credentials at all."""
        return self._credentials is not None

    @property
    def region(self) -> str:
        """The region, or what to say where none is set."""
        return str(self._session.region_name or "no region")

    def ask(self, service: str, action: str, /, **arguments: Any) -> dict[str, Any]:
        """Call an API.

        Args:
            service: As boto3 names it.
            action: As AWS names it, such as ``StartExecution``.
            **arguments: Of the call.

        Raises:
            DestinationError: AWS refused, or cannot be reached.
        """
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in action).lstrip("_")
        try:
            answer: dict[str, Any] = getattr(self.client(service), name)(**arguments)
        except self._refusals as error:
            raise refusal(error, f"{_IAM.get(service, service)}:{action}") from error
        return answer

    def client(self, service: str) -> Any:
        """Return boto3's client of a service; what it raises is for `refusal`."""
        if service not in self._clients:
            from botocore.config import Config

            patience = Config(
                connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": self._tries}
            )
            try:
                self._clients[service] = self._session.client(service, config=patience)
            except self._refusals as error:
                raise refusal(error, service) from error
            except ValueError as error:  # an endpoint that is no URL
                raise DestinationError(
                    "aws-unreachable", f"AWS: {service}: {error}", "check AWS_ENDPOINT_URL and AWS_REGION"
                ) from error
        return self._clients[service]

    def storage(self, location: Location) -> ObjectStorage:
        """Return the storage at an ``s3://`` location."""
        if self._credentials is None:  # obstore looks in places of its own
            found = reach_storage(location)
            assert isinstance(found, ObjectStorage)
            return found
        from obstore.auth.boto3 import Boto3CredentialProvider

        try:
            self._credentials.get_frozen_credentials()  # obstore would wrap what SSO or a process says of them
        except self._refusals as error:
            raise refusal(error, "credentials") from error
        region = {"region": self._session.region_name} if self._session.region_name else {}
        provider = Boto3CredentialProvider(self._session)
        found = reach_storage(location, credential_provider=provider, **region)
        assert isinstance(found, ObjectStorage)
        return found


_DEPLOY = "deploy it (docs/guides/aws.md), name it with --stack, or set AWS_REGION"


@dataclass(frozen=True)
class Stack:
    """What a stack puts out."""

    workflow: str
    """ARN of the state machine."""
    uploads: str
    """Name of the uploads bucket."""
    media: str
    """Name of the media bucket."""
    parameters: dict[str, str]
    """That it was deployed with, and defaults."""


def find_stack(account: Account, name: str) -> Stack:
    """Return what CloudFormation says of a stack.

    Raises:
        DestinationError: ``aws-no-stack``, there is none of that name, or it is not ours; or AWS refused.
    """
    try:
        found = account.ask("cloudformation", "DescribeStacks", StackName=name)["Stacks"]
    except DestinationError as error:
        if "does not exist" not in error.message:
            raise
        message = f"{error.message} (region {account.region})"
        raise DestinationError("aws-no-stack", message, _DEPLOY) from error
    outputs = {item["OutputKey"]: item["OutputValue"] for stack in found for item in stack.get("Outputs", ())}
    missing = [key for key in ("Workflow", "UploadsBucket", "MediaBucket") if key not in outputs]
    if missing:
        state = found[0].get("StackStatus", "unknown") if found else "unknown"
        message = f"stack {name} in {account.region} ({state}) has no output {', '.join(missing)}"
        raise DestinationError("aws-no-stack", message, _DEPLOY)
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in found[0].get("Parameters", ())}
    return Stack(outputs["Workflow"], outputs["UploadsBucket"], outputs["MediaBucket"], parameters)


def is_running(account: Account, execution: str) -> bool:
    """Return whether an execution runs; AWS forgets them 90 days after their end."""
    try:
        found = account.ask("stepfunctions", "DescribeExecution", executionArn=execution)
    except DestinationError as error:
        if error.code == "aws-no-execution":
            return False
        raise
    return bool(found["status"] == "RUNNING")
