"""The AWS stack deployed: the real `sam build` and `sam deploy` of the shipped template, on an emulator of AWS.

Both tools live in environments of their own beside `tests/ministack/install`, in the Python that the template names.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from clouds import running
from ports import reserved_port

HOME = Path(__file__).parent / "ministack"
DEPLOY = Path(__file__).parents[1] / "deploy" / "aws"
REGION = "us-east-1"
HOLD = "hold"
"""File in the folder of a stack; see `Stack.holding`."""
SETTINGS = {"ladder": "360p,240p", "preset": "ultrafast", "short_start": False}


@dataclass(frozen=True)
class Stack:
    """A deployed stack and what its user has."""

    name: str
    uploads: str
    """Bucket."""
    media: str
    """Bucket."""
    environment: dict[str, str]
    """What points AWS clients at the emulator."""
    folder: Path
    """Where the emulator looks whether calls are held; see `holding`."""
    keys: dict[str, str] = field(default_factory=dict)
    """Of the uploads of executions, by ARN: there are hundreds in the end, and who waits asks again and again."""
    clients: dict[str, Any] = field(default_factory=dict)

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point this process and those that it starts at the emulator."""
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def client(self, service: str) -> Any:
        """Return a client of an AWS service; to make one takes longer than most requests."""
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service,
                endpoint_url=self.environment["AWS_ENDPOINT_URL"],
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self.clients[service]

    @property
    def machine(self) -> str:
        """ARN of the state machine."""
        return f"arn:aws:states:{REGION}:000000000000:stateMachine:{self.name}"

    def upload(self, key: str, data: bytes) -> None:
        """Put an original into the uploads bucket, which starts a job."""
        self.client("s3").put_object(Bucket=self.uploads, Key=key, Body=data)

    def executions(self, key: str) -> list[dict[str, Any]]:
        """Return the executions whose input speaks of an uploaded key, the oldest first, as DescribeExecution does."""
        states = self.client("stepfunctions")
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=self.machine)
        mine = []
        for arn in [one["executionArn"] for page in pages for one in page["executions"]]:
            if self.keys.get(arn, key) == key:
                found = states.describe_execution(executionArn=arn)
                self.keys[arn] = _key_of(json.loads(found.get("input") or "{}"))
                mine += [found] if self.keys[arn] == key else []
        return sorted(mine, key=lambda one: one["startDate"])

    def wait(self, key: str, count: int = 1, seconds: float = 120) -> list[dict[str, Any]]:
        """Return the executions of a key once there are `count` and none of them runs."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.executions(key)
            if len(found) >= count and all(one["status"] != "RUNNING" for one in found):
                return found
            assert time.monotonic() < deadline, [(one["status"], one.get("error")) for one in found]
            time.sleep(0.1)

    def start(self, request: dict[str, Any]) -> str:
        """Start an execution by hand; return its ARN."""
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=self.machine, name=uuid.uuid4().hex, input=json.dumps(request)
        )
        return str(answer["executionArn"])

    def end(self, arn: str, seconds: float = 120) -> dict[str, Any]:
        """Return an execution once it has ended."""
        states, deadline = self.client("stepfunctions"), time.monotonic() + seconds
        while True:
            found: dict[str, Any] = states.describe_execution(executionArn=arn)
            if found["status"] != "RUNNING":
                return found
            assert time.monotonic() < deadline, "the execution still runs"
            time.sleep(0.1)

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Return every object below a prefix of the media bucket, by its key below the prefix."""
        store = self.client("s3")
        pages = store.get_paginator("list_objects_v2").paginate(Bucket=self.media, Prefix=f"{prefix}/")
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {key[len(prefix) + 1 :]: store.get_object(Bucket=self.media, Key=key)["Body"].read() for key in keys}

    def history(self, arn: str) -> list[dict[str, Any]]:
        """Return the events of an execution."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]

    def children(self, arn: str) -> list[str]:
        """Return the ARNs of the executions that the maps of an execution started."""
        states = self.client("stepfunctions")
        maps = [one["mapRunArn"] for one in states.list_map_runs(executionArn=arn)["mapRuns"]]
        pages = [page for one in maps for page in states.get_paginator("list_executions").paginate(mapRunArn=one)]
        return [one["executionArn"] for page in pages for one in page["executions"]]

    def role(self, function: str) -> tuple[str, str, dict[str, Any]]:
        """Return name of a function's role, name of its own policy, and that policy."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=f"{function}Role"
        )
        role = found["StackResourceDetail"]["PhysicalResourceId"]
        iam = self.client("iam")
        (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
        return role, policy, iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]

    @contextmanager
    def policy(self, functions: tuple[str, ...], statement: dict[str, Any]) -> Iterator[None]:
        """Add a statement to the roles of functions for a while."""
        iam, roles = self.client("iam"), [self.role(one)[0] for one in functions]
        for role in roles:
            document = {"Version": "2012-10-17", "Statement": [statement]}
            iam.put_role_policy(RoleName=role, PolicyName="added", PolicyDocument=json.dumps(document))
        try:
            yield
        finally:
            for role in roles:
                iam.delete_role_policy(RoleName=role, PolicyName="added")

    @contextmanager
    def holding(self, after: int = 0) -> Iterator[None]:
        """Let so many calls for items of maps through; those behind them stand still until the body ends."""
        part = self.folder / f"{HOLD}.new"
        part.write_text(f"{uuid.uuid4().hex} {after}")
        part.replace(self.folder / HOLD)
        try:
            yield
        finally:
            (self.folder / HOLD).unlink()

    def held(self) -> list[int]:
        """Return the processes in the middle of a call that stands still."""
        name = (self.folder / HOLD).read_text().split()[0]
        return [int(note.name.rpartition("-")[2]) for note in self.folder.glob(f"held-{name}-*")]


def _key_of(given: dict[str, Any]) -> str:
    if "detail" in given:
        return str(given["detail"]["object"]["key"])
    return str(given.get("source", "")).removeprefix("s3://").partition("/")[2]


@contextmanager
def deployed(work: Path, name: str = "streamify", **parameters: str) -> Iterator[Stack]:
    """Start the emulator, with IAM enforced, and deploy the stack into it.

    Args:
        work: An empty folder.
        name: Of the stack.
        **parameters: Of the template, beside the names of the buckets.
    """
    with reserved_port() as port:
        aws = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        with _emulator(work, port, aws):
            stack = Stack(name, f"{name}-raw-uploads", f"{name}-transcoded-media", aws, work)
            stack.client("s3").create_bucket(Bucket="artifacts")
            given = {
                "UploadsBucketName": stack.uploads,
                "MediaBucketName": stack.media,
                "MaxConcurrency": str(len(os.sched_getaffinity(0))),
                "Settings": json.dumps(SETTINGS),
                "TlsOnly": "no",
            }
            sam(work, aws, "build", "--build-dir", str(built(work)), "--cache-dir", str(work / "cache"))
            deploy(work, aws, name, given | parameters)
            yield stack


@contextmanager
def _emulator(work: Path, port: int, aws: dict[str, str]) -> Iterator[None]:
    """Run the emulator."""
    python = HOME / ".emulator" / "bin" / "python"
    temporary = work / "tmp"  # with what was unpacked for each function, which a killed emulator leaves
    temporary.mkdir(exist_ok=True)
    server = {**aws, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "AUTH": "true", "TMPDIR": str(temporary)}
    server["HOLD"] = str(work / HOLD)
    url = f"{aws['AWS_ENDPOINT_URL']}/_ministack/health"
    with running([str(python), str(HOME / "serve.py")], url, server, work / "emulator.log"):
        yield


def deploy(work: Path, variables: dict[str, str], name: str, parameters: dict[str, str]) -> None:
    """Deploy what was built."""
    sam(
        work, variables, "deploy", "--template-file", str(built(work) / "template.yaml"), "--stack-name", name,
        "--s3-bucket", "artifacts", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset",
        "--parameter-overrides", *(f"{key}='{value}'" for key, value in parameters.items()),
    )  # fmt: skip


def built(work: Path) -> Path:
    """Return where `sam build` wrote."""
    return work / "build"


def sam(work: Path, variables: dict[str, str], *args: str) -> None:
    """Run the SAM command line on the shipped template, with more environment variables."""
    path = f"{HOME / '.emulator' / 'bin'}:{os.environ['PATH']}"  # its Python is the one of the template
    environment = os.environ | variables | {"SAM_CLI_TELEMETRY": "0", "PATH": path}
    command = [str(HOME / ".sam" / "bin" / "sam"), *args]
    done = subprocess.run(
        command, cwd=DEPLOY, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    (work / f"sam-{args[0]}.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
