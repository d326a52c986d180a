"""What KubeRay takes in manifests: ``python tests/kuberay.py CRDS`` checks ours against its own definitions.

CRDS is the folder ``ray-operator/config/crd/bases`` of github.com/ray-project/kuberay at some tag. Its files have 2 MB
and are not kept here. `CLUSTER` and `JOB` are the fields of them that our manifests may use, for tests without these
files; the command also finds out whether each of these fields is one of KubeRay, with the same type.
"""

# ruff: noqa: T201 - it is a command
from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

DEPLOY = Path(__file__).parents[1] / "deploy" / "ray"
FREE = "additionalProperties"
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
QUANTITY: Schema = {"type": "string", "pattern": r"^\d+(\.\d+)?(m|[KMGT]i?)?$"}


def record(*required: str, **fields: Schema) -> Schema:
    """Return the schema of an object of these fields and no others."""
    return {"type": "object", "required": list(required), "properties": fields, FREE: False}


def mapping(values: Schema) -> Schema:
    """Return the schema of an object of any names."""
    return {"type": "object", FREE: values}


def several(items: Schema) -> Schema:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": items, "minItems": 1}


CONTAINER = record(
    "name",
    name=TEXT,
    image=TEXT,
    resources=record(requests=mapping(QUANTITY), limits=mapping(QUANTITY)),
    env=several(record("name", name=TEXT, value=TEXT)),
    envFrom=several(record(secretRef=record(name=TEXT))),
    securityContext=record(allowPrivilegeEscalation=FLAG, capabilities=record(drop=several(TEXT))),
)
TEMPLATE = record(
    spec=record(
        "containers",
        nodeSelector=mapping(TEXT),
        terminationGracePeriodSeconds=COUNT,
        securityContext=record(runAsNonRoot=FLAG, runAsUser=COUNT, fsGroup=COUNT),
        containers=several(CONTAINER),
    )
)
HEAD = record("rayStartParams", "template", rayStartParams=mapping(TEXT), template=TEMPLATE)
WORKERS = record(
    "groupName", "maxReplicas", "minReplicas", "rayStartParams", "replicas", "template",
    groupName=TEXT, replicas=COUNT, minReplicas=COUNT, maxReplicas=COUNT, rayStartParams=mapping(TEXT),
    template=TEMPLATE,
)  # fmt: skip
CLUSTER = record(
    "headGroupSpec",
    rayVersion=TEXT,
    enableInTreeAutoscaling=FLAG,
    headGroupSpec=HEAD,
    workerGroupSpecs=several(WORKERS),
)
JOB = record(
    entrypoint=TEXT, shutdownAfterJobFinishes=FLAG, ttlSecondsAfterFinished=COUNT, backoffLimit=COUNT,
    rayClusterSpec=CLUSTER,
)  # fmt: skip
KINDS = {"RayCluster": CLUSTER, "RayJob": JOB}
MANIFESTS = ("raycluster.yaml", "rayjob.yaml")


def manifest(name: str) -> Any:
    """Return one of ours."""
    return yaml.safe_load((DEPLOY / name).read_text())


def faults(given: Any, schema: Schema) -> list[str]:
    """Return what is wrong with the spec of a manifest."""
    found = Draft202012Validator(schema).iter_errors(given["spec"])
    return [f"{error.json_path}: {error.message}" for error in found]


def closed(schema: Any) -> Any:
    """Return a schema of Kubernetes that refuses fields it does not name: the server drops them in silence."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: closed(one) for name, one in schema.items()}
    if isinstance(schema.get("properties"), dict):
        made["properties"] = {name: closed(one) for name, one in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and FREE not in schema:
            made[FREE] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


def definition(folder: Path, kind: str) -> Schema:
    """Return the schema of the spec of a kind, of the version that our manifests name."""
    version = manifest(MANIFESTS[0])["apiVersion"].partition("/")[2]
    found = yaml.load((folder / f"ray.io_{kind.lower()}s.yaml").read_text(), yaml.CSafeLoader)
    [served] = [one for one in found["spec"]["versions"] if one["name"] == version]
    spec: Schema = served["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def unknown(ours: Schema, theirs: Schema, path: str = "spec") -> Iterator[str]:
    """Yield the fields of a schema that another one does not have, or has with another type."""
    if not theirs.get("x-kubernetes-int-or-string") and ours["type"] != theirs.get("type"):
        yield f"{path}: {theirs.get('type')}"
    for name, field in ours.get("properties", {}).items():
        if name in theirs.get("properties", {}):
            yield from unknown(field, theirs["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: unknown"
    for name in theirs.get("required", []):
        if name not in ours.get("required", []):
            yield f"{path}.{name}: required"
    for inner in ("items", FREE):
        if not isinstance(ours.get(inner), dict):
            continue
        if isinstance(theirs.get(inner), dict):
            yield from unknown(ours[inner], theirs[inner], f"{path}[]")
        else:
            yield f"{path}[]: unknown"


def main() -> None:
    """Check; exit with an error where anything is wrong."""
    wrong = []
    for name in MANIFESTS:
        given = manifest(name)
        theirs = definition(Path(sys.argv[1]), given["kind"])
        wrong += [f"{name}: {fault}" for fault in faults(given, closed(theirs))]
        wrong += [f"tests/kuberay.py: {given['kind']}: {fault}" for fault in unknown(KINDS[given["kind"]], theirs)]
    print("\n".join(wrong) or f"{' and '.join(MANIFESTS)} are what {sys.argv[1]} defines")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
