"""Whether the buckets of a deployed stack are as jobs need them; those that existed before it, nobody has set up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from streamify.backends.aws.account import Account, Stack, find_stack
from streamify.errors import StreamifyError

RUN_TAG = {"Key": "streamify", "Value": "run"}
"""Tag of what belongs to single runs; see the template."""


class Found(NamedTuple):
    """What was found of one property of one bucket."""

    name: str
    status: Literal["ok", "warn", "fail"]
    text: str


def check_stack(name: str) -> Iterator[Found]:
    """Look at the buckets of a stack. Each line says what is, and what to do where it is not right."""
    try:
        account = Account()
        stack = find_stack(account, name)
    except StreamifyError as error:
        yield Found("stack", "fail", str(error))
        return
    yield Found("stack", "ok", f"{name} in {account.region}")
    for title, bucket, look in (("uploads", stack.uploads, _uploads), ("media", stack.media, _media)):
        try:
            yield from _bucket(account, stack, title, bucket)
            yield from look(account, bucket)
        except StreamifyError as error:
            yield Found(title, "fail", str(error))


def _bucket(account: Account, stack: Stack, title: str, bucket: str) -> Iterator[Found]:
    found = account.ask("s3", "GetBucketLocation", Bucket=bucket).get("LocationConstraint")
    region = {"EU": "eu-west-1", None: "us-east-1", "": "us-east-1"}.get(found, found)
    if region != account.region:
        text = f"{bucket} is in {region}, the stack in {account.region}: deploy the stack in {region}"
        yield Found(f"{title} region", "fail", text)
    else:
        yield Found(f"{title} region", "ok", f"{bucket} is in {region}")
    key = _kms_key(account, bucket)
    given = stack.parameters.get("KmsKeyArn") or None
    if key is not None and (given is None or key not in (given, given.rsplit("/", 1)[-1])):
        text = f"{bucket} is encrypted with {key}: deploy the stack with its ARN as KmsKeyArn"
        yield Found(f"{title} key", "fail", text)


def _uploads(account: Account, bucket: str) -> Iterator[Found]:
    told = "EventBridgeConfiguration" in account.ask("s3", "GetBucketNotificationConfiguration", Bucket=bucket)
    on = f"{bucket} tells EventBridge of new objects"
    off = (
        f"{bucket} does not tell EventBridge of new objects, so no upload starts a job: aws s3api"
        f" put-bucket-notification-configuration --bucket {bucket} --notification-configuration"
        " '{\"EventBridgeConfiguration\": {}}' (with the notifications that it has, which this replaces)"
    )
    yield Found("uploads events", "ok" if told else "fail", on if told else off)
    kept = _keeps_versions(account, bucket)
    lost = f"{bucket} keeps no versions: an original that is uploaded again ends the job that reads it"
    yield Found("uploads versions", "ok" if kept else "warn", f"{bucket} keeps versions" if kept else lost)
    rules = _rules(account, bucket)
    ended = any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    stay = f"{bucket} has no rule AbortIncompleteMultipartUpload: parts of uploads that nobody ends stay, and cost"
    yield Found("uploads parts", "ok" if ended else "warn", "unfinished uploads are removed" if ended else stay)


def _media(account: Account, bucket: str) -> Iterator[Found]:
    kept = _keeps_versions(account, bucket)
    lost = f"{bucket} keeps no versions: what is overwritten or deleted there is lost"
    yield Found("media versions", "ok" if kept else "warn", f"{bucket} keeps versions" if kept else lost)
    gone = any(RUN_TAG in _tags(rule) and "Expiration" in rule for rule in _rules(account, bucket))
    stay = f"{bucket} has no rule that expires the tag streamify=run: plans and attempts of every run stay"
    yield Found("media runs", "ok" if gone else "warn", "what belongs to single runs expires" if gone else stay)


def _keeps_versions(account: Account, bucket: str) -> bool:
    return bool(account.ask("s3", "GetBucketVersioning", Bucket=bucket).get("Status") == "Enabled")


def _rules(account: Account, bucket: str) -> list[dict[str, Any]]:
    found = _asked(account, "GetBucketLifecycleConfiguration", bucket, "NoSuchLifecycleConfiguration")
    return [rule for rule in found.get("Rules", ()) if rule["Status"] == "Enabled"]


def _tags(rule: dict[str, Any]) -> list[dict[str, str]]:
    chosen = rule.get("Filter") or {}
    return [chosen["Tag"]] if "Tag" in chosen else list(chosen.get("And", {}).get("Tags", ()))


def _kms_key(account: Account, bucket: str) -> str | None:
    found = _asked(account, "GetBucketEncryption", bucket, "ServerSideEncryptionConfigurationNotFoundError")
    for rule in found.get("ServerSideEncryptionConfiguration", {}).get("Rules", ()):
        chosen = rule.get("ApplyServerSideEncryptionByDefault", {})
        if str(chosen.get("SSEAlgorithm", "")).startswith("aws:kms"):
            return str(chosen.get("KMSMasterKeyID") or "the account's key of S3, which no function may use")
    return None


def _asked(account: Account, action: str, bucket: str, absent: str) -> dict[str, Any]:
    """Return a configuration of a bucket; nothing where there is none."""
    try:
        return account.ask("s3", action, Bucket=bucket)
    except StreamifyError as error:
        if absent not in error.message:
            raise
        return {}
