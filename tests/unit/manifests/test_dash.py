from __future__ import annotations

import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifest_samples import audio, video
from streamify.manifests.dash import iso_duration, mpd, runs
from streamify.manifests.words import TextManifest
from streamify.model.images import SheetRecord, StoryboardReport
from streamify.model.recipe import TextRecipe
from streamify.model.track import TextTrack

NS = "{urn:mpeg:dash:schema:mpd:2011}"


def test_mpd() -> None:
    ladder = [video(600_000, 750_000), video(60_000, 75_000, name="360p", width=640, height=360)]
    text = mpd(ladder[:1], [audio(282, 281, title="Ton & Wort", language="de", default=True)], Fraction(12))
    assert (
        text
        == """<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" \
profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="static" \
mediaPresentationDuration="PT12S" maxSegmentDuration="PT6.016S" minBufferTime="PT6.016S">
  <Period id="0" start="PT0S">
    <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" \
par="16:9" maxWidth="1920" maxHeight="1080" maxFrameRate="24">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main" />
      <Representation id="1080p-3f9a2c1b" bandwidth="1000000" codecs="avc1.640028" width="1920" height="1080" \
frameRate="24" sar="1:1" scanType="progressive">
        <SegmentTemplate timescale="24" initialization="video/1080p-3f9a2c1b/init.mp4" \
media="video/1080p-3f9a2c1b/$Number%05d$.m4s" startNumber="0">
          <SegmentTimeline>
            <S t="0" d="144" r="1" />
          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1" lang="de">
      <Label>Ton &amp; Wort</Label>
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main" />
      <Representation id="en-aac-8d41e07a" bandwidth="128114" codecs="mp4a.40.2" audioSamplingRate="48000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:mpegB:cicp:ChannelConfiguration" value="2" />
        <SegmentTemplate timescale="48000" initialization="audio/en-aac-8d41e07a/init.mp4" \
media="audio/en-aac-8d41e07a/$Number%05d$.m4s" startNumber="0">
          <SegmentTimeline>
            <S t="0" d="288768" />
            <S t="288768" d="287744" />
          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"""
    )
    assert mpd(ladder, [], Fraction(12)) == mpd(ladder, [], Fraction(12))


def test_ladder_is_one_adaptation_set() -> None:
    portrait = [video(9, name="a", width=1080, height=1920), video(9, name="b", width=406, height=720)]
    root = ET.fromstring(mpd(portrait, [], Fraction(6)))
    (adaptation,) = root.iter(f"{NS}AdaptationSet")
    assert (adaptation.get("par"), adaptation.get("maxWidth"), adaptation.get("maxHeight")) == ("9:16", "1080", "1920")
    assert len(list(adaptation.iter(f"{NS}Representation"))) == 2


def test_roles_and_languages() -> None:
    tracks = [
        audio(282, language=None, name="x"),
        audio(282, default=True, name="y"),
        audio(282, commentary=True, name="z"),
    ]
    sets = list(ET.fromstring(mpd([], tracks, Fraction(6))).iter(f"{NS}AdaptationSet"))
    roles = [one.find(f"{NS}Role") for one in sets]
    assert [role.get("value") for role in roles if role is not None] == ["alternate", "main", "commentary"]
    assert [one.get("lang") for one in sets] == [None, "en", "en"]
    assert len({one.get("id") for one in sets}) == 3


@pytest.mark.parametrize("duration", [Fraction(0), Fraction(-1)])
def test_nothing_to_present(duration: Fraction) -> None:
    with pytest.raises(ValueError, match="needs a track"):
        mpd([video(9)], [], duration)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (Fraction(6), "PT6S"),
        (Fraction(16016, 1000), "PT16.016S"),
        (Fraction(1, 3), "PT0.333334S"),  # up: nothing of the last picture may be cut
        (Fraction(10), "PT10S"),
        (Fraction(36000), "PT36000S"),
    ],
)
def test_iso_duration(seconds: Fraction, text: str) -> None:
    assert iso_duration(seconds) == text


def test_runs() -> None:
    assert runs([5, 5, 5, 4, 5]) == [(0, 5, 2), (15, 4, 0), (19, 5, 0)]


@given(st.lists(st.integers(1, 3), min_size=1))
def test_runs_expand_to_the_durations(durations: list[int]) -> None:
    expanded = [(t + d * n, d) for t, d, r in runs(durations) for n in range(r + 1)]
    assert [d for _, d in expanded] == durations
    assert [t for t, _ in expanded] == [sum(durations[:n]) for n in range(len(durations))]


def test_ids_stay_while_an_mpd_grows() -> None:
    """Subtitles come one after another, in any order, and thumbnails before them (ISO/IEC 23009-1, 5.4)."""
    recipe = TextRecipe(stream=2, codec="subrip", origin=Fraction(0))
    words = [TextManifest(TextTrack(id=name, recipe=recipe), (Fraction(6),), 9) for name in ("en", "de", "fr")]
    names = [one.track.id for one in words]
    sheets = (SheetRecord(key="0.jpg", size=1, sha256=""),)
    board = StoryboardReport(
        id="b",
        folder="thumbnails/b",
        width=16,
        height=16,
        columns=1,
        rows=1,
        interval=Fraction(1),
        count=1,
        sheets=sheets,
    )

    def ids(made: list[TextManifest]) -> dict[str, str]:
        text = mpd([video(1)], [audio(282)], Fraction(6), thumbnails=board, words=made, subtitles=names)
        sets = ET.fromstring(text).iter(f"{NS}AdaptationSet")
        return {one.findall(f"{NS}Representation")[0].get("id", ""): one.get("id", "") for one in sets}

    last = ids(words)
    assert list(last.values()) == ["0", "1", "2", "3", "4", "5"]
    for made in ([], words[1:2], words[::2]):
        assert ids(made).items() <= last.items()
    assert mpd([video(1)], [], Fraction(6), words=words) == mpd(
        [video(1)], [], Fraction(6), words=words, subtitles=names
    )
