"""The judges of finished streams look at one that is being made: they miss what only its end has, and nothing else."""

from __future__ import annotations

import re
import shutil
import signal
import time
from fractions import Fraction
from pathlib import Path

import pytest

from clips.make import ClipSpec, make_clip
from e2e.driving import job, published, wait_for
from e2e.halting import Halt
from judges.conformance import check

FLAGS = ("--ladder", "360p,240p", "--segment-seconds", "1", "--keyframe-seconds", "1", "--preset", "veryfast",
         "--workers", "1", "--publish", "early")  # fmt: skip
ONLY_AT_THE_END = {
    "rule_04_same_range": r"outlasts the video by -?0\.0[01]",  # its own frames end next to the border, 21 ms long
    "rule_05_vod": "not VOD with ENDLIST",
    "rule_13_measured_bandwidth": "BANDWIDTH",
    "rule_15_iframes": "no EXT-X-I-FRAME-STREAM-INF",
    "rule_22_mpd": "type dynamic|mediaPresentationDuration|bandwidth",  # the length of the film, and caps of the rungs
    "parser_m3u8": "m3u8 finds",  # no end
    "parser_node": "is not VOD",
}


def lengths(dest: Path) -> list[int]:
    """Return how many segments each playlist that the master names lists, and each timeline of the MPD."""
    names = re.findall(r'^(?!#)(\S+)$|URI="([^"]+)"', (dest / "master.m3u8").read_text(), re.MULTILINE)
    listed = [(dest / "".join(name)).read_text().count("#EXTINF") for name in names]
    timelines = re.findall(r"<SegmentTimeline>(.*?)</SegmentTimeline>", (dest / "manifest.mpd").read_text(), re.DOTALL)
    runs = [re.findall(r'<S [^>]*?(?:r="(\d+)")? />', timeline) for timeline in timelines]
    return listed + [sum(1 + int(again or 0) for again in run) for run in runs]


@pytest.mark.long
def test_a_stream_that_grows_keeps_all_rules_but_those_of_its_end(tmp_path: Path) -> None:
    spec = ClipSpec(seconds=Fraction(24), rate=Fraction(25), size=(640, 360), gop=50, bframes=2)
    film, dest, seen = make_clip(spec, tmp_path / "clips").path, tmp_path / "dest", tmp_path / "seen"
    with job(tmp_path / "events", film, dest, *FLAGS, env=Halt(tmp_path, 10).env) as running:
        wait_for(lambda: len(published(dest)) == 2 and len(lengths(dest)) == 6 and min(lengths(dest)) > 5)
        while True:  # a version is written file by file
            running.process.send_signal(signal.SIGSTOP)
            if len(set(lengths(dest))) == 1:
                break
            running.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)
        shutil.copytree(dest, seen)
        running.process.kill()
    assert not (seen / "report.json").exists()
    for fault in check(seen):
        rule, _, what = fault.partition(": ")
        assert re.search(ONLY_AT_THE_END.get(rule, "never"), what), fault
