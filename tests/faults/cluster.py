"""Ray clusters of several nodes on this machine: ``python cluster.py NODES [CONFIG]``, served until its stdin ends.

It writes the address of the head, which takes no tasks; then it adds a node for each line ``add`` that it reads, and
ends the last one for any other line. CONFIG is JSON with settings of Ray's system.
"""

# ruff: noqa: T201 - what it prints is read
from __future__ import annotations

import json
import os
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster


def main() -> None:
    """Serve."""
    head = {"num_cpus": 0, "include_dashboard": False}
    if sys.argv[2:]:
        head["_system_config"] = json.loads(sys.argv[2])
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1) for _ in range(int(sys.argv[1]))]
    cluster.wait_for_nodes()
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
