"""What tests go by that look for what was left behind, while other tests of the process have theirs."""

from __future__ import annotations

import subprocess
import sys
from threading import Event, Thread

from leaks import child_processes, own_threads

LIVES = "import sys; sys.stdin.read()"
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {LIVES!r}]).pid, flush=True); {LIVES}"


def test_a_thread_of_another_test_may_end_but_none_may_come() -> None:
    end = Event()
    others, left = (Thread(target=end.wait, name="streamify-x") for _ in range(2))
    others.start()
    before = own_threads()
    assert others in before
    left.start()
    assert own_threads() - before == {left}  # of the same name
    end.set()
    left.join()
    others.join()
    assert own_threads() <= before - {others}


def test_all_processes_below_this_one_are_seen_but_those_of_ray() -> None:
    before = child_processes()
    pipe = subprocess.PIPE
    with (
        subprocess.Popen([sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe) as ours,
        subprocess.Popen([sys.executable, "-c", PARENT, "/x/site-packages/ray/y"], stdin=pipe, stdout=pipe) as rays,
    ):
        assert ours.stdout is not None
        assert rays.stdout is not None
        grandchild, _ = int(ours.stdout.readline()), rays.stdout.readline()
        assert {one.pid for one in child_processes() - before} == {ours.pid, grandchild}
        ours.communicate(timeout=60)
        rays.communicate(timeout=60)
    assert child_processes() <= before
