"""A stream that is being made: it grows as far as it is told to; every version of its manifests is read and judged."""

from __future__ import annotations

import json
import math
import re
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.driving import published, wait_for
from e2e.halting import Halt

MPD = "{urn:mpeg:dash:schema:mpd:2011}"


NAMED = r'^(?!#)(\S+\.m3u8)|URI="([^"]+\.m3u8)"'


class Reader:
    """Judges a DEST as a player would see it, and with what its ledger says."""

    def __init__(self, dest: Path) -> None:
        self.dest = dest
        self.versions: dict[str, list[str]] = {}
        """Of each manifest, by its key; an empty text: it was not there any more."""
        self.faults: list[str] = []
        self._named: list[str] = []
        self._end = threading.Event()

    def run(self) -> None:
        """Read until `end`."""
        while not self._end.is_set():
            self.look()
            time.sleep(0.005)

    def end(self) -> None:
        """End `run`."""
        self._end.set()

    def look(self) -> None:
        """Read everything once."""
        master = self._read("master.m3u8")
        if master is not None:
            self._named = ["".join(name) for name in re.findall(NAMED, master, re.MULTILINE)]
        for key in self._named if self.versions["master.m3u8"][-1:] != [""] else ():
            self._playlist(key)
        self._mpd(self._read("manifest.mpd"))

    def rungs(self) -> list[int]:
        """Return how many variants each version of the master playlist announced."""
        return [text.count("#EXT-X-STREAM-INF") for text in self.versions.get("master.m3u8", ()) if text]

    def lengths(self, key: str) -> list[int]:
        """Return how many segments each version of a media playlist listed."""
        return [text.count("#EXTINF") for text in self.versions[key] if text]

    def _fault(self, what: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(what)

    def _read(self, key: str) -> str | None:
        """Return the text of a manifest where it is a version that was not judged yet."""
        try:
            text = (self.dest / key).read_text()
        except FileNotFoundError:
            text = ""
        known = self.versions.setdefault(key, [])
        if (known[-1] if known else "") == text:
            return None
        known.append(text)
        return text or None

    def _playlist(self, key: str) -> None:
        before = next((text for text in reversed(self.versions.get(key, [])) if text), "")
        text = self._read(key)
        if text is None:
            if self.versions[key][-1:] in ([], [""]) and (self.dest / "master.m3u8").exists():  # else it was withdrawn
                self._fault(f"{key} is named and missing")
            return
        folder = key.rpartition("/")[0]
        for name in re.findall(r"^(?!#)(\S+)$", text, re.MULTILINE):
            self._file(f"{folder}/{name}")
        for name in re.findall(r'URI="([^"]+)"', text):
            if not (self.dest / folder / name).exists():
                self._fault(f"{folder}/{name} is named and missing")
        if "#EXT-X-IMAGES-ONLY" in text:
            storyboard = (self.dest / folder / "storyboard.vtt").read_text()
            for name in set(re.findall(r"^(\S+\.jpg)#", storyboard, re.MULTILINE)):
                self._file(f"{folder}/{name}")
        ended = "#EXT-X-ENDLIST\n" in text
        if ended != ("PLAYLIST-TYPE:VOD" in text) or ended == ("PLAYLIST-TYPE:EVENT" in text):
            self._fault(f"{key}: its type and its end contradict each other")
        if not before:
            return
        old, new = (
            re.findall(r"#EXTINF:\S+\n\S+|#EXT-X-TARGETDURATION:\d+|#EXT-X-MAP:\S+", one) for one in (before, text)
        )
        if new[: len(old)] != old:
            self._fault(f"{key}: what was published has changed")

    def _file(self, key: str) -> None:
        """Judge a media file: it is there, and its ledger entry names its size."""
        kind, track, name = key.split("/")
        try:
            size = (self.dest / key).stat().st_size
            if kind in ("thumbnails", "subtitles"):
                return
            entry = json.loads((self.dest / ".streamify/ledger" / track / name.replace(".m4s", ".json")).read_text())
        except FileNotFoundError as error:
            self._fault(f"{error.filename} is missing")
            return
        if entry["media"] != entry["media"] | {"key": key, "size": size}:
            self._fault(f"{key}: {size} bytes, its ledger entry says {entry['media']}")

    def _mpd(self, text: str | None) -> None:
        if text is None:
            return
        root = ET.fromstring(text)
        counts = {}
        for found in root.iter(f"{MPD}Representation"):
            if (whole := found.find(f"{MPD}BaseURL")) is not None:  # of a track of words: one file
                self._file(str(whole.text))
                continue
            template = found.find(f"{MPD}SegmentTemplate")
            assert template is not None
            count = sum(1 + int(entry.get("r", 0)) for entry in template.iter(f"{MPD}S"))
            if (length := template.get("duration")) is not None:
                seconds = float(length) / float(template.get("timescale", 1))
                count = math.ceil(float(root.get("mediaPresentationDuration", "")[2:-1]) / seconds)
            counts[found.get("id")] = count
            folder = template.get("media", "").rpartition("/")[0]
            suffix = template.get("media", "").rpartition(".")[2]
            for number in range(count):
                self._file(f"{folder}/{number:05d}.{suffix}")
            if suffix != "m4s":
                continue
            if not (self.dest / template.get("initialization", "")).exists():
                self._fault(f"{folder}: no init segment")
        earlier = self.versions["manifest.mpd"][-2:-1]
        if not any(earlier):  # the first, also after one was withdrawn
            return
        before = ET.fromstring(earlier[0])
        if before.get("type") == "static":  # a finished stream was replaced by another one
            return
        for found in before.iter(f"{MPD}Representation"):
            entries = list(found.iter(f"{MPD}S"))
            if counts.get(found.get("id"), 0) < sum(1 + int(entry.get("r", 0)) for entry in entries):
                self._fault(f"{found.get('id')}: the MPD names less of it than before")
        if root.get("type") == "dynamic" and root.get("availabilityStartTime") != before.get("availabilityStartTime"):
            self._fault("the time at which the MPD is available has changed")


@contextmanager
def reading(dest: Path) -> Iterator[Reader]:
    """Read a DEST while the body runs; at its end, nothing wrong was seen."""
    reader = Reader(dest)
    thread = threading.Thread(target=reader.run)
    thread.start()
    try:
        yield reader
    finally:
        reader.end()
        thread.join()
    reader.look()
    assert not reader.faults, "\n".join(reader.faults)


class Growing:
    """A stream that grows as far as it is told to.

    Args:
        dest: Of the job.
        halt: Of its workers.
    """

    def __init__(self, dest: Path, halt: Halt) -> None:
        self._dest, self._halt = dest, halt

    def to(self, count: int) -> int:
        """Let the job go on to a number of segments; return how many are published then."""
        self._halt.allow(count)
        return int(wait_for(lambda: (length := self._length()) >= count and length, 120))

    def to_the_end(self) -> None:
        assert 'type="dynamic"' in (self._dest / "manifest.mpd").read_text()
        assert published(self._dest) == ["master.m3u8", "manifest.mpd"]  # and no report
        self._halt.release()

    def _length(self) -> int:
        """Return how many segments the first rung of the master playlist lists."""
        try:
            name = re.findall(r"^(?!#)(\S+)$", (self._dest / "master.m3u8").read_text(), re.MULTILINE)[0]
            return str((self._dest / name).read_text()).count("#EXTINF")
        except FileNotFoundError:
            return 0
