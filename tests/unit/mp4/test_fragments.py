"""Fragments whose boxes claim what they have no room for are refused at once; boxes are built by hand."""

from __future__ import annotations

import struct
import time
import tracemalloc

import pytest

from streamify.mp4.boxes import BoxError, box, full_box
from streamify.mp4.fragments import fragments


def segment(trun: bytes, media: bytes = bytes(100), *, tfhd: bytes = b"", times: bytes | None = None) -> bytes:
    times = full_box(b"tfdt", 1, 0, struct.pack(">Q", 0)) if times is None else times
    head = full_box(b"tfhd", 0, 0x20038 if tfhd else 0x20020, struct.pack(">I", 1), tfhd, struct.pack(">I", 0))
    moof = box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", 1)), box(b"traf", head, times, trun))
    return moof + box(b"mdat", media)


def trun(count: int, *sizes: int, flags: int = 0x200) -> bytes:
    return full_box(b"trun", 0, flags, struct.pack(f">I{len(sizes)}I", count, *sizes))


def test_what_has_room_is_read() -> None:
    (found,) = fragments(segment(trun(2, 40, 60)))
    assert found.sizes == (40, 60)
    fixed = struct.pack(">II", 10, 50)  # default duration and size
    (found,) = fragments(segment(trun(2, flags=0), tfhd=fixed))
    assert (found.sizes, found.durations) == ((50, 50), (10, 10))


LIES = {
    "more rows than the table has": trun(3, 40, 60),
    "sixty million without a table": trun(60_000_000, flags=0),
    "all that a count can be": trun(0xFFFFFFFF, flags=0),
    "first flags alone": trun(60_000_000, 0, flags=4),
    "many truns of little": trun(90, flags=0) * 2,
}


@pytest.mark.parametrize("lie", LIES)
def test_counts_are_held_against_the_box_they_stand_in(lie: str) -> None:
    data = segment(LIES[lie])
    tracemalloc.start()
    before = time.process_time()
    with pytest.raises(BoxError, match="claims"):
        fragments(data)
    assert time.process_time() - before < 10  # 0.0001 s; sixty million rows would take minutes
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_every_cut_of_a_segment_is_a_box_error() -> None:
    """Sizes of enclosing boxes are mended, so that it is the innermost one which is cut off."""
    for size in range(0, 40, 2):
        for name, whole in (("trun", trun(2, 40, 60)), ("tfdt", full_box(b"tfdt", 1, 0, bytes(8)))):
            cut = struct.pack(">I4s", 8 + min(size, len(whole) - 8), name.encode()) + whole[8 : 8 + size]
            data = segment(cut) if name == "trun" else segment(trun(2, 40, 60), times=cut)
            for bare in (data, data[: data.index(b"mdat") - 4]):
                try:
                    fragments(bare)
                except BoxError:
                    continue
