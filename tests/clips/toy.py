"""A hand-made finished stream in the layout of design.md, to test the judges themselves before they judge Streamify.

Written without a line of the product's packaging: PyAV writes one fragmented file per track, this cuts it at its
fragments and writes the manifests as text.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
import numpy as np

from clips.make import Clip, ClipSpec, beeps, make_clip, sweep

GOP_SECONDS = 2


def make_toy(folder: Path, seconds: int = 12, rate: Fraction = Fraction(25), audio: str = "beep") -> Clip:
    """Make `folder`/dest with two video rungs and one audio track; return the clip that all of it shows."""
    dest = folder / "dest"
    spec = ClipSpec(
        Fraction(seconds), rate, container="fmp4", audio=None, gop=round(rate * GOP_SECONDS), bframes=2, crf=24
    )
    clip = make_clip(spec, folder / "source")
    rungs = [("low", spec), ("high", replace(spec, size=(512, 288)))]
    for name, rung in rungs:
        _cut(make_clip(rung, folder / "source").path, dest / "video" / name, [GOP_SECONDS] * (seconds // GOP_SECONDS))
    _audio(folder / "source" / "audio.mp4", clip, audio)
    counts = _cut(folder / "source" / "audio.mp4", dest / "audio" / "main", [])
    media = ['#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="main",DEFAULT=YES,URI="audio/main/playlist.m3u8",CHANNELS="2"']
    sets = []
    for name, rung in rungs:
        data = (dest / "video" / name / "init.mp4").read_bytes()
        at = data.index(b"avcC") + 5
        codec = f"avc1.{data[at : at + 3].hex()}"
        width, height = rung.size
        media.append(
            f'#EXT-X-STREAM-INF:BANDWIDTH={400000 if name == "low" else 900000},CODECS="{codec},mp4a.40.2",'
            f'RESOLUTION={width}x{height},FRAME-RATE={float(rate):.3f},AUDIO="a"\nvideo/{name}/playlist.m3u8'
        )
        sets.append(
            f'<Representation id="{name}" bandwidth="{width * 1500}" codecs="{codec}" '
            f'width="{width}" height="{height}">'
            f"{_template(f'video/{name}', rate.numerator, [rate.denominator * spec.gop] * (seconds // GOP_SECONDS))}"
            "</Representation>"
        )
    (dest / "master.m3u8").write_text(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n" + "\n".join(media) + "\n"
    )
    (dest / "manifest.mpd").write_text(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" minBufferTime="PT2S" '
        f'profiles="urn:mpeg:dash:profile:isoff-live:2011" mediaPresentationDuration="PT{float(clip.end)}S"><Period>'
        f'<AdaptationSet mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">{"".join(sets)}</AdaptationSet>'
        '<AdaptationSet mimeType="audio/mp4"><Representation id="main" bandwidth="128000" codecs="mp4a.40.2" '
        f'audioSamplingRate="48000">{_template("audio/main", 48000, counts)}</Representation></AdaptationSet>'
        "</Period></MPD>"
    )
    return clip


def broken_copy(dest: Path, kind: str) -> Path:
    """Return a copy of a toy whose segment 3 is missing, late (gap), swapped, repeated or flipped in all rungs."""
    copy = dest.with_name(f"{dest.name}-{kind}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(dest, copy)
    for folder in (copy / "video").iterdir():
        if kind == "late":  # all of the picture, against the sound: by 20 ms
            for segment in folder.glob("*.m4s"):
                _shift(segment, 0.02)
            continue
        third, fourth = folder / "00003.m4s", folder / "00004.m4s"
        if kind == "missing":
            third.unlink()
        elif kind == "gap":
            _shift(third, 0.5)
        elif kind == "swapped":
            a, b = third.read_bytes(), fourth.read_bytes()
            third.write_bytes(b)
            fourth.write_bytes(a)
        elif kind == "repeated":  # the pictures of segment 2 at the time of segment 3: every player plays it happily
            shutil.copy(folder / "00002.m4s", third)
            _shift(third, GOP_SECONDS)
        elif kind == "flipped":
            data = bytearray(third.read_bytes())
            for at in range(len(data) // 2, len(data) - 64, 97):
                data[at] ^= 0xFF
            third.write_bytes(data)
        else:
            raise ValueError(kind)
    return copy


def _template(folder: str, timescale: int, durations: list[int]) -> str:
    lines = "".join(
        f'<S d="{duration}"/>' if n else f'<S t="0" d="{duration}"/>' for n, duration in enumerate(durations)
    )
    return (
        f'<SegmentTemplate timescale="{timescale}" initialization="{folder}/init.mp4" '
        f'media="{folder}/$Number%05d$.m4s" startNumber="0">'
        f"<SegmentTimeline>{lines}</SegmentTimeline></SegmentTemplate>"
    )


def _audio(path: Path, clip: Clip, kind: str) -> None:
    samples = ceil(clip.end * 48000)
    wave = sweep(48000, samples) if kind == "sweep" else beeps(48000, samples, 0)
    options = {"movflags": "+delay_moov+default_base_moof", "use_editlist": "1", "frag_duration": "2000000"}
    with av.open(str(path), "w", format="mp4", options=options | {"avoid_negative_ts": "disabled"}) as container:
        stream = container.add_stream("aac", rate=48000)
        stream.codec_context.bit_rate = 128_000
        for start in [*range(0, samples, 1024), None]:
            frame = None
            if start is not None:
                data = np.ascontiguousarray(np.stack([wave[start : start + 1024]] * 2))
                frame = av.AudioFrame.from_ndarray(data, format="fltp", layout="stereo")
                frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
            for packet in stream.encode(frame):
                container.mux(packet)


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        found.append((data[at + 4 : at + 8], data[at : at + size]))
        at += size
    return found


def _cut(path: Path, folder: Path, seconds: list[int]) -> list[int]:
    folder.mkdir(parents=True, exist_ok=True)
    init, segments = b"", list[bytes]()
    for kind, data in _boxes(path.read_bytes()):
        if kind in (b"ftyp", b"moov"):
            init += data
        elif kind == b"moof":
            segments.append(data)
        elif kind == b"mdat":
            segments[-1] += data
    (folder / "init.mp4").write_bytes(init)
    durations = list(seconds) or _audio_frames(segments)
    lines = []
    for number, data in enumerate(segments):
        (folder / f"{number:05d}.m4s").write_bytes(data)
        shown = durations[number] if seconds else durations[number] / 48000
        lines.append(f"#EXTINF:{shown:.6f},\n{number:05d}.m4s\n")
    assert len(segments) == len(durations)
    text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:3\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    text += '#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI="init.mp4"\n' + "".join(lines) + "#EXT-X-ENDLIST\n"
    (folder / "playlist.m3u8").write_text(text)
    return durations


def _audio_frames(segments: list[bytes]) -> list[int]:
    return [int.from_bytes(data[data.index(b"trun") + 8 : data.index(b"trun") + 12]) * 1024 for data in segments]


def _shift(path: Path, seconds: float) -> None:
    data = bytearray(path.read_bytes())
    at = data.index(b"tfdt") + 4
    assert data[at] == 1
    init = (path.parent / "init.mp4").read_bytes()
    mdhd = init.index(b"mdhd") + 4
    timescale = int.from_bytes(init[mdhd + 12 : mdhd + 16])
    time = int.from_bytes(data[at + 4 : at + 12]) + round(seconds * timescale)
    data[at + 4 : at + 12] = time.to_bytes(8)
    path.write_bytes(data)
