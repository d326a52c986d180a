"""The split task: range reads of the source in, the plan out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import BinaryIO, NamedTuple

from streamify.dest.layout import PLAN, segment_list_key
from streamify.errors import SourceError, StreamifyError
from streamify.media.audio.index import Sound, SoundIndex, audio_slices, read_sound
from streamify.media.audio.piece import span
from streamify.media.audio.piece import window as piece_window
from streamify.media.audio.pieces import place_pieces
from streamify.media.build import codec_build
from streamify.media.source.cut_off import CutOff
from streamify.media.source.extent import AGAIN
from streamify.media.source.part import count_part, part_of
from streamify.media.source.probe import Probed, probe_source
from streamify.media.source.sound import Laid
from streamify.media.source.video_index import Located, VideoIndex
from streamify.media.video.detail import Enough, look_for_detail
from streamify.media.video.screen import look_for_screen
from streamify.media.video.survey import THREADS, survey
from streamify.media.video.window import WindowSource
from streamify.model.limits import PREROLL
from streamify.model.plan import AudioPiece, AudioSlice, Plan, Segment
from streamify.model.result import Beginning, SplitResult
from streamify.model.settings import MediaSettings
from streamify.model.source import ContentSeen, SourceFacts, SourceRef
from streamify.model.task import SplitTask
from streamify.model.track import AudioTrack
from streamify.planning.audio import PIECE_SECONDS, cuts
from streamify.planning.build import build_plan, with_content
from streamify.planning.content import LOST, WORSE
from streamify.planning.cut import cut_pictures, cut_sound, is_cut, picture_span
from streamify.planning.fields import seen_fields
from streamify.planning.grid import Window
from streamify.planning.ladder import CONTENT
from streamify.planning.looks import usual_look
from streamify.planning.loss import allowed_loss
from streamify.planning.rate import fit_rate, soft_telecine
from streamify.storage.base import Stores, sha256

OnBeginning = Callable[[Beginning], None]


def run_split(task: SplitTask, stores: Stores, on_beginning: OnBeginning | None = None) -> SplitResult:
    """Plan a source. The plan is written last, so that one that can be read has its segments beside it.

    With `SplitTask.begin` whoever asked writes it, once the segment that was begun early is known to be the plan's.

    `on_beginning` takes what is known of the first segment before pictures over the whole film are looked at, and the
    segments are listed: with the length of a film these grow, and somebody may be waiting.
    """
    with ThreadPoolExecutor(1, "sound") as thread, _naming(task.source):
        return _run_split(task, stores, thread, on_beginning)


@contextmanager
def _naming(ref: SourceRef) -> Iterator[None]:
    """Have each error of the source say which one it is."""
    try:
        yield
    except SourceError as error:
        if ref.key in error.message:
            raise
        raise SourceError(error.code, f"{ref.key}: {error.message}", error.hint, transient=error.transient) from error


def _run_split(
    task: SplitTask, stores: Stores, thread: ThreadPoolExecutor, on_beginning: OnBeginning | None
) -> SplitResult:
    sounds: dict[int, Future[SoundIndex | None]] = {}

    drafts: list[_Draft] = []

    def placed(found: Probed) -> int:
        draft = _draft(found, task) if on_beginning is not None else None
        if on_beginning is not None and draft is not None:
            drafts.append(draft)
            on_beginning(draft.beginning)
        if task.write:  # while pictures are decoded, and not before: a thread beside the draft would delay that
            for stream, sound in found.sound.items():
                sounds[stream] = thread.submit(_read_sound, task.source, stores, stream, sound)
        return 1 if drafts else THREADS  # what is watched first has the other core

    found = look(task.source, stores, task.max_scan, task.settings, placed)
    if task.facts_only:
        return SplitResult(plan=found.facts.to_json().decode())
    index = found.index
    if found.cut is not None:
        _refuse_cut_off(found.cut, found.facts, task.settings)
    if task.settings.strict:
        _refuse_incomplete(found.facts)
    if task.settings.ladder == CONTENT and index is not None:
        found = replace(found, facts=_detailed(found.facts, index, task, stores))
    if drafts and drafts[0].of(found.facts):  # the look at pictures over the whole film changed no more than settings
        plan, parts = with_content(drafts[0].beginning.plan, found.facts), tuple(drafts[0].windows)
    else:
        plan, windows = build_plan(found.facts, index.pts if index is not None else (), task.settings, codec_build())
        parts = tuple(windows)
    if index is not None:
        _refuse_rare_keyframes(found.facts, index, parts)
    if plan.burn is not None and plan.burn.is_text:
        from streamify.media.drawn.fonts import require_shaper  # see `_collected`

        require_shaper()
    if task.write:
        slices = _sound_slices(plan, parts, sounds)
        pieces = _sound_pieces(plan, parts, found.laid, task.source, stores)
        lines = b"".join(segment.to_json() + b"\n" for segment in _segments(parts, index, slices, pieces))
        if plan.burn is not None:
            plan = _collected(plan, parts, task, stores)
        if index is not None:
            plan = plan.model_copy(update={"captions_before": _before(plan, index)})
        plan = plan.model_copy(update={"segment_list": segment_list_key(sha256(lines))})
        stores.media.put(plan.segment_list, lines)
        if not task.begin:
            stores.media.put(PLAN, plan.to_json())
    return SplitResult(plan=plan.to_json().decode())


def _detailed(facts: SourceFacts, index: VideoIndex, task: SplitTask, stores: Stores) -> SourceFacts:
    """Return the facts with how much detail pictures have, where each of them is decoded by itself."""
    video = facts.video
    assert video is not None
    if video.interlaced or video.telecine:
        return facts  # the lines of two fields look like detail
    plan, _ = build_plan(facts, index.pts, task.settings, codec_build())
    if plan.burn is not None:
        return facts  # the words that are drawn are not in these pictures
    source = WindowSource(partial(stores.open_source, task.source), video.stream, facts.access, video.end)
    return facts.model_copy(update={"detail": look_for_detail(source, plan, index, Enough(LOST, WORSE))})


class _Draft(NamedTuple):
    """The plan as it will most probably be: 60 ms of CPU time at an hour of varying rate are not spent twice."""

    facts: SourceFacts
    """What it is made of."""
    beginning: Beginning
    windows: Iterator[Window]
    """Of all segments; can be read once."""

    def of(self, facts: SourceFacts) -> bool:
        """Return whether facts differ from those of the draft in what pictures show, if at all."""
        return self.facts == facts.model_copy(update={"content": self.facts.content})


def _draft(found: Probed, task: SplitTask) -> _Draft | None:
    """Plan before pictures over the whole film are looked at; ``None``: there may be no plan, or more is needed."""
    if found.index is None or found.cut is not None or task.settings.strict:
        return None
    if any(frame.interlaced_frame for frame in found.sample):
        return None  # what is done with them is decided by all places together
    try:
        plan, windows = build_plan(found.facts, found.index.pts, task.settings, codec_build())
    except StreamifyError:
        return None  # it is raised once all has been looked at
    if plan.burn is not None:
        return None  # what is drawn into the pictures is read later
    first = next(windows)
    beginning = Beginning(plan=plan, segment=next(_segments([first], found.index, {}, {})))
    return _Draft(found.facts, beginning, chain([first], windows))


def _collected(plan: Plan, windows: Sequence[Window], task: SplitTask, stores: Stores) -> Plan:
    """Write down what is drawn into the pictures; return the plan with where that is, and with what was met.

    Raises:
        SourceError: ``burn-in-too-much``; ``burn-in-too-large``, all of a large source would have to be read;
            ``subtitles-incomplete``, with the setting `strict`.
        UsageError: ``burn-in-font``.
    """
    from streamify.tasks.burn import collect_burn  # 22 ms of CPU time, which most films do without

    assert plan.burn is not None
    large = task.max_scan is not None and task.source.size > task.max_scan and plan.burn.stream is not None
    if large and not plan.source.container.startswith("mov"):
        raise SourceError(
            "burn-in-too-large",
            f"{task.source.key}: to draw its subtitles, all of its {task.source.size} bytes would have to be read in "
            f"one task; the cap is {task.max_scan}",
            "leave out --burn-in, or run the job with --engine local",
        )
    burn, notes = collect_burn(plan, windows, task.source, stores)
    bad = next((note for note in notes if note.kind in ("damaged", "dropped")), None)
    if bad is not None and task.settings.strict:
        raise SourceError(
            "subtitles-incomplete",
            f"{task.source.key}: {bad.what}: {bad.why}",
            "mend it, or leave out --strict: the rest is then drawn, and what is not is named",
        )
    return plan.model_copy(update={"burn": burn, "notes": (*plan.notes, *notes)})


CAPTIONS_BEFORE = 60
"""Seconds in front of a part of a film whose captions are read for what is on the screen when it begins."""


def _before(plan: Plan, index: VideoIndex) -> Segment | None:
    cut, video = plan.source.cut, plan.source.video
    if cut is None or video is None or not any(track.recipe.channel for track in plan.text):
        return None
    return index.stretch(video.first - round(CAPTIONS_BEFORE / video.time_base), video.first)


FEW = 100
"""Pictures of a film below which it costs little to decode all of them for each segment: stills, and long pauses."""


def _refuse_rare_keyframes(facts: SourceFacts, index: VideoIndex, windows: Sequence[Window]) -> None:
    """Refuse a source in which most of the work would be to decode what lies before each segment.

    Each segment counts for itself, those of sound alone too, which all reach for the picture that stands. A picture
    that is shown again counts each time: it is encoded each time.

    Raises:
        SourceError: ``source-keyframes-too-rare``.
    """
    starts = Counter(window.source_start if window.held is None else window.held for window in windows)
    before = sum(count * index.preroll(start) for start, count in starts.items())
    again = sum(repeats.count for window in windows for repeats in window.repeats)
    shown = len(index.pts) + again
    if before > PREROLL * max(shown, FEW):
        raise SourceError(
            "source-keyframes-too-rare",
            f"{facts.ref.key}: keyframes are so rare that each picture would be decoded {before // shown} "
            f"times to reach others; the limit is {PREROLL}",
            "encode it with one every 10 s at the least: ffmpeg -i SOURCE -c:v libx264 -crf 16 "
            "-force_key_frames 'expr:gte(t,n_forced*10)' -c:a copy OUT.mkv",
        )


def _refuse_cut_off(cut: CutOff, facts: SourceFacts, settings: MediaSettings) -> None:
    """Refuse a file that was cut off where more is missing than damage may cost, before any work.

    Raises:
        SourceError: ``source-truncated``.
    """
    if settings.strict:
        error = cut.error(f"{AGAIN}, or leave out --strict")
    elif cut.seconds > allowed_loss(cut.whole, settings.loss_limit):
        error = cut.error(f"{AGAIN}; --loss-limit 100 makes a stream of what is there")
    else:
        return
    raise SourceError(error.code, f"{facts.ref.key}: {error.message}", error.hint)


def _refuse_incomplete(facts: SourceFacts) -> None:
    """Refuse a source of which something is missing or damaged.

    Raises:
        SourceError: ``source-incomplete``.
    """
    missing = [gap.text for gap in facts.gaps]
    missing += [note.what for note in facts.notes if note.kind == "damaged" and note.what not in missing]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise SourceError(
            "source-incomplete",
            f"{facts.ref.key} is not complete: {'; '.join(missing[:3])}{more}",
            "give a complete copy, or leave out --strict: the gaps are then kept and named",
        )


def look(
    ref: SourceRef,
    stores: Stores,
    max_scan: int | None,
    settings: MediaSettings,
    placed: Callable[[Probed], int] = lambda _: THREADS,
) -> Probed:
    """Return what a source is, or the part of it that the settings ask for.

    `placed` is called with what is known before pictures over all of it are looked at. It returns how many places are
    looked at side by side.
    """
    opened = partial(stores.open_source, ref)
    long = Fraction(PIECE_SECONDS, 2)
    found = probe_source(opened, ref, fit_rate, max_scan, long_sound=long, program=settings.program)
    found = _part(found, opened, settings) if is_cut(settings) else found
    if found.sample and not found.sample[0].is_corrupt:
        content = ContentSeen(first=look_for_screen(found.sample[0]))
        found = replace(found, facts=found.facts.model_copy(update={"content": content}))
    return replace(found, facts=_surveyed(found, opened, placed(found)))


def _part(found: Probed, opened: Callable[[], BinaryIO], settings: MediaSettings) -> Probed:
    """Return what was found of the part of a film that the settings ask for.

    Raises:
        UsageError: ``cut-outside``.
    """
    facts, whole = found.facts, found.index
    if facts.video is None or whole is None:
        facts = cut_sound(facts, settings)
        missing = None if facts.cut is not None and facts.cut.short else found.cut
        return replace(found, facts=facts, cut=missing)
    span = picture_span(facts, whole.pts, settings)
    index = part_of(whole, span.first, span.stop, span.end)
    counted = count_part(opened, facts.video.stream, whole, index)
    facts = cut_pictures(facts, whole.pts, span, counted)
    # What a file that was cut off lacks is not missing in front of that. Its first pictures are not those of the part.
    return replace(found, facts=facts, index=index, sample=(), cut=None if span.cut.short else found.cut)


def _surveyed(found: Probed, opened: Callable[[], BinaryIO], threads: int) -> SourceFacts:
    """Return the facts with what a look at pictures over the whole film adds."""
    facts, video = found.facts, found.facts.video
    if video is None or found.index is None:
        return facts
    source = WindowSource(opened, video.stream, facts.access, video.end)
    seen = survey(source, video, found.index, found.sample, threads)
    video = soft_telecine(seen_fields(video, seen.fields), found.index.pts)
    usual = usual_look(seen.parts, video.end)
    if len(seen.parts) > 1 or usual != video.look:
        parts = tuple(seen.parts) if len(seen.parts) > 1 else ()
        video = video.model_copy(update=dict(usual) | {"coded_aspect": seen.coded.get(usual), "parts": parts})
    content = (facts.content or ContentSeen()).model_copy(update={"others": tuple(seen.content)})
    return facts.model_copy(update={"video": video, "content": content})


def _segments(
    windows: Sequence[Window],
    index: VideoIndex | None,
    sound: Mapping[int, tuple[AudioSlice, ...]],
    pieces: Mapping[int, tuple[AudioPiece, ...]],
) -> Iterator[Segment]:
    for window in windows:
        shown = window.held if window.held is not None else window.source_start
        found = index.locate(shown, window.source_end) if index is not None else Located((), None)
        yield Segment(
            index=window.index,
            start=window.start,
            end=window.end,
            source_start=window.source_start,
            source_end=window.source_end,
            frames=window.frames,
            first=window.first,
            next=window.next,
            weight=index.weight(window.source_start, window.source_end) if index is not None else 0,
            keyframes=window.keyframes,
            held=window.held,
            repeats=window.repeats,
            entries=found.entries,
            splice=found.splice,
            packets=found.packets,
            marks=found.marks,
            audio=sound.get(window.index, ()),
            pieces=pieces.get(window.index, ()),
        )


def _read_sound(ref: SourceRef, stores: Stores, stream: int, sound: Sound) -> SoundIndex | None:
    with stores.open_source(ref) as file:
        return read_sound(file, ref.size, stream, sound)


def _sound_slices(
    plan: Plan, windows: Sequence[Window], sounds: Mapping[int, Future[SoundIndex | None]]
) -> dict[int, tuple[AudioSlice, ...]]:
    """Return the audio slices by the segment that their piece starts with; none for tracks of a single piece."""
    found: dict[int, tuple[AudioSlice, ...]] = {}
    borders = [one.start for one in windows] + [plan.timeline.end]
    tracks = [track for track in plan.audio if sounds.keys() >= set(track.streams)]
    for streams in dict.fromkeys(track.streams for track in tracks):
        same = [track for track in tracks if track.streams == streams]  # stereo, and 5.1: pieces of one length
        size = same[0].piece_segments
        if not size or (len(windows) <= size and not same[0].recipe.within):
            continue
        firsts = range(0, len(windows), size)
        each = zip(*(_needs(track, plan, borders, firsts) for track in same), strict=True)
        needs = [(min(start for start, _ in one), max(end for _, end in one)) for one in each]
        for index in (sounds[stream].result() for stream in streams):
            if index is None:
                continue
            for first, one in zip(firsts, audio_slices(index, needs), strict=True):
                if one is not None:
                    found[first] = (*found.get(first, ()), one)
    return found


def _needs(track: AudioTrack, plan: Plan, borders: Sequence[int], firsts: range) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield what each piece of a track needs of the source, seconds."""
    units = cuts(borders, plan.timeline.timescale, track.recipe, at_start=True, at_end=True)
    for first in firsts:
        yield piece_window(track, units[first], units[min(first + firsts.step, len(units) - 1)])


def _sound_pieces(
    plan: Plan, windows: Sequence[Window], laid: Mapping[int, Laid], ref: SourceRef, stores: Stores
) -> dict[int, tuple[AudioPiece, ...]]:
    """Return the pieces of counted tracks by the segment that they start with."""
    found: dict[int, tuple[AudioPiece, ...]] = {}
    borders = [one.start for one in windows] + [plan.timeline.end]
    for track in plan.audio:
        if track.stream not in laid or track.recipe.joined:
            continue
        size = track.piece_segments or len(windows)
        units = cuts(borders, plan.timeline.timescale, track.recipe, at_start=True, at_end=True)
        firsts = range(0, len(windows), size)
        needs = [span(track, units[first], units[min(first + size, len(windows))]) for first in firsts]
        with stores.open_source(ref) as file:
            pieces = place_pieces(file, ref.size, plan.source.container, laid[track.stream], track, needs)
        for first, one in zip(firsts, pieces, strict=True):
            found[first] = (*found.get(first, ()), one)
    return found
