"""What is recorded of an upload whose job is over."""

from __future__ import annotations

import pytest

from streamify.errors import CapExceeded, DestinationError, Failure, SourceError, TasksFailed, UsageError
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.upload import Accepted
from streamify.watch.verdict import failed

UPLOAD = Accepted(
    id="1", key="a b.mp4", size=1, version="1", source=Location.of_dest("/up/a b.mp4"),
    dest=Location.of_dest("/media/a b.mp4"), settings=MediaSettings(), accepted=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("error", "resumable", "resumed"),
    [
        (TasksFailed((), "retry"), True, True),
        (DestinationError("dest-not-writable", "the disk is mounted read only by now"), True, True),
        (ValueError("a bug"), True, True),
        (TasksFailed((), "retry"), False, False),
        (DestinationError("state-newer", "it was written by a newer Streamify"), False, False),
        (SourceError("source-not-media", "it is text"), True, False),
        (UsageError("ladder-unknown", "no such rung"), True, False),
        (CapExceeded("cap-duration", "it is too long"), True, False),
        (TasksFailed((Failure("certificate", "too-many-lost", "damage"),)), True, False),
        (TasksFailed((Failure("certificate", "pictures-lost", "damage"),)), True, False),
        (TasksFailed((Failure("video/00000/1080p", "worker-killed", "gone"),)), True, True),
    ],
)
def test_resume_is_a_remedy_where_a_job_is_left_at_dest_that_may_succeed(
    error: BaseException, resumable: bool, resumed: bool
) -> None:
    retry = failed(UPLOAD, 2.0, error, resumable=resumable).retry
    assert retry is not None
    assert retry.startswith("touch '/up/a b.mp4'")
    assert ("streamify resume '/media/a b.mp4'" in retry) == resumed
