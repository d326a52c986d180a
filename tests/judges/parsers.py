"""Other people's parsers and decoders read the stream: none may refuse it or find another content."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import m3u8
from mpegdash.parser import MPEGDASHParser

from judges.stream import Stream

PARSERS = Path(__file__).parents[1] / "parsers"


def parser_m3u8(stream: Stream) -> Iterator[str]:
    """PyPI m3u8 reads every playlist and finds the same entries."""
    text = (stream.root / "master.m3u8").read_text()
    variants = m3u8.loads(text).playlists
    if len(variants) != len(stream.master.variants):
        yield f"m3u8 finds {len(variants)} variants"
    for track in stream.tracks:
        parsed = m3u8.loads((stream.root / track.playlist.uri).read_text())
        if not parsed.is_endlist or len(parsed.segments) != len(track.segments):
            yield f"m3u8 finds {len(parsed.segments)} segments in {track.playlist.uri}"


def parser_mpegdash(stream: Stream) -> Iterator[str]:
    """PyPI mpegdash reads the MPD and finds the same tracks."""
    parsed = MPEGDASHParser.parse((stream.root / "manifest.mpd").read_text())
    sets = [one for period in parsed.periods for one in period.adaptation_sets if one.content_type != "image"]
    found = [own for parent in sets for own in parent.representations]
    if len(found) != len(stream.tracks):
        yield f"mpegdash finds {len(found)} representations"


def parser_node(stream: Stream) -> Iterator[str]:
    """Npm hls-parser in strict mode and mpd-parser (of Video.js) read every manifest."""
    if not (PARSERS / "node_modules").is_dir():
        yield f"not installed; run: npm install --no-audit --no-fund --prefix {PARSERS}"
        return
    command = ["node", "parse.mjs", str(stream.root.resolve())]
    done = subprocess.run(command, cwd=PARSERS, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        yield from (done.stdout + done.stderr).strip().splitlines() or [f"node ended with {done.returncode}"]


def decoder_ffmpeg(stream: Stream) -> Iterator[str]:
    """FFmpeg decodes every sample of every track, none of them damaged."""
    for track in stream.tracks:
        # The first access unit of AAC is priming; FFmpeg drops it whole where the edit list says so.
        least = track.samples - (0 if track.video else -(-track.header.media_time // 1024))
        if not least <= track.decoded.frames <= track.samples or track.decoded.damaged:
            yield f"{track.name}: {track.decoded.frames} of {track.samples} decode, {track.decoded.damaged} damaged"


RULES = (parser_m3u8, parser_mpegdash, parser_node, decoder_ffmpeg)
