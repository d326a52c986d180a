"""Predicted cost: expected values by hand, from the examples on AWS's pricing pages and from its list prices."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
import yaml
from benchmarks import price

from streamify.backends.aws.pricing import cost
from streamify.backends.aws.pricing.cost import Prediction, bill, look_times, map_seconds, predict_job, refuse_above
from streamify.backends.aws.pricing.deployment import _PARAMETERS, Deployment
from streamify.backends.aws.pricing.routing import choose_groups, function_of, seconds_of
from streamify.backends.aws.pricing.sample import shorten
from streamify.backends.aws.pricing.work import CALL_CPU, REQUEST_SECONDS, Call, Load, calls, load_of, video_call
from streamify.cli.show.predicted import predicted
from streamify.errors import CapExceeded
from streamify.model.burn import PART_SEGMENTS, BurnPlan
from streamify.model.plan import EntryPoint, Plan, Segment
from streamify.model.result import Blob, Cost, Seam, SegmentRecord
from streamify.model.settings import MediaSettings
from streamify.model.source import ContentSeen, PictureSeen, SourceFacts
from streamify.planning.build import build_plan, with_content
from streamify.planning.speed import ENCODE, Speed, from_sample, from_table

ROOT = Path(__file__).parents[4]
X86 = Deployment()
HOURS = 10
RUNGS = "2160p,1440p,1080p,720p,540p,480p,360p,240p"


def film(segments: int = 2, ladder: str = RUNGS, *, sound: bool = True, keep: int = 1) -> Plan:
    """A film of 24 pictures a second in segments of 6 s: 144 pictures each."""
    video = {
        "stream": 0, "codec": "h264", "width": 3840, "height": 2160, "sample_aspect": 1, "pixel_format": "yuv420p",
        "time_base": "1/24000", "frames": 288, "first": 0, "end": 288_000, "rate": "24", "average_rate": "24",
    }  # fmt: skip
    audio = {"stream": 1, "codec": "aac", "sample_rate": 48000, "channels": 2, "layout": "stereo",
             "time_base": "1/48000", "start": 0, "duration": "12"}  # fmt: skip
    facts = SourceFacts.model_validate(
        {
            "ref": {"key": "a.mp4", "size": segments * 1_000_000, "version": "1", "identity": "0" * 32},
            "container": "mov", "duration": "12", "access": "sliced", "scanned": False, "video": video,
            "audio": [audio] if sound else [],
        }
    )  # fmt: skip
    plan, _ = build_plan(facts, range(0, 288_000, 1000), MediaSettings(ladder=ladder), "av 1")
    end = segments * 144 * (plan.timeline.frame_duration or 0)
    timeline = plan.timeline.model_copy(update={"end": end, "keep_every": keep})
    return plan.model_copy(update={"segments": segments, "timeline": timeline})


def call(seconds: float, key: str = "video/00000/1080p", what: str = "1080p") -> Call:
    return Call(key, 1000, what, seconds, seconds, gets=0, puts=0)


def test_the_first_example_of_the_lambda_pricing_page() -> None:
    # 3 million requests of 120 ms at 1,536 MB: 540,000 GB-s. Without the free tier: $9.00 and $0.60.
    found = bill(3_000_000 * 0.120 * 1536 / 1024, 3_000_000, 0, 0, 0, stack=X86)
    assert found.duration == pytest.approx(9.000018)
    assert found.requests == pytest.approx(0.60)
    assert found.total == pytest.approx(9.600018)


def test_the_first_example_of_the_step_functions_pricing_page() -> None:
    # 100,000 runs of 4 transitions, less the 4,000 that are free: 396,000 at $0.025 per 1,000.
    assert bill(0, 0, 396_000, 0, 0, stack=X86).transitions == pytest.approx(9.90)


def test_s3_requests_and_graviton() -> None:
    # 10,000 PUT at $0.005 per 1,000 and 20,000 GET at $0.0004 per 1,000.
    assert bill(0, 0, 0, 10_000, 20_000, stack=X86).storage_requests == pytest.approx(0.05 + 0.008)
    arm = Deployment(architecture="arm64")
    assert bill(1_000_000, 0, 0, 0, 0, stack=arm).duration == pytest.approx(13.3334)


def test_ten_hours_and_eight_rungs() -> None:
    plan = film(segments=HOURS * 600, sound=False)
    speed = Speed(sampled=True, decode=0.01, renditions=(0.06,) * 8)
    every = list(calls(plan, [Load(144, 144, 2 << 20)] * plan.segments, speed))
    assert len(every) == 48_000
    # 144 x 0.07 s = 10.08 s, what a call takes of its own, and (6 + 1 + 8) + 3 + 1 requests of 8 ms.
    assert every[0].cpu == pytest.approx(10.08 + CALL_CPU)
    assert (every[0].gets, every[0].puts) == (15, 4)
    bare = [call(10.0, one.key, one.what) for one in every]
    found = predict_job(plan, bare, X86, sampled=True)
    video = [one for one in found.work if one.what.endswith("p")]
    assert [one.calls for one in video] == [6000] * 8
    # 480,000 s x 1,769 MB / 1,024 = 829,218.75 GB-s: $13.82.
    assert sum(one.gb_seconds for one in video) == pytest.approx(829_218.75)
    assert found.invocations == 48_002
    assert found.cost.requests == pytest.approx(0.0096004)
    # A child counts twice, for its start and its only state; the job itself 13 times: $2.40.
    assert found.transitions == 96_013
    assert found.cost.transitions == pytest.approx(2.400325)
    others = found.gb_seconds - 829_218.75
    assert found.cost.duration == pytest.approx(13.820326 + others * 0.0000166667, rel=1e-5)
    assert found.cost.total == pytest.approx(
        found.cost.duration + found.cost.requests + found.cost.transitions + found.cost.storage_requests
    )
    # 48,000 tasks of 10 s; 900 at once, for a tenth of the quota is left to others: 53.3 rounds.
    assert found.concurrency == 900
    assert 533 < found.finish_seconds - found.work[-1].seconds < 555
    assert Prediction.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("cpu", "waits", "memory", "expected"),
    [
        (2, 0, 1769, 2),
        (2, 0, 3538, 2),  # a second core is of no use to one thread
        (1, 0, 1024, 1.728),  # 1769 / 1024 = 1.72754, rounded up to a whole millisecond
        (1, 0.504, 884, 2.506),  # waiting takes no CPU: 2.00113 + 63 requests of 8 ms
        (0.0001, 0, 1769, 0.001),
    ],
)
def test_seconds_on_lambda(cpu: float, waits: float, memory: int, expected: float) -> None:
    call = Call("a", 500, "a", cpu, cpu, gets=round(waits / REQUEST_SECONDS), puts=0)
    assert seconds_of(call, memory) == expected


@pytest.mark.parametrize("rate", [24, 60])
def test_no_other_way_to_share_decodes_is_cheaper(rate: int) -> None:
    plan, stack = film(), Deployment()
    assert plan.source.video is not None
    video = plan.source.video.model_copy(update={"average_rate": Fraction(rate)})
    plan = plan.model_copy(update={"source": plan.source.model_copy(update={"video": video})})
    load, speed = Load(6 * rate, 6 * rate, plan.source.ref.size // plan.segments), from_table(plan)

    def priced(group: tuple[int, ...]) -> tuple[float, float]:
        one = video_call(plan, 0, group, load, speed)
        memory = stack.functions[function_of(one, stack)]
        seconds = seconds_of(one, memory)
        # Lambda on arm64 and x86 by the second, a request, two transitions of a Standard child, reads from S3.
        rate = {"arm64": 0.0000133334, "x86_64": 0.0000166667}[stack.architecture]
        dollars = seconds * memory / 1024 * rate + 0.0000002 + 2 * 0.000025 + one.gets * 0.0000004
        return seconds if one.memory <= memory else math.inf, dollars

    count = len(plan.video)
    longest = max(priced((number,))[0] for number in range(count))
    ways = []
    for borders in product([False, True], repeat=count - 1):
        cuts = [0, *(place for place, border in enumerate(borders, 1) if border), count]
        groups = tuple(tuple(range(first, stop)) for first, stop in pairwise(cuts))
        if all(len(group) == 1 or priced(group)[0] <= longest for group in groups):
            ways.append((sum(priced(group)[1] for group in groups), groups))
    found = choose_groups(plan, stack)
    assert found == min(ways)[1]
    assert 1 < len(found) < count


def test_files_that_are_written_side_by_side_wait_for_the_rate_of_s3_alone() -> None:
    words = Call("a", 500, "a", cpu=1, alone=1, gets=9, puts=35_001, beside=35_000)
    assert words.waits == pytest.approx(10.08)  # 10 requests of 8 ms, and 35,000 at 3,500 a second


def test_stages_run_side_by_side_where_there_are_vcpus() -> None:
    call = Call("a", 500, "a", cpu=12, alone=7, gets=0, puts=0)
    assert [seconds_of(call, memory) for memory in (1769, 2 * 1769, 4 * 1769)] == [12, 7, 7]
    even = Call("a", 500, "a", cpu=12, alone=5, gets=0, puts=0)
    assert [seconds_of(even, memory) for memory in (2 * 1769, 4 * 1769)] == [6, 5]


@pytest.mark.parametrize(
    ("seconds", "workers", "begin", "expected"),
    [
        ([], 5, 1, 0),
        ([4, 3, 2, 1], 1, 0, 10),
        ([4, 3, 2, 1], 2, 0, 5),  # 4 + 1 and 3 + 2
        ([4, 3, 2, 1], 4, 1.5, 5.5),
        ([4, 3, 2, 1], 99, 0, 4),
        ([60] * 2001, 5000, 0, 80),  # 1,000 workers at once, 1,000 more after 10 s and after 20 s
    ],
)
def test_when_the_last_task_ends(seconds: list[float], workers: int, begin: float, expected: float) -> None:
    assert map_seconds(seconds, workers, begin) == expected


def test_small_renditions_share_a_call_and_what_exists_is_not_made_again() -> None:
    plan = film(ladder="1080p,480p,360p", sound=False)
    loads = [Load(decoded=200, encoded=144, bytes=100_000), Load(144, 144, 100_000)]
    speed = Speed(sampled=True, decode=0.01, renditions=(0.05, 0.02, 0.01))
    found = list(calls(plan, loads, speed, groups=((0,), (1, 2)), done={(plan.video[0].id, 1)}))
    assert [(one.key, one.what) for one in found] == [
        ("video/00000/1080p", "1080p"),
        ("video/00000/480p,360p", "480p+360p"),
        ("video/00001/480p,360p", "480p+360p"),
    ]
    assert [one.cpu - CALL_CPU for one in found] == pytest.approx([2 + 7.2, 2 + 2.88 + 1.44, 1.44 + 2.88 + 1.44])
    assert [one.puts for one in found] == [4, 7, 7]


def test_sound_goes_in_pieces_before_the_pictures() -> None:
    plan = film(segments=120, ladder="360p")
    found = list(calls(plan, [Load(144, 144, 0)] * 120, Speed(sampled=True, renditions=(0.0,), sound=0.01)))
    assert [one.what for one in found[:7]] == ["audio"] * 6 + ["360p"]
    assert [one.puts for one in found[:6]] == [61] * 6  # 20 segments of 6 s are 120 s
    assert found[0].cpu == pytest.approx(1.2 + CALL_CPU)


def segment(**changes: Any) -> Segment:
    known: dict[str, Any] = {
        "index": 1, "start": 144, "end": 288, "source_start": 144_000, "source_end": None, "frames": 144,
        "first": 144_000, "next": None, "weight": 144_000, "entries": (EntryPoint(pts=96_000, dts=95_000),),
    }  # fmt: skip
    return Segment(**known | changes)


def test_pictures_before_a_segment_are_decoded_too() -> None:
    # From 4 s to 6 s: 48 pictures more, which have as many bytes as others, and 3 after the end.
    assert load_of(film(), segment()) == Load(decoded=195, encoded=144, bytes=192_000)
    assert load_of(film(keep=2), segment(entries=())) == Load(decoded=147, encoded=72, bytes=144_000)


def test_a_window_is_the_first_second_of_a_segment() -> None:
    found = shorten(segment(keyframes=(150, 200)), film().timeline, Fraction(1))
    assert (found.start, found.end, found.frames) == (144, 168, 24)
    # 24 pictures lie 1,000 ticks apart: the last starts at 167,000, the next would at 168,000.
    assert found.source_end is not None
    assert 167_000 < found.source_end < 168_000
    assert found.keyframes == (150,)
    short = segment(end=160, frames=16)
    assert shorten(short, film().timeline, Fraction(1)) is short


def test_what_a_sample_says() -> None:
    plan = film(ladder="720p,360p")
    tasks = [
        [_record(plan, 0, Cost(decode=1.012, scale=0.2, encode=2.2, preroll_frames=23))],
        [_record(plan, 1, Cost(decode=1.012, scale=0.1, encode=0.5, preroll_frames=23))],
    ]
    found = from_sample(plan, tasks)
    assert found.decode == pytest.approx(0.02)  # 2 s beside 12 ms of opening, for twice 24 + 23 + 3 pictures
    assert found.renditions == pytest.approx((0.1, 0.025))


def _record(plan: Plan, number: int, spent: Cost) -> SegmentRecord:
    seam = Seam(decoded=24, encoded=24, first=0, last=23_000, next=24_000)
    blob = Blob(key="k", size=1, sha256="0")
    return SegmentRecord(track=plan.video[number].id, segment=0, media=blob, init=blob, start=0, duration=24,
                         frames=24, seam=seam, cost=spent)  # fmt: skip


def test_a_tone_map_is_paid_once_per_task_at_the_size_of_the_largest_rung() -> None:
    """2.07 million pixels at 10 to 24 ns each, which is what was measured for ``lut3d`` and the steps around it."""
    sdr = film(ladder="1080p,360p")
    mapped = [
        track.model_copy(update={"recipe": track.recipe.model_copy(update={"tone_mapped_at": (1920, 1080)})})
        for track in sdr.video
    ]
    hdr = sdr.model_copy(update={"video": tuple(mapped)})
    assert 0.02 < from_table(hdr).decode - from_table(sdr).decode < 0.05
    assert from_table(hdr).renditions == from_table(sdr).renditions


def test_the_table_knows_every_preset_and_dearer_ones_cost_more() -> None:
    assert list(ENCODE.values()) == sorted(ENCODE.values())
    found = from_table(film(ladder="1080p,360p"))
    assert not found.sampled
    assert found.renditions[0] > found.renditions[1] > 0


def test_the_table_knows_that_screens_take_longer() -> None:
    """As measured on five screens, beside the row of films: 1.41 in the mean; decoding takes what it did."""
    filmed = film(ladder="1080p,720p,360p")
    seen = PictureSeen(edges=78, plain=59)
    screen = with_content(filmed, filmed.source.model_copy(update={"content": ContentSeen(others=(seen,))}))
    ratios = [two / one for one, two in zip(from_table(filmed).renditions, from_table(screen).renditions, strict=True)]
    assert 1.25 < ratios[0] < 1.5
    assert 1.2 < ratios[1] < 1.5
    assert ratios[2] == 1  # begun before anybody knows
    assert from_table(screen).decode == from_table(filmed).decode


def test_a_cap() -> None:
    found = predict_job(film(ladder="360p"), [call(100.0)], X86, sampled=False)
    refuse_above(found, None)
    refuse_above(found, 1.0)
    with pytest.raises(CapExceeded, match=r"cost \$0\.00.*the cap is \$0\.0010") as caught:
        refuse_above(found, 0.001)
    assert (caught.value.code, caught.value.exit_code) == ("cost-too-high", 7)


def test_quota_memory_and_time_limit_show() -> None:
    small = Deployment(quota=10, memory=1024, assumed=("stack 'x' was not found: nothing is known",))
    found = predict_job(film(ladder="360p"), [call(1000.0)] * 20, small, sampled=False)
    assert found.concurrency == 9
    assert found.slowest.seconds == pytest.approx(1727.5, abs=0.1)
    text = "\n".join(predicted(found))
    assert "quota of 10" in text
    assert "above half of TaskSeconds (900 s): refused" in text
    assert "Assumed: stack 'x' was not found" in text
    assert "a table" in text


def test_defaults_are_those_of_the_template() -> None:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)
    template = yaml.load((ROOT / "deploy" / "aws" / "template.yaml").read_text(), Loader)
    parameters = template["Parameters"]
    assert Deployment.model_validate({field: parameters[key]["Default"] for key, field in _PARAMETERS.items()}) == X86
    for name in ("SplitFunction", "AssembleFunction"):
        assert template["Resources"][name]["Properties"]["MemorySize"] == cost.OTHER_MEMORY


def test_a_film_without_pictures() -> None:
    plan = film(ladder="360p")
    source = plan.source.model_copy(update={"video": None})
    deaf = plan.model_copy(update={"source": source, "video": ()})
    found = predict_job(deaf, calls(deaf, [Load(0, 0, 0)] * 2, from_table(deaf)), X86, sampled=False)
    assert [one.what for one in found.work] == ["split", "audio", "assemble"]
    assert Fraction(found.invocations) == 3


def test_burning_in_reads_the_source_once_and_a_part_of_what_is_drawn_for_each_call() -> None:
    plain = film(segments=40, ladder="360p", sound=False)
    size = 100 << 20
    source = plain.source.model_copy(update={"ref": plain.source.ref.model_copy(update={"size": size})})
    plain = plain.model_copy(update={"source": source})
    burn = BurnPlan(stream=2, codec="hdmv_pgs_subtitle")
    drawn = plain.model_copy(update={"burn": burn})
    speed, loads = Speed(sampled=True, renditions=(0.0,)), [Load(144, 144, 0)] * 40
    before, after = (predict_job(plan, calls(plan, loads, speed), X86, sampled=True) for plan in (plain, drawn))
    # 100 MiB in requests of 8 MiB: 13; one more for each of 40 calls.
    assert after.gets - before.gets == 13 + 40
    parts = -(-40 // PART_SEGMENTS)
    assert after.puts - before.puts == parts
    # A second for a thousand million bytes, and requests of 8 ms.
    spent = after.work[0].seconds - before.work[0].seconds
    assert spent == pytest.approx(size / 1e9 + (13 + parts) * REQUEST_SECONDS, abs=0.002)


def test_the_guide_shows_what_is_predicted() -> None:
    guide = (ROOT / "docs/guides/aws.md").read_text()
    assert "\n".join(price.rows()) in guide, "run: python -m benchmarks.price"


def test_a_stream_plays_once_its_first_sound_and_picture_exist() -> None:
    plan = film(segments=3, ladder="360p")
    every = [call(5.0, "audio/x/00000", "audio"), call(2.0)]
    every += [call(9.0, f"video/0000{number}/1080p") for number in (1, 2)]
    final = predict_job(plan, every, X86, sampled=True)
    early = predict_job(plan, every, X86, sampled=True, early=True)
    assert final.playable_seconds == final.finish_seconds
    # Split, its start and that of a worker, 5 s of sound, and a second in which it is looked for.
    split = early.work[0].seconds
    assert early.playable_seconds == pytest.approx(0.7 + split + 0.7 + 5 + 1, abs=0.1)
    # Looks at 6.7, 9.7 and, after the map, 12.7 s; each is three transitions.
    looks = len(look_times(6.7, 9.7))
    assert looks == 2
    assert early.transitions - final.transitions == 3 * looks
    assert early.invocations - final.invocations == looks
