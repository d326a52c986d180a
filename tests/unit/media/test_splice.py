"""`SplicedFile` reads like the plain bytes that it stands for."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from streamify.media.source.splice import READAHEAD, SplicedFile
from streamify.model.plan import Inline, Range, Splice

SOURCE = bytes(number * 7 % 251 for number in range(100_000))

_range = st.builds(
    lambda offset, length: Range(offset=offset, length=length), st.integers(0, 60_000), st.integers(0, 40_000)
)
_pieces = st.lists(_range | st.binary(max_size=300).map(Inline.of), max_size=5)
_steps = st.lists(st.tuples(st.integers(0, 100_000), st.integers(-1, 50_000)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(pieces=_pieces, steps=_steps)
def test_reads_like_plain_bytes(pieces: list[Range], steps: list[tuple[int, int]]) -> None:
    splice = Splice(pieces=tuple(pieces), format="mov")
    spliced = SplicedFile(splice, io.BytesIO(SOURCE))
    plain = io.BytesIO(SplicedFile(splice, io.BytesIO(SOURCE)).read())
    assert plain.getvalue() == b"".join(
        SOURCE[piece.offset : piece.offset + piece.length]
        if isinstance(piece, Range)
        else SplicedFile(Splice(pieces=(piece,), format="mov"), io.BytesIO()).read()
        for piece in pieces
    )
    assert spliced.seek(0, io.SEEK_END) == len(plain.getvalue())
    for offset, size in steps:
        assert spliced.seek(offset) == plain.seek(offset) == spliced.tell()
        assert spliced.read(size) == plain.read(size)
        assert spliced.tell() == plain.tell()
    spliced.seek(0)
    buffer = bytearray(1000)
    assert bytes(buffer[: spliced.readinto(buffer)]) == plain.getvalue()[:1000]


def test_reads_no_more_than_a_block_ahead() -> None:
    splice = Splice(pieces=(Inline.of(b"head"), Range(offset=10, length=90_000)), format="mov")
    file = SplicedFile(splice, io.BytesIO(SOURCE))
    for _ in range(100):
        file.read(8)
    assert file.bytes_read == READAHEAD
    file.read(60_000)
    assert file.bytes_read <= 800 + 60_000 + READAHEAD


def test_a_shorter_source_ends_early() -> None:
    file = SplicedFile(Splice(pieces=(Range(offset=99_990, length=50),), format="mov"), io.BytesIO(SOURCE))
    assert file.read() == SOURCE[-10:]
    assert file.read(5) == b""
