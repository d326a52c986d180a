"""The filter of a sealed process. What it refuses is tried by tests/e2e/test_aws_intruder.py."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from streamify.machine.seal import filter_program
from streamify.machine.syscalls import ABIS, JUDGED, UNKNOWN

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
NEWER = {"fchmodat2", "setxattrat"}
"""Than the headers of some systems where this is tested."""


@pytest.mark.parametrize("machine", sorted(ABIS))
def test_numbers_are_those_of_the_kernel_headers(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip(f"no {HEADERS[machine]} here")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text()))
    known = {name: int(found[name]) for name in ABIS[machine].numbers if name in found or name not in NEWER}
    assert known == {name: number for name, number in ABIS[machine].numbers.items() if name in known}


@pytest.mark.parametrize("machine", sorted(ABIS))
def test_a_filter_fits_and_judges_only_what_it_lists(machine: str) -> None:
    assert len(filter_program(ABIS[machine], 1)) // 8 < 4096  # BPF_MAXINSNS
    assert {*UNKNOWN, *JUDGED} - ABIS[machine].numbers.keys() <= {"open"}  # 64-bit ARM has openat alone


SEALED = """
import os, sys, threading
from streamify.machine.seal import seal
go, told = threading.Event(), []
def early():
    go.wait()
    try:
        told.append(os.pidfd_open(os.getpid()))
    except PermissionError:
        told.append("refused")
thread = threading.Thread(target=early)
thread.start()
assert seal().filtered
go.set()
thread.join()
thread = threading.Thread(target=lambda: told.append("started"))
thread.start()
thread.join()
with open("/proc/self/status") as file:
    told.append(file.read(5))
print(told)
sys.stdout.flush()
os.abort()
"""


@pytest.mark.skipif(platform.machine() not in ABIS or sys.platform != "linux", reason="Linux on two architectures")
def test_threads_that_ran_before_are_sealed_and_what_decoders_need_goes_on() -> None:
    done = subprocess.run([sys.executable, "-c", SEALED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("['refused', 'started', 'Name:']\n", -6), done.stderr
