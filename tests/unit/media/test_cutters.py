"""Where transport streams can be cut."""

from __future__ import annotations

from pathlib import Path

import av

from clips.numbered import encode
from streamify.media.source import cutters


def test_a_cut_that_would_end_before_it_begins_is_none(tmp_path: Path) -> None:
    """Where PIDs change, FFmpeg gives the last packet of the first one behind all others: `probe` ended in an error."""
    film = encode(tmp_path / "film.ts", range(25), "mpeg2video", "mpegts", {"g": "12"})
    with av.open(str(film)) as container:
        positions = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    with film.open("rb") as file:
        (cut,) = cutters.mpegts(file, film.stat().st_size, positions)
    assert cut(positions[12], positions[20]) is not None
    assert cut(positions[20], positions[12]) is None
