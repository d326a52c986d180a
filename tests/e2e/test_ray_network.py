"""Jobs on a Ray cluster of machines with addresses of their own: the ways to name it, and a machine that is cut off."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.driving import job, media, wait_for
from e2e.driving import streamify as command
from faults.machines import Machines, machines, possible
from stores import open_storage
from streamify import explain
from streamify.jobs.attempts import read_attempts

FLAGS = ("--ladder", "360p,240p", "--preset", "ultrafast", "--no-short-start", "--engine", "ray")
pytestmark = [pytest.mark.long, pytest.mark.timeout(600), pytest.mark.ray]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Machines]:
    if not possible():
        pytest.skip("network namespaces need root, `ip` and a kernel that allows them")
    with machines(3) as found:
        yield found


@pytest.mark.parametrize("address", ["auto", "{}:6379", "ray://{}:10001"])
def test_a_cluster_is_found_by_each_kind_of_address(
    address: str, cluster: Machines, clip: Path, ultrafast_stream: Path, tmp_path: Path
) -> None:
    named = address.format(cluster.head.address)
    prefix = () if address.startswith("ray:") else cluster.head.prefix
    ran = command(
        "transcode", clip, tmp_path / "out", *FLAGS, "--address", named, "--json", prefix=prefix,
        env=cluster.environment,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert media(tmp_path / "out") == media(ultrafast_stream)
    run = explain(tmp_path / "out").run
    assert run is not None
    hosts = {one.worker.partition(":")[0] for one in read_attempts(open_storage(str(tmp_path / "out")), run.id)}
    assert hosts <= {one.name for one in cluster.others}


def test_a_machine_that_is_cut_off_costs_an_attempt(
    cluster: Machines, clip: Path, ultrafast_stream: Path, tmp_path: Path
) -> None:
    address = ("--address", f"{cluster.head.address}:6379", "--json")
    with job(
        tmp_path / "events", clip, tmp_path / "out", *FLAGS, *address, prefix=cluster.head.prefix,
        env=cluster.environment,
    ) as running:  # fmt: skip
        worker = next(iter(wait_for(running.in_flight, 120).values()))
        os.kill(worker, signal.SIGSTOP)  # so that its task is not over before
        [lost] = [one for one in cluster.others if one.has(worker)]
        lost.cut_off()
        ran = running.end()
    assert ran.code == 0, ran.err
    assert ran.json["status"] == "complete"  # nor does Ray write to stdout
    assert media(tmp_path / "out") == media(ultrafast_stream)
