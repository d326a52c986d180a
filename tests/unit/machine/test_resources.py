"""How many workers, from numbers and from trees of control group files as kernels write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamify.machine.cgroup import Cgroup, read_cgroup
from streamify.machine.resources import choose_workers, read_machine

pytestmark = pytest.mark.timeout(30)
GB = 10**9


@pytest.mark.parametrize(
    ("affinity", "quota", "free", "peak", "requested", "count", "reason"),
    [
        (2, None, 21 * GB, GB, None, 2, "2 workers: 2 cores"),
        (1, None, 8 * GB, GB, None, 1, "1 worker: 1 core"),
        (8, 1.5, 8 * GB, GB, None, 2, "2 workers: a CPU quota of 1.5 of 8 cores"),
        (8, 0.2, 8 * GB, GB, None, 1, "1 worker: a CPU quota of 0.2 of 8 cores"),
        (4, 16.0, 8 * GB, GB, None, 4, "4 workers: 4 cores"),
        (8, None, 3 * GB, GB, None, 3, "3 workers: 3.0 GB of free memory at 1.0 GB a worker (8 cores)"),
        (2, None, 21 * GB, GB, 5, 5, "5 workers: as asked for (2 cores)"),
    ],
)
def test_takes_the_least_and_says_why(
    affinity: int, quota: float | None, free: int, peak: int, requested: int | None, count: int, reason: str
) -> None:
    choice = choose_workers(affinity=affinity, cpu_quota=quota, free_memory=free, task_peak=peak, requested=requested)
    assert (choice.count, choice.reason, choice.warning) == (count, reason, "")


def test_warns_where_not_even_one_fits() -> None:
    choice = choose_workers(affinity=4, cpu_quota=None, free_memory=GB // 2, task_peak=GB)
    assert choice.count == 1
    assert choice.warning == "1 worker may need 1.0 GB of memory and 0.5 GB are free"


def test_warns_where_more_were_asked_for_than_fit() -> None:
    choice = choose_workers(affinity=4, cpu_quota=None, free_memory=2 * GB, task_peak=GB, requested=3)
    assert choice.count == 3
    assert choice.warning == "3 workers may need 3.0 GB of memory and 2.0 GB are free"


@given(
    affinity=st.integers(1, 256),
    quota=st.none() | st.floats(0.01, 256),
    free=st.integers(0, 1 << 40),
    peak=st.integers(1, 1 << 36),
)
def test_is_within_every_limit_or_one(affinity: int, quota: float | None, free: int, peak: int) -> None:
    choice = choose_workers(affinity=affinity, cpu_quota=quota, free_memory=free, task_peak=peak)
    assert 1 <= choice.count <= affinity
    assert quota is None or choice.count < quota + 1
    assert choice.count == 1 or choice.count * peak <= free
    assert bool(choice.warning) == (peak > free)


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


def test_v1_by_controller(tmp_path: Path) -> None:
    found = read_cgroup(
        *tree(
            tmp_path,
            {
                "proc/cgroup": "9:name=systemd:/\n5:cpu,cpuacct:/job\n4:memory:/job/inner\n0::/\n",
                "proc/mountinfo": (
                    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                ),
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
                "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "4000\n",
                "sys/fs/cgroup/memory/job/memory.usage_in_bytes": "3000\n",
                "sys/fs/cgroup/memory/job/memory.stat": "cache 9\ntotal_inactive_file 500\n",
            },
        )
    )
    assert found == Cgroup(cpu_quota=2.5, free_memory=1500)


def test_a_container_that_sees_the_paths_of_its_host(tmp_path: Path) -> None:
    found = read_cgroup(
        *tree(
            tmp_path,
            {
                "proc/cgroup": "5:cpu:/docker/abc\n4:memory:/docker/abc/inner\n",
                "proc/mountinfo": (
                    "32 31 0:29 /docker/abc /sys/fs/cgroup/cpu\\0401 ro - cgroup cgroup rw,cpu\n"
                    "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
                ),
                "sys/fs/cgroup/cpu 1/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu 1/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/inner/memory.limit_in_bytes": "100\n",
                "sys/fs/cgroup/memory/inner/memory.usage_in_bytes": "150\n",
            },
        )
    )
    assert found == Cgroup(cpu_quota=0.5, free_memory=0)


@pytest.mark.parametrize("files", [{}, {"proc/cgroup": "0::/\n", "proc/mountinfo": V2}])
def test_no_control_groups_no_limits(tmp_path: Path, files: dict[str, str]) -> None:
    assert read_cgroup(*tree(tmp_path, files)) == Cgroup(None, None)
