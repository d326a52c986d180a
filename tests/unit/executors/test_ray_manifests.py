"""The manifests for Kubernetes name the Ray of our image, and what their operator calls there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[3] / "deploy"


def spec(name: str) -> Any:
    return yaml.safe_load((DEPLOY / "ray" / name).read_text())["spec"]


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
