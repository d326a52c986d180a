"""What is recorded of an upload whose job is over."""

from __future__ import annotations

import pytest

from streamify.errors import DestinationError, SourceError, StreamifyError, TasksFailed
from streamify.model.location import Location
from streamify.model.settings import MediaSettings
from streamify.model.upload import Accepted
from streamify.watch.verdict import failed

UPLOAD = Accepted(
    id="1", key="a b.mp4", size=1, version="1", source=Location.of_dest("/up/a b.mp4"),
    dest=Location.of_dest("/media/a b.mp4"), settings=MediaSettings(), accepted=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("error", "resumed"),
    [
        (TasksFailed((), "retry"), True),
        (DestinationError("dest-taken", "another job holds it"), True),
        (DestinationError("dest-occupied", "it holds files of somebody else"), False),
        (DestinationError("dest-not-writable", "it cannot be written"), False),
        (SourceError("source-not-media", "it is text"), False),
    ],
)
def test_resume_is_a_remedy_where_a_job_is_left_at_dest(error: StreamifyError, resumed: bool) -> None:
    retry = failed(UPLOAD, 2.0, error).retry
    assert retry is not None
    assert retry.startswith("touch '/up/a b.mp4'")
    assert ("streamify resume '/media/a b.mp4'" in retry) == resumed
