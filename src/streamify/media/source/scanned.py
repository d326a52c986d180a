"""The index of a video stream whose container has none, or none that can be used: its packets, read from end to end."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import BinaryIO, cast

from streamify.bitstream.packets import NONE, Marks
from streamify.errors import SourceError, counted
from streamify.media.source import cutters as containers
from streamify.media.source.audio_packets import JUMPING, AudioPackets
from streamify.media.source.beginning import VideoStart, video_stream
from streamify.media.source.captions import Captions
from streamify.media.source.clock_notes import corrupt_notes, join_notes
from streamify.media.source.counters import joins
from streamify.media.source.gaps import beginning_notes, find_gaps, gap_notes, spoilt_notes
from streamify.media.source.joints import Joints
from streamify.media.source.mixed import PLACES
from streamify.media.source.mixed_matroska import refuse_other_tracks_at
from streamify.media.source.mixed_mp4 import refuse_other_fragments
from streamify.media.source.mixed_packets import refuse_file_between
from streamify.media.source.mixed_sound import refuse_sound_alone, refuse_sound_as_pictures
from streamify.media.source.mixed_transport import refuse_other_codec, refuse_other_sound
from streamify.media.source.opening import open_media
from streamify.media.source.proof import Cut, reproduces, seeks_lead_back
from streamify.media.source.scan import Scan, scan, seconds
from streamify.media.source.timed_file import TimedFile
from streamify.media.source.true_keys import with_true_keys
from streamify.media.source.unreadable import unreadable_tail
from streamify.media.source.video_index import Access, Numbering, VideoIndex
from streamify.model.limits import OPEN_SECONDS, SCANNED_BYTES
from streamify.model.plan import Splice
from streamify.model.source import ClockBreak, Note
from streamify.mp4.samples import Order


def from_scan(
    file: BinaryIO,
    size: int,
    seen: VideoStart,
    max_scan: int | None,
    sound: Sequence[int],
    notes: list[Note],
    *,
    torn: bool = False,
) -> VideoIndex:
    """Read a source from end to end for its index.

    Args:
        file: The source.
        size: Its bytes.
        seen: What its beginning told.
        max_scan: Bytes of the largest source that may be read.
        sound: Audio streams whose packets are counted.
        notes: Receives what is said of it.
        torn: Whether its own index is damaged.

    Raises:
        SourceError: It is larger, cannot be read, or has no pictures.
    """
    stream, format_name, time_base = seen.stream, seen.format_name, seen.time_base
    found, audio_packets = scan_source(file, size, seen, max_scan, sound)
    breaks = found.breaks(time_base)
    _refuse_mixed(file, size, format_name, found, audio_packets, breaks)
    shown = from_first(found.shown, found.time_of_first(seen.start), time_base, notes)
    again = sum(found.timed.times[number] != NONE for number in found.timed.repeated)
    note_duplicates(found.duplicates, notes, repeated=min(again, found.duplicates))
    order = Order(with_true_keys(file, seen, found.samples, notes), shown, time_base)
    cut = _proven_cut(file, size, stream, format_name, found, order, notes)
    access: Access = "spliced" if cut else "whole"
    # The times of a program stream are of its packets, in which pictures begin anywhere.
    led_back = format_name != "mpeg" and seeks_lead_back(file, stream, order, found.prints)
    same = found.timed.own and (cut is not None or led_back)
    times = found.timed.times
    numbering = None if same else Numbering(found.raw, found.positions, times, found.prints)
    marks = Marks(found.raw.pts if same else times, found.prints)
    lost = find_gaps(file, size, format_name, found, shown, time_base)
    heard = audio_packets.furthest
    tail = unreadable_tail(file, size, format_name, found.positions[-1], found.samples.sizes[-1], heard)
    notes.extend(beginning_notes(file, size, format_name, found.shown, time_base))
    notes += (*found.notes, *gap_notes(lost), *spoilt_notes(lost, found, shown, time_base))
    left_out = found.left_out + len(found.shown) - len(shown)
    return VideoIndex(
        time_base, shown, found.end, access, True, tuple(notes), found.coded, left_out,
        breaks, lost, tail, order, cut, numbering, audio_packets, _captions(found, time_base),
        torn=torn, count=found.within, marks=marks,
    )  # fmt: skip


def _refuse_mixed(
    file: BinaryIO, size: int, format_name: str, found: Scan, audio_packets: AudioPackets, breaks: Sequence[ClockBreak]
) -> None:
    """Refuse a source that was joined of recordings with other streams."""
    places = [one.position for one in breaks[:PLACES]]
    sounds = audio_packets.by_stream.values()
    pictures = found.positions, found.samples.sizes
    refuse_file_between(file, format_name, pictures, ((one.positions, one.sizes) for one in sounds))
    if format_name == "mpegts":
        refuse_sound_as_pictures(file, places)
        refuse_other_codec(file, found.positions, found.counted)
        for sound in sounds:
            refuse_other_sound(file, sound.positions, sound.coded.sums)
    if format_name.startswith("matroska"):
        refuse_other_tracks_at(file, size, places)
    if format_name.startswith("mov"):
        refuse_other_fragments(file, size, found.positions, found.samples.sizes, found.samples.keys)
    elif format_name != "ogg" or not breaks:  # fragments, and pages, have pictures and sound one behind the other
        wraps = format_name in JUMPING
        refuse_sound_alone(sounds, found.positions, breaks, wraps=wraps)


def scan_source(
    file: BinaryIO, size: int, seen: VideoStart, max_scan: int | None, sound: Sequence[int] = ()
) -> tuple[Scan, AudioPackets]:
    """Read all packets of a video stream, and those of `sound`.

    Raises:
        SourceError: ``source-too-large-to-scan``; ``source-too-complex``; ``no-pictures``.
    """
    if max_scan is not None and size > max_scan:
        raise SourceError(
            "source-too-large-to-scan",
            f"it has no usable index ({seen.format_name}), so {size} bytes would be read to plan it; "
            f"the cap is {max_scan}",
            "remux it: ffmpeg -i SOURCE -c copy OUT.mp4 (without '-c copy' where MP4 does not take its codecs)",
        )
    timed = TimedFile(file, OPEN_SECONDS + size // SCANNED_BYTES)
    with open_media(cast("BinaryIO", timed)) as container:
        audio_packets = AudioPackets(container, sound)
        found = scan(
            container,
            video_stream(container.streams, seen.stream),
            size,
            audio_packets,
            timed,
            Joints(file, seen.format_name).begins_at,
        )
        audio_packets.close()
    timed.check("read")
    if not found.shown:
        raise SourceError("no-pictures", f"video stream {seen.stream} has no pictures", "check the source in a player")
    joined: dict[int, int] = {}
    if seen.format_name == "mpegts":
        joined = joins(file, found.corrupt, found.positions, found.raw.dts, found.timed)
    corrupt = tuple(number for number in found.corrupt if number not in joined)
    more = (
        *join_notes(joined.values(), found.timed, seen.time_base),
        *corrupt_notes(corrupt, found.timed, seen.time_base),
    )
    return replace(found, corrupt=corrupt, notes=(*found.notes, *more)), audio_packets


def _captions(found: Scan, time_base: Fraction) -> Captions | None:
    if found.captions is None:
        return None
    at = max(0, found.samples.pts[found.captions] - found.shown[0])
    return Captions(found.channels, f"from {seconds(at, time_base)}")


def _proven_cut(
    file: BinaryIO, size: int, stream: int, format_name: str, found: Scan, order: Order, notes: list[Note]
) -> Cut | None:
    """Return a way to cut the container that gives the packets of the whole file, or ``None``."""
    positions = found.positions.tolist()
    cutters: tuple[containers.Cutter, ...] = ()
    if format_name.startswith("mov"):
        cutters = containers.fragmented_mp4(file, size, positions)
    elif format_name.startswith("matroska"):
        cutters = containers.matroska(file, size, positions)
    elif format_name == "mpegts":
        cutters = containers.mpegts(file, size, positions)
    for cutter in cutters:
        cut = _scanned_cut(found, cutter)
        raw = None if found.timed.own else found.raw
        if reproduces(file, stream, order, cut, sliced=False, raw=raw):
            return cut
    why = "no cut of it reads like the whole" if cutters else f"{format_name} cannot be cut"
    notes.append(Note(kind="info", what="every task opens the whole file and seeks in it", why=why))
    return None


def _scanned_cut(found: Scan, cutter: containers.Cutter) -> Cut:
    def cut(first: int, last: int) -> Splice | None:
        stop = found.positions[last + 1] if last + 1 < len(found.positions) else None
        return cutter(found.positions[first], stop)

    return cut


def from_first(shown: Sequence[int], first: int | None, time_base: Fraction, notes: list[Note]) -> Sequence[int]:
    """Leave out what no decoder can show: pictures before the first one that comes out (a cut stream's open GOP)."""
    if first is None or first <= shown[0] or first not in shown:
        return shown
    kept = array("q", (time for time in shown if time >= first))
    notes.append(
        Note(
            kind="damaged",
            what=f"{counted(len(shown) - len(kept), 'picture')} at the start, from {seconds(shown[0], time_base)}",
            why=f"nothing to decode them from precedes them; the first picture is at {seconds(first, time_base)}",
        )
    )
    return kept


def note_duplicates(count: int, notes: list[Note], *, repeated: int = 0) -> None:
    """Note pictures that share their time with another.

    Args:
        count: How many.
        notes: Receives what is said of them.
        repeated: How many of them are the same pictures once more, of which nothing is lost.
    """
    why = "another picture has the same presentation time"
    if repeated:
        notes.append(Note(kind="dropped", what=f"{repeated} picture{'s'[: repeated != 1]}", why=why))
    if count > repeated:
        more = count - repeated
        notes.append(Note(kind="damaged", what=f"{more} picture{'s'[: more != 1]}", why=why))
