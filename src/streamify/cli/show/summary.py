"""What people read at the end: values in, text out. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from streamify.cli.show.tally import clock

if TYPE_CHECKING:
    from streamify.jobs.verify import Verification
    from streamify.model.plan import Plan
    from streamify.model.report import Certificate, Report
    from streamify.model.source import AudioFacts, Note, SourceFacts, VideoFacts
    from streamify.model.status import Cancelled, JobStatus


def facts(source: SourceFacts) -> str:
    """Return what `probe` says."""
    lines = [f"{source.ref.key}: {size(source.ref.size)}, {source.container}, {clock(float(source.duration))}"]
    lines += [_video(source.video)] if source.video else ["  no video"]
    lines += [_audio(one) for one in source.audio] or ["  no audio"]
    if source.scanned:
        lines.append("  no usable index: the file was read once from end to end")
    return "\n".join([*lines, *_notes(source.notes)])


def planned(plan: Plan) -> str:
    """Return what `plan` says."""
    tracks = len(plan.tracks)
    lines = [facts(plan.source), f"Plan: {plan.segments} segments x {tracks} tracks = {plan.segments * tracks} files"]
    rows = [
        (f"  {one.name}", f"{one.width}x{one.height}", f"{_rate(one.frame_rate)} fps", f"CRF {one.recipe.crf:g}",
         f"at most {bits(one.recipe.maxrate)}")
        for one in plan.video
    ]  # fmt: skip
    rows += [
        ("  audio", "AAC-LC", f"{one.sample_rate} Hz", one.labels.language or "", bits(one.recipe.bitrate))
        for one in plan.audio
    ]
    lines += table(rows)
    known = {(note.kind, note.what) for note in plan.source.notes}
    lines += _notes(note for note in plan.notes if (note.kind, note.what) not in known)
    lines.append(f"Output: at most about {size(plan.estimate.media_bytes)}")
    lines.append(f"Memory: about {size(plan.estimate.worker_bytes)} a worker")
    return "\n".join(lines)


def made(report: Report, dest: str) -> str:
    """Return what `transcode` says when it is done."""
    rows = [
        (f"  {one.folder}", f"{one.width}x{one.height}" if one.width else "", one.codecs, size(one.bytes),
         bits(one.average_bandwidth))
        for one in report.tracks
    ]  # fmt: skip
    total = sum(one.bytes for one in report.tracks)
    lines = [
        f"{dest}: {len(report.tracks)} tracks, {size(total)}, {clock(float(report.source.duration))}",
        *table(rows),
        *_notes(report.notes),
        f"Certificate: {certificate(report.certificate)}",
        f"Time: {_time(report)}",
        f"Play: {play_command(dest)}",
    ]
    return "\n".join(lines)


def _time(report: Report) -> str:
    if not report.tasks_run:
        return f"{clock(report.wall_seconds)}; all {report.tasks_reused} segments were there already"
    kept = f", {report.tasks_reused} kept from earlier runs" if report.tasks_reused else ""
    workers = f"{report.workers} worker{'s' * (report.workers != 1)} ({report.engine})"
    made = f"{report.tasks_run} segment{'s' * (report.tasks_run != 1)} made{kept}"
    return f"{clock(report.wall_seconds)} with {workers}, {report.speed:.2f}x realtime; {made}"


def standing(found: JobStatus) -> str:
    """Return what `status` says."""
    parts = [_state(found)]
    if found.total:
        parts.append(f"{found.done} of {found.total} segments")
    if found.seconds_left is not None:
        parts.append(f"about {clock(found.seconds_left)} left")
    lines = [f"{found.dest}: {', '.join(parts)}"]
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
    lines += [f"{len(found.failed)} failed task{'s' * (len(found.failed) != 1)}:"] if found.failed else []
    lines += [f"  {task.key}: {task.cause} [{task.code}]" for task in found.failed]
    lines += [f"{what}: {utc(when)}" for what, when in times if when is not None]
    if found.state in ("interrupted", "failed"):
        lines.append(f"Go on: streamify resume {shlex.quote(found.dest)}")
    return "\n".join(lines)


def _state(found: JobStatus) -> str:
    if found.state == "running":
        where = " on AWS" if found.execution is not None else ""
        return f"running{where}, {found.share:.0%}"
    if found.state == "interrupted":
        cancelled = found.run is not None and found.run.outcome == "cancelled"
        return "cancelled" if cancelled else "interrupted"
    return found.state


def cancelled(found: Cancelled) -> str:
    """Return what `cancel` says."""
    name = found.execution or found.dest
    if not found.cancelled:
        return f"had ended: {name}, {found.status}"
    return f"cancelled: {name}\nGo on: streamify resume {shlex.quote(found.dest)}"


def utc(seconds: float) -> str:
    """Return a point in time, given in seconds since the epoch, as people of any zone read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def verified(found: Verification) -> str:
    """Return what `verify` says of a stream without fault."""
    rows = [
        (f"  {one.track}", f"{one.segments} segments", f"{one.frames} frames",
         f"luma PSNR {one.psnr_mean} dB on average, {one.psnr_min:.2f} dB at least" if one.psnr_min is not None else "")
        for one in found.checks
    ]  # fmt: skip
    return "\n".join([*table(rows), "No fault found"])


def certificate(proof: Certificate) -> str:
    """Return the certificate in one line."""
    parts = [f"{proof.encoded} of {proof.promised} frames"] if proof.promised else ["no video"]
    parts.append(f"{proof.seams} seam{'s' * (proof.seams != 1)} checked")
    counts = ((proof.damaged, "damaged"), (proof.duplicated, "duplicated"), (proof.dropped, "left out"))
    return ", ".join(parts + [f"{count} {word}" for count, word in (*counts, (len(proof.lost), "lost")) if count])


def play_command(dest: str) -> str:
    """Return the command that plays the stream, quoted for a shell."""
    return f"streamify play {shlex.quote(f'./{dest}' if dest.startswith('-') else dest)}"


def size(count: int) -> str:
    """Return bytes for people."""
    value = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def bits(rate: int) -> str:
    """Return bits per second for people."""
    return f"{rate / 1e6:.1f} Mbit/s" if rate >= 1_000_000 else f"{rate / 1e3:.0f} kbit/s"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows with their columns lined up."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _video(video: VideoFacts) -> str:
    parts = [f"{video.codec} {video.profile or ''}".strip(), f"{video.width}x{video.height}"]
    parts += [f"sample aspect {video.sample_aspect}"] if video.sample_aspect != 1 else []
    parts += [f"rotated {video.rotation} degrees"] if video.rotation else []
    parts += ["mirrored"] if video.mirrored else []
    rate = f"{_rate(video.rate)} fps" if video.rate else f"variable rate, {_rate(video.average_rate)} fps on average"
    parts += [rate, f"{video.frames} frames", video.pixel_format]
    parts += ["interlaced"] if video.interlaced else []
    parts += ["HDR"] if video.colour.hdr else []
    return f"  video #{video.stream}: {', '.join(parts)}"


def _audio(audio: AudioFacts) -> str:
    parts = [audio.codec, f"{audio.sample_rate} Hz", audio.layout, *filter(None, (audio.language, audio.title))]
    return f"  audio #{audio.stream}: {', '.join(parts)}"


def _notes(notes: Iterable[Note]) -> list[str]:
    return [f"  {note.kind}: {note.what} ({note.why})" if note.why else f"  {note.kind}: {note.what}" for note in notes]


def _rate(rate: Fraction) -> str:
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")
