"""What people read at the end: values in, lines out. Pure; `out.say` makes what comes from outside safe to show."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streamify.cli.text import bits, clock, table, visible
from streamify.errors import counted
from streamify.model.text import decimal, size

if TYPE_CHECKING:
    from streamify.jobs.verify import Verification
    from streamify.model.burn import BitmapFacts
    from streamify.model.plan import Plan
    from streamify.model.report import Certificate, Report
    from streamify.model.source import AudioFacts, Note, SourceFacts, TextFacts, VideoFacts
    from streamify.model.status import Cancelled, JobStatus


def facts(source: SourceFacts, notes: Iterable[Note] | None = None) -> list[str]:
    """Return what `probe` says; with `notes` in place of those of the source."""
    lines = [f"{source.ref.key}: {size(source.ref.size)}, {source.container}, {clock(float(source.duration))}"]
    lines += [_video(source.video)] if source.video else ["  no video"]
    lines += [_audio(track) for track in source.audio] or ["  no audio"]
    words: tuple[TextFacts | BitmapFacts, ...] = (*source.text, *source.bitmaps)
    lines += [_text(track) for track in sorted(words, key=lambda one: one.stream)]
    if source.chapters:
        lines.append(f"  {counted(len(source.chapters), 'chapter')}")
    if source.scanned:
        lines.append("  no usable index: the file was read once from end to end")
    return [*lines, *_notes(source.notes if notes is None else notes)]


def planned(plan: Plan) -> list[str]:
    """Return what `plan` says."""
    from streamify.codecs.registry import audio_codec

    tracks = len(plan.tracks) + len(plan.text)
    lines = facts(plan.source, (note for note in plan.source.notes if note in plan.notes))
    lines.append(
        f"Plan: {counted(plan.segments, 'segment')} x {counted(tracks, 'track')}"
        f" = {counted(plan.segments * tracks, 'file')}"
    )
    rows = [
        (f"  {track.name}", f"{track.width}x{track.height}", f"{decimal(track.frame_rate)} fps",
         f"CRF {track.recipe.crf:g}", f"at most {bits(track.recipe.maxrate)}")
        for track in plan.video
    ]  # fmt: skip
    rows += [
        (
            "  audio",
            audio_codec(track.recipe.codec).title + " 5.1" * (track.recipe.channels > 2),
            f"{track.sample_rate} Hz",
            track.labels.name,
            bits(track.recipe.bitrate),
        )
        for track in plan.audio
    ]
    rows += [
        ("  subtitles", "WebVTT", track.labels.language or "", track.labels.name, track.source) for track in plan.text
    ]
    lines += table(rows)
    lines += _chosen(plan)
    known = {(note.kind, note.what) for note in plan.source.notes}
    lines += _notes(note for note in plan.notes if (note.kind, note.what) not in known)
    if images := [*_images(plan)]:
        lines.append(f"Images: {', '.join(images)}")
    lines.append(f"Output: at most about {size(plan.estimate.media_bytes)}")
    lines.append(f"Memory: about {size(plan.estimate.worker_bytes)} a worker")
    return lines


def _chosen(plan: Plan) -> Iterator[str]:
    """Yield what presets of our own stand for, and why: what rungs share is said once."""
    from streamify.codecs.registry import video_codec

    words = {track.name: video_codec(track.recipe.codec).words(track.recipe.tuning) for track in plan.video}
    if not any(track.chosen for track in plan.video):
        return
    shared = dict(set.intersection(*(set(of.items()) for of in words.values())))
    first = next(iter(words.values()))
    text = ", ".join(f"{name}={value}" for name, value in first.items() if name in shared)
    yield f"  {plan.settings.preset} is {plan.video[0].recipe.preset} with {text}"
    yield from _by_rung({rung: [f"{a}={b}" for a, b in of.items() if a not in shared] for rung, of in words.items()})
    yield from _by_rung({track.name: [track.why] for track in plan.video})


def _by_rung(told: Mapping[str, Sequence[str]]) -> Iterator[str]:
    found: dict[str, list[str]] = {}
    for rung, words in told.items():
        found.setdefault(", ".join(words), []).append(rung)
    for text, rungs in found.items():
        if text:
            yield f"    {', '.join(rungs)}: {text}" if len(found) > 1 else f"    {text}"


def _images(plan: Plan) -> Iterator[str]:
    """Yield the images of a stream."""
    if (board := plan.storyboard) is not None:
        every = f" every {decimal(board.interval)} s" if board.count > 1 else ""
        yield f"{counted(board.count, 'thumbnail')}{every} in {counted(board.sheets, 'sheet')}"
    if plan.poster is not None:
        width, height = plan.poster.sizes[0]
        at = f" from {decimal(plan.poster.at)} s" if plan.poster.at is not None else ""
        yield f"a poster of {width}x{height}{at}"
    if plan.preview is not None:
        yield f"a preview of {decimal(plan.preview.seconds)} s"


def made(report: Report, dest: str) -> list[str]:
    """Return what `transcode` says when it is done."""
    rows = [
        (f"  {track.folder}", f"{track.width}x{track.height}" if track.width else "", track.codecs, size(track.bytes),
         bits(track.average_bandwidth))
        for track in report.tracks
    ]  # fmt: skip
    rows += [
        (f"  {words.folder}", "", "WebVTT", size(words.bytes), counted(words.cues, "cue")) for words in report.subtitles
    ]
    total = sum(track.bytes for track in report.tracks) + sum(words.bytes for words in report.subtitles)
    count = len(report.tracks) + len(report.subtitles)
    return [
        f"{dest}: {counted(count, 'track')}, {size(total)}, {clock(float(report.source.duration))}",
        *table(rows),
        *_notes(report.notes),
        f"Certificate: {certificate(report.certificate)}",
        f"Time: {_time(report)}",
        f"Play: {shell_command('play', dest)}",
    ]


def _time(report: Report) -> str:
    if not report.tasks_run:
        return f"{clock(report.wall_seconds)}; nothing to make, {counted(report.tasks_reused, 'segment')} existed"
    kept = f", {report.tasks_reused} kept from earlier runs" if report.tasks_reused else ""
    workers = f"{counted(report.workers, 'worker')} ({report.engine})"
    again = f", {counted(report.stragglers, 'straggler')} begun again" if report.stragglers else ""
    more = f", {counted(report.more_memory, 'attempt')} with more memory" if report.more_memory else ""
    made = f"{counted(report.tasks_run, 'segment')} made{kept}{again}{more}"
    return f"{clock(report.wall_seconds)} with {workers}, {report.speed:.2f}x realtime; {made}"


def status_lines(found: JobStatus) -> list[str]:
    """Return what `status` says."""
    parts = [_state(found)]
    if found.total:
        parts.append(f"{found.done} of {counted(found.total, 'segment')} finished")
    if found.seconds_left is not None:
        parts.append(f"about {clock(found.seconds_left)} left")
    lines = [f"{found.dest}: {', '.join(parts)}"]
    lines += [f"  {fault}" for fault in found.faults]
    lines += table([(f"  {track.name}", f"{track.done} of {track.total}") for track in found.tracks])
    times = [("Planned", found.planned), ("Finished", found.finished)]
    if found.execution is not None:
        run = found.execution
        lines += [f"Execution: {run.arn}, {run.status}", *([f"  {run.error}"] if run.error else [])]
        times = [("Started", run.started), ("Ended", run.stopped), *times]
    elif found.run is not None:
        where = f"process {found.run.pid} on {found.run.host}" if found.run.pid else found.run.id
        ended = [] if found.state == "running" else [("Ended", found.run.ended)]
        lines += [f"Run: {where}, engine {found.run.engine}", *([f"  {found.run.error}"] if found.run.error else [])]
        times = [("Started", found.run.started), *ended, *times]
    lines += [f"{counted(len(found.failed), 'failed task')}:"] if found.failed else []
    lines += [f"  {task.key}: {task} [{task.code}]" for task in found.failed]
    lines += [f"{what}: {utc(when)}" for what, when in times if when is not None]
    if found.state in ("interrupted", "cancelled", "failed"):
        lines.append(f"Go on: {shell_command('resume', found.dest)}")
    return lines


def _state(found: JobStatus) -> str:
    if found.state == "running":
        where = " on AWS" if found.execution is not None else ""
        return f"running{where}, {found.share:.0%}"
    return found.state


def cancelled(found: Cancelled) -> list[str]:
    """Return what `cancel` says."""
    name = found.execution or found.dest
    if not found.cancelled:
        return [f"had ended: {name}, {found.status}"]
    return [f"cancelled: {name}", f"Go on: {shell_command('resume', found.dest)}"]


def utc(seconds: float) -> str:
    """Return a point in time, given in seconds since the epoch, as people of any zone read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def verified(found: Verification) -> list[str]:
    """Return what `verify` says of a stream without fault."""
    rows = [
        (f"  {check.track}", counted(check.segments, "segment"), counted(check.frames, "frame"),
         "" if check.psnr_min is None
         else f"luma PSNR {check.psnr_mean} dB on average, {check.psnr_min:.2f} dB at least")
        for check in found.checks
    ]  # fmt: skip
    return [*table(rows), "No fault found", *(f"Not compared: {one}" for one in found.unread)]


def certificate(proof: Certificate) -> str:
    """Return the certificate in one line."""
    parts = [f"{proof.encoded} of {counted(proof.promised, 'frame')}"] if proof.promised else ["no video"]
    parts.append(f"{counted(proof.seams, 'seam')} checked")
    counts = ((proof.damaged, "damaged"), (proof.duplicated, "duplicated"), (proof.dropped, "left out"))
    return ", ".join(parts + [f"{count} {word}" for count, word in (*counts, (len(proof.lost), "lost")) if count])


def shell_command(name: str, dest: str) -> str:
    """Return a command on DEST, quoted for a shell; names that a terminal cannot show are written as ``$'...'``."""
    path = f"./{dest}" if dest.startswith("-") else dest
    if visible(path) == path:
        return f"streamify {name} {shlex.quote(path)}"
    quoted = (
        f"\\{char}" if char in "\\'" else char if visible(char) == char else f"\\U{ord(char):08x}" for char in path
    )
    return f"streamify {name} $'{''.join(quoted)}'"


def _video(video: VideoFacts) -> str:
    parts = [f"{video.codec} {video.profile or ''}".strip(), f"{video.width}x{video.height}"]
    parts += [f"sample aspect {video.sample_aspect}"] if video.sample_aspect != 1 else []
    parts += [f"rotated {video.rotation} degrees"] if video.rotation else []
    parts += ["mirrored"] if video.mirrored else []
    rate = (
        f"{decimal(video.rate)} fps" if video.rate else f"variable rate, {decimal(video.average_rate)} fps on average"
    )
    parts += [rate, counted(video.frames, "frame"), video.pixel_format]
    parts += ["interlaced"] if video.interlaced else []
    parts += ["HDR"] if video.colour.hdr else []
    return f"  video #{video.stream}: {', '.join(parts)}"


def _audio(audio: AudioFacts) -> str:
    parts = [audio.codec, f"{audio.sample_rate} Hz", audio.layout, *filter(None, (audio.language, audio.title))]
    return f"  audio #{audio.stream}: {', '.join(parts)}"


def _text(text: TextFacts | BitmapFacts) -> str:
    flags = [name for name, given in (("forced", text.forced), ("SDH", text.sdh)) if given]
    page = f"page {number}" if (number := getattr(text, "page", "")) else ""  # of teletext
    parts = [text.codec, *filter(None, (page, text.language, text.title)), *flags]
    parts += [counted(text.packets, "packet")] if text.packets else []
    return f"  subtitles #{text.stream}: {', '.join(parts)}"


def _notes(notes: Iterable[Note]) -> list[str]:
    return [f"  {note.kind}: {note.what} ({note.why})" if note.why else f"  {note.kind}: {note.what}" for note in notes]
