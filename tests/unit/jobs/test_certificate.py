"""The certificate accepts what fits and names whatever does not."""

from __future__ import annotations

import re
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from streamify.jobs.certificate import Ledgers, check_audio, check_count, check_video, losses
from streamify.model.plan import EntryPoint, Plan, Repeats, Segment
from streamify.model.result import Blob, Seam, SegmentRecord
from streamify.model.source import Gap
from streamify.model.track import AudioTrack, VideoTrack

TRACK = VideoTrack.model_validate({"id": "360p-0", "timescale": 25, "recipe": {
    "codec": "h264", "width": 640, "height": 360, "frame_rate": 25, "crf": 23, "maxrate": 900_000,
    "bufsize": 1_350_000, "preset": "medium", "bframes": 3}})  # fmt: skip
SOUND = AudioTrack.model_validate({"id": "und-aac-0", "timescale": 48000, "recipe": {
    "codec": "aac", "stream": 1, "sample_rate": 48000, "channels": 2, "bitrate": 128000, "samples": 144_000,
    "origin": 0, "piece_segments": 100}})  # fmt: skip
CUTS = (0, 48, 95, 142)
"""3 s are 140.625 frames: 141 and one of priming."""
FRAMES = 25


def segments() -> list[Segment]:
    """Three segments of one second; a picture is 40 ticks of the source."""
    return [
        Segment(
            index=index, start=index * FRAMES, end=(index + 1) * FRAMES, source_start=index * 1000, frames=FRAMES,
            source_end=(index + 1) * 1000 if index < 2 else None, first=index * 1000,
            next=(index + 1) * 1000 if index < 2 else None, entries=(EntryPoint(pts=0, dts=0),),
        )
        for index in range(3)
    ]  # fmt: skip


def record(index: int, seam: dict[str, Any] | None = None, init: str = "i", **changes: Any) -> SegmentRecord:
    known: dict[str, Any] = {
        "decoded": FRAMES, "encoded": FRAMES, "first": index * 1000, "last": index * 1000 + 960,
        "next": (index + 1) * 1000 if index < 2 else None,
    }  # fmt: skip
    fields: dict[str, Any] = {
        "track": TRACK.id, "segment": index, "start": index * FRAMES, "duration": FRAMES, "frames": FRAMES,
        "media": Blob(key=f"{TRACK.folder}/{index:05d}.m4s", size=1, sha256="m"),
        "init": Blob(key=f"{TRACK.folder}/init.mp4", size=1, sha256=init), "seam": Seam(**known | (seam or {})),
    }  # fmt: skip
    return SegmentRecord(**fields | changes)


def judge(changes: dict[int, dict[str, Any]]) -> tuple[list[str], Ledgers]:
    sums = Ledgers()
    pairs = [(one, record(one.index, **changes.get(one.index, {}))) for one in segments()]
    return list(check_video(TRACK, pairs, sums, count=True)), sums


def test_what_fits_has_no_fault() -> None:
    faults, sums = judge({})
    assert faults == []
    found = sums.certificate()
    assert (found.promised, found.decoded, found.encoded, found.seams) == (75, 75, 75, 2)
    assert (found.damaged, found.duplicated, found.dropped, found.lost) == (0, 0, 0, ())


def test_losses_that_are_named_are_no_fault_and_are_counted() -> None:
    seam = {"decoded": 24, "encoded": 24, "lost": (1480,), "damaged": 2}
    faults, sums = judge({1: {"seam": seam, "frames": 24}})
    assert faults == []
    found = sums.certificate()
    assert (found.promised, found.decoded, found.lost, found.damaged) == (75, 74, (1480,), 2)


def test_a_segment_has_as_many_pictures_as_fill_it_at_a_constant_rate() -> None:
    """One that was left out although none of its rate was to be is no loss that the report names."""
    records = (record(0), record(1, {"encoded": 24, "dropped": 1}, frames=24), record(2))
    pairs = list(zip(segments(), records, strict=True))
    assert list(check_video(TRACK, pairs, Ledgers(), count=True)) == []  # at a variable rate
    (fault,) = check_video(TRACK, pairs, Ledgers(), count=True, step=1)
    assert fault == "video/360p-0/00001.m4s: 24 pictures in the file, 25 fill it at its rate, and none is named as lost"


def test_a_picture_that_stands_beside_fields_lasts_as_long_as_two_of_them() -> None:
    """25i with sound alone: 15 pictures are decoded, of two fields each, and one stands for the time of 10 others."""
    track = TRACK.model_copy(update={"recipe": TRACK.recipe.model_copy(update={"deinterlace": "field"})})
    segment = segments()[0].model_copy(
        update={"end": 50, "frames": 15, "next": None, "repeats": (Repeats(start=30, count=10, step=2),)}
    )
    seam = {"decoded": 15, "fields": 15, "duplicated": 10, "encoded": 40, "next": None}

    def faults(seam: dict[str, Any], frames: int) -> list[str]:
        pairs = [(segment, record(0, seam, duration=50, frames=frames))]
        return list(check_video(track, pairs, Ledgers(), count=True, step=1))

    assert faults(seam, 40) == []
    (fault,) = faults(seam | {"fields": 14, "encoded": 38, "dropped": 1}, 38)
    assert fault == "video/360p-0/00000.m4s: 38 pictures in the file, 40 fill it at its rate, and none is named as lost"


def test_pictures_left_out_on_purpose_are_counted() -> None:
    seam = {"encoded": 13, "dropped": 12}
    faults, sums = judge({index: {"seam": seam, "frames": 13} for index in range(3)})
    assert faults == []
    assert (sums.certificate().encoded, sums.certificate().dropped) == (39, 36)


@pytest.mark.parametrize(
    ("changes", "named", "why"),
    [
        ({1: {"seam": {"decoded": 24, "encoded": 24}, "frames": 24}}, 1, "24 pictures decoded"),
        ({1: {"seam": {"decoded": 26, "encoded": 26}, "frames": 26}}, 1, "26 pictures decoded"),
        ({1: {"seam": {"encoded": 24}, "frames": 24}}, 1, "24 encoded of 25"),
        ({1: {"frames": 24}}, 1, "24 pictures in the file"),
        ({1: {"seam": {"dropped": 1}}}, 1, "25 encoded of 25"),
        ({1: {"seam": {"duplicated": 1}}}, 1, "25 encoded of 25"),
        ({1: {"seam": {"first": 1040}}}, 1, "starts with picture 1040"),
        ({0: {"seam": {"next": 1040}}}, 1, "saw 1040 next"),
        ({0: {"seam": {"next": None}}}, 1, "saw None next"),
        ({1: {"seam": {"next": 1960}}}, 2, "saw 1960 next"),
        ({2: {"seam": {"next": 3000}}}, None, "saw a picture after its end"),
        ({1: {"start": 26}}, 1, "ticks 26"),
        ({1: {"duration": 24}}, 1, "ticks 25"),
        ({2: {"init": "other"}}, 2, "init segment differs"),
        ({1: {"shortest": 0}}, 1, "shown for 0 ticks"),
        ({1: {"lead": 3}}, 1, "shown 3 ticks after its start"),
    ],
)
def test_each_fault_is_named(changes: dict[int, dict[str, Any]], named: int | None, why: str) -> None:
    faults, _ = judge(changes)
    where = f"{TRACK.folder}/{named:05d}.m4s" if named is not None else TRACK.folder
    assert any(fault.startswith(where) and why in fault for fault in faults), faults


def test_a_loss_elsewhere_does_not_excuse_a_seam() -> None:
    lossy = {"decoded": 24, "encoded": 24, "lost": (1480,)}
    faults, _ = judge({0: {"seam": {"next": None}}, 1: {"seam": lossy, "frames": 24}})
    assert any("saw None next" in fault for fault in faults)


def test_a_lost_first_picture_excuses_its_seam_only() -> None:
    lossy = {"decoded": 24, "encoded": 24, "first": 1040, "lost": (1000,)}
    for seen in (1040, 1000, None):
        faults, _ = judge({0: {"seam": {"next": seen}}, 1: {"seam": lossy, "frames": 24}})
        assert faults == []
    faults, _ = judge({1: {"seam": lossy | {"next": 2040}, "frames": 24}})
    assert any("saw 2040 next" in fault for fault in faults)


@pytest.mark.parametrize("seen", [1080, None])
@pytest.mark.parametrize(
    ("damage", "starts", "faults"),
    [({"errors": 1}, 1000, 0), ({"damaged": 1}, 1000, 0), ({}, 1000, 1), ({"errors": 1}, 1040, 2)],
)
def test_behind_damage_a_decoder_may_not_see_the_next_segment(
    seen: int | None, damage: dict[str, int], starts: int, faults: int
) -> None:
    found, _ = judge({0: {"seam": damage | {"next": seen}}, 1: {"seam": {"first": starts}}})
    assert len(found) == faults


GONE: dict[str, Any] = {
    "decoded": 0, "encoded": 1, "duplicated": 1, "first": None, "last": None, "held": 960,
    "lost": tuple(range(1000, 2000, 40)),
}  # fmt: skip
"""A segment whose pictures are all lost."""


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, None),
        ({"held": None}, "picture None stands at its start"),
        ({"duplicated": 0, "encoded": 0}, "0 pictures are shown again, 1 are due"),
        ({"lost": tuple(range(1000, 1960, 40))}, "24 named as lost, 25 promised"),
        ({"decoded": 1, "first": 1000, "last": 1000, "lost": tuple(range(1040, 2000, 40))}, "1 pictures are shown"),
        ({"next": 2040}, "saw 2040 next"),
    ],
)
def test_a_picture_stands_where_all_of_a_segment_are_lost(changes: dict[str, Any], named: str | None) -> None:
    seam = GONE | changes
    faults, _ = judge({1: {"seam": seam, "frames": seam["encoded"]}})
    assert faults == [] if named is None else any(named in fault for fault in faults), faults


@pytest.mark.parametrize(("carried", "faults"), [(True, 1), (False, 0)])
def test_captions_that_are_lost_or_doubled(carried: bool, faults: int) -> None:
    """Of a rendition that carries them; where split saw none, the task names them."""
    track = TRACK.model_copy(update={"recipe": TRACK.recipe.model_copy(update={"captions": carried})})
    records = [record(index, {"captions": 40}, captions=40 if index != 1 else 39) for index in range(3)]
    sums = Ledgers()
    found = list(check_video(track, zip(segments(), records, strict=True), sums, count=True))
    assert len(found) == faults
    assert all("39 triples of captions in the file, 40 in the source" in fault for fault in found)
    assert sums.certificate().captions == 120


def test_a_record_without_an_account_is_a_fault() -> None:
    pairs = [(one, record(one.index)) for one in segments()]
    pairs[1] = (pairs[1][0], pairs[1][1].model_copy(update={"seam": None}))
    faults = list(check_video(TRACK, pairs, Ledgers(), count=True))
    assert re.search("00001.m4s: .*no account", faults[0])


def sound(index: int, **changes: Any) -> SegmentRecord:
    start, end = CUTS[index : index + 2]
    fields: dict[str, Any] = {
        "track": SOUND.id, "segment": index, "start": start * 1024, "duration": (end - start) * 1024,
        "frames": end - start, "media": Blob(key=f"{SOUND.folder}/{index:05d}.m4s", size=1, sha256="m"),
        "init": Blob(key=f"{SOUND.folder}/init.mp4", size=1, sha256="i"),
    }  # fmt: skip
    return SegmentRecord(**fields | changes)


def listen(records: list[SegmentRecord], end: int = 75, cuts: tuple[int, ...] = CUTS) -> tuple[list[str], Ledgers]:
    plan: Plan = SimpleNamespace(timeline=SimpleNamespace(end=end, timescale=25))  # type: ignore[assignment]
    sums = Ledgers()
    return list(check_audio(plan, SOUND, records, sums, cuts)), sums


def test_sound_covers_the_picture_by_less_than_a_frame() -> None:
    faults, sums = listen([sound(0), sound(1), sound(2)])
    assert faults == []
    assert sums.certificate().audio_over_video == (Fraction(141 * 1024, 48000) - 3,)


@pytest.mark.parametrize(
    ("changes", "named", "why"),
    [
        ({1: {"start": 48 * 1024 + 1}}, 1, "starts at tick"),
        ({1: {"start": 47 * 1024}}, 1, "other access units"),
        ({1: {"duration": 46 * 1024, "frames": 46}}, 1, "other access units"),
        ({1: {"frames": 46}}, 1, "46 access units in"),
        ({0: {"start": 1024}}, 0, "starts at tick"),
        ({2: {"init": Blob(key="x", size=1, sha256="other")}}, 2, "init segment differs"),
    ],
)
def test_each_fault_of_sound_is_named(changes: dict[int, dict[str, Any]], named: int, why: str) -> None:
    faults, _ = listen([sound(index, **changes.get(index, {})) for index in range(3)])
    assert any(fault.startswith(f"{SOUND.folder}/{named:05d}.m4s") and why in fault for fault in faults), faults


@pytest.mark.parametrize("end", [74, 76, 80])
def test_sound_too_long_or_too_short(end: int) -> None:
    faults, _ = listen([sound(0), sound(1), sound(2)], end)
    assert len(faults) == 1
    assert "after the picture" in faults[0]


def film(**changes: Any) -> Any:
    """A plan of an hour at 25 pictures a second, as far as losses are judged by it."""
    source = SimpleNamespace(
        video=SimpleNamespace(frames=90_000, average_rate=Fraction(25)), duration=Fraction(3600), gaps=(), breaks=()
    )
    settings = SimpleNamespace(strict=False, loss_limit=1.0)
    plan = SimpleNamespace(source=source, settings=settings,
                           timeline=SimpleNamespace(origin=0, time_base=Fraction(1, 1000)))  # fmt: skip
    for name, value in changes.items():
        setattr(settings if hasattr(settings, name) else source, name, value)
    return plan


def lost(*seconds: float, explained: bool = True) -> Ledgers:
    times = [int(one * 1000) for one in seconds]
    return Ledgers(lost=times, unexplained=[] if explained else times)


def test_a_picture_that_no_damage_explains_fails_the_job() -> None:
    assert [one.code for one in losses(film(), lost(100, explained=False))] == ["pictures-lost"]
    assert list(losses(film(), lost(100))) == []
    assert list(losses(film(), lost())) == []


def test_a_hole_or_a_break_or_an_end_near_it_explains_a_loss() -> None:
    near = SimpleNamespace(start=Fraction(95), at=Fraction(95), damage=False)
    assert list(losses(film(gaps=(near,)), lost(100, explained=False))) == []
    assert list(losses(film(breaks=(near,)), lost(100, explained=False))) == []
    assert [one.code for one in losses(film(gaps=(near,)), lost(200, explained=False))] == ["pictures-lost"]
    assert list(losses(film(), lost(0.04, 3599.96, explained=False))) == []


def test_damage_may_cost_one_per_cent_of_a_film_or_two_seconds_of_a_short_one() -> None:
    assert list(losses(film(), lost(*range(20, 920)))) == []
    assert [one.code for one in losses(film(), lost(*range(20, 921)))] == ["too-many-lost"]
    short = SimpleNamespace(frames=250, average_rate=Fraction(25))
    assert list(losses(film(video=short), lost(*range(50)))) == []
    assert [one.code for one in losses(film(video=short), lost(*range(51)))] == ["too-many-lost"]
    assert list(losses(film(video=short, loss_limit=40.0), lost(*range(100)))) == []
    assert [one.code for one in losses(film(strict=True), lost(100))] == ["too-many-lost"]


def with_damage(found: Ledgers) -> Ledgers:
    found.damage["segment 3: pictures are lost"] = None
    return found


@pytest.mark.parametrize(
    ("strict", "found", "hints"),
    [
        (False, lost(*range(921)), [{"--loss-limit"}]),
        (False, lost(100, explained=False), [set()]),
        (True, lost(100), [{"--strict"}]),
        (True, with_damage(lost(100)), [{"--strict"}]),
        (True, with_damage(lost()), [{"--strict"}]),
        (True, with_damage(lost(*range(921))), [{"--strict", "--loss-limit"}]),
        (True, with_damage(lost(100, explained=False)), [set(), {"--strict"}]),
    ],
)
def test_what_is_refused_is_said_once_with_the_settings_that_change_it(
    strict: bool, found: Ledgers, hints: list[set[str]]
) -> None:
    told = [one.hint for one in losses(film(strict=strict), found)]
    assert [{flag for flag in ("--strict", "--loss-limit") if flag in hint} for hint in told] == hints


def test_time_whose_bytes_cannot_be_read_counts_as_lost_and_a_hole_does_not() -> None:
    gap = Gap(start=Fraction(60), seconds=Fraction(36), why="", damage=True)
    short = SimpleNamespace(frames=250, average_rate=Fraction(25))
    assert list(losses(film(gaps=(gap,)), lost())) == []
    assert [one.code for one in losses(film(gaps=(gap, gap)), lost())] == ["too-many-lost"]
    assert [one.code for one in losses(film(video=short, gaps=(gap,)), lost())] == ["too-many-lost"]
    assert list(losses(film(video=short, gaps=(gap,), loss_limit=80.0), lost())) == []
    hole = gap.model_copy(update={"damage": False})
    assert list(losses(film(video=short, gaps=(hole,)), lost())) == []


@pytest.mark.parametrize(
    ("promised", "left_out", "faults"), [(75, 0, 0), (74, 1, 0), (74, 0, 1), (50, 0, 1), (76, 0, 1)]
)
def test_the_count_of_the_bitstream_must_be_accounted_for(promised: int, left_out: int, faults: int) -> None:
    source: Any = SimpleNamespace(video=True, coded=75, left_out=left_out)
    assert len(list(check_count(source, Ledgers(promised=promised)))) == faults


def paused() -> list[tuple[Segment, SegmentRecord]]:
    """Three segments of one second; after 12 pictures nothing comes until the third."""
    first, middle, last = segments()
    first = first.model_copy(update={"frames": 12, "next": 2000, "repeats": (Repeats(start=12, count=13),)})
    middle = middle.model_copy(
        update={"frames": 0, "first": None, "next": 2000, "held": 440, "repeats": (Repeats(start=25, count=25),)}
    )
    seams: list[dict[str, Any]] = [
        {"decoded": 12, "encoded": 25, "duplicated": 13, "last": 440, "next": 2000},
        {"decoded": 0, "encoded": 25, "duplicated": 25, "first": None, "last": None, "next": 2000, "held": 440},
        {},
    ]
    return [(one, record(one.index, seam)) for one, seam in zip((first, middle, last), seams, strict=True)]


def judge_pause(index: int, **changes: Any) -> list[str]:
    pairs = paused()
    segment, entry = pairs[index]
    assert entry.seam is not None
    pairs[index] = segment, entry.model_copy(update={"seam": entry.seam.model_copy(update=changes)})
    return list(check_video(TRACK, pairs, Ledgers(), count=True))


def test_a_segment_in_which_a_picture_stands_has_no_picture_of_its_own() -> None:
    sums = Ledgers()
    assert list(check_video(TRACK, paused(), sums, count=True)) == []
    found = sums.certificate()
    assert (found.promised, found.decoded, found.encoded, found.duplicated, found.seams) == (37, 37, 75, 38, 2)


@pytest.mark.parametrize(
    ("index", "changes", "named"),
    [
        (1, {"duplicated": 24}, "24 pictures are shown again, 25 are due"),
        (0, {"duplicated": 0, "encoded": 12}, "0 pictures are shown again, 13 are due"),
        (1, {"held": 400}, "picture 400 stands at its start, the index promises 440"),
        (1, {"held": None}, "picture None stands at its start"),
        (1, {"next": 2040}, "starts with picture 2040, the segment before saw 2000 next"),
        (0, {"next": 1960}, "starts with picture 2000, the segment before saw 1960 next"),
        (2, {"held": 960}, "picture 960 stands at its start, the index promises None"),
    ],
)
def test_repeats_that_are_not_as_planned_are_faults(index: int, changes: dict[str, Any], named: str) -> None:
    assert any(named in fault for fault in judge_pause(index, **changes))
