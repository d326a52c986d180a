from __future__ import annotations

import sys
from mmap import mmap

import pytest

from streamify.executors.local.start import worker_environment
from streamify.executors.log import LOG_BYTES, tail
from streamify.machine.limits import WorkerLimits, address_bytes
from streamify.machine.usage import peak_bytes, resident_bytes

pytestmark = pytest.mark.timeout(60)
MIB = 1 << 20


def test_limits_leave_room_over_the_predicted_peak() -> None:
    # Measured: a 4K ladder of four rungs, 2462 MiB resident, 3190 MiB of addresses.
    assert address_bytes(2462 * MIB) > 2 * 3190 * MIB
    assert address_bytes(50 * MIB) >= 4096 * MIB
    limits = WorkerLimits()
    assert limits.recycle_above(2462 * MIB) > 2462 * MIB
    assert limits.recycle_above(50 * MIB) == 1024 * MIB
    assert WorkerLimits.from_json(limits.to_json()) == limits


def test_the_environment_is_small_and_keeps_no_secret() -> None:
    outer = {
        "PATH": "/bin",
        "PYTHONPATH": "src",
        "PYTHONINSPECT": "1",
        "AWS_SECRET_ACCESS_KEY": "s",
        "TZ": "Asia/Tokyo",
    }
    inner = worker_environment(outer)
    assert (inner["PATH"], inner["PYTHONPATH"], inner["TZ"]) == ("/bin", "src", "UTC")
    assert {"PYTHONINSPECT", "AWS_SECRET_ACCESS_KEY"}.isdisjoint(inner)


def test_memory_is_measured() -> None:
    before = resident_bytes()
    with mmap(-1, 64 * MIB) as block:  # not from the heap, which may hold as much that is free
        block.write(b"x" * len(block))
        assert resident_bytes() - before > 48 * MIB
    assert peak_bytes() >= before + 48 * MIB
    assert peak_bytes() < 64 << 30, sys.platform  # bytes, not KiB of KiB


def test_tail_keeps_the_end() -> None:
    assert tail("short") == "short"
    assert tail("ä" * LOG_BYTES).endswith("ää")
    assert len(tail("x" * (LOG_BYTES + 1))) == LOG_BYTES
