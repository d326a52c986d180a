"""Source facts and settings in, plan out. Pure: no file is opened here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from operator import sub
from typing import TypedDict

from streamify.codecs.base import VideoCodec
from streamify.codecs.registry import audio_codec, video_codec
from streamify.model.burn import BurnIn
from streamify.model.images import PosterPlan, PreviewPlan, Storyboard
from streamify.model.plan import Plan, Timeline
from streamify.model.recipe import AudioRecipe, VideoRecipe
from streamify.model.settings import MediaSettings, Rung
from streamify.model.source import AudioFacts, SourceFacts, VideoFacts
from streamify.model.track import AudioTrack, Labels, VideoTrack
from streamify.planning import audio as audio_grid
from streamify.planning import grid
from streamify.planning.arrange import arrange
from streamify.planning.burn import burn_in, burn_notes, recipe_of, source_notes, with_canvas
from streamify.planning.caps import refuse_length, refuse_pauses
from streamify.planning.chapters import place_chapters
from streamify.planning.content import needed_rungs
from streamify.planning.estimate import estimate
from streamify.planning.extent import Extent, cut_notes
from streamify.planning.fields import applied
from streamify.planning.film import audio_timeline, reach, video_timeline
from streamify.planning.identity import track_hash
from streamify.planning.images import image_notes, poster, preview, storyboard
from streamify.planning.labels import audio_labels
from streamify.planning.ladder import CONTENT, Size, choose_ladder, rung_size
from streamify.planning.notes import conversions, grid_notes, repeats_note
from streamify.planning.rate_notes import rate_notes
from streamify.planning.sound_notes import sound_notes
from streamify.planning.tuning import Row, choose_row, chosen_text
from streamify.planning.words import text_notes, text_tracks


def build_plan(
    facts: SourceFacts, pts: Sequence[int], settings: MediaSettings, codec_build: str
) -> tuple[Plan, Iterator[grid.Window]]:
    """Return the plan and its segments' windows.

    Args:
        facts: What split found out about the source.
        pts: Presentation times of all pictures, source ticks, in order; empty without video.
        settings: What the user wants.
        codec_build: Exact codec build, part of every track's hash.

    Raises:
        UsageError: The ladder or the audio map does not fit the source.
        CapExceeded: It is longer, or pauses for longer, than the settings allow.
    """
    refuse_pauses(facts, pts, settings)
    sounds, arranged = arrange(facts.audio, settings.audio_map)
    source, facts = facts, facts.model_copy(update={"audio": sounds})
    held, burn = Extent(), burn_in(facts, settings)
    if facts.video is not None:
        held = reach(facts, facts.video, settings)
        timeline, windows = video_timeline(facts.video, pts, settings, held, facts.cut)
        rungs, left_out = choose_ladder(facts.video, settings.ladder)
        if settings.ladder == CONTENT:
            rungs, left_out = needed_rungs(rungs, facts.detail, facts.video)
        notes = (*left_out, *grid_notes(settings, timeline))
        largest = rung_size(facts.video, max(rung.short_side for rung in rungs))
        burn = with_canvas(burn, largest)
        drawn = recipe_of(burn)
        lowest = min(rungs, key=lambda rung: (rung.maxrate, rung.short_side))
        rows = [choose_row(settings, facts.content, lowest=rung == lowest) for rung in rungs]
        video = tuple(
            _video_track(facts, facts.video, timeline, settings, rung, row, codec_build, largest, drawn)
            for rung, row in zip(rungs, rows, strict=True)
        )
    else:
        timeline, windows = audio_timeline(facts, settings)
        notes, video = (() if facts.cut is None else tuple(cut_notes(facts.cut))), ()
    refuse_length(facts, timeline, settings)
    labelled = list(zip(facts.audio, audio_labels(facts.audio), strict=True))
    audio = (
        *(_stereo_track(facts, stream, labels, timeline, settings, codec_build) for stream, labels in labelled),
        *(
            _surround_track(facts, stream, labels, timeline, settings, codec_build)
            for stream, labels in labelled
            if settings.surround != "off" and audio_grid.has_surround(stream)
        ),
    )
    late = facts.video.late if facts.video is not None else Fraction(0)
    chapters, misplaced = place_chapters(facts.chapters, timeline, late)
    all_windows = list(windows)
    seconds = Fraction(timeline.end, timeline.timescale)
    longest = Fraction(max(one.end - one.start for one in all_windows), timeline.timescale)
    plan = Plan(
        codec_build=codec_build,
        source=source,
        settings=settings,
        timeline=timeline,
        segments=len(all_windows),
        target_duration=max(1, int(max(longest, *_longest_sound(all_windows, timeline, audio)) + Fraction(1, 2))),
        video=video,
        audio=audio,
        text=text_tracks(facts, settings, timeline, codec_build, burn),
        chapters=chapters,
        burn=burn,
        **_images(video, timeline, settings, codec_build),
        notes=(
            *source_notes(facts.notes, burn),
            *burn_notes(facts, burn),
            *misplaced,
            *arranged,
            *notes,
            *held.notes,
            *(repeats_note(all_windows, timeline, pts[-1]) if facts.video is not None else ()),
            *(rate_notes(facts.video, pts, timeline.origin) if facts.video is not None else ()),
            *conversions(facts, timeline, settings),
            *sound_notes(facts, settings),
            *text_notes(facts, settings, burn),
            *image_notes(video, timeline, settings),
        ),
        estimate=estimate(seconds, facts.video, video, audio),
    )
    return plan, iter(all_windows)


def with_content(plan: Plan, facts: SourceFacts) -> Plan:
    """Return what `build_plan` makes of facts that differ from those of a plan in nothing but their `content`."""
    lowest = min(plan.video, key=lambda track: (track.recipe.maxrate, track.height), default=None)
    video = []
    for track in plan.video:
        row = choose_row(plan.settings, facts.content, lowest=track is lowest)
        bframes = _bframes(row, video_codec(track.recipe.codec))
        recipe = track.recipe.model_copy(update={"preset": row.preset, "tuning": row.tuning, "bframes": bframes})
        video.append(_named(track.labels.name, recipe, row, facts, plan.timeline, plan.settings, plan.codec_build))
    images = _images(video, plan.timeline, plan.settings, plan.codec_build)
    return plan.model_copy(update={"source": facts, "video": tuple(video), **images})


class _Images(TypedDict):
    storyboard: Storyboard | None
    poster: PosterPlan | None
    preview: PreviewPlan | None


def _images(tracks: Sequence[VideoTrack], timeline: Timeline, settings: MediaSettings, build: str) -> _Images:
    """Return the images of a stream; they are named after the tracks that they show."""
    return {
        "storyboard": storyboard(tracks, timeline, settings, build),
        "poster": poster(tracks, timeline, settings, build),
        "preview": preview(tracks, timeline, settings, build),
    }


def _video_track(
    facts: SourceFacts,
    video: VideoFacts,
    timeline: Timeline,
    settings: MediaSettings,
    rung: Rung,
    row: Row,
    build: str,
    largest: Size,
    burn: BurnIn | None,
) -> VideoTrack:
    size = rung_size(video, rung.short_side)
    if timeline.frame_duration is not None:
        rate = Fraction(timeline.timescale, timeline.frame_duration)
    else:
        rate = min(Fraction(grid.MAX_RATE), video.average_rate * timeline.fields).limit_denominator(1001)
    boost = Fraction(3, 2) if rate > 31 else Fraction(1)
    codec = video_codec("h264")  # the one that is made today
    recipe = VideoRecipe(
        codec=codec.name,
        width=size.width,
        height=size.height,
        frame_rate=rate,
        crf=rung.crf if rung.crf is not None else settings.crf,
        maxrate=int(rung.maxrate * boost),
        bufsize=int((rung.bufsize or rung.maxrate * 3 // 2) * boost),
        preset=row.preset,
        tuning=row.tuning,
        bframes=_bframes(row, codec),
        # Once per picture for all rungs; in the recipe, for the other rungs of a ladder would change the bytes else.
        tone_mapped_at=(largest.width, largest.height) if video.colour.converted else None,
        deinterlace=applied(video, timeline, settings.deinterlace),
        captions=facts.captions is not None,
        burn=burn,
    )
    return _named(rung.name, recipe, row, facts, timeline, settings, build)


def _named(
    name: str,
    recipe: VideoRecipe,
    row: Row,
    facts: SourceFacts,
    timeline: Timeline,
    settings: MediaSettings,
    build: str,
) -> VideoTrack:
    return VideoTrack(
        id=f"{name}-{track_hash(facts, settings, timeline, recipe, build)}",
        recipe=recipe,
        timescale=timeline.timescale,
        labels=Labels(name=name),
        chosen=chosen_text(settings.preset, row, video_codec(recipe.codec).words(row.tuning)),
        why=row.why,
    )


def _bframes(row: Row, codec: VideoCodec) -> int:
    return codec.bframes(row.preset) if row.tuning.bframes is None else row.tuning.bframes


def _stereo_track(
    facts: SourceFacts, audio: AudioFacts, labels: Labels, timeline: Timeline, settings: MediaSettings, build: str
) -> AudioTrack:
    recipe = _audio_recipe(facts, audio, "aac", 2, settings.audio_bitrate, timeline, settings)
    return _audio_track(facts, recipe, labels, recipe.codec, timeline, settings, build)


def _surround_track(
    facts: SourceFacts, audio: AudioFacts, labels: Labels, timeline: Timeline, settings: MediaSettings, build: str
) -> AudioTrack:
    codec = audio_codec(settings.surround)
    recipe = _audio_recipe(facts, audio, codec.name, 6, codec.surround_bitrate, timeline, settings)
    return _audio_track(facts, recipe, labels, f"{codec.name}-surround", timeline, settings, build)


def _audio_recipe(
    facts: SourceFacts,
    audio: AudioFacts,
    codec: str,
    channels: int,
    bitrate: int,
    timeline: Timeline,
    settings: MediaSettings,
) -> AudioRecipe:
    rate = audio_grid.output_rate(audio, codec)
    needed = Fraction(timeline.end * rate, timeline.timescale)
    late = facts.video.late if facts.video is not None else Fraction(0)
    return AudioRecipe(
        codec=codec,
        stream=audio.stream,
        sample_rate=rate,
        channels=channels,
        bitrate=bitrate,
        samples=-(-needed.numerator // needed.denominator),
        origin=timeline.origin * timeline.time_base + late - Fraction(timeline.lead, timeline.timescale),
        piece_segments=audio_grid.piece_segments(audio, settings.segment_seconds),
        loudness=settings.loudness,
        joined=audio.joined,
        layout=audio.layout if audio.joined else "",
        within=facts.cut is not None and facts.cut.start > 0,
    )


def _audio_track(
    facts: SourceFacts,
    recipe: AudioRecipe,
    labels: Labels,
    kind: str,
    timeline: Timeline,
    settings: MediaSettings,
    build: str,
) -> AudioTrack:
    language = (labels.language or "und").partition("-")[0]
    return AudioTrack(
        id=f"{language}-{kind}-{track_hash(facts, settings, timeline, recipe, build)}",
        recipe=recipe,
        timescale=recipe.sample_rate,
        labels=labels,
    )


def _longest_sound(
    windows: Sequence[grid.Window], timeline: Timeline, tracks: Sequence[AudioTrack]
) -> Iterator[Fraction]:
    """Yield the longest segment of each audio track, seconds: audio is cut on its own frames, beside the grid."""
    yield Fraction(0)
    borders = [one.start for one in windows] + [timeline.end]
    for track in tracks:
        units = audio_grid.cuts(borders, timeline.timescale, track.recipe, at_start=True, at_end=True)
        yield Fraction(max(map(sub, units[1:], units)) * audio_codec(track.recipe.codec).frame, track.sample_rate)
