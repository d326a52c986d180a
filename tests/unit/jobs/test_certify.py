"""A prefix of a stream is certified by the same rules as the whole, and a view of it published in its own words."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from streamify.jobs.certify import certify
from streamify.jobs.publish import StreamView
from streamify.jobs.survey import read_records
from streamify.manifests.base import SegmentLine, TrackManifest
from streamify.manifests.dash import Growing
from streamify.model.plan import Plan, Segment
from streamify.model.result import SegmentRecord
from streamify.model.track import AudioTrack, VideoTrack
from streamify.storage.local import LocalStorage

Tracks = list[tuple[VideoTrack | AudioTrack, list[SegmentRecord]]]
NAMESPACE = {"d": "urn:mpeg:dash:schema:mpd:2011"}


@pytest.fixture
def plan(stream: Path) -> Plan:
    return Plan.from_json((stream / ".streamify/plan.json").read_bytes())


@pytest.fixture
def segments(stream: Path, plan: Plan) -> list[Segment]:
    return [Segment.from_json(line) for line in (stream / plan.segment_list).read_text().splitlines()]


@pytest.fixture
def tracks(stream: Path, plan: Plan) -> Tracks:
    found: Tracks = []
    for track in plan.tracks:
        records = list(read_records(LocalStorage(stream), ((track.id, index) for index in range(plan.segments))))
        found.append((track, [record for record in records if record is not None]))
    return found


@pytest.mark.parametrize("up_to", [1, 2, 3])
def test_every_prefix_of_a_good_stream_is_certified(
    up_to: int, plan: Plan, segments: list[Segment], tracks: Tracks
) -> None:
    found = certify(plan, segments, tracks, up_to)
    assert found.faults == ()
    assert found.certificate.encoded == sum(segment.frames for segment in segments[:up_to])
    assert found.certificate.seams == len(plan.video) * (up_to - 1)
    assert len(found.certificate.audio_over_video) == (up_to == plan.segments)  # is known at the end alone


def test_a_fault_counts_from_its_segment_on(plan: Plan, segments: list[Segment], tracks: Tracks) -> None:
    track, records = tracks[1]
    seam = records[1].seam
    assert seam is not None
    assert seam.first is not None
    records[1] = records[1].model_copy(update={"seam": seam.model_copy(update={"first": seam.first + 1})})
    faults = [certify(plan, segments, tracks, up_to).faults for up_to in (1, 2, 3)]
    assert faults[0] == ()
    assert all(fault.startswith(f"{track.folder}/00001.m4s") for fault in faults[1])
    assert len(faults[1]) == 2
    assert faults[2] == faults[1]


def test_a_prefix_is_not_taken_for_the_whole(plan: Plan, segments: list[Segment], tracks: Tracks) -> None:
    """The whole of a shorter plan ends here: pictures after the end and sound that is too short are faults of it."""
    short = plan.model_copy(update={"segments": 2})
    faults = certify(short, segments, tracks, 2).faults
    assert any("saw a picture after its end" in fault for fault in faults)
    assert any("sound ends" in fault for fault in faults)


def view(tracks: Tracks, up_to: int, growing: Growing | None) -> StreamView:
    manifests = []
    for track, records in tracks:
        lines = [SegmentLine(one.duration, one.media.size, one.frames, one.iframes) for one in records[:up_to]]
        declared = None if growing is None else 1_000_000
        manifests.append(TrackManifest(track, "avc1.64001e", 800, lines, declared))
    return StreamView(tuple(manifests), 6, Fraction(14), growing)


def test_a_stream_that_grows_is_an_event_and_dynamic_and_only_adds_lines(stream: Path, tracks: Tracks) -> None:
    since = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
    folder = tracks[0][0].folder
    before = ""
    for up_to in (1, 2, 3):
        growing = Growing(since, since + timedelta(seconds=up_to), Fraction(2))
        texts = view(tracks, up_to, growing).texts()
        playlist = texts[f"{folder}/playlist.m3u8"]
        assert "#EXT-X-PLAYLIST-TYPE:EVENT\n" in playlist
        assert "#EXT-X-ENDLIST" not in playlist
        assert playlist.count("#EXTINF") == up_to
        assert playlist.startswith(before)
        before = playlist
        assert "#EXT-X-ENDLIST" not in texts[f"{folder}/iframes.m3u8"]
        assert texts["master.m3u8"].count("AVERAGE-BANDWIDTH=2000000") == 2  # what is declared, with sound
        root = ET.fromstring(texts["manifest.mpd"])
        assert root.get("type") == "dynamic"
        assert root.get("availabilityStartTime") == "2026-11-25T11:59:45Z"  # 14 s and one more before
        assert root.get("publishTime") == f"2026-11-25T12:00:0{up_to}Z"
        assert root.get("minimumUpdatePeriod") == "PT2S"
        assert root.get("mediaPresentationDuration") == "PT14S"
    texts = view(tracks, 3, None).texts()
    assert texts[f"{folder}/playlist.m3u8"] == (stream / folder / "playlist.m3u8").read_text()
    assert texts[f"{folder}/iframes.m3u8"] == (stream / folder / "iframes.m3u8").read_text()
    assert list(texts)[-2:] == ["manifest.mpd", "master.m3u8"]  # a player that has the master finds all that it names
