"""Step Functions for tests: carries executions out in a thread, by the real handlers over a real S3 server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stores import open_storage
from streamify.backends.aws.account import Account
from streamify.backends.aws.functions import handlers
from streamify.errors import DestinationError
from streamify.model.job import Claim

MACHINE = "arn:aws:states:us-east-1:0:stateMachine:streamify"


@dataclass
class Execution:
    """One execution, as DescribeExecution tells of it."""

    arn: str
    given: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopped: datetime | None = None
    status: str = "RUNNING"
    output: str | None = None
    cause: str | None = None
    over: threading.Event = field(default_factory=threading.Event)
    """Set when nothing more is done for it."""

    def end(self, status: str, *, output: Any = None, cause: str | None = None) -> None:
        if self.status == "RUNNING":
            self.status, self.cause, self.stopped = status, cause, datetime.now(UTC)
            self.output = json.dumps(output) if output is not None else None


class Machine:
    """All executions of one stack."""

    def __init__(self, uploads: str, media: str) -> None:
        self.uploads, self.media = uploads, media
        self.executions: dict[str, Execution] = {}
        self.gate = threading.Event()
        """Cleared: each execution stops before its second task."""
        self.gate.set()

    def runs(self, held: Claim, *_: object) -> bool:
        """Whether the execution of a claim runs."""
        found = self.executions.get(str(held.execution))
        return found is not None and found.status == "RUNNING"

    def start(self, name: str, given: str) -> str:
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
        execution = self.executions[arn] = Execution(arn, given)
        threading.Thread(target=self._carry_out, args=(execution,), daemon=True).start()
        return arn

    def call(self, execution: Execution, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a handler for an execution."""
        answer: dict[str, Any] = getattr(handlers, name)(event, None)
        return answer

    def make(self, execution: Execution, events: Iterable[dict[str, Any]]) -> None:
        """Carry out the items of the map, as long as the execution runs."""
        for number, event in enumerate(events):
            if number == 1:
                self.gate.wait()
            if execution.status != "RUNNING":
                return
            self.call(execution, "transcode", event)

    def _carry_out(self, execution: Execution) -> None:
        try:
            self._states(execution)
        finally:
            execution.over.set()

    def _states(self, execution: Execution) -> None:
        event = {
            "input": json.loads(execution.given),
            "execution": execution.arn,
            "started": execution.started.isoformat(),
        }
        planned = self.call(execution, "split", event)
        if planned["status"] != "planned":
            failed = planned["status"] != "duplicate"
            execution.end("FAILED" if failed else "SUCCEEDED", output={"plan": planned}, cause=_cause(planned))
            return
        lines = (open_storage(f"s3://{self.media}").get(planned["items"]["key"]) or b"").splitlines()
        self.make(execution, ({"run": planned["run"], "item": json.loads(line)} for line in lines))
        if execution.status != "RUNNING":
            return
        end = self.call(execution, "assemble", {"run": planned["run"], "prepared": planned["prepared"], "workers": 2})
        complete = end["status"] == "complete"
        execution.end("SUCCEEDED" if complete else "FAILED", output=end, cause=_cause(end))

    def account(self) -> type[Account]:
        """Return an `Account` that reaches this machine and, with its own credentials, S3."""
        machine = self

        class Double(Account):
            def ask(self, service: str, action: str, /, **arguments: Any) -> dict[str, Any]:
                return machine.answer(action, arguments)

        return Double

    def answer(self, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if action == "DescribeStacks":
            outputs = {"Workflow": MACHINE, "UploadsBucket": self.uploads, "MediaBucket": self.media}
            return {"Stacks": [{"Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]}]}
        if action == "StartExecution":
            return {"executionArn": self.start(arguments["name"], arguments["input"])}
        found = self.executions.get(arguments["executionArn"])
        if found is None:
            raise DestinationError("aws-no-execution", "ExecutionDoesNotExist", "check the ARN")
        if action == "StopExecution":
            found.end("ABORTED", cause=arguments.get("cause"))
            self.gate.set()
            return {}
        assert action == "DescribeExecution"
        told = {"executionArn": found.arn, "status": found.status, "startDate": found.started, "input": found.given,
                "stopDate": found.stopped, "output": found.output, "cause": found.cause}  # fmt: skip
        return {key: value for key, value in told.items() if value is not None}


def _cause(answer: dict[str, Any]) -> str | None:
    return json.dumps(answer["error"]) if "error" in answer else None
