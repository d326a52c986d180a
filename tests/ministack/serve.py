"""Runs the emulator, with one thing added that it does not know: ``MaxConcurrencyPath`` of a distributed map."""

from __future__ import annotations

import runpy
from typing import Any

from ministack.services import stepfunctions

known = stepfunctions._run_distributed_map


def run_distributed_map(state: dict[str, Any], given: Any, effective: Any, *rest: Any) -> Any:
    """Run a map whose ``MaxConcurrency`` stands in its input."""
    if (path := state.get("MaxConcurrencyPath")) is not None:
        most = stepfunctions._resolve_path_or_ctx(path, effective, rest[-1])
        assert isinstance(most, int), f"{path} is {most!r}"
        state = state | {"MaxConcurrency": most}
    return known(state, given, effective, *rest)


stepfunctions._run_distributed_map = run_distributed_map
runpy.run_module("ministack", run_name="__main__")
