"""Each ffmpeg command that an error prints is run on a source with that error: what it writes is then taken."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

import streamify
from clips.claims import with_tracks
from clips.edits import Edit, with_edits
from clips.make import ClipSpec, make_clip
from e2e.driving import streamify as command
from fuzz.mutate import clip
from selection import sample
from streamify.errors import SourceError
from streamify.media.source.probe import probe_source
from streamify.model.limits import EDITS, METADATA
from streamify.model.source import SourceRef
from streamify.planning.rate import fit_rate
from unit.media.test_complex import edited, tagged

ROOT = Path(__file__).parents[2]


def ffmpeg(*args: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, args)], check=True, timeout=60)


def converted(folder: Path, *args: str, name: str = "ts") -> bytes:
    source, out = folder / "made", folder / args[-1]
    source.write_bytes(clip(name))
    ffmpeg("-i", source, *args[:-1], out)
    return out.read_bytes()


def without_times(name: str) -> bytes:
    """Return a transport stream whose PES headers have stuffing in place of timestamps (ISO/IEC 13818-1, 2.4.3.6)."""
    data = bytearray(clip(name))
    for at in range(0, len(data), 188):
        body = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
        if data[at + 1] & 0x40 and data[body : body + 3] == b"\0\0\1" and 0xC0 <= data[body + 3] <= 0xEF:
            count = data[body + 8]
            data[body + 7] &= 0x3F
            data[body + 9 : body + 9 + count] = b"\xff" * count
    return bytes(data)


def one_keyframe() -> bytes:
    """Return fifty minutes at one picture a second, of which only the first can be decoded alone."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as target:
        stream = target.add_stream("libx264", rate=1, options={"preset": "ultrafast", "x264-params": "keyint=infinite"})
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = 64
        for number in range(3000):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


def past_the_end(folder: Path) -> bytes:
    """Return an MP4 whose edit list begins behind its last picture."""
    source = folder / "plain.mp4"
    source.write_bytes(clip("mp4"))
    return with_edits(source, folder / "edited.mp4", {0: [Edit(Fraction(1), Fraction(90))]}).read_bytes()


SOURCES: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "raw H.264": ("source-format", lambda to: converted(to, "-an", "-c", "copy", "a.h264")),
    "raw MPEG-2": ("source-format", lambda to: converted(to, "-an", "-c", "copy", "a.m2v", name="ts-mpeg2")),
    "Y4M": ("source-format", lambda to: converted(to, "-an", "a.y4m")),
    "NUT": ("source-format", lambda to: converted(to, "-c", "copy", "a.nut")),
    "moving GIF": ("source-format", lambda to: converted(to, "-an", "a.gif")),
    "moving PNG": ("source-not-media", lambda to: converted(to, "-an", "-f", "apng", "a.png")),
    "H.264 without times": ("no-timestamps", lambda _: without_times("ts")),
    "MPEG-2 without times": ("no-timestamps", lambda _: without_times("ts-mpeg2")),
    "an edit past the end": ("no-pictures", past_the_end),
    "hundreds of tracks": ("source-too-many-streams", lambda _: with_tracks(600)),
    "thousands of tracks": ("source-too-many-streams", lambda _: with_tracks(1200)),
    "thousands of tags": ("source-too-complex", lambda _: tagged("matroska", METADATA + 1)),
    "thousands of edits": ("source-too-complex", lambda _: edited(EDITS + 1)),
    "one keyframe": ("source-keyframes-too-rare", lambda _: one_keyframe()),
}


def follow(hint: str, source: Path, out: Path) -> Path:
    """Run the command of a hint."""
    found = re.search(r"ffmpeg .*?(OUT\.\w+)", hint)
    assert found is not None, hint
    target = out.with_suffix(Path(found[1]).suffix)
    words = [word.replace("SOURCE", str(source)).replace(found[1], str(target)) for word in shlex.split(found[0])]
    ffmpeg(*words[1:])
    return target


@pytest.mark.parametrize("what", sample(SOURCES, "raw H.264", "Y4M", "an edit past the end", "thousands of tracks"))
def test_the_remedy_works(what: str, tmp_path: Path) -> None:
    code, make = SOURCES[what]
    source = tmp_path / "source"
    source.write_bytes(make(tmp_path))
    with pytest.raises(SourceError) as caught:
        streamify.plan(source, engine="inline")
    assert caught.value.code == code, caught.value
    plan = streamify.plan(follow(caught.value.hint, source, tmp_path / "out"), engine="inline")
    assert plan.source.video is not None or plan.source.audio
    if code not in ("source-too-many-streams", "source-too-complex", "source-keyframes-too-rare"):
        assert plan.source.video is not None
        assert plan.source.video.frames in (29, 30)  # some formats end with the last timestamp
        assert float(plan.source.duration) == pytest.approx(1.2, abs=0.05)


@pytest.mark.parametrize("container", sample(["ts", "mkv"], "ts"))
def test_what_is_too_large_to_scan_has_an_index_once_it_is_remuxed(container: str, tmp_path: Path) -> None:
    source = make_clip(ClipSpec(seconds=Fraction(2), container=container), tmp_path).path  # type: ignore[arg-type]

    def probed(path: Path) -> None:
        ref = SourceRef(key=path.name, size=path.stat().st_size, version="", identity="")
        probe_source(lambda: path.open("rb"), ref, fit_rate, 1000, long_sound=Fraction(60))

    with pytest.raises(SourceError) as caught:
        probed(source)
    assert caught.value.code == "source-too-large-to-scan"
    probed(follow(caught.value.hint, source, tmp_path / "out"))


@pytest.mark.parametrize("what", sample(["mp4", "mkv"], "mp4"))
def test_the_remedy_of_a_cut_off_file_works(what: str, tmp_path: Path) -> None:
    """The hint names the setting that lets what is there become a stream; it is followed to the letter."""
    whole, source = tmp_path / "whole.mp4", tmp_path / f"a.{what}"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=8", "-f", "lavfi", "-i", "sine=d=8", "-g", 25, whole)
    ffmpeg("-i", whole, "-c", "copy", *(("-movflags", "+faststart") if what == "mp4" else ()), source)
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    words = ["transcode", str(source), str(tmp_path / "dest"), "--engine", "inline", "--preset", "ultrafast"]
    with pytest.raises(SourceError) as caught:
        streamify.plan(source, engine="inline")
    assert caught.value.code == "source-truncated"
    found = re.search(r"--loss-limit \d+", caught.value.hint)
    assert found is not None
    assert command(*words, *found[0].split()).code == 0


def test_every_command_of_the_reference_is_one_that_is_tried_here() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    tried = {
        "ffmpeg -i SOURCE -c:v libx264 -crf 16 OUT.mp4",
        "ffmpeg -i SOURCE -c copy OUT.mp4",
        "ffmpeg -i SOURCE -map_metadata -1 -c copy OUT.mkv",
        "ffmpeg -ignore_editlist 1 -i SOURCE -map 0 -c copy OUT.mp4",
        "ffmpeg -decryption_key KEY -i SOURCE -c copy OUT.mp4",  # in tests/unit/media/test_encrypted.py
        # in tests/e2e/test_wrong_pace.py
        "ffmpeg -i SOURCE -c:v libx264 -crf 16 -c:a pcm_s16le -af asetpts=N/SR/TB OUT.mov",
        "ffmpeg -max_streams 100000 -i SOURCE -c copy OUT.mkv",
        "ffmpeg -i SOURCE -c:v libx264 -crf 16 -force_key_frames 'expr:gte(t,n_forced*10)' -c:a copy OUT.mkv",
    }
    untried = {
        "ffmpeg -i SOURCE -vf scale=7680:-2 OUT.mp4",  # takes gigabytes; run by hand
        "ffmpeg -i SOURCE -c copy -f segment -segment_time 36000 OUT%d.mkv",
    }
    assert set(re.findall(r"`(ffmpeg [^`]*OUT[^`]*)`", page)) == tried | untried
