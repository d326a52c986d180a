"""Verify: recompute from the bytes alone what the report claims, and compare pictures with the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from streamify.codecs.registry import audio_codec_of
from streamify.dest.layout import MANIFESTS, PLAN, REPORT, STATE, init_key, playlist_key, segment_key, segment_name
from streamify.errors import DestinationError, SourceError, VerificationFailed
from streamify.executors.base import OnEvent, TaskError
from streamify.executors.events import delivering
from streamify.jobs.engine import Stop, completed, executor_for
from streamify.jobs.locations import find_source, refuse_dest
from streamify.jobs.segments import SegmentList
from streamify.jobs.state_files import check_published
from streamify.jobs.verify_text import lists, read_json, read_text
from streamify.jobs.verify_words import WORDS, unread, word_checks, word_faults
from streamify.model.base import Frozen
from streamify.model.location import Location
from streamify.model.plan import Plan
from streamify.model.recipe import AudioRecipe, VideoRecipe
from streamify.model.report import Report, TrackReport
from streamify.model.result import Blob, CheckResult, SegmentRecord
from streamify.model.settings import Settings
from streamify.model.source import SourceRef
from streamify.model.task import CheckTask, SoundCheckTask, SourceCheckTask, Strand, StreamsCheckTask, Task
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.budget import check_budget, drawn_check_budget, sound_check_budget, streams_check_budget
from streamify.planning.burn import UNDECODED, part_key, recipe_of
from streamify.storage.base import Storage, Stores, sha256
from streamify.storage.locate import StoreLocations, reach_storage
from streamify.storage.saved import parse_saved
from streamify.tasks.plan_file import read_plan


class TrackCheck(Frozen):
    """What was found in one track."""

    track: str
    segments: int
    frames: int
    """Pictures decoded, or AAC access units."""
    psnr_min: float | None = None
    """Lowest luma PSNR of any picture against the source, dB."""
    psnr_mean: float | None = None
    """Mean of the segments' mean luma PSNR against the source, dB."""


class Verification(Frozen):
    """What verify found."""

    faults: tuple[str, ...]
    checks: tuple[TrackCheck, ...]
    unread: tuple[str, ...] = ()
    """With a source: what is in the stream, and was not compared with where it comes from."""

    def check(self) -> None:
        """Raise `VerificationFailed` where there is a fault."""
        if self.faults:
            raise VerificationFailed(
                self.faults,
                "delete what is damaged of it, then transcode with the same settings: only what is missing is made",
            )


def verify(
    dest: Location,
    source: Location | None = None,
    on_event: OnEvent | None = None,
    stop: Stop | None = None,
    settings: Settings | None = None,
) -> Verification:
    """Check a finished stream: every byte, every border, every picture; with `source`, what the pictures show.

    `settings` choose the executor; by default it is that of a job without settings.

    Raises:
        DestinationError: There is no finished stream at `dest`.
        SourceError: `source` cannot be read, or is not that of the stream.
        Interrupted: `stop` was set.
    """
    refuse_dest(dest)
    check_published(dest, replace=False)
    report = _read_report(reach_storage(dest), dest)
    folder, ref = find_source(source, report.source.ref) if source is not None else (dest, None)
    places = StoreLocations(uploads=folder, media=dest)
    stores = places.open()
    if ref is not None and ref.identity != report.source.ref.identity:
        raise SourceError(
            "source-other", f"{source} is not the source of this stream, or was changed since",
            f"give the file that it was made from, '{report.source.ref.key}', or leave out --source",
        )  # fmt: skip
    plan = _plan_of(report, stores, dest, needed=ref is not None)
    faults = list(_structure(report, stores.media))
    checks: dict[str, list[CheckResult]] = {item.id: [] for item in report.tracks}
    with delivering(on_event, stop) as events, executor_for(settings or Settings(), places, events) as executor:
        tasks = _tasks(report, plan, stores.media, ref)
        for key, outcome in completed(executor, tasks, stop, events):
            if isinstance(outcome, TaskError):
                faults.append(f"{key}: {outcome.failure}")
            else:
                assert isinstance(outcome, CheckResult)
                faults.extend(outcome.faults)
                if not key.startswith((WHOLE, WORDS)):
                    checks[key.split("/")[1]].append(outcome)
    for item in report.tracks:
        faults.extend(_numbers(item, checks[item.id]))
    return Verification(
        faults=tuple(dict.fromkeys(faults)),
        checks=tuple(_summary(track, checks[track.id]) for track in report.tracks),
        unread=tuple(unread(plan, {one.id for one in report.subtitles}))
        if ref is not None and plan is not None
        else (),
    )


def _read_report(media: Storage, dest: Location) -> Report:
    if media.stat(REPORT) is None:
        raise DestinationError(
            "no-stream", f"{dest} holds no finished stream", "run `streamify transcode` to its end first"
        )
    data = read_json(media, REPORT)
    report = parse_saved(Report, data, REPORT) if data is not None else None
    if report is None or not all(map(_inside, _keys(report))):
        raise DestinationError(
            "report-unreadable",
            f"{dest}/{REPORT} is damaged or of an earlier version",
            f"write it again: streamify transcode SOURCE {dest} --replace",
        )
    return report


def _keys(report: Report) -> Iterator[str]:
    for track in report.tracks:
        yield f"{track.folder}/{track.id}"
    for words in report.subtitles:
        yield f"{words.folder}/{words.id}"
    for blob in (*report.manifests, *_images(report)):
        yield blob.key


def _images(report: Report) -> Iterator[Blob]:
    sheets = report.thumbnails.sheets if report.thumbnails is not None else ()
    stills = report.poster.stills if report.poster is not None else ()
    yield from (Blob(key=one.key, size=one.size, sha256=one.sha256) for one in sheets)
    yield from (Blob(key=one.key, size=one.size, sha256=one.sha256) for one in stills)
    if (preview := report.preview) is not None:
        yield Blob(key=preview.key, size=preview.size, sha256=preview.sha256)


def _inside(key: str) -> bool:
    """Whether a key of a report, which strangers may have written, stays below DEST."""
    return not {"", ".", ".."}.intersection(key.split("/"))


def _structure(report: Report, media: Storage) -> Iterator[str]:
    """Check manifests, and what the report says of its tracks; what they hold is for workers to look at."""
    for name in MANIFESTS:
        text = read_text(media, name)
        if text is None:
            yield f"{name} is missing"
            continue
        folders = [*(track.folder for track in report.tracks), *(words.folder for words in report.subtitles)]
        for folder in folders:
            if f"{folder}/".encode() not in text:
                yield f"{name} does not name {folder}"
    for blob in (*report.manifests, *_images(report)):
        data = read_text(media, blob.key)
        if data is None:
            yield f"{blob.key} is missing"
        elif len(data) != blob.size:
            yield f"{blob.key}: {len(data)} bytes, not {blob.size}"
        elif sha256(data) != blob.sha256:
            yield f"{blob.key}: checksum differs"
    for words in report.subtitles:
        yield from word_faults(words, read_text(media, playlist_key(words.folder)))
    video_end = max((track.duration for track in report.tracks if track.kind == "video"), default=None)
    for track in report.tracks:
        yield from _track(track, media)
        if track.kind == "audio" and video_end is not None:
            yield from _covers(track, video_end)


def _covers(track: TrackReport, video_end: Fraction) -> Iterator[str]:
    codec = audio_codec_of(track.codecs)
    if codec is None:
        yield f"{track.folder}: the report names codec {track.codecs!r}, which no release of Streamify makes"
        return
    frame = Fraction(codec.frame, track.timescale)
    over = track.duration - codec.priming * frame - video_end
    if not 0 <= over < frame:
        yield f"{track.folder}: sound ends {float(over):+.6f} s after the picture, not 0 to one codec frame"


def _track(track: TrackReport, media: Storage) -> Iterator[str]:
    columns, count = track.segments, len(track.segments.size)
    if not lists(read_text(media, playlist_key(track.folder)), map(segment_name, range(count))):
        yield f"{playlist_key(track.folder)} is missing or does not list segments 0 to {count - 1} in order"
    if sum(columns.frames) != track.frames:
        yield f"{track.folder}: the report counts {track.frames} frames, its segments {sum(columns.frames)}"


def _numbers(track: TrackReport, results: list[CheckResult]) -> Iterator[str]:
    """Check that the numbers of fragments rise from segment to segment."""
    sequence = 0
    for index, result in sorted((int(one.key.rpartition("/")[2]), one) for one in results if one.numbers is not None):
        first, last = result.numbers or (0, 0)
        if first <= sequence:
            where = segment_key(track.folder, index)
            yield f"{where}: fragment number {first} does not go on from {sequence}"
        sequence = last


def _plan_of(report: Report, stores: Stores, dest: Location, *, needed: bool) -> Plan | None:
    """Return the plan that the stream was made from, or ``None`` where another or none lies beside it."""
    plan = read_plan(stores.media) if read_json(stores.media, PLAN) is not None else None
    if plan is not None and {track.id for track in report.tracks} <= {track.id for track in plan.tracks}:
        return plan
    if needed:
        raise DestinationError(
            "no-plan",
            f"{dest}/{STATE} holds no plan of this stream: pictures cannot be compared with the source",
            "finish the job at this DEST, or verify without --source",
        )
    return None


def _tasks(report: Report, plan: Plan | None, media: Storage, source: SourceRef | None) -> Iterator[Task]:
    """Yield a check of every segment; with a `source`, against its pictures."""
    segments = SegmentList(plan, media) if plan is not None and source is not None else None
    tracks = {track.id: track for track in plan.tracks} if plan is not None else {}
    try:
        if plan is not None and source is not None and segments is not None:
            yield from _whole(report, plan, source, timed=segments[0].packets is None)
            yield from _sounds(report, plan, source, segments)
            yield _streams(report, plan, source)
        yield from word_checks(report, plan, media, source)
        for track in report.tracks:
            start = 0
            drawn = plan.burn if plan is not None and segments is not None and track.kind == "video" else None
            for index, size in enumerate(track.segments.size):
                record = _record(track, index, start, size)
                start += track.segments.duration[index]
                model = tracks.get(track.id) or _stand_in(track)
                samples = min(track.segments.frames[index], size)  # each has a byte at least, whatever is claimed
                yield CheckTask(
                    key=f"check/{track.id}/{index:05d}",
                    track=model,
                    record=record,
                    source=source if plan is not None else None,
                    access=report.source.access,
                    video=report.source.video,
                    timeline=plan.timeline if plan is not None else None,
                    segment=segments[index] if segments is not None else None,
                    burn_part=part_key(drawn, index),
                    budget=check_budget(samples, model, report.source.video if source is not None else None),
                )
    finally:
        if segments is not None:
            segments.close()


DROPPED = re.compile(r"audio stream (\d+)")
"""What a note is of that an audio stream is left out."""
WHOLE = "check-source/"
"""What the keys of checks of the whole stream begin with."""


RANGE = 300
"""Seconds of a long film that are followed by one task."""
SEEKABLE = ("mov", "matroska")
"""Containers in which FFmpeg's own seek finds a keyframe at or before a time."""


def _whole(report: Report, plan: Plan, source: SourceRef, *, timed: bool) -> Iterator[Task]:
    """Yield the check of the smallest rendition against the source, decoded anew.

    A plain film is followed in ranges, side by side; any other from start to end, because the times of its pictures, or
    which of them are missing, are only known from those before.

    Args:
        report: Of the stream.
        plan: That it was made by.
        source: What it was made from.
        timed: Whether the container's own times of the pictures are right.
    """
    tracks = [track for track in report.tracks if track.kind == "video"]
    if not tracks or report.source.video is None:
        return
    least = min(tracks, key=lambda track: (track.width or 0) * (track.height or 0))
    found = report.certificate
    track = next(track for track in plan.video if track.id == least.id)
    ranges = _ranges(report, plan, least, timed=timed)
    for number, (first, end, begin, until) in enumerate(ranges):
        yield SourceCheckTask(
            key=f"{WHOLE}{least.id}" if len(ranges) == 1 else f"{WHOLE}{least.id}/{number:03d}",
            source=source,
            container=report.source.container,
            video=report.source.video,
            track=track,
            segments=end - first,
            first=first,
            begin=begin,
            until=until,
            fields=plan.timeline.fields,
            burn_parts=tuple(dict.fromkeys(part_key(plan.burn, index) for index in range(first, end)))
            if plan.burn is not None
            else (),
            excused=len(found.lost) + found.dropped + found.left_out,
            lead=Fraction(plan.timeline.lead, plan.timeline.timescale),
            repeats=found.duplicated,
            cut=report.source.cut,
            asked=_asked(plan),
            ffmpeg_edits=_ffmpeg_edits(report),
            budget=check_budget(min(least.frames, sum(least.segments.size)), track, report.source.video),
            priority=1,  # the longest: first
        )


def _asked(plan: Plan) -> Fraction | None:
    """Return when the film is to be cut, seconds from its first picture; ``None`` where that is in front of it."""
    cut = plan.source.cut
    if cut is None or plan.settings.from_ is None:
        return None
    asked = plan.settings.from_ - (cut.start - cut.begin)
    return asked if asked >= 0 else None


Span = tuple[int, int, Fraction | None, Fraction | None]
"""First segment, the one behind the last, and their times in seconds; ``None``: start and end of the source."""


def _ranges(report: Report, plan: Plan, track: TrackReport, *, timed: bool) -> list[Span]:
    """Return the ranges in which a film is followed."""
    durations, source, found = track.segments.duration, report.source, report.certificate
    odd = (
        source.breaks,
        source.gaps,
        source.video and source.video.parts,
        found.lost,
        found.dropped,
        found.left_out,
        found.duplicated,
        plan.timeline.fields > 1,
    )
    plain = (
        timed and source.video is not None and source.video.rate is not None and not any(odd) and not plan.timeline.lead
    )
    size = max(1, round(RANGE * track.timescale / max(durations[0], 1)))
    length = Fraction(sum(durations), track.timescale)
    late, short = source.cut is not None and source.cut.begin > 0, source.cut is not None and source.cut.short
    if not plain or source.container.split(",")[0] not in SEEKABLE:
        return [(0, len(durations), None, length if short else None)]
    spans: list[Span] = []
    at = Fraction(0)
    for first in range(0, len(durations), size):
        end = min(first + size, len(durations))
        after = at + Fraction(sum(durations[first:end]), track.timescale)
        begins, ends = bool(first) or late, end < len(durations) or short
        spans.append((first, end, at if begins else None, after if ends else None))
        at = after
    return spans


def _sounds(report: Report, plan: Plan, source: SourceRef, segments: SegmentList) -> Iterator[Task]:
    """Yield the check of each audio track against the source, decoded anew from its start."""
    late = {one.track: one for one in segments[0].pieces}  # where streams are found that appear late
    reports = {one.id: one for one in report.tracks}
    for track in plan.audio:
        found, piece = reports.get(track.id), late.get(track.id)
        if found is None:
            continue
        strands = tuple(Strand(stream=stream) for stream in track.streams)
        if piece is not None:
            strands = (Strand(stream=piece.stream, id=piece.id, within=piece.within),)
        cut = report.source.cut
        dropped = (note.what for note in report.notes if note.kind == "dropped")
        yield SoundCheckTask(
            key=f"{WHOLE}{track.id}",
            source=source,
            track=track,
            segments=len(found.segments.size),
            strands=strands,
            video=report.source.video,
            lead=Fraction(plan.timeline.lead, plan.timeline.timescale),
            ffmpeg_edits=_ffmpeg_edits(report),
            audio_map=plan.settings.audio_map,
            program=plan.settings.program,
            gain=found.loudness.gain if found.loudness is not None else 0.0,
            begin=cut.begin if cut is not None else None,
            cut=(cut is not None and cut.short)
            or any(what.endswith(f"of audio stream {track.stream}") for what in dropped),
            budget=sound_check_budget(float(found.duration), source.size, len(strands)),
            priority=1,
        )


def _ffmpeg_edits(report: Report) -> bool:
    """Return whether the report says that FFmpeg's reading of an edit list counts: its index is not usable."""
    said = any(note.what == "the parts of the edit list are FFmpeg's reading" for note in report.notes)
    return said or report.source.scanned


def _streams(report: Report, plan: Plan, source: SourceRef) -> StreamsCheckTask:
    """Return the check that no stream of the source is missing."""
    named = (DROPPED.fullmatch(note.what) for note in report.notes if note.kind == "dropped")
    task = StreamsCheckTask(
        key=f"{WHOLE}streams",
        source=source,
        video=None if report.source.video is None else report.source.video.stream,
        audio=tuple(stream for track in plan.audio for stream in track.streams),
        dropped=tuple(int(found[1]) for found in named if found is not None),
        program=plan.settings.program,
        budget=streams_check_budget(),
    )
    burn, video, timeline = plan.burn, report.source.video, plan.timeline
    if burn is None or burn.stream is None or not burn.is_text or burn.codec in UNDECODED or video is None:
        return task
    begin = timeline.origin * timeline.time_base + video.late - Fraction(timeline.lead, timeline.timescale)
    parts = tuple(dict.fromkeys(part_key(burn, index) for index in range(plan.segments)))
    span = begin, begin + Fraction(timeline.end, timeline.timescale)
    budget = drawn_check_budget(plan.segments, source.size)
    return task.model_copy(update={"burn": recipe_of(burn), "burn_parts": parts, "span": span, "budget": budget})


def _record(track: TrackReport, index: int, start: int, size: int) -> SegmentRecord:
    return SegmentRecord(
        track=track.id,
        segment=index,
        media=Blob(key=segment_key(track.folder, index), size=size, sha256=track.segments.sha256[index]),
        init=Blob(key=init_key(track.folder), size=0, sha256=track.init_sha256),
        start=start,
        duration=track.segments.duration[index],
        frames=track.segments.frames[index],
    )


def _stand_in(track: TrackReport) -> VideoTrack | AudioTrack:
    """Return enough of a track for a check without a plan: a stream that was copied without its `.streamify`."""
    if track.kind == "audio":
        sound = AudioRecipe(codec="", stream=0, sample_rate=track.timescale, channels=0, bitrate=0, samples=0,
                            origin=Fraction(0), piece_segments=0)  # fmt: skip
        return AudioTrack(id=track.id, recipe=sound, timescale=track.timescale)
    recipe = VideoRecipe(codec="", width=track.width or 0, height=track.height or 0, frame_rate=Fraction(1), crf=0,
                         maxrate=0, bufsize=0, preset="", bframes=0)  # fmt: skip
    return VideoTrack(id=track.id, recipe=recipe, timescale=track.timescale)


def _summary(track: TrackReport, results: list[CheckResult]) -> TrackCheck:
    lows = [item.psnr_min for item in results if item.psnr_min is not None]
    means = [item.psnr_mean for item in results if item.psnr_mean is not None]
    return TrackCheck(
        track=track.id,
        segments=len(results),
        frames=sum(item.frames for item in results) if track.kind == "video" else track.frames,
        psnr_min=min(lows, default=None),
        psnr_mean=round(sum(means) / len(means), 2) if means else None,
    )
