"""Ray clusters of several nodes on this machine: ``python cluster.py NODES``, which serves until its stdin ends.

It writes the address of the head, which takes no tasks, then ends the last node for each line that it reads.
"""

# ruff: noqa: T201 - what it prints is read
from __future__ import annotations

import os
import sys

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from ray.cluster_utils import Cluster


def main() -> None:
    """Serve."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(int(sys.argv[1]))]
    cluster.wait_for_nodes()
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        print("ended", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
