"""Jobs whose tasks do no media work, so that the driver can be watched over ten hours of film without encoding them.

All but decode, scale and encode is real: plan, scheduling, processes, ledger, certificate, manifests. Init segments
are real, media files hold a few bytes. ``python -m benchmarks.hollow FILE ARGUMENT...`` is `benchmarks.driver` with
workers of this kind, which are ``hollow.py DESCRIPTOR``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

STUB = bytes(1024)
"""What every media file holds."""


def work() -> None:
    """Be a worker: the real one round the real tasks, which are given these instead of the functions of media/."""
    from streamify.executors.local.worker import main
    from streamify.media.audio import piece as audio
    from streamify.media.audio.samples import AudioLog
    from streamify.media.package import Packaged
    from streamify.media.video import segment
    from streamify.model.plan import Segment
    from streamify.model.result import Cost, Seam
    from streamify.model.track import AudioTrack, VideoTrack
    from streamify.tasks import audio as audio_task
    from streamify.tasks import video as video_task

    known: dict[str, Packaged] = {}
    """By track: what one real segment was packaged as, moved to time 0."""

    def transcode(*args: Any) -> segment.Transcoded:
        window: Segment = args[3]
        tracks: Sequence[VideoTrack] = args[4]
        if any(track.id not in known for track in tracks):
            made = segment.transcode_segment(*args)
            known.update(
                (track.id, _moved(one, -window.start)) for track, one in zip(tracks, made.packaged, strict=True)
            )
        count, first = window.frames, window.first
        seam = Seam(decoded=count, encoded=count, first=first, last=first, next=window.next)
        packaged = tuple(_moved(known[track.id], window.start) for track in tracks)
        return segment.Transcoded(packaged, seam, tuple(Cost() for _ in tracks), ())

    def encode(source: Any, *_: Any) -> Any:
        return source  # handed on to `package`, which knows the cuts

    def package(source: Any, track: AudioTrack, cuts: Sequence[int]) -> list[Packaged]:
        if track.id not in known:
            packets = list(audio.encode_piece(source, track, cuts[0], cuts[1], AudioLog()))
            known[track.id] = replace(audio.package_audio(packets, track, cuts[:2])[0], media=STUB)
        return [known[track.id] for _ in pairwise(cuts)]

    def _moved(one: Packaged, ticks: int) -> Packaged:
        fragments = tuple(replace(part, decode_time=part.decode_time + ticks) for part in one.fragments)
        return replace(one, media=STUB, fragments=fragments)

    setattr(video_task, "transcode_segment", transcode)  # noqa: B010 - mypy refuses the plain assignment
    setattr(audio_task, "encode_piece", encode)  # noqa: B010
    setattr(audio_task, "package_audio", package)  # noqa: B010
    main()


def drive() -> int:
    """Be the driver."""
    from benchmarks.driver import main
    from streamify.executors.local.executor import LocalExecutor
    from streamify.jobs import engine

    command = (sys.executable, str(Path(__file__).resolve()))
    setattr(engine, "LocalExecutor", partial(LocalExecutor, command=command))  # noqa: B010
    return main()


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        work()
    else:
        sys.exit(drive())
