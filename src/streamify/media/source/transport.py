"""Tables of a transport stream (ISO/IEC 13818-1, 2.4.4), read by hand: FFmpeg's programmes do not reach PyAV."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import BinaryIO

TS_PACKET = 188
TS_SEARCH = 2 << 20
"""Bytes in which the first PAT and PMT are looked for."""
REACHES = (64 << 10, 512 << 10, TS_SEARCH)
"""Bytes in front of a packet in which its tables are looked for, one after the other."""
SYNC = 0x47
STRIDES = (188, 192, 204)
"""Bytes from packet to packet: plain, with a time code before each (M2TS), with error correction behind each."""
JUNK = 64 << 10
"""Bytes before the first packet at most."""

PAT, PMT, SDT = 0x00, 0x02, 0x42
"""Ids of tables: of the programmes, of the streams of one, and of the services (ETSI EN 300 468, 5.1.3)."""
SDT_PID = 0x11
SERVICE_DESCRIPTOR = 0x48
TELETEXT_DESCRIPTOR = 0x56
CAPTION_DESCRIPTOR = 0x86
DOLBY_DESCRIPTOR = 0xB0
BASE, ENHANCEMENT, HEVC = 0x1011, 0x1015, 0x24
"""PIDs of Dolby Vision's two layers on Ultra HD Blu-ray, which has no descriptor, and their stream type."""
SUBTITLE_PAGES = (0x02, 0x05)
"""Types of pages: subtitles, and those for the hearing impaired."""


@dataclass(frozen=True)
class Programme:
    """One programme (a service, in the words of DVB)."""

    number: int
    name: str
    """As the service description table has it; empty where it has none."""
    types: Mapping[int, int]
    """Of its streams: stream type by PID."""
    teletext: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Pages of teletext by PID, as descriptors have them, such as ``888 deu``."""
    captions: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    """Languages (ISO 639-2) of captions inside the pictures by PID and channel, as descriptors have them."""

    layers: Collection[int] = ()
    """PIDs of the enhancement layers of Dolby Vision."""

    @property
    def pids(self) -> Collection[int]:
        """Return the PIDs of its streams."""
        return self.types.keys()


def read_programmes(file: BinaryIO) -> tuple[Programme, ...]:
    """Return the programmes of a transport stream in the order of its tables; none where there are no tables."""
    file.seek(0)
    data = plain(bytes(file.read(TS_SEARCH)))
    places = by_pid(data)
    pat = _table(data, places.get(0, ()), PAT)
    if pat is None:
        return ()
    names = _names(_table(data, places.get(SDT_PID, ()), SDT))
    entries = [*_entries(pat[1])]
    maps = {pid: _table(data, places.get(pid, ()), PMT) for pid in dict.fromkeys(pid for _, pid in entries)}
    found: dict[int, Programme] = {}
    for number, pid in entries:
        pmt = maps[pid]
        if pmt is not None and number not in found:
            streams = [*_streams(pmt[1])]
            pages = {pid: told for pid, _, descriptors in streams if (told := tuple(_pages(descriptors)))}
            types = {pid: kind for pid, kind, _ in streams}
            of_all = dict(_captions(pmt[1][12 : _info_end(pmt[1])]))
            captions = {pid: of_all | dict(_captions(own)) for pid, _, own in streams}
            layers = {pid for pid, kind, own in streams if _is_layer(pid, kind, own, types)}
            found[number] = Programme(number, names.get(number, ""), types, pages, captions, layers)
    return tuple(found.values())


def tables(data: bytes) -> bytes | None:
    """Return the transport packets of the first PAT and of the first PMT of each programme."""
    places = by_pid(data)
    pat = _table(data, places.get(0, ()), PAT)
    if pat is None:
        return None
    packets = pat[0]
    for pid in dict.fromkeys(pid for _, pid in _entries(pat[1])):
        pmt = _table(data, places.get(pid, ()), PMT)
        if pmt is None:
            return None
        packets += pmt[0]
    return packets


def programme_tables(data: bytes, at: int) -> Collection[int]:
    """Return the PIDs of the tables that a PAT in one packet names."""
    pat = section(data, [at])
    return () if pat is None else {pid for _, pid in _entries(pat[1])}


def types_before(file: BinaryIO, place: int) -> Mapping[int, int]:
    """Return the stream types by PID that tables say last in front of a packet; where there are none, first behind it.

    Args:
        file: A transport stream; its position is moved.
        place: Offset of the packet's first byte.
    """
    for reach in REACHES:
        begin = max(0, place - reach)
        file.seek(begin)
        data = plain(bytes(file.read(place - begin)))
        if (found := _types(data, last=True)) or not begin:
            break
    if found:
        return found
    file.seek(place)
    return _types(plain(bytes(file.read(REACHES[-1]))), last=False)


def _types(data: bytes, *, last: bool) -> dict[int, int]:
    places = by_pid(data)
    pat = _table(data, places.get(0, ()), PAT, last=last)
    found: dict[int, int] = {}
    for pid in dict.fromkeys(pid for _, pid in _entries(pat[1])) if pat is not None else ():
        pmt = _table(data, places.get(pid, ()), PMT, last=last)
        if pmt is not None:
            found.update((stream, kind) for stream, kind, _ in _streams(pmt[1]))
    return found


def _table(data: bytes, places: Sequence[int], kind: int, *, last: bool = False) -> tuple[bytes, bytes] | None:
    """Return the transport packets of the first or last section of a kind that applies now, and the section.

    Each packet is looked at once: nothing says how many sections begin that do not end.
    """
    starts = [number for number, at in enumerate(places) if data[at + 1] & 0x40]
    spans = [*pairwise((*starts, len(places)))]
    for begin, end in reversed(spans) if last else spans:
        found = section(data, places[begin:end])
        if found is not None and found[1][0] == kind and found[1][5:6] and found[1][5] & 1:
            return found
    return None


def plain(data: bytes) -> bytes:
    """Return packets of 188 bytes side by side, from the first at which several in a row begin; empty: none do."""
    for start in range(min(len(data), JUNK)):
        for stride in STRIDES if data[start] == SYNC else ():
            places = range(start, min(len(data), start + 8 * stride), stride)
            if len(places) > 2 and all(data[at] == SYNC for at in places):
                if stride == TS_PACKET:
                    return data[start:]
                return b"".join(data[at : at + TS_PACKET] for at in range(start, len(data) - TS_PACKET + 1, stride))
    return b""


def by_pid(data: bytes) -> dict[int, list[int]]:
    """Return where the packets of each PID begin: looked up instead of searched for, as a PAT may name 250 tables."""
    found: dict[int, list[int]] = {}
    for at in range(0, len(data) - TS_PACKET + 1, TS_PACKET):
        found.setdefault((data[at + 1] & 0x1F) << 8 | data[at + 2], []).append(at)
    return found


def section(data: bytes, places: Sequence[int]) -> tuple[bytes, bytes] | None:
    """Return the transport packets of the first section in some packets of one PID, and the section (2.4.4)."""
    packets, found = bytearray(), bytearray()
    for at in places:
        packet = data[at : at + TS_PACKET]
        if not packet[3] & 0x10:
            continue
        body = packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
        if packet[1] & 0x40:
            if packets or not body:
                return None
            body = body[1 + body[0] :]
        elif not packets:
            continue
        packets += packet
        found += body
        if len(found) >= 3 and len(found) >= _end(found):
            return bytes(packets), bytes(found[: _end(found)])
    return None


def _end(data: bytes | bytearray) -> int:
    return 3 + ((data[1] & 0x0F) << 8 | data[2])


def _entries(pat: bytes) -> Iterator[tuple[int, int]]:
    """Yield the number of each programme and the PID of its table; 0 is the network's."""
    body = pat[8:-4]
    for at in range(0, len(body) - 3, 4):
        number = body[at] << 8 | body[at + 1]
        if number:
            yield number, (body[at + 2] & 0x1F) << 8 | body[at + 3]


def _info_end(pmt: bytes) -> int:
    """Return where the descriptors of the whole programme end, which begin at 12."""
    return 12 + ((pmt[10] & 0x0F) << 8 | pmt[11]) if len(pmt) > 11 else 12


def _streams(pmt: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield PID, stream type and descriptors of each stream."""
    if len(pmt) < 16:
        return
    at = _info_end(pmt)
    while at + 5 <= len(pmt) - 4:
        end = at + 5 + ((pmt[at + 3] & 0x0F) << 8 | pmt[at + 4])
        yield (pmt[at + 1] & 0x1F) << 8 | pmt[at + 2], pmt[at], pmt[at + 5 : min(end, len(pmt) - 4)]
        at = end


def _pages(descriptors: bytes) -> Iterator[str]:
    """Yield the pages of subtitles that teletext descriptors name, with their languages (ETSI EN 300 468, 6.2.43)."""
    at = 0
    while at + 2 <= len(descriptors):
        tag, body = descriptors[at], descriptors[at + 2 : at + 2 + descriptors[at + 1]]
        for one in range(0, len(body) - 4, 5) if tag == TELETEXT_DESCRIPTOR else ():
            language, kind, page = body[one : one + 3], body[one + 3] >> 3, body[one + 4]
            if kind in SUBTITLE_PAGES and language.isalpha():
                heard = ", hearing impaired" if kind == SUBTITLE_PAGES[1] else ""
                yield f"{body[one + 3] & 7 or 8}{page:02x} {language.decode('latin-1').lower()}{heard}"
        at += 2 + len(body)


def _captions(descriptors: bytes) -> Iterator[tuple[str, str]]:
    """Yield channel and language of the captions that caption service descriptors name (ATSC A/65, 6.9.2)."""
    at = 0
    while at + 2 <= len(descriptors):
        tag, body = descriptors[at], descriptors[at + 2 : at + 2 + descriptors[at + 1]]
        for one in range(1, len(body) - 5, 6) if tag == CAPTION_DESCRIPTOR else ():
            language, kind = body[one : one + 3], body[one + 3]
            # CEA-708 and the number of the service; or line 21 and its field, of which the first channel is meant
            channel = f"SERVICE{kind & 0x3F}" if kind & 0x80 else f"CC{1 + 2 * (kind & 1)}"
            if language.isalpha():
                yield channel, language.decode("latin-1").lower()
        at += 2 + len(body)


def _is_layer(pid: int, kind: int, descriptors: bytes, types: Mapping[int, int]) -> bool:
    """Whether a stream is but the enhancement layer of Dolby Vision ("Dolby Vision Streams Within MPEG-2 TS", 3.1)."""
    at = 0
    while at + 2 <= len(descriptors):
        tag, body = descriptors[at], descriptors[at + 2 : at + 2 + descriptors[at + 1]]
        if tag == DOLBY_DESCRIPTOR and len(body) >= 4:
            return body[3] & 3 == 2  # an enhancement layer, and no base layer
        at += 2 + len(body)
    return (pid, kind, types.get(BASE)) == (ENHANCEMENT, HEVC, HEVC)


def _names(sdt: tuple[bytes, bytes] | None) -> dict[int, str]:
    """Return the names of services by the number of their programme (ETSI EN 300 468, 5.2.3 and 6.2.33)."""
    found: dict[int, str] = {}
    if sdt is None:
        return found
    body = sdt[1][11:-4]
    at = 0
    while at + 5 <= len(body):
        end = at + 5 + ((body[at + 3] & 0x0F) << 8 | body[at + 4])
        name = _service_name(body[at + 5 : end])
        if name:
            found[body[at] << 8 | body[at + 1]] = name
        at = end
    return found


def _service_name(descriptors: bytes) -> str:
    at = 0
    while at + 2 <= len(descriptors):
        tag, body = descriptors[at], descriptors[at + 2 : at + 2 + descriptors[at + 1]]
        if tag == SERVICE_DESCRIPTOR and len(body) > 2:
            provider = body[1]
            name = body[3 + provider :][: body[2 + provider]] if len(body) > 2 + provider else b""
            coded = name[1:] if name[:1] and name[0] < 0x20 else name  # a first byte names the table of characters
            return "".join(one for one in coded.decode("utf-8", "replace") if one.isprintable())
        at += 2 + len(body)
    return ""
