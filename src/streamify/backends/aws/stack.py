"""The deployed stack: where its state machine and its buckets are."""

from __future__ import annotations

from dataclasses import dataclass

from streamify.backends.aws.account import Account
from streamify.errors import DestinationError

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
    return Stack(outputs["Workflow"], outputs["UploadsBucket"], outputs["MediaBucket"])
