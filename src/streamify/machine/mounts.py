"""On which kind of file system a folder lies, and whether the kernel tells of all changes there."""

from __future__ import annotations

import re
from pathlib import Path

_BLIND = re.compile(r"nfs\d?|cifs|smb\w*|9p|virtiofs|fuse(blk|\..*)?|ceph|afs|lustre|glusterfs|gpfs|beegfs|ocfs2|gfs2|"
                    r"vboxsf|vmhgfs|prl_fs|drvfs|ncpfs|coda|orangefs")  # fmt: skip
"""File systems on which others than this kernel write: inotify(7) tells only of what goes through this kernel."""
_ESCAPE = re.compile(r"\\([0-7]{3})")


def file_system_of(path: Path, mounts: str) -> str:
    """Return the type of the file system that holds `path`, such as ``ext4``; empty where it is not listed.

    Args:
        path: Absolute, without links.
        mounts: Text of ``/proc/self/mountinfo``; see proc_pid_mountinfo(5).
    """
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        columns = fields.split(" ")
        if len(columns) < 5 or not rest:
            continue
        at = Path(_ESCAPE.sub(lambda found: chr(int(found[1], 8)), columns[4]))
        if (path == at or at in path.parents) and len(at.parts) >= best:  # the later of two mounts hides the earlier
            best, kind = len(at.parts), rest.split(" ")[0]
    return kind


def tells_changes(kind: str) -> bool:
    """Return whether the kernel tells of every change on a file system of this type."""
    return _BLIND.fullmatch(kind) is None
