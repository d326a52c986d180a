"""Budgets lie above what was measured and below what stops nothing."""

from __future__ import annotations

import plan_samples
from streamify.model.source import Colour
from streamify.model.task import Budget
from streamify.planning.budget import (
    audio_budget,
    check_budget,
    drawn_check_budget,
    split_budget,
    streams_check_budget,
    video_budget,
)

MIB = 1 << 20
HOUR = 3600


def test_split_has_time_to_read_fifty_gigabytes() -> None:
    small, large = split_budget(1000), split_budget(50 * 10**9)
    assert 60 <= small.cpu_seconds <= 600
    assert 5 * HOUR < large.cpu_seconds < 10 * HOUR
    assert small.memory_bytes == large.memory_bytes == 1024 * MIB


def test_what_draws_subtitles_has_time_for_all_of_their_cues() -> None:
    """100,000 cues at 15 ms, as measured at 1080p; their check reads all of the source and holds 64 MB of parts."""
    plain, burns = split_budget(1000), split_budget(1000, burns=True)
    assert burns.cpu_seconds - plain.cpu_seconds > 1500
    check = drawn_check_budget(600, 50 * 10**9)
    assert check.cpu_seconds > 5 * HOUR
    assert check.memory_bytes > streams_check_budget().memory_bytes + 4 * 64_000_000


def test_a_segment_has_time_and_memory_for_its_renditions() -> None:
    plan, _ = plan_samples.plan(ladder="1080p,720p,480p,360p")
    assert plan.source.video is not None
    whole = video_budget(180, plan.source.video, plan.video)
    # Measured: 828 MiB at the peak for this ladder; 4K at the slowest preset took 200 s per second of media.
    assert 750 * MIB < whole.memory_bytes < 1250 * MIB
    assert whole.memory_bytes == plan.estimate.worker_bytes
    assert whole.cpu_seconds > 6 * 200
    assert whole.cores == 1
    one = video_budget(180, plan.source.video, plan.video[-1:], threads=1)
    assert one.memory_bytes < whole.memory_bytes / 2
    assert video_budget(180, plan.source.video, plan.video, threads=4).cores == 4


def test_pictures_in_dolby_vision_have_time_for_tables_of_their_own() -> None:
    """A table takes half a second, and each picture may have its own metadata."""
    plan, _ = plan_samples.plan()
    video = plan.source.video
    assert video is not None
    dolby = video.model_copy(update={"colour": Colour(primaries=9, transfer=16, full_range=True, dolby=True)})
    tracks = plan.video[-1:]
    assert video_budget(360, dolby, tracks).cpu_seconds >= video_budget(360, video, tracks).cpu_seconds + 180
    assert check_budget(360, tracks[0], dolby).cpu_seconds >= check_budget(360, tracks[0], video).cpu_seconds + 180


def test_sound_of_ten_hours_in_one_task_has_time_and_memory() -> None:
    plan, _ = plan_samples.plan()
    [track] = plan.audio
    piece, film = audio_budget(300, track), audio_budget(10 * HOUR, track)
    assert piece.memory_bytes < 256 * MIB
    stream = track.recipe.bitrate / 8 * 10 * HOUR
    assert 2 * stream < film.memory_bytes < 10 * stream  # as packets and as segments, in memory
    assert film.cpu_seconds > 10 * HOUR


def test_a_check_with_the_source_decodes_both() -> None:
    plan, _ = plan_samples.plan()
    alone = check_budget(180, plan.video[0], None)
    beside = check_budget(180, plan.video[0], plan.source.video)
    assert alone.memory_bytes < beside.memory_bytes < 1024 * MIB
    assert check_budget(180, plan.audio[0], plan.source.video).memory_bytes < 256 * MIB


def test_a_budget_is_json_both_ways() -> None:
    budget = Budget(cpu_seconds=7, memory_bytes=8, cores=2)
    assert Budget.from_json(budget.to_json()) == budget


def test_a_small_rung_of_an_hdr_film_has_memory_for_the_largest() -> None:
    """It is tone mapped at that size: two pictures of three 16-bit samples a pixel, and their result."""
    plan, _ = plan_samples.plan(ladder="1080p,360p")
    assert plan.source.video is not None
    small = plan.video[-1]
    mapped = small.model_copy(update={"recipe": small.recipe.model_copy(update={"tone_mapped_at": (1920, 1080)})})
    pictures = 1920 * 1080 * (6 + 6 + 3 / 2)
    sdr, hdr = (video_budget(180, plan.source.video, [one]).memory_bytes for one in (small, mapped))
    assert pictures < hdr - sdr < 2 * pictures
    sdr, hdr = (check_budget(180, one, plan.source.video).memory_bytes for one in (small, mapped))
    assert pictures < hdr - sdr < 2 * pictures


def test_a_length_that_is_claimed_buys_no_cpu_time() -> None:
    """Three pictures that claim to last for a day have the time of three pictures."""
    plan, _ = plan_samples.plan(ladder="360p")
    assert plan.source.video is not None
    three = plan.source.video.model_copy(update={"frames": 3, "end": 86_400 * 90_000})
    assert video_budget(3, three, plan.video).cpu_seconds < 400


def test_a_4k_segment_at_the_slowest_preset_has_time() -> None:
    """It took 200 CPU s for a second of 24 pictures."""
    plan, _ = plan_samples.plan(ladder="1080p")
    assert plan.source.video is not None
    large = plan.video[0].model_copy(
        update={"recipe": plan.video[0].recipe.model_copy(update={"width": 3840, "height": 2160})}
    )
    assert video_budget(6 * 24, plan.source.video, [large]).cpu_seconds > 3 * 6 * 200
