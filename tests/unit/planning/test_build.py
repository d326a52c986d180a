"""The plan: a function of source and settings only; ids change exactly when bytes may."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan_samples import AUDIO, PTS, VIDEO, facts, ids, plan
from streamify.model.plan import Plan
from streamify.model.settings import MediaSettings, Rung, Settings
from streamify.planning.build import build_plan


def test_the_usual_clip() -> None:
    found, windows = plan()
    assert [track.name for track in found.video] == ["1080p", "720p", "480p", "360p"]
    assert [(track.width, track.height) for track in found.video] == [(1920, 1080), (1280, 720), (854, 480), (640, 360)]
    assert found.segments == len(windows) == 4
    assert [(one.start, one.end) for one in windows] == [
        (0, 60060), (60060, 180180), (180180, 360360), (360360, 420420)  # 2.002, 4.004, 6.006 s and the rest
    ]  # fmt: skip
    assert found.timeline.opening == (1, 2)
    alike, windows = plan(short_start=False)
    assert [one.end - one.start for one in windows] == [180180, 180180, 60060]
    assert not set(ids((alike, windows))) & set(ids((found, [])))
    assert alike.timeline.opening == ()
    assert found.target_duration == 6  # 6.006 s, rounded to the nearest as HLS wants it
    assert found.timeline.origin == 3003
    sound = found.audio[0]
    assert sound.samples == 672_672  # 14.014 s at 48 kHz
    assert sound.recipe.origin == Fraction(1001, 10000)
    assert re.fullmatch(r"en-aac-[0-9a-f]{8}", sound.id)
    assert re.fullmatch(r"1080p-[0-9a-f]{8}", found.video[0].id)
    assert sum(found.estimate.cost) == pytest.approx(1)
    assert found.estimate.cost[0] > found.estimate.cost[1] > found.estimate.cost[3]
    assert Plan.from_json(found.to_json()) == found


def test_caps_grow_with_the_rate() -> None:
    slow, _ = plan(ladder="720p")
    double = dict(VIDEO, rate="60000/1001", average_rate="60000/1001")
    pts = [3003 + number * 1001 // 2 for number in range(420)]
    fast, _ = build_plan(facts(double), pts, MediaSettings(ladder="720p"), "av 1")
    assert (slow.video[0].recipe.maxrate, slow.video[0].recipe.bufsize) == (3_500_000, 5_250_000)
    assert (fast.video[0].recipe.maxrate, fast.video[0].recipe.bufsize) == (5_250_000, 7_875_000)


def test_ids_change_when_bytes_may() -> None:
    base = ids(plan())
    assert ids(plan()) == base
    for changed in (plan(crf=22), plan(preset="fast"), plan(segment_seconds=4), plan(keyframe_seconds=1),
                    plan(build="av 2")):  # fmt: skip
        assert not set(ids(changed)[:4]) & set(base[:4])
    assert ids(plan(audio_bitrate=96000))[:4] == base[:4]
    assert ids(plan(audio_bitrate=96000))[4] != base[4]
    other = facts().model_copy(update={"ref": facts().ref.model_copy(update={"identity": "1" * 32})})
    assert not set(ids(plan(other))) & set(base)


def test_one_rung_changed_leaves_the_others_alone() -> None:
    rungs = [Rung(name="a", short_side=720, maxrate=3_000_000), Rung(name="b", short_side=360, maxrate=700_000)]
    before = ids(plan(ladder=tuple(rungs)))
    rungs[1] = rungs[1].model_copy(update={"crf": 30.0})
    after = ids(plan(ladder=tuple(rungs)))
    assert before[0] == after[0]
    assert before[1] != after[1]
    assert before[2] == after[2]
    assert ids(plan(ladder=(rungs[0],)))[0] == before[0]


def test_where_it_runs_is_no_part_of_the_plan() -> None:
    assert Settings(workers=1).media() == Settings(workers=64, engine="inline", replace=True).media()


def test_sound_alone_has_a_grid_of_its_own() -> None:
    found, windows = plan(facts(None, (dict(AUDIO, start=0),)))
    assert found.video == ()
    assert found.timeline.timescale == 48000
    assert found.timeline.end == 672_672
    assert [(w.start, w.end) for w in windows] == [(0, 288_000), (288_000, 576_000), (576_000, 672_672)]


def test_two_tracks_of_one_language_have_two_ids() -> None:
    two = (AUDIO, dict(AUDIO, stream=2, title="Commentary", commentary=True))
    found = ids(plan(facts(VIDEO, two)))
    assert len(set(found)) == 6


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"sample_aspect": "4/3"}, "sample aspect 4/3"),
        ({"rotation": 90}, "rotation 90"),
        ({"mirrored": True}, "mirroring"),
        ({"colour": {"primaries": 9, "transfer": 14, "matrix": 9}}, "BT.2020 colour"),
        ({"interlaced": True}, "some interlaced pictures"),
        ({"interlaced": True, "mostly_interlaced": True}, "interlaced pictures"),
        ({"bit_depth": 10}, "10-bit pictures"),
        ({"colour": {"transfer": 16}}, "HDR"),
        ({"colour": {"full_range": True}}, "full-range colour"),
    ],
)
def test_conversions_are_named(changes: dict[str, Any], what: str) -> None:
    found, _ = plan(facts(dict(VIDEO, **changes)))
    assert [note.what for note in found.notes] == [what]
    assert found.notes[0].why


def test_hdr_is_tone_mapped_once_at_the_size_of_the_largest_rung() -> None:
    """The recipe says so: with another ladder the other rungs have other bytes, and so other URLs."""
    hdr = facts(dict(VIDEO, colour={"transfer": 16, "primaries": 9, "matrix": 9, "peak": 4000}))
    found, _ = plan(hdr)
    largest = max((track.width, track.height) for track in found.video)
    assert {track.recipe.tone_mapped_at for track in found.video} == {largest}
    assert (
        found.notes[0].why
        == "tone mapped to SDR BT.709 for H.264: highlights up to 4000 cd/m2 (its metadata) are rolled off"
    )
    sdr, _ = plan(facts(VIDEO))
    assert {track.recipe.tone_mapped_at for track in sdr.video} == {None}


def test_conversions_of_sound_are_named() -> None:
    source = facts(VIDEO, (dict(AUDIO, channels=6, layout="5.1", sample_rate=96000),))
    found, _ = plan(source)
    assert [note.what for note in found.notes] == ["audio stream 1: 5.1", "audio stream 1: 96000 Hz"]
    stereo, _ = plan(source, surround="off")
    assert [note.what for note in stereo.notes] == [
        "audio stream 1: 5.1", "audio stream 1: the LFE channel", "audio stream 1: 96000 Hz"
    ]  # fmt: skip


@given(st.integers(1, 420), st.fractions(Fraction(1, 2), 10, max_denominator=10))
def test_target_duration_holds_for_every_segment(frames: int, segment_seconds: Fraction) -> None:
    source = facts(dict(VIDEO, frames=frames, end=3003 + frames * 1001))
    found, windows = build_plan(source, PTS[:frames], MediaSettings(segment_seconds=segment_seconds), "av 1")
    for window in windows:
        assert round(float(Fraction(window.end - window.start, 30000))) <= found.target_duration


@pytest.mark.parametrize(
    ("segment", "keyframe", "what"),
    [
        (6, 4, ["keyframes every 3.003 s, not 4 s"]),  # 180 frames in two steps of 90, 90 x 1001 / 30000 s each
        (1, 5, ["keyframes every 1.001 s, not 5 s"]),
        (6, 2, []),
        (6, 6, []),
        ("7.5", "2.5", []),
        (10, 3, ["keyframes every 2.502 s, not 3 s"]),  # four steps of 75 frames
    ],
)
def test_another_grid_than_asked_for_is_named(segment: object, keyframe: object, what: list[str]) -> None:
    found, _ = plan(segment_seconds=segment, keyframe_seconds=keyframe)
    assert [note.what for note in found.notes] == what


def test_another_grid_at_a_variable_rate_is_named() -> None:
    settings = MediaSettings(segment_seconds=Fraction(6), keyframe_seconds=Fraction(4))
    found, _ = build_plan(facts(dict(VIDEO, rate=None)), PTS, settings, "a")
    assert [note.what for note in found.notes] == ["keyframes every 3 s, not 4 s"]


def test_segments_of_another_length_are_named() -> None:
    slow = dict(VIDEO, rate=1, average_rate=1, time_base=1, first=0, end=14, frames=14)
    settings = MediaSettings(segment_seconds=Fraction(5, 2), keyframe_seconds=Fraction(1, 2), short_start=False)
    found, windows = build_plan(facts(slow, ()), range(14), settings, "a")
    assert next(window.end - window.start for window in windows) == 4  # four steps of one frame: half ones are none
    assert [note.what for note in found.notes] == ["segments of 4 s, not 2.5 s"]


@given(
    st.fractions(Fraction(1, 2), 10, max_denominator=10),
    st.fractions(Fraction(1, 10), 10, max_denominator=10),
)
def test_whatever_the_grid_is_a_note_says_where_it_is_another(segment: Fraction, keyframe: Fraction) -> None:
    found, windows = plan(segment_seconds=segment, keyframe_seconds=keyframe, short_start=False)
    frame = Fraction(1001, 30000)
    assert found.timeline.keyframe_frames is not None
    real = found.timeline.keyframe_frames * frame
    said = [note.what for note in found.notes if note.what.startswith("keyframes")]
    assert bool(said) == (abs(real - keyframe) > frame)
    if len(windows) > 1:
        length = Fraction(windows[0].end - windows[0].start, 30000)
        assert (abs(length - segment) < frame) or any(note.what.startswith("segments of") for note in found.notes)


@pytest.mark.parametrize(
    ("layout", "channels", "surround"),
    [
        ("stereo", 2, False), ("quad", 4, False), ("5.0", 5, True), ("5.1(side)", 6, True), ("7.1", 8, True),
        ("6 channels", 6, True), ("12 channels", 12, False), ("22.2", 24, True), ("ambisonic 2", 9, False),
    ],
)  # fmt: skip
def test_which_sound_gets_5_1_beside_stereo(layout: str, channels: int, surround: bool) -> None:
    source = facts(VIDEO, (AUDIO, dict(AUDIO, stream=2, channels=channels, layout=layout)))
    found, _ = plan(source)
    without, _ = plan(source, surround="off")
    assert found.audio[:2] == without.audio  # stereo keeps its bytes and its URL
    assert [track.recipe.channels for track in found.audio] == [2, 2, 6][: 2 + surround]
    if surround:
        assert found.audio[2].labels == found.audio[1].labels
        assert found.audio[2].id.startswith("en-aac-surround-")


def test_ac3_is_48_khz() -> None:
    source = facts(VIDEO, (dict(AUDIO, channels=6, layout="5.1", sample_rate=44100),))
    for codec, rate in (("aac", 44100), ("ac3", 48000), ("eac3", 48000)):
        stereo, wide = plan(source, surround=codec)[0].audio
        assert (stereo.sample_rate, wide.sample_rate, wide.recipe.codec) == (44100, rate, codec)
        assert wide.samples == -(-14.014 * rate // 1)
