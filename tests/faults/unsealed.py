"""A worker on a platform that refuses what a seal is made of."""

from __future__ import annotations

from streamify.executors.local import worker
from streamify.machine.seal import Seal

if __name__ == "__main__":
    vars(worker)["seal"] = Seal  # nothing of it holds
    worker.main()
