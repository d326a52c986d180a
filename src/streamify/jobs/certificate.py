"""The certificate: proof, from the ledger, that nothing was lost at any seam. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from streamify.codecs.registry import audio_codec
from streamify.dest.layout import segment_key
from streamify.model.plan import Plan, Segment
from streamify.model.report import Certificate
from streamify.model.result import Seam, SegmentRecord
from streamify.model.source import SourceFacts, VideoFacts
from streamify.model.track import AudioTrack, VideoTrack
from streamify.planning.loss import allowed_loss


@dataclass
class Ledgers:
    """Sums over one video track and the ends of the audio tracks; `certificate` turns them into the proof."""

    promised: int = 0
    decoded: int = 0
    encoded: int = 0
    damaged: int = 0
    duplicated: int = 0
    dropped: int = 0
    captions: int = 0
    lost: list[int] = field(default_factory=list)
    unexplained: list[int] = field(default_factory=list)
    """Of the lost, those that no damage near them explains."""
    seams: int = 0
    over: list[Fraction] = field(default_factory=list)
    sound: list[tuple[int, int]] = field(default_factory=list)
    """Of each audio track: samples promised and decoded."""
    undecoded: dict[int, Fraction] = field(default_factory=dict)
    """Of audio streams, by number: seconds of packets that do not decode, in the track that lost most of it."""
    damage: dict[str, None] = field(default_factory=dict)
    """What of pictures and sound tasks found damaged, each once."""

    def name_damage(self, record: SegmentRecord) -> None:
        """Take what a ledger entry says of damage."""
        self.damage.update(dict.fromkeys(note.what for note in record.notes if note.kind == "damaged"))

    def add(self, segment: Segment, seam: Seam) -> None:
        """Count a segment of one decode of the source."""
        self.promised += segment.frames
        self.decoded += seam.decoded
        self.encoded += seam.encoded
        self.damaged += seam.damaged
        self.duplicated += seam.duplicated
        self.dropped += seam.dropped
        self.captions += seam.captions
        self.lost.extend(seam.lost)
        if not (seam.errors or seam.damaged):
            self.unexplained.extend(seam.lost)

    def certificate(self, source: SourceFacts | None = None) -> Certificate:
        """Return the proof."""
        return Certificate(
            coded=source.coded if source is not None else 0,
            left_out=source.left_out if source is not None else 0,
            promised=self.promised,
            decoded=self.decoded,
            encoded=self.encoded,
            damaged=self.damaged,
            duplicated=self.duplicated,
            dropped=self.dropped,
            captions=self.captions,
            lost=tuple(self.lost),
            seams=self.seams,
            audio_over_video=tuple(self.over),
            sound_promised=tuple(promised for promised, _ in self.sound),
            sound_decoded=tuple(decoded for _, decoded in self.sound),
        )


class VideoCheck:
    """Checks the segments of one video track in order: every seam, every count, one init.

    Args:
        track: Which rendition.
        sums: Receives the sums where `count` is set (once per decode of the source, not once per rendition).
        count: See `sums`.
        step: Ticks from picture to picture at a constant rate; ``None``: it varies. Where each field becomes a picture,
            one that is shown again lasts two of them.
    """

    def __init__(self, track: VideoTrack, sums: Ledgers, *, count: bool, step: int | None = None) -> None:
        self._track, self._sums, self._count, self._step = track, sums, count, step
        self._before: tuple[Segment, SegmentRecord] | None = None
        self._init: str | None = None
        self._gone = set[int]()

    def add(self, segment: Segment, record: SegmentRecord) -> Iterator[str]:
        """Yield the faults of the next segment, given as the plan has it and as the ledger has it."""
        name = segment_key(self._track.folder, segment.index)
        seam = record.seam
        if seam is None:
            yield f"{name}: its ledger entry has no account of pictures"
            return
        self._sums.name_damage(record)
        before, lost = self._before, set(seam.lost)
        if record.start != segment.start or record.duration != segment.end - segment.start:
            yield f"{name}: ticks {record.start} + {record.duration}, the plan says {segment.start} to {segment.end}"
        if seam.decoded + len(lost) != segment.frames:
            yield f"{name}: {seam.decoded} pictures decoded, {len(lost)} named as lost, {segment.frames} promised"
        each = 2 if self._track.recipe.deinterlace == "field" else 1
        fields = (each - 1) * (seam.decoded - seam.dropped)
        if seam.fields != fields:
            yield f"{name}: {seam.fields} pictures of later fields, {fields} are due"
        if seam.encoded != seam.decoded - seam.dropped + seam.duplicated + seam.fields or record.frames != seam.encoded:
            yield f"{name}: {record.frames} pictures in the file, {seam.encoded} encoded of {seam.decoded} decoded"
        again = (each - 1) * seam.duplicated  # what is shown again stands for the time of both fields
        if self._step is not None and not lost and (record.frames + again) * self._step != record.duration:
            due = record.duration // self._step - again
            yield f"{name}: {record.frames} pictures in the file, {due} fill it at its rate, and none is named as lost"
        if self._track.recipe.captions and record.captions != seam.captions:
            yield f"{name}: {record.captions} triples of captions in the file, {seam.captions} in the source"
        if seam.first != segment.first and segment.first not in lost:
            yield f"{name}: starts with picture {seam.first}, the index promises {segment.first}"
        # In place of all of its pictures, which are lost.
        stands = bool(segment.frames) and seam.decoded == seam.dropped
        again = segment.repeated or int(stands)
        if seam.duplicated != again:
            yield f"{name}: {seam.duplicated} pictures are shown again, {again} are due"
        self._gone |= lost
        held = segment.held if segment.held is not None or not stands else seam.held
        if (seam.held != held and segment.held not in self._gone) or (stands and seam.held is None):
            yield f"{name}: picture {seam.held} stands at its start, the index promises {segment.held}"
        if self._init is not None and record.init.sha256 != self._init:
            yield f"{name}: its init segment differs from the one before"
        self._init = record.init.sha256
        if record.shortest is not None and record.shortest < 1:
            yield f"{name}: a picture is shown for {record.shortest} ticks"
        if before is not None and record.lead != before[1].lead:
            yield f"{name}: its first picture is shown {record.lead} ticks after its start, not {before[1].lead}"
        if before is not None:
            yield from _seam(name, before, record, lost)
            self._sums.seams += 1
        self._before = segment, record
        if self._count:
            self._sums.add(segment, seam)

    def end(self) -> Iterator[str]:
        """Yield the faults of a stream that ends with the last segment that was added."""
        before = self._before
        if before is not None and before[1].seam is not None and before[1].seam.next is not None:
            yield f"{self._track.folder}: the last segment saw a picture after its end"


def check_video(
    track: VideoTrack,
    pairs: Iterable[tuple[Segment, SegmentRecord]],
    sums: Ledgers,
    *,
    count: bool,
    step: int | None = None,
    whole: bool = True,
) -> Iterator[str]:
    """Yield the faults of one video track: every seam, every count, one init.

    Args:
        track: Which rendition.
        pairs: Segments of the plan and their ledger entries, in order.
        sums: See `VideoCheck`.
        count: See `VideoCheck`.
        step: See `VideoCheck`.
        whole: The last pair is that of the last segment; else it is a prefix of the stream.
    """
    check = VideoCheck(track, sums, count=count, step=step)
    for segment, record in pairs:
        yield from check.add(segment, record)
    if whole:
        yield from check.end()


def check_count(source: SourceFacts, sums: Ledgers) -> Iterator[str]:
    """Compare what the plan promised with the count of pictures that was made in another way."""
    if source.video is not None and source.coded and sums.promised + source.left_out != source.coded:
        yield (
            f"the source holds {source.coded} pictures; {sums.promised} were promised and {source.left_out} "
            "named as left out"
        )


EDGE = 3
"""Pictures at both ends of a film that may be lost: what they are decoded from, or their last bytes, may be missing."""
NEAR = 12
"""Seconds behind a hole or a break of the clock within which it explains that a picture is lost: until a keyframe."""


class Loss(NamedTuple):
    """A reason why a film is not published."""

    code: str
    cause: str
    hint: str


READ_WRONGLY = "the source is damaged, or is read wrongly: name it in a bug report"
ALLOW = "give an undamaged copy, or raise --loss-limit"
SILENCE = (
    "give another copy, choose other sound with --audio-map, or raise --loss-limit: "
    "silence stands for what does not decode"
)
LENIENT = "give an undamaged copy, or leave out --strict"


def losses(plan: Plan, sums: Ledgers) -> Iterator[Loss]:
    """Yield each reason why a film with this damage and these lost pictures is not published.

    Args:
        plan: Of the job.
        sums: Over one decode of the source.
    """
    strict, video = plan.settings.strict, plan.source.video
    unreadable = sum(float(gap.seconds) for gap in plan.source.gaps if gap.damage)
    cost, over = "", False
    if video is not None and (sums.lost or unreadable):
        yield from _unexplained(plan, video, sums)
        hidden = round(unreadable * float(video.average_rate))  # in bytes that cannot be read: none was promised
        missing, whole, rate = len(sums.lost) + hidden, video.frames + hidden, video.average_rate
        allowed = allowed_loss(whole / rate, plan.settings.loss_limit) * rate
        cost, over = f"damage cost {missing} of {whole} pictures{_where(plan, sums.lost, rate)}", missing > allowed
    if strict and (sums.damage or cost):
        more = f" and {len(sums.damage) - NAMED} more" if len(sums.damage) > NAMED else ""
        what = f"damaged: {'; '.join([*sums.damage][:NAMED])}{more}" if sums.damage else cost
        yield Loss(
            "too-many-lost", f"{what}; strict allows none", LENIENT + (" and raise --loss-limit" if over else "")
        )
    elif over:
        yield Loss("too-many-lost", f"{cost}; {int(allowed)} are allowed", ALLOW)
    if not strict:
        yield from _undecoded(plan, sums)


def _where(plan: Plan, lost: Sequence[int], rate: Fraction) -> str:
    """Say when pictures are lost, run by run."""
    times = sorted((pts - plan.timeline.origin) * plan.timeline.time_base for pts in lost)
    runs: list[list[Fraction]] = []
    for time in times:
        if runs and time - runs[-1][-1] < TOGETHER / rate:
            runs[-1].append(time)
        else:
            runs.append([time])
    named = [f"from {float(run[0]):.3f} s to {float(run[-1]):.3f} s" for run in runs[:NAMED]]
    return "".join(f", {one}" for one in named) + (", ..." if len(runs) > NAMED else "")


TOGETHER = 3
"""Distance of lost pictures, in pictures, up to which they are named as one run."""


def _undecoded(plan: Plan, sums: Ledgers) -> Iterator[Loss]:
    """Yield the audio streams of which damage cost more than is allowed."""
    allowed = allowed_loss(plan.source.duration, plan.settings.loss_limit)
    for stream, seconds in sums.undecoded.items():
        if seconds > allowed:
            cause = f"{float(seconds):.3f} s of audio stream {stream} do not decode; {float(allowed):.3f} s are allowed"
            yield Loss("too-many-lost", cause, SILENCE)


def _unexplained(plan: Plan, video: VideoFacts, sums: Ledgers) -> Iterator[Loss]:
    seconds = [(pts - plan.timeline.origin) * plan.timeline.time_base for pts in sums.lost]
    length = plan.source.duration
    places = [gap.start for gap in plan.source.gaps] + [one.at for one in plan.source.breaks]
    known, edge = set(sums.unexplained), EDGE / video.average_rate
    odd = [
        at
        for at, pts in zip(seconds, sums.lost, strict=True)
        if pts in known and edge <= at < length - edge and not any(place - 1 <= at <= place + NEAR for place in places)
    ]
    if odd:
        named = ", ".join(f"{float(at):.3f} s" for at in odd[:NAMED]) + (" ..." if len(odd) > NAMED else "")
        cause = f"{len(odd)} pictures are lost without damage that explains it, at {named}"
        yield Loss("pictures-lost", cause, READ_WRONGLY)


NAMED = 5
"""Lost pictures whose times an error names."""


def _seam(name: str, before: tuple[Segment, SegmentRecord], record: SegmentRecord, lost: set[int]) -> Iterator[str]:
    segment, earlier = before
    assert earlier.seam is not None
    assert record.seam is not None
    if earlier.start + earlier.duration != record.start:
        yield f"{name}: starts at tick {record.start}, the segment before ends at {earlier.start + earlier.duration}"
    seam = record.seam
    starts = seam.first if seam.first is not None else seam.next  # nothing but a picture that stands is in it
    # Behind damage a decoder may give the next keyframe late, or not: that segment begins where the index says.
    spoilt = earlier.seam.errors or earlier.seam.damaged
    if earlier.seam.next != starts and segment.next not in lost and not (spoilt and starts == segment.next):
        yield f"{name}: starts with picture {starts}, the segment before saw {earlier.seam.next} next"


class AudioCheck:
    """Checks the segments of one audio track in order: no gap, one init, covers the video by less than one codec frame.

    Args:
        plan: Of the job.
        track: Which one.
        sums: Receives by how much it outlasts the video, and how many of its samples there are.
    """

    def __init__(self, plan: Plan, track: AudioTrack, sums: Ledgers) -> None:
        self._plan, self._track, self._sums = plan, track, sums
        self._codec = audio_codec(track.recipe.codec)
        self._end: int | None = None
        self._init: str | None = None
        self._promised = self._decoded = 0
        self._undecoded = Fraction(0)

    def add(self, index: int, record: SegmentRecord, units: tuple[int, int]) -> Iterator[str]:
        """Yield the faults of the next segment; `units` are its planned borders, access units."""
        frame, end = self._codec.frame, self._end
        self._sums.name_damage(record)
        if record.heard is not None:
            self._promised, self._decoded = (
                self._promised + record.heard.promised,
                self._decoded + record.heard.decoded,
            )
            if record.heard.undecoded:
                self._undecoded += Fraction(record.heard.undecoded, self._track.sample_rate)
                stream = self._track.stream
                self._sums.undecoded[stream] = max(self._undecoded, self._sums.undecoded.get(stream, Fraction(0)))
        name = segment_key(self._track.folder, index)
        if record.start != (end if end is not None else 0):
            yield f"{name}: starts at tick {record.start}, the segment before ends at {end}"
        if (record.start, record.start + record.duration) != (units[0] * frame, units[1] * frame):
            yield f"{name}: covers other access units than planned"
        if record.frames * frame != record.duration:
            yield f"{name}: {record.frames} access units in {record.duration} ticks"
        if self._init is not None and record.init.sha256 != self._init:
            yield f"{name}: its init segment differs from the one before"
        self._init = record.init.sha256
        self._end = record.start + record.duration

    def end(self) -> Iterator[str]:
        """Yield the faults of a stream that ends with the last segment that was added."""
        frame, track, timeline = self._codec.frame, self._track, self._plan.timeline
        heard = Fraction((self._end or 0) - self._codec.priming * frame, track.sample_rate)
        over = heard - Fraction(timeline.end, timeline.timescale)
        self._sums.over.append(over)
        self._sums.sound.append((self._promised, self._decoded))
        if not 0 <= over < Fraction(frame, track.sample_rate):
            late = f"{float(over):+.6f} s after the picture"
            yield f"{track.folder}: sound ends {late}; at least 0, below one codec frame"


def check_audio(
    plan: Plan,
    track: AudioTrack,
    records: Iterable[SegmentRecord],
    sums: Ledgers,
    cuts: tuple[int, ...],
    *,
    whole: bool = True,
) -> Iterator[str]:
    """Yield the faults of one audio track: no gap, one init, covers the video by less than one codec frame.

    Args:
        plan: Of the job.
        track: Which one.
        records: Its ledger entries, in order.
        sums: See `AudioCheck`.
        cuts: Borders of those segments, access units.
        whole: The last record is that of the last segment; else it is a prefix of the stream.
    """
    check = AudioCheck(plan, track, sums)
    for index, record in enumerate(records):
        yield from check.add(index, record, (cuts[index], cuts[index + 1]))
    if whole:
        yield from check.end()
