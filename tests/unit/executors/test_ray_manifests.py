"""The manifests for Kubernetes name the Ray of our image, and what their operator calls there."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kuberay import KINDS, MANIFESTS, TEXT, faults, manifest, mapping, record, several, unknown
from streamify.machine.limits import GIB

DEPLOY = Path(__file__).parents[3] / "deploy"
NAMED = ("rayStartParams", "requests", "limits", "nodeSelector")
"""Fields whose own fields have any name."""


def spec(name: str) -> Any:
    return manifest(name)["spec"]


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the fields of a manifest are that have a name of KubeRay or Kubernetes."""
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        if isinstance(name, str):
            yield (*path, name)
        if name not in NAMED:
            yield from fields(inner, (*path, name))


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_hold_what_kuberay_knows_and_nothing_else(name: str) -> None:
    given = manifest(name)
    schema = KINDS[given["kind"]]
    assert given["apiVersion"] == "ray.io/v1"
    assert faults(given, schema) == []
    paths = list(fields(given["spec"]))
    assert len(paths) > 30
    for path in paths:  # a slip of the pen anywhere is found
        wrong = copy.deepcopy(given)
        inner = wrong["spec"]
        for step in path[:-1]:
            inner = inner[step]
        inner[f"{path[-1]}s"] = inner.pop(path[-1])
        assert faults(wrong, schema), path


@pytest.mark.parametrize("ours", [mapping(TEXT), several(TEXT)], ids=["mapping", "list"])
def test_inner_fields_that_kuberay_does_not_define_are_told(ours: dict[str, Any]) -> None:
    theirs: dict[str, Any] = {"type": "object", "properties": {"given": {"type": ours["type"]}}}
    assert list(unknown(record(given=ours), theirs)) == ["spec.given[]: unknown"]
    theirs["properties"]["given"] = ours
    assert list(unknown(record(given=ours), theirs)) == []


@pytest.mark.ray
def test_rays_autoscaler_reads_the_sizes_of_nodes_from_the_manifest() -> None:
    from ray.autoscaler._private.kuberay import autoscaling_config

    given = manifest("raycluster.yaml")
    given["metadata"]["namespace"] = "default"
    found = autoscaling_config._derive_autoscaling_config_from_ray_cr(given)
    sizes = {
        name: (kind["resources"]["CPU"], kind["resources"]["memory"], kind["min_workers"], kind["max_workers"])
        for name, kind in found["available_node_types"].items()
    }
    assert sizes == {"headgroup": (0, 2 * GIB, 0, 0), "transcoders": (4, 8 * GIB, 1, 20)}


def test_a_job_gets_the_cluster_that_stays() -> None:
    assert spec("rayjob.yaml")["rayClusterSpec"] == spec("raycluster.yaml")


def test_the_operator_is_told_the_ray_of_our_image() -> None:
    pinned = re.search(r"^ray==(.*)$", (DEPLOY.parent / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert spec("raycluster.yaml")["rayVersion"] == pinned[1]


def test_the_image_of_a_node_has_what_probes_call() -> None:
    install = re.search(r"apt-get install .*", (DEPLOY / "Containerfile").read_text())
    assert install is not None
    assert "bin/ray ] || echo wget" in install[0]
