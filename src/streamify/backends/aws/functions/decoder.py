"""The process of an execution environment that decodes: sealed, and fresh for each job."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from pathlib import Path

from streamify.executors.local.start import worker_environment
from streamify.executors.sealed import SealedWorker
from streamify.machine.seal import Seal


@cache
def decoder() -> SealedWorker:
    """Return the worker of this execution environment, whose handlers run one at a time."""
    # The layer lies on no path that a plain interpreter looks at; boto3 lies elsewhere.
    path = {"PYTHONPATH": str(Path(__file__).parents[4])}
    return SealedWorker(
        environment=worker_environment(os.environ) | path,
        whole=os.environ.get("ISOLATION") == "whole",
        on_seal=_tell,
    )


def _tell(found: Seal) -> None:
    """Log what of the seal holds: one structured line for each worker."""
    level = "INFO" if found.whole else "WARNING"
    line = {"level": level, "message": "decoder started", "seal": found.model_dump(mode="json")}
    print(json.dumps(line), file=sys.stderr, flush=True)  # noqa: T201 - what Lambda logs
