"""Fan-in: check the certificate, then write the manifests, and last of all the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from streamify.codecs.registry import codecs_string
from streamify.dest.layout import CHAPTER_FILES, segment_key
from streamify.errors import Failure, TasksFailed, VerificationFailed
from streamify.jobs.certificate import Ledgers, check_count, losses
from streamify.jobs.certify import Certifying
from streamify.jobs.images import read_poster, read_preview, read_storyboard, remove_other_posters
from streamify.jobs.loudness import loudness_notes, read_loudness
from streamify.jobs.publish import StreamView, publish
from streamify.jobs.segments import SegmentList
from streamify.jobs.survey import belongs, read_records
from streamify.jobs.words import read_words, text_faults, text_manifest, text_notes, text_report
from streamify.manifests.base import SegmentLine, TrackManifest
from streamify.model.images import Poster, Preview, StoryboardReport
from streamify.model.plan import Plan
from streamify.model.report import Certificate, TrackReport, TrackSegments
from streamify.model.result import Blob, SegmentRecord
from streamify.model.source import Note, Part, VideoFacts
from streamify.model.track import AudioTrack, VideoTrack
from streamify.model.words import TextReport
from streamify.planning.looks import change_notes
from streamify.planning.words import declared_captions
from streamify.storage.base import Listed, Storage, sha256

HINT = "delete the named files and run the same command again: only they are made again"


@dataclass(frozen=True)
class Assembled:
    """What assemble made of the ledger."""

    certificate: Certificate
    tracks: tuple[TrackReport, ...]
    manifests: tuple[Blob, ...]
    notes: tuple[Note, ...]
    """Damage that tasks met."""
    words: tuple[TextReport, ...]
    poster: Poster | None
    preview: Preview | None
    thumbnails: StoryboardReport | None


def assemble(
    plan: Plan,
    media: Storage,
    check: Callable[[], None] = lambda: None,
    make_images: Callable[[], None] = lambda: None,
) -> Assembled:
    """Check every segment and every seam, make images of them, then write all manifests; the master playlist last.

    Args:
        plan: Of the job.
        media: Rooted at DEST.
        check: Called before the first manifest is written; raises where that is no longer allowed.
        make_images: Runs the tasks of `streamify.jobs.images.image_tasks`; called once all segments are certified.

    Raises:
        VerificationFailed: Something is missing, damaged or does not fit; each fault is named, nothing is written.
        TasksFailed: More pictures are lost than damage explains, or than the settings allow; nothing is written.
    """
    segments = SegmentList(plan, media)
    try:
        certifying = Certifying(plan, segments, plan.segments)
        published = _Published(media)
        manifests: list[TrackManifest] = []
        reports: list[TrackReport] = []
        faults: list[str] = []
        notes: dict[Note, None] = {}
        for track in plan.tracks:
            records, missing = _records(plan, track, media)
            faults.extend(missing)
            notes.update(dict.fromkeys(note for record in records for note in record.notes))
            if missing:
                continue
            if track.kind == "video" and plan.source.video is not None:
                parts = _parts(plan.source.video, records)
                drawn = plan.burn is not None and plan.burn.is_text
                changes = change_notes(plan.source.video, plan.timeline.origin, parts, drawn=drawn)
                notes.update(dict.fromkeys(changes))
            faults.extend(certifying.check(track, records))
            init = media.get(records[0].init.key)
            faults.extend(_differs(records[0].init, init))
            faults.extend(fault for record in records for fault in published.faults(record))
            if not faults and init is not None:
                manifests.append(_manifest(track, records, init))
                reports.append(_report(track, records, manifests[-1]))
                if isinstance(track, AudioTrack) and track.recipe.loudness is not None:
                    reports[-1] = reports[-1].model_copy(update={"loudness": read_loudness(media, track)})
                    notes.update(dict.fromkeys(loudness_notes(track, reports[-1].loudness)))
        borders = [Fraction(segment.start, plan.timeline.timescale) for segment in segments] if plan.text else []
    finally:
        segments.close()
    words = _Words(plan, media, borders, certifying.sums.captions if plan.video and not faults else None)
    faults.extend(words.faults)
    notes.update(dict.fromkeys(words.notes))
    if plan.video and not faults:
        faults.extend(check_count(plan.source, certifying.sums))
    if faults:
        raise VerificationFailed(tuple(faults), HINT)
    _refuse_losses(plan, certifying.sums)
    make_images()
    poster, thumbnails = read_poster(plan, media), read_storyboard(plan, media)
    preview = read_preview(plan, media)
    faults.extend(_image_faults(plan, media, poster, thumbnails, preview))
    if faults:
        raise VerificationFailed(tuple(faults), HINT)
    check()
    view = StreamView(
        tuple(manifests),
        plan.target_duration,
        Fraction(plan.timeline.end, plan.timeline.timescale),
        chapters=plan.chapters,
        thumbnails=thumbnails,
        captions=declared_captions(plan),
        words=words.manifests,
        subtitles=tuple(track.id for track in plan.text),
    )
    blobs = publish(view, media)
    for key in set(CHAPTER_FILES).difference(blob.key for blob in blobs):
        media.delete(key)  # of a stream that this one replaces
    remove_other_posters(media, poster, preview)
    proof = certifying.sums.certificate(plan.source)
    return Assembled(proof, tuple(reports), blobs, tuple(notes), words.reports, poster, preview, thumbnails)


class _Words:
    """What is published of the subtitles of a plan, and what is wrong with them."""

    def __init__(self, plan: Plan, media: Storage, starts: Sequence[Fraction], captions: int | None) -> None:
        borders = [*starts, Fraction(plan.timeline.end, plan.timeline.timescale)]
        self.faults: list[str] = []
        self.notes: list[Note] = []
        manifests, reports = [], []
        for track in plan.text:
            record = read_words(media, track)
            self.faults.extend(text_faults(track, record, media, plan.segments, captions))
            if record is not None:
                self.notes.extend(text_notes(track, record))
                found = text_manifest(track, record, borders)
                if found is not None:
                    manifests.append(found)
                    reports.append(text_report(track, record))
        self.manifests, self.reports = tuple(manifests), tuple(reports)


def _image_faults(
    plan: Plan,
    media: Storage,
    poster: Poster | None,
    thumbnails: StoryboardReport | None,
    preview: Preview | None,
) -> Iterator[str]:
    """Compare the images with what their workers wrote."""
    if plan.storyboard is not None and thumbnails is None:
        yield f"{plan.storyboard.folder}: thumbnails are missing"
    if plan.poster is not None and poster is None:
        yield "the poster is missing"
    if plan.preview is not None and preview is None:
        yield "the preview is missing"
    if preview is not None:
        yield from _differs(Blob(key=preview.key, size=preview.size, sha256=preview.sha256), media.get(preview.key))
    for sheet in thumbnails.sheets if thumbnails is not None else ():
        yield from _differs(Blob(key=sheet.key, size=sheet.size, sha256=sheet.sha256), media.get(sheet.key))
    for still in poster.stills if poster is not None else ():
        yield from _differs(Blob(key=still.key, size=still.size, sha256=still.sha256), media.get(still.key))


def _refuse_losses(plan: Plan, sums: Ledgers) -> None:
    failures = tuple(Failure("certificate", one.code, one.cause, hint=one.hint) for one in losses(plan, sums))
    if failures:
        raise TasksFailed(failures, "nothing was published; what was made is kept")


def _records(plan: Plan, track: VideoTrack | AudioTrack, media: Storage) -> tuple[list[SegmentRecord], list[str]]:
    records, missing = [], []
    wanted = ((track.id, index) for index in range(plan.segments))
    for index, record in enumerate(read_records(media, wanted)):
        if record is None or not belongs(record, track, index):
            missing.append(f"{segment_key(track.folder, index)}: no ledger entry")
        else:
            records.append(record)
    return records, missing


def _parts(video: VideoFacts, records: Sequence[SegmentRecord]) -> Iterator[Part]:
    """Yield the runs of pictures that look alike, over all segments."""
    for record in records:
        if record.looks:
            yield from record.looks
        elif record.seam is not None and record.seam.first is not None:
            yield Part(first=record.seam.first, look=video.look)


class _Published:
    """Compares media files with what their workers wrote.

    By the store's own tags where it has them: 48,000 segments are 90 GB, and two listings. What has none, or another
    one than its worker was told, is read.
    """

    def __init__(self, media: Storage) -> None:
        self._media = media
        self._listed: dict[str, dict[str, Listed]] = {}

    def faults(self, record: SegmentRecord) -> Iterator[str]:
        blob = record.media
        if record.media_tag is not None:
            found = self._find(blob.key)
            if found is None:
                yield f"{blob.key} is missing"
                return
            if found.size != blob.size:
                yield _other_size(blob, found.size)
                return
            if found.tag == record.media_tag:
                return
        yield from _differs(blob, self._media.get(blob.key))

    def _find(self, key: str) -> Listed | None:
        folder = key.partition("/")[0]
        if folder not in self._listed:
            self._listed[folder] = {record.key: record for record in self._media.list(folder)}
        return self._listed[folder].get(key)


def _differs(blob: Blob, data: bytes | None) -> Iterator[str]:
    """Compare a file with what its worker reported."""
    if data is None:
        yield f"{blob.key} is missing"
    elif len(data) != blob.size:
        yield _other_size(blob, len(data))
    elif sha256(data) != blob.sha256:
        yield f"{blob.key}: checksum differs from what its worker wrote"


def _other_size(blob: Blob, size: int) -> str:
    return f"{blob.key}: {size} bytes, its worker wrote {blob.size}"


def _manifest(track: VideoTrack | AudioTrack, records: list[SegmentRecord], init: bytes) -> TrackManifest:
    lines = [SegmentLine(record.duration, record.media.size, record.frames, record.iframes) for record in records]
    return TrackManifest(track, codecs_string(init), len(init), lines)


def _report(track: VideoTrack | AudioTrack, records: list[SegmentRecord], manifest: TrackManifest) -> TrackReport:
    seconds = Fraction(sum(record.duration for record in records), track.timescale)
    cpu = sum(record.cost.decode + record.cost.scale + record.cost.encode + record.cost.other for record in records)
    return TrackReport(
        id=track.id,
        kind=track.kind,
        folder=track.folder,
        codecs=manifest.codecs,
        timescale=track.timescale,
        width=track.width if isinstance(track, VideoTrack) else None,
        height=track.height if isinstance(track, VideoTrack) else None,
        chosen=_chosen(track) if isinstance(track, VideoTrack) else None,
        frames=sum(record.frames for record in records),
        duration=seconds,
        bytes=sum(record.media.size for record in records) + records[0].init.size,
        bandwidth=manifest.bandwidth,
        average_bandwidth=manifest.average_bandwidth,
        cpu_seconds=round(cpu, 3),
        speed=round(float(seconds) / cpu, 3) if cpu else 0.0,
        init_sha256=records[0].init.sha256,
        segments=TrackSegments(
            duration=tuple(record.duration for record in records),
            frames=tuple(record.frames for record in records),
            size=tuple(record.media.size for record in records),
            sha256=tuple(record.media.sha256 for record in records),
        ),
    )


def _chosen(track: VideoTrack) -> str | None:
    return "; ".join(filter(None, (track.chosen, track.why))) or None
