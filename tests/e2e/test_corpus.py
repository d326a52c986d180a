"""Every file of the corpus becomes a stream that keeps what ffprobe saw in the source, or is refused with a reason."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from selection import sample
from sources.corpus import REFUSED, SEEN, SIDE
from sources.judging import judged
from sources.page import judged_cells, read_rows
from stores import locations
from streamify.jobs.locations import find_source
from streamify.jobs.segments import SegmentList
from streamify.jobs.work import video_task
from streamify.model.location import Location
from streamify.model.result import MediaResult
from streamify.model.settings import MediaSettings
from streamify.model.task import SplitTask
from streamify.planning.schedule import Group
from streamify.tasks.plan_file import read_plan
from streamify.tasks.run import run_task

COARSE = ("nat_agent327_1080p24_83s.mp4", "long_1080p30_363s_lowbitrate.mp4")
"""So long that only their plans and three of their segments are made here; bench makes all of the first."""

FEW = (
    "3gp_h263.3gp", "audio_only_aac_30s.mp4", "av_offset_bt601.mov", "bad_invalid_nalu.mp4",
    "bad_malformed_free_box.mp4", "cea608_frag_2997.mp4", "der_bad_html_named.mp4", "der_bad_no_moov.mp4",
    "der_one_frame_noaudio.mp4", "fps_12_5.mp4",
    "mkv_srt_ac3.mkv", "odd_vp9_161x121.webm", "ts_no_initial_keyframe.ts", "vfr_android_slowmo.mp4",
)  # fmt: skip
"""What `make test` takes of it: each container, fault and kind of time once, and cheap ones."""

LEAST = 69
ROWS = read_rows()
ALL = sorted({*SEEN, *REFUSED}, key=lambda name: (name not in COARSE, name))


def test_the_tables_cover_the_corpus(corpus: Path) -> None:
    files = {path.name for path in corpus.iterdir() if path.name not in ("README.md", "MANIFEST.tsv")}
    assert files == set(ALL)
    assert len(files - set(REFUSED)) >= LEAST
    assert sorted(files - set(ROWS)) == [], "make sources-table"


@pytest.mark.parametrize("name", sample([name for name in ALL if name in COARSE or name in ROWS], *FEW))
def test_corpus(name: str, corpus: Path, tmp_path: Path) -> None:
    source = corpus / name
    if name in COARSE:
        _some_segments(source, SEEN[name], tmp_path / "dest")
        return
    row = judged("corpus", name, tmp_path)
    assert judged_cells(ROWS[name][1:]) == judged_cells(row.cells()), "make sources-table"


def _some_segments(source: Path, seen: dict[str, Any], dest: Path) -> None:
    """Plan the whole of it; make the first, a middle and the last segment."""
    folder, ref = find_source(Location.parse(str(source)))
    stores = locations(folder.key, dest).open()
    ladder = ({"name": "small", "short_side": SIDE, "maxrate": 400_000},)
    settings = MediaSettings.model_validate({"ladder": ladder, "preset": "ultrafast"})
    run_task(SplitTask(source=ref, settings=settings), stores)
    plan = read_plan(stores.media)
    assert plan is not None
    assert plan.source.video is not None
    assert plan.source.video.frames == seen["frames"]
    assert not plan.source.scanned
    assert abs(plan.source.duration - Fraction(seen["duration"])) < Fraction(1, 24)
    segments = SegmentList(plan, stores.media)
    assert sum(segment.frames for segment in segments) == seen["frames"]
    for number in (0, plan.segments // 2, plan.segments - 1):
        segment = segments[number]
        result = run_task(video_task(plan, segment, Group(number, (0,))), stores)
        assert isinstance(result, MediaResult)
        seam = result.records[0].seam
        assert seam is not None
        assert (seam.decoded, seam.first, seam.next) == (segment.frames, segment.first, segment.next)
    segments.close()
