"""What the control groups of this process leave it, in v1 and v2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NO_LIMIT = 1 << 60  # v1 writes "no limit" as the largest multiple of a page


@dataclass(frozen=True)
class Cgroup:
    """The tightest limits from this process's groups up to the root; ``None`` where there is none."""

    cpu_quota: float | None
    free_memory: int | None


def read_cgroup(proc: Path = Path("/proc/self"), root: Path = Path("/")) -> Cgroup:
    """Read the limits; `root` is put before mount points, for tests. Without control groups there are none."""
    try:
        groups = (proc / "cgroup").read_text().splitlines()
        mounts = [_mount(line) for line in (proc / "mountinfo").read_text().splitlines()]
    except FileNotFoundError:  # not Linux
        return Cgroup(None, None)
    quotas: list[float] = []
    free: list[int] = []
    for line in groups:
        _, controllers, path = line.split(":", 2)
        for mount in mounts:
            if not mount.serves(controllers):
                continue
            for folder in mount.folders(root, path):
                quotas += _quota(folder)
                free += _free(folder)
    return Cgroup(min(quotas, default=None), min(free, default=None))


@dataclass(frozen=True)
class _Mount:
    kind: str
    options: tuple[str, ...]
    inside: str
    """Which folder of the hierarchy is mounted."""
    point: str

    def serves(self, controllers: str) -> bool:
        if not controllers:
            return self.kind == "cgroup2"
        names = set(controllers.split(","))
        return self.kind == "cgroup" and names <= set(self.options) and not names.isdisjoint({"cpu", "memory"})

    def folders(self, root: Path, path: str) -> Iterator[Path]:
        """Yield the group's folder and its parents up to the mount point."""
        top = root / self.point.lstrip("/")
        inside = self.inside.rstrip("/")
        # In a container the path may be the host's, of which only the lower part is mounted.
        below = path[len(inside) :] if path == inside or path.startswith(inside + "/") else ""
        folder = top / below.strip("/")
        while folder != top:
            yield folder
            folder = folder.parent
        yield top


def _mount(line: str) -> _Mount:
    left, _, right = line.partition(" - ")
    fields, (kind, _, options) = left.split(" "), right.split(" ", 2)
    inside, point = (re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), text) for text in fields[3:5])
    return _Mount(kind, tuple(options.split(",")), inside, point)


def _quota(folder: Path) -> list[float]:
    words = _words(folder / "cpu.max")
    if not words:
        words = [*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]
    if len(words) != 2 or words[0] in ("max", "-1"):
        return []
    return [int(words[0]) / int(words[1])]


def _free(folder: Path) -> list[int]:
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        words, used = _words(folder / limit), _words(folder / usage)
        if words and used and words[0] != "max" and int(words[0]) < _NO_LIMIT:
            stat = _words(folder / "memory.stat")
            # Cached file pages count as used but are given back on demand; a source just copied would fill it all.
            spare = int(stat[stat.index(cache) + 1]) if cache in stat else 0
            return [max(0, int(words[0]) - int(used[0]) + spare)]
    return []


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
