"""The tables of an MP4 track's stbl box (ISO/IEC 14496-12, clauses 8.6 and 8.7), expanded at C speed."""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from operator import add, lt, sub

from streamify.model.limits import PICTURES
from streamify.mp4.boxes import Box, BoxError

FAR = 1 << 62
"""Bytes; no file reaches so far, and what lies behind it is missing as well as what lies there."""


class TooManySamplesError(BoxError):
    """The tables claim more samples than are read, which would take memory without bound."""


class OddTableError(BoxError):
    """The tables are well-formed, but mean something that slices do not reproduce."""


class SamplesBeyondError(OddTableError):
    """Samples lie beyond the end of the file, and others behind them do not: FFmpeg reads what it can of them."""


@dataclass(frozen=True)
class Chunks:
    """Where samples lie."""

    offsets: array[int]
    """Of each chunk in the file, bytes."""
    run_samples: list[int]
    """First sample of each stsc run, and the number of samples at the end."""
    run_chunks: list[int]
    """First chunk of each stsc run."""
    run_counts: list[int]
    """Samples in each chunk of the run."""

    def chunk_of(self, sample: int) -> tuple[int, int, int]:
        """Return a sample's chunk, the first sample of that chunk, and the number of samples in it."""
        run = bisect_right(self.run_samples, sample) - 1
        nth, _ = divmod(sample - self.run_samples[run], self.run_counts[run])
        first = self.run_samples[run] + nth * self.run_counts[run]
        return self.run_chunks[run] + nth, first, self.run_counts[run]

    def ends(self, sizes: array[int]) -> array[int]:
        """Return where each chunk's bytes end in the file."""
        before = [0, *accumulate(sizes)]  # bytes before each sample: a film has as many chunks as pictures
        runs = chain.from_iterable(map(range, self.run_samples, self.run_samples[1:], self.run_counts))
        starts, last = [*runs, self.run_samples[-1]], len(sizes)
        if starts[-1] > last:
            starts = [min(start, last) for start in starts]
        borders = list(map(before.__getitem__, starts))
        return array("Q", map(add, self.offsets, map(sub, borders[1:], borders)))

    def held(self, sizes: array[int], ends: array[int], size: int) -> int | None:
        """Return how many samples, from the first one on, lie in a file of `size` bytes.

        ``None``: such that lie in it follow others that do not.

        Args:
            sizes: Of the samples, bytes.
            ends: Of the chunks; see `ends`.
            size: Of the file, bytes.
        """
        if max(ends) <= size:
            return len(sizes)
        beyond = next(chunk for chunk, end in enumerate(ends) if end > size)
        if any(self.offsets[chunk] < end <= size for chunk, end in enumerate(ends) if chunk > beyond):
            return None
        run = bisect_right(self.run_chunks, beyond) - 1
        sample = self.run_samples[run] + (beyond - self.run_chunks[run]) * self.run_counts[run]
        at = self.offsets[beyond] + sizes[sample]
        while at <= size:
            sample += 1
            at += sizes[sample]
        return sample

    def between(self, first: int, last: int) -> tuple[range, list[int]]:
        """Return the chunks that hold samples `first` to `last`, and how many of these each has."""
        counts, sample = list[int](), first
        while sample <= last:
            run = bisect_right(self.run_samples, sample) - 1
            start, size = self.run_samples[run], self.run_counts[run]
            stop = min(last + 1, self.run_samples[run + 1])
            begin, end = (sample - start) // size, -(-(stop - start) // size)
            counts.extend([size] * (end - begin))
            counts[begin - end] -= sample - start - begin * size
            counts[-1] -= start + end * size - stop
            sample = stop
        chunk, _, _ = self.chunk_of(first)
        return range(chunk, chunk + len(counts)), counts


def _numbers(data: bytes, start: int, end: int, code: str) -> array[int]:
    values = array(code)
    values.frombytes(memoryview(data)[start:end])
    if sys.byteorder == "little":
        values.byteswap()
    return values


def entries_of(data: bytes, box: Box, width: int, name: str) -> tuple[int, int]:
    """Return the number of entries of a table and where they begin."""
    (count,) = struct.unpack_from(">I", data, box.body + 4)
    if box.body + 8 + count * width > box.end:
        raise BoxError(f"{name} claims {count} entries")
    return int(count), box.body + 8


def expand(data: bytes, box: Box, count: int, name: str, *, signed: bool = False) -> array[int]:
    """Expand (run length, value) pairs to one value a sample; the last value is repeated where runs fall short."""
    entries, start = entries_of(data, box, 8, name)
    if not entries:
        if name == "stts":
            raise BoxError("stts is empty")
        return array("i", bytes(4 * count))
    table, code = _numbers(data, start, start + 8 * entries, "I"), "i" if signed else "I"
    runs, values = table[::2], array(code, table[1::2].tobytes())
    if entries == count and runs == array("I", [1]) * count:
        return values
    total = sum(runs)
    if total < count and name == "stts":
        runs[-1] += count - total
    elif total != count:
        raise OddTableError(f"{name} describes {total} samples of {count}")
    if entries == 1:
        return values * count
    return array(code, chain.from_iterable(map(repeat, values, runs)))


def read_sizes(data: bytes, stbl: dict[bytes, Box]) -> array[int]:
    """Return the size of each sample, bytes."""
    if b"stsz" in stbl:
        box = stbl[b"stsz"]
        size, count = struct.unpack_from(">II", data, box.body + 4)
        if count > PICTURES:
            raise TooManySamplesError(f"stsz claims {count} samples")
        if size:
            return array("I", struct.pack("=I", size) * count)
        if box.body + 12 + 4 * count > box.end:
            raise BoxError(f"stsz claims {count} samples")
        return _numbers(data, box.body + 12, box.body + 12 + 4 * count, "I")
    box = stbl[b"stz2"]
    width, count = struct.unpack_from(">II", data, box.body + 4)
    width &= 0xFF
    if count > PICTURES:
        raise TooManySamplesError(f"stz2 claims {count} samples")
    if width not in (4, 8, 16) or box.body + 12 + (count * width + 7) // 8 > box.end:
        raise BoxError(f"stz2 claims {count} samples of {width} bits")
    packed = data[box.body + 12 : box.body + 12 + (count * width + 7) // 8]
    if width == 16:
        return array("I", _numbers(packed, 0, len(packed), "H").tolist())
    if width == 8:
        return array("I", packed)
    return array("I", chain.from_iterable((byte >> 4, byte & 15) for byte in packed))[:count]


def read_keys(data: bytes, stbl: dict[bytes, Box], count: int) -> Sequence[int]:
    """Return the sync samples, counted from 0; all samples where the file names none (8.6.2)."""
    if b"stss" not in stbl:
        return range(count)
    numbers: set[int] = set()
    for kind in (b"stss", b"stps"):
        if kind in stbl:
            entries, start = entries_of(data, stbl[kind], 4, kind.decode())
            numbers.update(_numbers(data, start, start + 4 * entries, "I"))
    found = array("q", sorted(number - 1 for number in numbers if 0 < number <= count))
    return found or array("q", [0])


def read_chunks(data: bytes, stbl: dict[bytes, Box], count: int) -> Chunks:
    """Return where samples lie."""
    kind, code, width = (b"stco", "I", 4) if b"stco" in stbl else (b"co64", "Q", 8)
    if kind not in stbl:
        raise BoxError("no chunk offsets")
    total, start = entries_of(data, stbl[kind], width, kind.decode())
    runs, at = entries_of(data, stbl[b"stsc"], 12, "stsc")
    table = _numbers(data, at, at + 12 * runs, "I")
    firsts = [first - 1 for first in table[::3]]
    counts = list(table[1::3])
    if not runs or firsts[0] != 0 or not all(map(lt, firsts, firsts[1:])) or 0 in counts or firsts[-1] >= total:
        raise BoxError("stsc is damaged")
    if any(number != 1 for number in table[2::3]):
        raise OddTableError("chunks use other sample descriptions")
    ends = [*firsts[1:], total]
    samples = list(
        accumulate(((end - first) * size for first, end, size in zip(firsts, ends, counts, strict=True)), initial=0)
    )
    if samples[-1] < count:
        raise OddTableError(f"chunks hold {samples[-1]} samples of {count}")
    # Chunks after that of the last sample hold nothing; a hostile file may have a hundred million of them.
    last = bisect_left(samples, count) - 1
    used = firsts[last] - (samples[last] - count) // counts[last]
    offsets = array("Q", _numbers(data, start, start + width * used, code))
    if max(offsets) > FAR:
        offsets = array("Q", map(min, offsets, repeat(FAR)))
    stop = samples[last] + (used - firsts[last]) * counts[last]
    return Chunks(offsets, [*samples[: last + 1], stop], firsts[: last + 1], counts[: last + 1])
