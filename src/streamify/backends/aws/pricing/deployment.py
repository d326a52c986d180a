"""What is known of a deployed stack and its account; where nothing is, what is assumed is said."""

from __future__ import annotations

import os
from typing import Any

from streamify.backends.aws.pricing.prices import PRICES, Architecture
from streamify.model.base import Frozen

QUOTA = 1000
"""Concurrent executions that AWS gives an account by default; new accounts have less until they ask."""

_PARAMETERS = {
    "Architecture": "architecture",
    "TranscoderMemory": "memory",
    "GroupBelow": "group_below",
    "MaxConcurrency": "max_concurrency",
    "TaskSeconds": "task_seconds",
}


class Deployment(Frozen):
    """What decides how a job runs; the defaults are those of ``deploy/aws/template.yaml``."""

    name: str = "streamify"
    architecture: Architecture = "x86_64"
    memory: int = 1769
    """Of the transcoder, MB."""
    group_below: int = 0
    """Renditions with a shorter side below this, pixels, share one call a segment."""
    max_concurrency: int = 1000
    """Tasks of one job at the same moment."""
    task_seconds: int = 900
    """Longest time of one call of the transcoder."""
    quota: int = QUOTA
    """Lambda calls that the account may run at the same moment, without those reserved for other functions."""
    assumed: tuple[str, ...] = ()
    """What could not be read, and what was taken in its place; one sentence each."""

    @property
    def concurrency(self) -> int:
        """Tasks of one job that can run at the same moment."""
        return max(1, min(self.max_concurrency, self.quota))


def read_deployment(name: str) -> Deployment:
    """Return what AWS says of a stack and of the account, with defaults for what it does not say."""
    defaults = f"the template's default parameters and a quota of {QUOTA} are assumed"
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        hint = "boto3 is not installed (pip install 'streamify[aws]')"
        return Deployment(name=name, assumed=(f"stack '{name}' was not looked up, {hint}: {defaults}",))
    assumed: list[str] = []
    found: dict[str, Any] = {}
    try:
        # boto3 itself knows AWS_DEFAULT_REGION alone.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        if session.get_credentials() is None:
            return Deployment(name=name, assumed=(f"stack '{name}' was not found, no AWS credentials: {defaults}",))
        patience = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 3})
        region = session.region_name
        formation, functions = (session.client(item, config=patience) for item in ("cloudformation", "lambda"))
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
        return Deployment(name=name, assumed=(f"stack '{name}' was not found, {_line(error)}: {defaults}",))
    if region != PRICES.region:
        assumed.append(f"prices of {PRICES.region} are taken for {region}")
    try:
        stack = formation.describe_stacks(StackName=name)["Stacks"][0]
        given = {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", ())}
        found = {field: given[key] for key, field in _PARAMETERS.items() if key in given}
    except (BotoCoreError, ClientError) as error:
        why = "" if "does not exist" in str(error) else f", {_line(error)}"
        assumed.append(f"stack '{name}' was not found{why}: the template's default parameters are assumed")
    try:
        limits = functions.get_account_settings()["AccountLimit"]
        found["quota"] = limits.get("UnreservedConcurrentExecutions") or limits["ConcurrentExecutions"]
    except (BotoCoreError, ClientError) as error:
        assumed.append(f"the account's quota could not be read, {_line(error)}: {QUOTA} concurrent calls are assumed")
    return Deployment.model_validate({"name": name, "assumed": tuple(assumed), **found})


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
