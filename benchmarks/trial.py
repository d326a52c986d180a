"""Tries the stack on a real account, and says what only an account can tell: ``make aws-trial``. It costs cents.

Deploys a stack of its own, makes a stream of one film, prints a table, and takes stack and buckets away again. Needs
credentials that may do so, and the SAM command line. No test and no CI runs it against AWS.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

import streamify
from benchmarks.command import ROOT
from streamify.backends.aws.account import Account, Stack, find_stack

SETTINGS = {"publish": "early"}


@contextmanager
def deployed(name: str) -> Iterator[None]:
    """Deploy a stack for the body; remove it, and all that is in its buckets, afterwards."""
    sam = [("sam", "build"), ("sam", "deploy", "--stack-name", name, "--resolve-s3", "--capabilities",
            "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset")]  # fmt: skip
    try:
        for command in sam:
            subprocess.run(command, cwd=ROOT / "deploy/aws", check=True)
        yield
    finally:
        remove(name)


def remove(name: str) -> None:
    """Delete a stack of `deployed`: its buckets outlive it, so they are emptied and deleted first."""
    clouds = boto3.client("cloudformation")
    try:
        stack = find_stack(Account(), name)
    except streamify.DestinationError as error:
        sys.stderr.write(f"nothing to remove, or not all of it: {error}\n")
    else:
        for bucket in (stack.uploads, stack.media):
            versions = boto3.resource("s3").Bucket(bucket).object_versions
            versions.delete()
            boto3.client("s3").delete_bucket(Bucket=bucket)
    clouds.delete_stack(StackName=name)
    clouds.get_waiter("stack_delete_complete").wait(StackName=name)


def measure(name: str, film: Path) -> dict[str, str]:
    """Make a stream of a film on a stack; return what was seen."""
    account = Account()
    stack = find_stack(account, name)
    key = f"trial-{int(time.time())}"
    dest, settings = f"s3://{stack.media}/{key}", {"ladder": "auto", **SETTINGS}
    predicted = streamify.predict(film, engine="aws", stack=name, **settings)  # type: ignore[arg-type]
    began = time.time()
    report = streamify.transcode(film, dest, engine="aws", stack=name, **settings)  # type: ignore[arg-type]
    took = time.time() - began
    lines = list(logged(name, began))
    tasks = [line for line in lines if line.get("message") == "transcode" and line.get("dest") == dest]
    ratios = [float(line["Ratio"]) for line in tasks if "Ratio" in line]
    starts = sorted(float(line["init"]) for line in lines if "init" in line)
    seals = [line["seal"] for line in lines if line.get("message") == "decoder started"]
    assert report.cost is not None
    return {
        "done after, with the upload": f"{took:.1f} s; predicted {predicted.finish_seconds:.1f} s without it",
        "playable after": playable(account, stack, key, began, predicted.playable_seconds),
        "cost": f"${report.cost.actual:.4f}; predicted ${predicted.cost.total:.4f}",
        "taken by predicted, median and worst": _spread(ratios),
        "tasks": f"{len(tasks)}, {sum(int(line.get('attempt', 1)) > 1 for line in tasks)} of them tried again",
        "init of a worker, s, median and longest": _spread(starts),
        "peak memory of a task, MB": str(max((int(line["PeakMemory"]) for line in tasks), default=0)),
        "the decoder is sealed": "; ".join(sorted({json.dumps(seal) for seal in seals})) or "nothing was logged",
        "children of the map in a second, most": str(busiest(account, stack.workflow, key)),
    }


def logged(name: str, since: float) -> Iterator[dict[str, Any]]:
    """Yield what functions wrote since a moment, and as ``init`` what each start took; logs may come a minute late."""
    time.sleep(0 if "127.0.0.1" in str(boto3.client("logs").meta.endpoint_url) else 60)
    pages = boto3.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=f"/streamify/{name}", startTime=int(since * 1000)):
        for event in page["events"]:
            try:
                line = json.loads(event["message"])
            except ValueError:
                continue
            if line.get("type") == "platform.report" and "initDurationMs" in line["record"]["metrics"]:
                yield {"init": line["record"]["metrics"]["initDurationMs"] / 1000}
            elif isinstance(line, dict):
                yield line


def playable(account: Account, stack: Stack, key: str, began: float, predicted: float) -> str:
    """Say when the first version of the master playlist was written."""
    found = account.ask("s3", "ListObjectVersions", Bucket=stack.media, Prefix=f"{key}/master.m3u8")["Versions"]
    first = min(one["LastModified"].timestamp() for one in found)
    return f"{first - began:.1f} s, with the upload; predicted {predicted:.1f} s without it; {len(found)} versions"


def busiest(account: Account, workflow: str, key: str) -> int:
    """Return how many children of the map started in the same second, at most."""
    states = account.client("stepfunctions")
    for one in states.list_executions(stateMachineArn=workflow, maxResults=20)["executions"]:
        arn = one["executionArn"]
        given = json.loads(states.describe_execution(executionArn=arn)["input"])
        if not str(given.get("dest", "")).endswith(f"/{key}"):
            continue
        maps = states.list_map_runs(executionArn=arn)["mapRuns"]
        pages = (page for run in maps
                 for page in states.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"]))  # fmt: skip
        seconds = [int(child["startDate"].timestamp()) for page in pages for child in page["executions"]]
        return max((seconds.count(second) for second in set(seconds)), default=0)
    return 0


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}, {max(values):.2f}" if values else "none logged"


def main(arguments: list[str] | None = None) -> None:
    """Run the trial."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trial", description=__doc__)
    parser.add_argument("film", type=Path, help="what is transcoded")
    parser.add_argument("--stack", help="one that is deployed, and stays; else one is made for the trial")
    given = parser.parse_args(arguments)
    if given.stack:
        found = measure(given.stack, given.film)
    else:
        name = f"streamify-trial-{int(time.time())}"
        with deployed(name):
            found = measure(name, given.film)
    sys.stdout.write("".join(f"{what}: {seen}\n" for what, seen in found.items()))


if __name__ == "__main__":
    main()
