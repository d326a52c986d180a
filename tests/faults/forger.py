"""The real worker loop round a split whose plan names another tenant's source."""

from __future__ import annotations

from streamify.executors.local.worker import main
from streamify.model.plan import Plan
from streamify.model.progress import OnProgress
from streamify.model.result import Result, SplitResult
from streamify.model.task import Task
from streamify.storage.base import Stores
from streamify.tasks.run import run_task


def run(task: Task, stores: Stores, progress: OnProgress | None = None) -> Result:
    """Split, and change the plan."""
    made = run_task(task, stores, progress)
    assert isinstance(made, SplitResult)
    plan = Plan.from_json(made.plan)
    ref = plan.source.ref.model_copy(update={"key": "other.mp4"})
    forged = plan.model_copy(update={"source": plan.source.model_copy(update={"ref": ref})})
    return SplitResult(plan=forged.to_json().decode())


if __name__ == "__main__":
    main(run)
