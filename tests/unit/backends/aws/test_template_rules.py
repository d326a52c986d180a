"""What auditors ask of every stack, as rules over the template; which of checkov's hold, `docs/guides/aws.md` says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

TEMPLATE = Path(__file__).parents[4] / "deploy" / "aws" / "template.yaml"
BLOCKED = {"BlockPublicAcls": True, "BlockPublicPolicy": True, "IgnorePublicAcls": True, "RestrictPublicBuckets": True}


class Loader(yaml.SafeLoader):
    """Reads what an intrinsic function is given."""


def _given(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)  # type: ignore[arg-type]


Loader.add_multi_constructor("!", _given)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]
    return found


def of_type(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    found = {name: one for name, one in resources.items() if one["Type"] == kind}
    assert found, kind
    return found


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the statements of all policies."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for one in value.values():
            yield from statements(one)
    elif isinstance(value, list):
        for one in value:
            yield from statements(one)


def test_buckets_are_private_encrypted_and_versioned_and_stay(resources: dict[str, Any]) -> None:
    for bucket in of_type(resources, "AWS::S3::Bucket").values():
        given = bucket["Properties"]
        assert given["PublicAccessBlockConfiguration"] == BLOCKED
        assert given["VersioningConfiguration"] == {"Status": "Enabled"}
        assert given["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


def test_nothing_is_allowed_to_everybody_or_of_every_kind(resources: dict[str, Any]) -> None:
    found = list(statements(resources))
    assert len(found) > 30
    for one in found:
        actions = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
        if one["Effect"] == "Allow":
            assert not [action for action in actions if action.endswith("*")], one
            assert one.get("Principal") not in ("*", {"AWS": "*"}), one


def test_what_other_services_may_do_is_for_resources_of_the_stack(resources: dict[str, Any]) -> None:
    """Else any account's rule or distribution could use them (the confused deputy)."""
    for one in statements(resources):
        if one["Effect"] == "Allow" and "Principal" in one and one["Action"] != "sts:AssumeRole":
            keys = {key for test in one["Condition"].values() for key in test}
            assert keys & {"aws:SourceArn", "aws:SourceAccount"}, one


def test_messages_logs_and_viewers_are_guarded(resources: dict[str, Any]) -> None:
    for queue in of_type(resources, "AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
    for logs in of_type(resources, "AWS::Logs::LogGroup").values():
        assert "RetentionInDays" in logs["Properties"]
    for distribution in of_type(resources, "AWS::CloudFront::Distribution").values():
        assert distribution["Properties"]["DistributionConfig"]["DefaultCacheBehavior"]["ViewerProtocolPolicy"] in (
            "https-only", "redirect-to-https",
        )  # fmt: skip


def test_every_function_has_an_end_and_a_log_of_the_stack(resources: dict[str, Any]) -> None:
    for function in of_type(resources, "AWS::Serverless::Function").values():
        given = function["Properties"]
        assert "Timeout" in given
        assert given["LoggingConfig"]["LogGroup"] == "Logs"


def test_a_domain_of_ones_own_is_refused_where_nothing_would_be_served_at_it() -> None:
    rules = yaml.load(TEMPLATE.read_text(), Loader)["Rules"]
    needed = [one["Assert"] for one in rules["CertificateForAlias"]["Assertions"]]
    assert ["Cdn", "yes"] in needed
    assert [["CdnCertificateArn", ""]] in needed
