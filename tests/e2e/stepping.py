"""Calls the Lambda handlers in the order of the state machine, over a real S3 server; no Step Functions in between."""

from __future__ import annotations

import json
import uuid
from typing import Any

from clouds import Cloud
from stores import open_storage
from streamify.backends.aws.functions import handlers

KEY = "ünser film/50% #1 & a+b.mp4"
SETTINGS = {"ladder": "360p,240p", "preset": "ultrafast", "short_start": False}


class Buckets:
    """Uploads and media, and the steps on them."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.uploads = cloud.make_bucket(f"raw-{uuid.uuid4().hex}")
        self.media = cloud.make_bucket(f"media-{uuid.uuid4().hex}")
        self.dest = open_storage(f"{self.media}/{KEY}")
        self.runs = 0

    def event(self) -> dict[str, Any]:
        """As EventBridge gives it."""
        return {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": self.uploads[5:]}, "object": {"key": KEY, "size": 1}},
        }

    def split(self, request: dict[str, Any] | None = None, execution: str = "") -> dict[str, Any]:
        self.runs += 1
        event = {
            "input": request or self.event(),
            "execution": execution or f"arn:aws:states:us-east-1:0:execution:streamify:run-{self.runs}",
            "started": "2026-11-23T10:00:00.123Z",
        }
        return round_trip(handlers.split(event, None))

    def items(self, planned: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the input of each call of the map."""
        items = open_storage(f"s3://{planned['items']['bucket']}").get(planned["items"]["key"]) or b""
        lines = items.splitlines()
        assert len(lines) == planned["prepared"]["count"]
        return [{"run": planned["run"], "item": json.loads(line)} for line in lines]

    def transcode(self, planned: dict[str, Any]) -> list[dict[str, Any]]:
        return [handlers.transcode(item, None) for item in self.items(planned)]

    def assemble(self, planned: dict[str, Any]) -> dict[str, Any]:
        event = {"run": planned["run"], "prepared": planned["prepared"], "workers": 2}
        return round_trip(handlers.assemble(event, None))


def round_trip(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as the next state gets it; it must fit into one."""
    text = json.dumps(answer)
    assert len(text) < 10_000
    found: dict[str, Any] = json.loads(text)
    return found
