"""ARNs of executions, taken apart. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from streamify.errors import UsageError

_ARN = re.compile(r"arn:[a-z-]+:states:(?P<region>[a-z0-9-]+):\d+:execution:(?P<machine>[^:]+):(?P<name>[^:]+)")


class ExecutionArn(NamedTuple):
    """The parts of an execution's ARN."""

    region: str
    machine: str
    """Name of the state machine, which is that of the stack."""
    name: str
    """Of the execution; the id of its run."""


def parse_arn(arn: str) -> ExecutionArn:
    """Return the parts of an execution's ARN.

    Raises:
        UsageError: ``job-arn``, it is an ARN of something else.
    """
    found = _ARN.fullmatch(arn)
    if found is None:
        raise UsageError(
            "job-arn",
            f"'{arn}' is not the ARN of an execution",
            "write it as arn:aws:states:REGION:ACCOUNT:execution:STACK:NAME",
        )
    return ExecutionArn(**found.groupdict())


def machine_arn(execution: str) -> str:
    """Return the ARN of the state machine of an execution."""
    return execution.replace(":execution:", ":stateMachine:", 1).rsplit(":", 1)[0]
