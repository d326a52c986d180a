"""Whether somebody writes a file, as the kernel knows; and on which file systems it knows of all changes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from streamify.machine.mounts import file_system_of, tells_changes
from streamify.machine.writers import is_being_written


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has leases")
def test_a_copy_that_pauses_is_still_being_written(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with subprocess.Popen(["sh", "-c", f"exec 3> '{path}'; echo half >&3; read line"], stdin=subprocess.PIPE) as writer:
        while not path.exists() or not path.stat().st_size:
            time.sleep(0.01)
        assert is_being_written(path)
        assert is_being_written(path)
        writer.communicate(b"\n")
    assert not is_being_written(path)
    with path.open("rb"):  # a reader is none
        assert not is_being_written(path)


def test_a_writer_who_comes_in_between_ends_nobody(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.touch()
    script = "import sys\nfor _ in range(20000): open(sys.argv[1], 'ab').close()"
    with subprocess.Popen([sys.executable, "-c", script, str(path)]) as writer:
        seen = {is_being_written(path) for _ in range(3000)}
        writer.kill()
    assert seen <= {True, False}


def test_what_is_no_file_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert not is_being_written(tmp_path / "link")
    assert not is_being_written(tmp_path / "nothing")


MOUNTS = r"""
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:44 / /srv/uploads rw - nfs4 server:/up rw,vers=4.2
31 30 0:45 / /srv/uploads/local rw - xfs /dev/sdb rw
32 27 0:46 / /mnt/with\040space rw - fuse.sshfs me@host:/ rw
33 27 0:47 / /over rw - ext4 /dev/sdc rw
34 33 0:48 / /over rw - cifs //nas/share rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "told"),
    [
        ("/home/me", "ext4", True),
        ("/srv/uploads", "nfs4", False),
        ("/srv/uploads/a/b", "nfs4", False),
        ("/srv/uploads2", "ext4", True),
        ("/srv/uploads/local/a", "xfs", True),
        ("/mnt/with space/a", "fuse.sshfs", False),
        ("/over/x", "cifs", False),
    ],
)
def test_where_the_kernel_tells_of_changes(path: str, kind: str, told: bool) -> None:
    assert file_system_of(Path(path), MOUNTS) == kind
    assert tells_changes(kind) is told


@pytest.mark.parametrize("kind", ["overlay", "tmpfs", "btrfs", "zfs", "apfs", ""])
def test_other_file_systems_are_told(kind: str) -> None:
    assert tells_changes(kind)


@pytest.mark.parametrize("kind", ["nfs", "9p", "virtiofs", "fuse", "fuseblk", "smb3", "ceph", "fuse.s3fs"])
def test_network_file_systems_are_not(kind: str) -> None:
    assert not tells_changes(kind)
