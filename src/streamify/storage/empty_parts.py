"""Objects whose keys have empty parts, ``/a.mp4`` or ``a//b.mp4``: legal names that obstore's paths cannot hold.

All of such a key up to its last empty part goes into the endpoint, which obstore takes as it is; the rest is a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from streamify.model.location import Scheme

S3_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
AZURE_ENDPOINTS = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")


def divided(key: str) -> tuple[str, str] | None:
    """Return the key up to its last empty part, with a slash before it or empty, and the rest of it; ``None``: it has
    no empty part.
    """
    before, mark, rest = f"/{key}".rpartition("//")
    return (before, rest) if mark else None


def reaching(
    scheme: Scheme, bucket: str, before: str, environment: Mapping[str, str], given: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return bucket and further arguments of an obstore store whose keys begin behind an empty part of a key.

    Args:
        scheme: ``s3`` or ``az``.
        bucket: Bucket, or container.
        before: Of the key, as `divided` returns it.
        environment: That configures the store.
        given: Arguments that go before it.
    """
    path = quote(before, safe="/-._~")
    if scheme == "az":
        account = given.get("account_name") or _first(environment, "AZURE_STORAGE_ACCOUNT_NAME", "AZURE_ACCOUNT_NAME")
        endpoint = _first(environment, *AZURE_ENDPOINTS) or f"https://{account}.blob.core.windows.net"
        return "", {"endpoint": f"{endpoint.rstrip('/')}/{bucket}{path}"}
    region = given.get("region") or _first(environment, "AWS_REGION", "AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = _first(environment, *S3_ENDPOINTS) or f"https://s3.{region}.amazonaws.com"
    if environment.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() not in ("true", "1"):
        endpoint = f"{endpoint.rstrip('/')}/{bucket}"  # else the endpoint names the bucket
    return bucket, {"endpoint": f"{endpoint}{path}/", "virtual_hosted_style_request": True}


def _first(environment: Mapping[str, str], *names: str) -> str:
    return next((environment[name] for name in names if environment.get(name)), "")
