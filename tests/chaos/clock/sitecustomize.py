"""Python loads this at its start, where its folder is in PYTHONPATH: the clock is off by CHAOS_CLOCK seconds."""

import os
import time

_true, _true_ns, _off = time.time, time.time_ns, float(os.environ.get("CHAOS_CLOCK", "0"))
time.time = lambda: _true() + _off
time.time_ns = lambda: _true_ns() + int(_off * 1e9)
