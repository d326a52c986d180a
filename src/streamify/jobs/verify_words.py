"""What `verify` looks at of subtitles."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

from streamify.dest.layout import playlist_key, words_name
from streamify.errors import counted
from streamify.jobs.segments import borders
from streamify.jobs.verify_text import lists
from streamify.model.caption import SERVICE_CODEC
from streamify.model.plan import Plan
from streamify.model.report import Report
from streamify.model.source import SourceRef
from streamify.model.task import TextCheckTask
from streamify.model.words import TextRecord, TextReport
from streamify.planning.budget import words_check_budget
from streamify.planning.burn import UNDECODED
from streamify.storage.base import Storage

WORDS = "check-text/"
"""What the keys of checks of words begin with."""


def word_faults(words: TextReport, playlist: bytes | None) -> Iterator[str]:
    """Yield what is wrong with the count of cues and with the playlist of a track of words."""
    if words.found + words.split != words.cues + words.left_out:
        yield f"{words.folder}: {words.found} cues in the source, {words.cues} kept and {words.left_out} named"
    if not lists(playlist, map(words_name, range(len(words.segments.size)))):
        yield f"{playlist_key(words.folder)} is missing or does not list all segments in order"


def unread(plan: Plan, offered: Collection[str]) -> Iterator[str]:
    """Yield what of the words of a stream is not compared with where it comes from.

    Args:
        plan: Of the stream.
        offered: Ids of its tracks of words.
    """
    burn = plan.burn
    if burn is not None and not (burn.is_text and burn.stream is not None and burn.codec not in UNDECODED):
        name = f"subtitle stream {burn.stream}" if burn.stream is not None else burn.name
        yield f"what is drawn of {name} into the pictures, with {name} itself: only with what was kept of it"
    files = [track.source for track in plan.text if track.recipe.file is not None and track.id in offered]
    if files:
        names = ", ".join(files[:3]) + " ..." * (len(files) > 3)
        yield f"the words of {counted(len(files), 'subtitle track')} with {names}"
    services = [track.source for track in plan.text if track.recipe.codec == SERVICE_CODEC and track.id in offered]
    if services:
        yield f"the words of {', '.join(services)} with the source: nothing else here reads CEA-708"


def word_checks(report: Report, plan: Plan | None, media: Storage, source: SourceRef | None) -> Iterator[TextCheckTask]:
    """Yield the check of each track of words; with a `source`, of those that are in it, against that."""
    tracks = {track.id: track for track in plan.text} if plan is not None else {}
    ticks = borders(plan, media) if plan is not None and report.subtitles and source is not None else []
    for words in report.subtitles:
        track = tracks.get(words.id)
        embedded = track is not None and track.recipe.file is None and track.recipe.codec != SERVICE_CODEC
        record = TextRecord(
            track=words.id,
            found=words.found,
            cues=words.cues,
            left_out=words.left_out,
            split=words.split,
            size=words.size,
            sha256=words.sha256,
            segments=words.segments,
        )
        seconds = [Fraction(tick, plan.timeline.timescale) for tick in ticks] if plan is not None else []
        yield TextCheckTask(
            key=f"{WORDS}{words.id}",
            folder=words.folder,
            record=record,
            borders=tuple(seconds),
            source=source if embedded else None,
            track=track if embedded else None,
            video=plan.source.video.stream if plan is not None and plan.source.video is not None else None,
            budget=words_check_budget(len(words.segments.size), source.size if source is not None else 0),
        )
