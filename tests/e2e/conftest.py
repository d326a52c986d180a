"""Fixtures of tests that call the functions."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from clouds import Cloud, Kind
from e2e.stepping import SETTINGS, Buckets
from streamify.backends.aws.functions import start as begin


@pytest.fixture
def buckets(cloud: Callable[[Kind], Cloud], monkeypatch: pytest.MonkeyPatch) -> Buckets:
    """Buckets for uploads and media in a real S3 server, which the functions are told of."""
    store = cloud("s3")
    store.enter(monkeypatch)
    monkeypatch.setattr(begin, "_is_running", lambda *_: False)  # moto interprets no state machine here
    found = Buckets(store)
    monkeypatch.setenv("MEDIA_BUCKET", found.media[5:])
    monkeypatch.setenv("SETTINGS", json.dumps(SETTINGS))
    return found
