"""What a source is: its streams, and a small bounded sample of decoded pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame

from streamify.errors import SourceError
from streamify.media.audio.index import Sound, hear
from streamify.media.bitmaps.streams import bitmap_facts
from streamify.media.source.announced import announcements, last_sample
from streamify.media.source.audio_facts import audio_facts
from streamify.media.source.audio_packets import read_audio_packets
from streamify.media.source.audio_streams import Reading, place_sound
from streamify.media.source.beginning import VideoStart, read_beginning
from streamify.media.source.chapters import read_chapters
from streamify.media.source.choice import Choice, choose, has_decoder
from streamify.media.source.cut_off import CutOff, missing_pictures, missing_sounds, sound_note
from streamify.media.source.dolby import refuse_dolby_vision
from streamify.media.source.entry_kinds import entry_kinds
from streamify.media.source.extent import cut_off, missing_bytes
from streamify.media.source.gaps import gap_notes
from streamify.media.source.index import read_index
from streamify.media.source.left_out import Tracks, left_out, read_tracks
from streamify.media.source.light import PQ, light_peak
from streamify.media.source.metadata import refuse_metadata
from streamify.media.source.mixed import refuse_next
from streamify.media.source.mixed_avi import refuse_other_avi
from streamify.media.source.mixed_file import refuse_second_file
from streamify.media.source.mixed_matroska import refuse_other_tracks
from streamify.media.source.mixed_mp4 import refuse_other_movies
from streamify.media.source.mixed_sound import refuse_late_pictures
from streamify.media.source.opening import open_media
from streamify.media.source.paced import refuse_wrong_pace
from streamify.media.source.picture_notes import changes
from streamify.media.source.plausible import refuse_streams
from streamify.media.source.reading import read_packets, rewind
from streamify.media.source.reshaping import needs_metadata
from streamify.media.source.runs import refuse_runs
from streamify.media.source.sound import Laid, near_pictures, sound_notes
from streamify.media.source.sound_span import cut_sound, heard_from, indexed_ends, read_ends, read_starts
from streamify.media.source.tags import filled, tags_of, tags_outside
from streamify.media.source.turn import turn_of
from streamify.media.source.unreadable import Stretch
from streamify.media.source.video_index import VideoIndex
from streamify.media.source.witness import refuse_hidden
from streamify.model.source import AudioFacts, Colour, Gap, Note, SourceFacts, SourceRef, TextFacts, VideoFacts
from streamify.mp4.handlers import LAYER

EXACT = ("mov", "wav", "w64", "flac", "aiff", "caf", "dv")
"""Containers of sound whose timestamps are exact, so that none of it has to be read to plan it."""


@dataclass(frozen=True)
class Probed:
    """What a source is, and where things are in it."""

    facts: SourceFacts
    index: VideoIndex | None
    """Of its pictures, where it has video."""
    sample: tuple[VideoFrame, ...]
    """The first of them."""
    sound: Mapping[int, Sound]
    """By stream: of long audio streams whose container has an index."""
    laid: Mapping[int, Laid]
    """By stream: of audio streams whose packets were counted."""
    cut: CutOff | None = None
    """What a file that was cut off lacks."""


def probe_source(
    open_source: Callable[[], BinaryIO],
    ref: SourceRef,
    fit_rate: Callable[..., Fraction | None],
    max_scan: int | None = None,
    *,
    long_sound: Fraction,
    program: int | None = None,
) -> Probed:
    """Find out what a source is.

    Args:
        open_source: Opens the source; called several times.
        ref: Which source it is.
        fit_rate: Decides whether timestamps have a constant rate; ``planning.rate.fit_rate``.
        max_scan: Bytes of the largest source without an index that may be read from end to end.
        long_sound: Seconds from which on an audio stream counts as long.
        program: Number of the programme of a transport stream; ``None``: the one with the largest picture.

    Raises:
        SourceError: Not media, no pictures and no sound, or a kind that cannot be decoded faithfully.
        UsageError: There is no such programme.
    """
    with open_source() as file:
        refuse_metadata(file, ref.size)
        refuse_runs(file, ref.size)
        refuse_other_tracks(file, ref.size)
        refuse_second_file(file, ref.size)
        refuse_other_avi(file, ref.size)
    with open_source() as file, open_media(file) as container:
        choice = choose(container, file, program)
        stream = choice.video
        outside = tags_outside(stream.codec_context) if stream is not None else Colour()  # decoding overwrites it
        refuse_streams(len(container.streams), len(choice.audio))
        audio = tuple(audio_facts(container, one) for one in choice.audio)
        chapters, excess = read_chapters(container)
        tracks = read_tracks(container, file, ref.size)
        bitmaps = bitmap_facts(container, choice.elsewhere)
        text = _text(container, choice, tracks)
        notes = [*choice.notes, *left_out(container, tracks, choice, text), *excess]
        if stream is None and not audio:
            raise SourceError("no-media-streams", f"{ref.key} holds neither video nor audio that can be decoded",
                              "give a video or audio file, or one with codecs that FFmpeg knows")  # fmt: skip
        name = container.format.name
        seconds = Fraction(container.duration, av.time_base) if container.duration else Fraction(0)
        beginning = read_beginning(container, stream.index) if stream is not None else None
        tag, track = (_codec_tag(stream), stream.id) if stream is not None else ("", 0)
        starts = _audio_starts(container, audio)
        long = [one.stream for one in audio if one.duration is None or one.duration >= long_sound]
        sound = {number: heard for number in long if (heard := hear(container, number)) is not None}
        shape = _Shape.of(stream, outside) if stream is not None else None
        long_as = _length(stream) if stream is not None else None
        ends = indexed_ends(container, file, ref.size, shape.index, audio) if shape is not None else None
        unheard = choice.elsewhere.union(choice.encrypted)
        streams = [one.index for one in container.streams.audio if one.index not in unheard]
        silent = {
            number: audio_facts(container, one)
            for number in streams
            if isinstance(one := container.streams[number], AudioStream) and has_decoder(one)
        }
        used = [container.streams[one.stream].id for one in audio] + ([] if stream is None else [stream.id])
        others = [container.streams[number].id for number in choice.elsewhere]
        missing = missing_bytes(file, ref.size, name, used)
        if name.startswith("mov"):
            refuse_other_movies(file, ref.size, fragments=stream is None)
        beyond = cut_sound(container, ref.size, audio) if missing and name.startswith("mov") else {}
    # From here on nothing of the container may be touched: PyAV frees it on close.
    audio = tuple(one.model_copy(update={"start": starts.get(one.stream, one.start)}) for one in audio)
    if shape is None or beginning is None:
        laid: Mapping[int, Laid] = {}
        declared = max((one.duration or seconds for one in audio), default=seconds)
        audio = tuple(_ending(one, beyond) for one in audio)
        counted = (missing > 0 and not beyond) or name.split(",")[0] not in EXACT
        if counted and (max_scan is None or ref.size <= max_scan):
            with open_source() as file, open_media(file) as container:
                audio_packets = read_audio_packets(container, streams)
            with open_source() as file:
                refuse_late_pictures(file, name, ref.size, audio_packets.by_stream.values(), others)
            reading = Reading(open_source, ref.size, name, (), alone=True, growing=choice.programme is None)
            placed = place_sound(reading, audio_packets, audio, silent, audio_facts)
            audio, laid = placed.audio, placed.laid
            refuse_wrong_pace(open_source, name, audio)
            audio = heard_from(open_source, audio)
            notes = _without(notes, audio)
            notes += _sound_notes(laid, Fraction((audio[0].start or 0) * audio[0].time_base))
        seconds = max((one.duration or seconds for one in audio), default=seconds)
        if seconds <= 0:
            raise SourceError(
                "no-duration", f"{ref.key}: the length of the sound is not known", "remux it, for example to .m4a"
            )
        cut = _cut_sound(missing, ref.size, declared, seconds)
        if cut is not None:
            notes.append(cut.note)
        facts = SourceFacts(ref=ref, container=name, duration=seconds, access="whole", scanned=bool(laid), video=None,
                            audio=audio, program=choice.programme, chapters=chapters, text=text, bitmaps=bitmaps,
                            notes=tuple(notes))  # fmt: skip
        return Probed(facts, None, (), sound, laid, cut)
    sample = beginning.start.pictures
    if beginning.start.views:
        what = "other layers of the video (further views, or transparency)"
        notes.append(Note(kind="dropped", what=what, why="the base layer is transcoded"))
    if beginning.start.enhanced:
        notes.append(Note(kind="dropped", what=LAYER, why="its compatible base layer is what is shown"))
    if not sample:
        if missing:
            raise cut_off(missing, ref.size)
        if beginning.witness is not None:
            with open_source() as file:
                refuse_hidden(file, ref.size, beginning.witness)
        raise SourceError(
            "no-pictures",
            f"{ref.key}: no picture of its video stream decodes",
            "the file is damaged; copy or upload it again",
        )
    with open_source() as file:
        index = _read_index(file, ref.size, beginning, max_scan, streams, missing)
    missing = max(missing, index.missing)
    laid = {}
    if index.audio_packets is not None:
        growing = choice.programme is None
        reading = Reading(open_source, ref.size, name, index.breaks, alone=False, growing=growing)
        placed = place_sound(reading, index.audio_packets, audio, silent, audio_facts)
        near = {
            number: near_pictures(one, index.pts[0] * index.time_base, index.end * index.time_base)
            for number, one in placed.laid.items()
        }
        laid = {number: one for number, (one, _) in near.items()}
        audio = tuple(laid[one.stream].facts if one.stream in laid else one for one in placed.audio)
        refuse_wrong_pace(open_source, name, audio)
        notes = _without(notes, audio)
        notes += [note for _, dropped in near.values() for note in dropped]
        notes += _sound_notes(laid, index.pts[0] * index.time_base)
    video = _video_facts(shape, sample, index, fit_rate, sounds=bool(audio))
    with open_source() as file:
        if not video.colour.dolby:
            refuse_dolby_vision(file, ref.size, ref.key, track=track if name.startswith("mov") else None, tag=tag,
                                transfer=int(sample[0].color_trc))  # fmt: skip
        announced = announcements(file, ref.size, name, track, long_as, missing)
        codecs = entry_kinds(file, ref.size, track) if name.startswith("mov") else ()
    start, end = video.first * video.time_base, video.end * video.time_base
    ending: tuple[Gap, ...] = ()
    if not index.missing:
        if index.torn or (missing and index.scanned):  # what the tables add up to is not there
            announced = [replace(one, held=None) for one in announced]
        lacking = missing if index.scanned else 0
        ending = missing_pictures(
            announced, (start, end), lambda: last_sample(open_source, shape.index), lacking, ref.size, video.frames
        )
    # What is zeroed at the end, or where times are counted (AVI), leaves no hole in them.
    if index.torn or index.tail is not None or any(gap.damage and not gap.seconds for gap in index.gaps):
        ending = tuple(gap.model_copy(update={"damage": True}) for gap in ending)
    if index.tail is not None:
        with open_source() as file:
            refuse_next(file, index.tail.position)
    if index.tail is not None and not index.tail.filled and not ending:
        ending = (_unread(index.tail, end - start),)
    if len(codecs) > 1:
        why = f"the track changes its codec, and FFmpeg decodes one of {', '.join(codecs)}"
        ending = tuple(gap.model_copy(update={"damage": True, "why": why}) for gap in ending)
    audio = _measured(open_source, video, audio, index, ends)
    silence = list(missing_sounds(beyond, audio))
    notes += [sound_note(one, at - start, length) for one, at, length in silence]
    cut = None
    if missing:
        unseen = sum(
            (gap.seconds for gap in (*index.gaps, *ending) if gap.damage and gap.start >= end - start), Fraction(0)
        )
        longest = max([unseen, *(length for _, _, length in silence)])
        cut = CutOff(missing, ref.size, longest, max(end - start + unseen, longest))
        notes.append(cut.note)
    facts = SourceFacts(
        ref=ref,
        container=name,
        duration=(video.end - video.first) * video.time_base,
        access=index.access,
        scanned=index.scanned,
        video=video,
        audio=audio,
        program=choice.programme,
        breaks=index.breaks,
        gaps=(*index.gaps, *ending),
        coded=index.coded,
        left_out=index.left_out,
        chapters=chapters,
        captions=index.captions.channels if index.captions is not None else None,
        caption_languages=tuple(sorted(choice.captions.get(track, {}).items())),
        text=text,
        bitmaps=bitmaps,
        notes=(
            *notes,
            *index.notes,
            *gap_notes(ending),
            *changes(sample, alpha_named=_named(notes, "transparency"), captions=index.captions),
        ),
    )
    return Probed(facts, index, sample, sound, laid, cut)


def _text(container: InputContainer, choice: Choice, tracks: Tracks) -> tuple[TextFacts, ...]:
    """Return what a container says of its streams of words.

    Most have none, and are planned sooner without the code that reads them: 25 ms of CPU time (2026-11).
    """
    if all(stream.type != "subtitle" and has_decoder(stream) for stream in container.streams):
        return ()
    from streamify.media.text.embedded import text_facts

    return text_facts(container, choice.elsewhere, tracks, choice.teletext)


def _read_index(
    file: BinaryIO, size: int, beginning: VideoStart, max_scan: int | None, streams: Sequence[int], missing: int
) -> VideoIndex:
    """Read the index of the pictures; of a file that lacks `missing` bytes it may be that none is left.

    Raises:
        SourceError: As `read_index`.
    """
    try:
        return read_index(file, size, beginning, max_scan, streams)
    except SourceError as error:
        if missing and error.code == "no-pictures":
            raise cut_off(missing, size) from error
        raise


def _unread(tail: Stretch, length: Fraction) -> Gap:
    """Return what the container does not announce and FFmpeg does not read, as behind the end of a file in a file."""
    why = f"{tail.length} bytes from byte {tail.position} on cannot be read, about as long by their size"
    return Gap(start=length, seconds=length * tail.length / tail.position, why=why, damage=True)


def _ending(audio: AudioFacts, beyond: Mapping[int, tuple[int, int]]) -> AudioFacts:
    """Return facts of sound with where it ends, should the file be cut off."""
    if audio.stream not in beyond:
        return audio
    stop, _ = beyond[audio.stream]
    return audio.model_copy(update={"stop": stop, "duration": (stop - (audio.start or 0)) * audio.time_base})


def _cut_sound(missing: int, size: int, declared: Fraction, seconds: Fraction) -> CutOff | None:
    """Return what a file of sound alone lacks, by the length that it declares or else by its size."""
    if not missing:
        return None
    lost = declared - seconds if declared > seconds else seconds * missing / size
    return CutOff(missing, size, lost, seconds + lost)


def _sound_notes(laid: Mapping[int, Laid], origin: Fraction) -> list[Note]:
    return [note for one in laid.values() for note in sound_notes(one, origin)]


def _without(notes: Sequence[Note], audio: Sequence[AudioFacts]) -> list[Note]:
    """Return the notes but for those that audio streams are left out which turned out to be heard."""
    heard = tuple(f"stream {one.stream} (audio" for one in audio)
    return [note for note in notes if not note.what.startswith(heard)]


def _named(notes: Sequence[Note], what: str) -> bool:
    return any(note.what == what for note in notes)


def _length(stream: av.VideoStream) -> Fraction | None:
    """Return the seconds that the container gives a stream."""
    return stream.duration * stream.time_base if stream.duration and stream.time_base else None


@dataclass(frozen=True)
class _Shape:
    """What is asked of a video stream while its container is open."""

    index: int
    codec: str
    profile: str | None
    aspect: Fraction | None
    coded_aspect: Fraction | None
    colour: Colour
    """What the container says."""

    @classmethod
    def of(cls, stream: av.VideoStream, colour: Colour) -> _Shape:
        context = stream.codec_context
        aspect = stream.sample_aspect_ratio or context.sample_aspect_ratio
        return cls(stream.index, context.name, stream.profile, aspect, context.sample_aspect_ratio or None, colour)


def _colour(sample: Sequence[VideoFrame], outside: Colour) -> Colour:
    """Return the colours of pictures; some at the start may lack the Dolby Vision metadata that others have."""
    colour = filled(tags_of(next(filter(needs_metadata, sample), sample[0])), outside)
    return colour.model_copy(update={"peak": light_peak(sample)}) if colour.transfer == PQ else colour


def _video_facts(
    stream: _Shape,
    sample: Sequence[VideoFrame],
    index: VideoIndex,
    fit_rate: Callable[..., Fraction | None],
    *,
    sounds: bool,
) -> VideoFacts:
    frame = sample[0]
    rotation, mirrored = turn_of(frame)
    span = (index.end - index.pts[0]) * index.time_base
    pixel = frame.format
    return VideoFacts(
        stream=stream.index,
        codec=stream.codec,
        profile=stream.profile,
        width=frame.width,
        height=frame.height,
        sample_aspect=stream.aspect if stream.aspect and stream.aspect > 0 else Fraction(1),
        rotation=rotation,
        mirrored=mirrored,
        pixel_format=pixel.name,
        bit_depth=max(component.bits for component in pixel.components),
        colour=_colour(sample, stream.colour),
        interlaced=any(one.interlaced_frame for one in sample),
        time_base=index.time_base,
        frames=len(index.pts),
        first=index.pts[0],
        end=index.end,
        rate=fit_rate(index.pts, index.time_base),
        average_rate=(len(index.pts) / span) if span > 0 else Fraction(25),
        coded_aspect=stream.coded_aspect,
        late=index.late * index.time_base if sounds else Fraction(0),
        edits=index.edits,
    )


def _audio_starts(container: InputContainer, audio: tuple[AudioFacts, ...]) -> dict[int, int]:
    missing = {one.stream for one in audio if one.start is None}
    found: dict[int, int] = {}
    if missing and rewind(container):
        for packet in islice(read_packets(container, *(container.streams[number] for number in missing)), 2000):
            if packet.pts is not None:
                found.setdefault(packet.stream_index, packet.pts)
            if missing == set(found):
                break
    return found


def _measured(
    open_source: Callable[[], BinaryIO],
    video: VideoFacts,
    audio: tuple[AudioFacts, ...],
    index: VideoIndex,
    ends: Mapping[int, int] | None,
) -> tuple[AudioFacts, ...]:
    """Return facts of the sound with where it begins and ends beside the pictures."""
    uncounted = [one for one in audio if not one.counted]
    if not uncounted:
        return audio
    if ends is None:
        ends = read_ends(open_source, video, uncounted, index.breaks)
    starts = read_starts(open_source, video, uncounted)
    return tuple(
        one
        if one.counted
        else one.model_copy(update={"start": starts.get(one.stream, one.start), "stop": ends.get(one.stream)})
        for one in audio
    )


def _codec_tag(stream: av.VideoStream) -> str:
    try:
        return str(stream.codec_context.codec_tag)
    except UnicodeDecodeError:  # four bytes that are no text
        return ""
