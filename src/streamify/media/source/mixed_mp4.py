"""MP4 files joined into one of which FFmpeg reads the first alone, or the others by the index of the first."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from streamify.errors import SourceError
from streamify.media.source.mixed import PLACES, SETS, has_sets, mixed
from streamify.media.source.opening import open_media
from streamify.model.limits import TOP_BOXES
from streamify.mp4.boxes import Box, BoxError, find, header
from streamify.mp4.boxes import box as build
from streamify.mp4.description import at_path
from streamify.mp4.handlers import has_samples, sample_kinds
from streamify.mp4.movie import Layout, read_exactly

PICTURE = 256 * 1024
"""Bytes of a picture in which its parameter sets are looked for."""
INDEX = 1 << 20
"""Bytes of an index of fragments that are looked at: it has no samples."""
SAME = {"avc3": "avc1", "hev1": "hvc1"}
"""Sample entries that differ in where parameters may stand."""


class _Described(NamedTuple):
    kind: str
    time_base: object
    name: str
    fixed: bytes
    """Extradata: what decoders need to begin."""
    rate: int
    defaults: bytes
    """The trex (ISO/IEC 14496-12, 8.8.3)."""


def refuse_other_movies(file: BinaryIO, size: int, *, fragments: bool) -> None:
    """Refuse an MP4 behind which another begins, and fragmented ones whose tracks of one id are of other kinds.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        fragments: Whether those are looked at, too: there are many, and each takes a read.

    Raises:
        SourceError: ``source-joined``.
    """
    _refuse_movies(file, size, list(_boxes(file, size, fragments=fragments)))


def refuse_other_fragments(
    file: BinaryIO, size: int, pictures: Sequence[int], lengths: Sequence[int], keys: Sequence[int]
) -> None:
    """Refuse such a file, and one of which a later index describes its tracks otherwise: FFmpeg reads the first alone.

    Args:
        file: The source; its position is moved.
        size: Its size, bytes.
        pictures: Byte offsets of the packets of pictures, in the order of the file; -1: not known.
        lengths: Bytes of each.
        keys: Numbers of those that are keyframes.

    Raises:
        SourceError: ``source-joined``.
    """
    found = list(_boxes(file, size, fragments=True))
    _refuse_movies(file, size, found)
    known = dict[bytes, int]()
    before = b""
    for movie in found:
        if movie.kind != b"moov" or movie.end > size:
            continue
        if movie.size <= INDEX:
            file.seek(movie.start)
            if (whole := bytes(file.read(movie.size))) == before:
                continue  # as recorders write it before each fragment
            before = whole
        data = _index(file, movie)
        if data is not None:
            known.setdefault(data, movie.start)
        if not known or len(known) == PLACES:
            break
    if len(known) < 2:
        return
    first, *others = known.items()
    described = _described(first[0])
    for data, start in others if described else ():
        later = _described(data)
        behind = [number for number in keys if pictures[number] > start]
        some = behind[:: -(-len(behind) // PLACES) or 1]
        if later != described and not (
            _but_for_sets(later) == _but_for_sets(described)
            and some
            and all(_has_sets(file, described, pictures[number], lengths[number]) for number in some)
        ):
            raise mixed(f"tracks are described otherwise from byte {start} on")


def _refuse_movies(file: BinaryIO, size: int, found: Sequence[Box]) -> None:
    """Refuse an MP4 that has these top-level boxes."""
    movies = [box for box in found if box.kind == b"moov" and box.end <= size]
    if len(movies) < 2:
        return
    fragment = next((box.start for box in found if box.kind == b"moof"), None)
    begins = [box.start for box in found if box.kind == b"ftyp" and box.start > movies[0].start]
    if fragment is None:
        if begins and any(
            one.start > begins[0] and sample_kinds(file, Layout((one,), size)) for one in movies[:PLACES]
        ):
            raise mixed(f"what begins at byte {begins[0]} is not read")
        begin = None if begins else _second(file, found, movies)
        if begin is not None:
            raise mixed(f"what begins at byte {begin} is not read")
        return
    first: dict[int, str] = {}
    for movie in movies[:PLACES]:
        kinds = sample_kinds(file, Layout((movie,), size))
        first = first or kinds
        before = [one for one in begins if fragment < one < movie.start]
        if before and has_samples(file, movie):
            raise mixed(f"what begins at byte {before[-1]} is not read")
        for number, kind in kinds.items():
            other = first.get(number, "not there")  # FFmpeg takes its samples for those of another track
            if SAME.get(kind, kind) != SAME.get(other, other):
                raise mixed(f"track {number} is {other}, and {kind} from byte {movie.start} on")


def _second(file: BinaryIO, found: Sequence[Box], movies: Sequence[Box]) -> int | None:
    """Return where the second index of QuickTime files is that were joined, which need not say where they begin.

    Samples are in front of each, or behind: an older index that was left there has none of its own.
    """
    own = [box for box in movies[:PLACES] if has_samples(file, box)][:2]
    if len(own) < 2:
        return None
    parts = {sum(box.start > one.start for one in own) for box in found if box.kind == b"mdat" and box.size > 16}
    return own[1].start if len(parts) > 1 else None


def _index(file: BinaryIO, movie: Box) -> bytes | None:
    """Return what an index says of its tracks, without titles and covers.

    ``None``: it is too much, damaged, or not one of fragments.
    """
    try:
        found = [
            (kind, start, end)
            for kind in (b"mvhd", b"trak", b"mvex")
            for start, end in at_path(file, movie.body, movie.end, (kind,))
        ]
        fragments = any(kind == b"mvex" for kind, _, _ in found)
        if not fragments or sum(end - start for _, start, end in found) > INDEX:
            return None
        return build(b"moov", *(build(kind, read_exactly(file, start, end)) for kind, start, end in found))
    except BoxError:
        return None


def _described(movie: bytes) -> Mapping[int, _Described]:
    """Return what decoders and clocks take from an index, by track; nothing where FFmpeg cannot read it."""
    try:
        found = find(movie, "moov/mvex/trex")
        each = {int.from_bytes(movie[one.body + 4 : one.body + 8]): movie[one.start : one.end] for one in found}
        with open_media(io.BytesIO(movie), format="mov,mp4,m4a,3gp,3g2,mj2") as container:
            return {
                stream.id: _Described(stream.type, stream.time_base, one.name, bytes(one.extradata or b""),
                                      getattr(one, "sample_rate", 0), each.get(stream.id & 0xFFFFFFFF, b""))
                for stream in container.streams
                if (one := getattr(stream, "codec_context", None)) is not None
            }  # fmt: skip
    except (SourceError, BoxError):
        return {}


def _but_for_sets(described: Mapping[int, _Described]) -> Mapping[int, _Described]:
    return {number: one._replace(fixed=b"") if one.kind == "video" else one for number, one in described.items()}


def _has_sets(file: BinaryIO, described: Mapping[int, _Described], position: int, length: int) -> bool:
    """Whether a picture comes with parameter sets of its own, in a file with one stream of pictures."""
    films = [one for one in described.values() if one.kind == "video"]
    only = films[0] if len(films) == 1 else None
    if only is None or only.name not in SETS or len(only.fixed) <= 22 or only.fixed[:1] != b"\1":
        return False
    file.seek(position)
    return has_sets(only.name, only.fixed, bytes(file.read(min(length, PICTURE))))


def _boxes(file: BinaryIO, size: int, *, fragments: bool) -> Iterator[Box]:
    """Yield the top-level boxes; without `fragments` up to the first of these."""
    at = 0
    for _ in range(TOP_BOXES):
        if at + 8 > size:
            return
        file.seek(at)
        try:
            box = header(bytes(file.read(16)), 0, size - at)
        except BoxError:
            return  # what follows is damaged
        yield Box(box.kind, at, at + box.body, at + box.end)
        if box.kind == b"moof" and not fragments:
            return
        at += box.end
