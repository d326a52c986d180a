"""How many workers, from numbers and from trees of control group files as kernels write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.machine.cgroup import Cgroup, read_cgroup
from streamify.machine.resources import choose_workers, read_machine

pytestmark = pytest.mark.timeout(60)


@pytest.mark.parametrize(
    ("affinity", "quota", "requested", "count", "reason"),
    [
        (2, None, None, 2, "2 cores"),
        (1, None, None, 1, "1 core"),
        (8, 1.5, None, 2, "a CPU quota of 1.5 of 8 cores"),
        (8, 0.2, None, 1, "a CPU quota of 0.2 of 8 cores"),
        (4, 16.0, None, 4, "4 cores"),
        (4, 4.0, None, 4, "4 cores"),
        (4, 3.5, None, 4, "4 cores"),
        (2, None, 5, 5, "as asked for"),
    ],
)
def test_takes_the_least_and_says_why(
    affinity: int, quota: float | None, requested: int | None, count: int, reason: str
) -> None:
    choice = choose_workers(affinity=affinity, cpu_quota=quota, requested=requested)
    assert (choice.count, choice.reason) == (count, reason)


@given(affinity=st.integers(1, 256), quota=st.none() | st.floats(0.01, 256))
def test_is_within_both_limits(affinity: int, quota: float | None) -> None:
    choice = choose_workers(affinity=affinity, cpu_quota=quota)
    assert 1 <= choice.count <= affinity
    assert quota is None or choice.count < quota + 1


def test_reads_this_machine() -> None:
    machine = read_machine()
    assert machine.affinity >= 1
    assert machine.cpu_quota is None or machine.cpu_quota > 0
    assert machine.free_memory > 0


def tree(root: Path, files: dict[str, str]) -> tuple[Path, Path]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "proc", root


V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_v2_walks_up_and_takes_the_tightest(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/user.slice"
    found = read_cgroup(
        *tree(
            tmp_path,
            {
                "proc/cgroup": "0::/user.slice/app.scope\n",
                "proc/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + V2,
                f"{group}/cpu.max": "150000 100000\n",
                f"{group}/app.scope/cpu.max": "max 100000\n",
                f"{group}/memory.max": "max\n",
                f"{group}/memory.current": "999\n",
                f"{group}/app.scope/memory.max": "1000000\n",
                f"{group}/app.scope/memory.current": "700000\n",
                f"{group}/app.scope/memory.stat": "anon 100\ninactive_file 50000\nactive_file 9\n",
            },
        )
    )
    assert found == Cgroup(cpu_quota=1.5, free_memory=350_000)


def test_a_container_that_sees_the_paths_of_its_host(tmp_path: Path) -> None:
    mount = "30 23 0:26 /docker/abc /sys/fs/cgroup\\0401 ro - cgroup2 cgroup rw\n"
    found = read_cgroup(
        *tree(
            tmp_path,
            {
                "proc/cgroup": "4:memory:/elsewhere\n0::/docker/abc/inner\n",
                "proc/mountinfo": mount,
                "sys/fs/cgroup 1/cpu.max": "50000 100000\n",
                "sys/fs/cgroup 1/inner/memory.max": "100\n",
                "sys/fs/cgroup 1/inner/memory.current": "150\n",
            },
        )
    )
    assert found == Cgroup(cpu_quota=0.5, free_memory=0)


def test_version_1_is_not_read(tmp_path: Path) -> None:
    files = {
        "proc/cgroup": "4:memory:/job\n",
        "proc/mountinfo": "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
        "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "4000\n",
        "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "3000\n",
    }
    assert read_cgroup(*tree(tmp_path, files)) == Cgroup(None, None)


@pytest.mark.parametrize("files", [{}, {"proc/cgroup": "0::/\n", "proc/mountinfo": V2}])
def test_no_control_groups_no_limits(tmp_path: Path, files: dict[str, str]) -> None:
    assert read_cgroup(*tree(tmp_path, files)) == Cgroup(None, None)
