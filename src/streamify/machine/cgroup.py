"""What the control groups of this process leave it (version 2).

Version 1 is not read: systemd 258 dropped it, and Kubernetes has it in maintenance mode since 1.31. There, the cores of
the affinity and the memory of the machine count; ``--workers`` sets another number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cgroup:
    """The tightest limits from this process's group up to the root; ``None`` where there is none."""

    cpu_quota: float | None
    free_memory: int | None


def read_cgroup(proc: Path = Path("/proc/self"), root: Path = Path("/")) -> Cgroup:
    """Read the limits; `root` is put before mount points, for tests. Without control groups there are none."""
    try:
        groups = (proc / "cgroup").read_text().splitlines()
        mounts = (proc / "mountinfo").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return Cgroup(None, None)
    path = next((line.removeprefix("0::") for line in groups if line.startswith("0::")), None)
    if path is None:
        return Cgroup(None, None)
    folders = [folder for line in mounts for folder in _folders(line, path, root)]
    quotas = [quota for folder in folders if (quota := _quota(folder)) is not None]
    free = [free for folder in folders if (free := _free(folder)) is not None]
    return Cgroup(min(quotas, default=None), min(free, default=None))


def _folders(mount: str, path: str, root: Path) -> Iterator[Path]:
    """Yield the folder of the group `path` and its parents up to the mount point, if it is one of control groups."""
    left, _, right = mount.partition(" - ")
    if right.split(" ")[0] != "cgroup2":
        return
    inside, point = (re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), text) for text in left.split(" ")[3:5])
    top, inside = root / point.lstrip("/"), inside.rstrip("/")
    # In a container the path may be the host's, of which only the lower part is mounted.
    below = path[len(inside) :] if path == inside or path.startswith(inside + "/") else ""
    folder = top / below.strip("/")
    while folder != top:
        yield folder
        folder = folder.parent
    yield top


def _quota(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != "max" else None


def _free(folder: Path) -> int | None:
    limit, used = _words(folder / "memory.max"), _words(folder / "memory.current")
    if not limit or not used or limit[0] == "max":
        return None
    stat = _words(folder / "memory.stat")
    # Cached file pages count as used but are given back on demand; a source just copied would fill it all.
    spare = int(stat[stat.index("inactive_file") + 1]) if "inactive_file" in stat else 0
    return max(0, int(limit[0]) - int(used[0]) + spare)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
