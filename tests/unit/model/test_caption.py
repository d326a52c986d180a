"""The setting `caption_tracks` as it is written."""

from __future__ import annotations

import pytest

from streamify.model.caption import CaptionTrack, parse_caption_tracks
from streamify.model.settings import Settings


def test_channels() -> None:
    assert parse_caption_tracks("auto") is None
    assert parse_caption_tracks("CC1:en, cc3:es.forced") == (
        CaptionTrack(channel="CC1", language="en"), CaptionTrack(channel="CC3", language="es", role="forced"),
    )  # fmt: skip
    assert Settings(caption_tracks="cc1:English.default,CC2").caption_tracks == "CC1:en.default,CC2"
    assert Settings(caption_tracks="Auto").caption_tracks == "auto"
    assert Settings(caption_tracks="off").caption_tracks is None
    assert Settings.model_validate({"caption_tracks": False}).caption_tracks is None  # as YAML reads "off"


@pytest.mark.parametrize(
    "text",
    ["", "CC5", "CC0", "CC1,CC1:en", "en:CC1", "CC1:", "CC1:klingonisch", "SERVICE0", "SERVICE64", "SERVICE", "1"],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="caption"):
        Settings(caption_tracks=text)
