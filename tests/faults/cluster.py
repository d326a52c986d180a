"""Ray clusters of several nodes on this machine: ``python cluster.py NODES [CONFIG]``, served until its stdin ends.

It writes the address of the head, which takes no tasks; then it adds a node for each line ``add`` that it reads, and
ends the last one for any other line. CONFIG is JSON with settings of Ray's system. A variable CLUSTER_SAYS_RAY of its
environment is the version of Ray that the cluster says it has.
"""

# ruff: noqa: T201 - what it prints is read
from __future__ import annotations

import json
import os
import sys
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray.cluster_utils import Cluster

PATIENCE = 120.0
"""Seconds in which a node must be there; Ray's 30 are too few on a busy machine."""


class PatientCluster(Cluster):  # type: ignore[misc]  # Ray's types are not read
    """A cluster that waits longer for its nodes."""

    def _wait_for_node(self, node: Any, timeout: float = PATIENCE) -> None:
        super()._wait_for_node(node, timeout)


def main() -> None:
    """Serve."""
    ray.__version__ = os.environ.get("CLUSTER_SAYS_RAY", ray.__version__)
    head = {"num_cpus": 0, "include_dashboard": False}
    if sys.argv[2:]:
        head["_system_config"] = json.loads(sys.argv[2])
    cluster = PatientCluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(int(sys.argv[1]))]
    cluster.wait_for_nodes(PATIENCE)
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line == "add\n":
            nodes.append(cluster.add_node(num_cpus=1))
            print("added", flush=True)
        else:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print("ended", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
