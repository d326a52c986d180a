"""The entry point. It starts the process that forks workers before it loads the command line, which takes 40 ms."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from streamify.cli.document import Document
from streamify.cli.exit import end_at_once
from streamify.cli.names import COMMANDS


def main() -> None:
    """Run the command line of this process. Signals that come before a command takes them end it in order, too."""
    gc.set_threshold(10_000)  # Python else looks for garbage 200 times while modules load, and finds none: 40 ms
    document = Document("--json" in sys.argv)

    def interrupt(number: int, _: object) -> None:
        # Not raised: half of a module may be loaded, and libraries swallow what comes in the middle of theirs.
        end_at_once(number, document)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    with ExitStack() as stack:
        starter = None
        if _opens_media(sys.argv[1:]):
            from streamify.executors.local.start import WorkerStarter

            starter = stack.enter_context(WorkerStarter())
            starter.start_ahead()
        from streamify.cli.group import run

        code = run(sys.argv[1:], starter, document)
    gc.freeze()  # or Python looks through all that was loaded once more before it ends: 0.1 s (2026-11)
    sys.exit(code)


def _opens_media(args: Sequence[str]) -> bool:
    """Guess, before anything is parsed, whether a command will need a worker of this machine; a wrong guess is safe."""
    name = next((word for word in args if word in COMMANDS), "")
    engines = ("aws", "inline", *(["ray"] if name in ("transcode", "resume", "play") else []))
    elsewhere = any("://" in word or word.split("=")[-1] in ("--help", *engines) for word in args)
    if name == "play":  # of a SOURCE; a DEST is a folder
        return not elsewhere and any(os.path.isfile(word) for word in args)  # noqa: PTH113  # pathlib raises where a name is too long
    return name in ("probe", "plan", "transcode", "resume") and len(args) > 1 and not elsewhere
