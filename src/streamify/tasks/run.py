"""The hinge: every engine calls `run_task`, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable

from streamify.model.progress import OnProgress
from streamify.model.result import Beginning, Result
from streamify.model.task import (
    AudioTask,
    CheckTask,
    InitTask,
    LoudnessTask,
    PosterTask,
    PreviewTask,
    SheetTask,
    SoundCheckTask,
    SourceCheckTask,
    SplitTask,
    StreamsCheckTask,
    Task,
    TextCheckTask,
    TextTask,
    VideoTask,
)
from streamify.storage.base import Stores
from streamify.tasks.audio import run_audio
from streamify.tasks.init import run_init
from streamify.tasks.loudness import run_loudness
from streamify.tasks.split import run_split
from streamify.tasks.video import run_video


def run_task(
    task: Task,
    stores: Stores,
    progress: OnProgress | None = None,
    on_beginning: Callable[[Beginning], None] | None = None,
) -> Result:
    """Run one task to its end. Running it twice, or in two places at once, is harmless.

    Args:
        task: What to do.
        stores: Where the source is read and the output written.
        progress: Called with what is done of a video or audio task, after every picture or access unit.
        on_beginning: Called with the beginning of the film, of a split that is to tell of it.

    Raises:
        SourceError: The source cannot be used, or changed since it was planned.
        UsageError: The settings do not fit the source (split).
        DestinationError: The media storage cannot be used, or holds other bytes under a name of ours.
    """
    match task:
        case SplitTask():
            return run_split(task, stores, on_beginning)
        case InitTask():
            return run_init(task, stores)
        case VideoTask():
            return run_video(task, stores, progress)
        case AudioTask():
            return run_audio(task, stores, progress)
        case LoudnessTask():
            return run_loudness(task, stores, progress)
        case (
            SheetTask()
            | PosterTask()
            | PreviewTask()
            | TextTask()
            | TextCheckTask()
            | CheckTask()
            | SourceCheckTask()
            | SoundCheckTask()
            | StreamsCheckTask()
        ):
            return _run_later(task, stores)


def _run_later(
    task: SheetTask
    | PosterTask
    | PreviewTask
    | TextTask
    | TextCheckTask
    | CheckTask
    | SourceCheckTask
    | SoundCheckTask
    | StreamsCheckTask,
    stores: Stores,
) -> Result:
    """Run a task that no first picture waits for.

    Its code is loaded here, so that a worker is ready sooner, and no other: to load all of it takes 50 ms of CPU in
    each worker, as much as the images of a short film.
    """
    match task:
        case SheetTask() | PosterTask() | PreviewTask():
            from streamify.tasks.images import run_image

            return run_image(task, stores)
        case TextTask():
            from streamify.tasks.text import run_text

            return run_text(task, stores)
        case TextCheckTask():
            from streamify.tasks.check_text import run_check_text

            return run_check_text(task, stores)
        case CheckTask():
            from streamify.tasks.check import run_check

            return run_check(task, stores)
        case SourceCheckTask():
            from streamify.tasks.check_source import run_check_source

            return run_check_source(task, stores)
        case SoundCheckTask():
            from streamify.tasks.check_sound import run_check_sound

            return run_check_sound(task, stores)
        case StreamsCheckTask():
            from streamify.tasks.check_streams import run_check_streams

            return run_check_streams(task, stores)
