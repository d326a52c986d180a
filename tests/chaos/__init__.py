"""Jobs on every engine with faults at moments that a seed draws: ``make chaos``, and ten of each in `test_chaos`.

Each run makes one tiny stream. A proxy before the object store stops a write of a task and so holds that task in
flight; the fault happens then, and the write goes on, is refused, or comes long after. Every run must end with the
bytes of an undisturbed one, perhaps after the same command was run again, and no task may run more often than the
faults explain.
"""
