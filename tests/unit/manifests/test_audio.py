from __future__ import annotations

import pytest

from manifest_samples import audio, video
from streamify.manifests.audio import describe


def test_autoselect_once_per_language_and_never_commentary() -> None:
    tracks = [
        audio(9, language="en"),
        audio(9, language="en", default=True),
        audio(9, language="fr"),
        audio(9, language="fr"),
        audio(9, language="de", commentary=True),
    ]
    assert [one.autoselect for one in describe(tracks)] == [False, True, True, False, False]


def test_video_is_refused() -> None:
    with pytest.raises(ValueError, match="no audio track"):
        describe([video(9)])
