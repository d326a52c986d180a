"""The commands, by name."""

from __future__ import annotations

COMMANDS = {
    "probe": "Show what a video is.",
    "plan": "Show what transcode would do, without doing it.",
    "transcode": "Turn a video into an HLS + DASH stream.",
    "verify": "Check a finished stream from its bytes.",
    "status": "Show how far a job is.",
    "jobs": "List the jobs below a folder of streams.",
    "explain": "Show why a job was slow, or why it failed.",
    "run-task": "Run one task of a job alone, such as under a debugger.",
    "clean": "Remove what nobody needs at the DEST of a job.",
    "cancel": "End a job; what is finished stays.",
    "resume": "Go on with a job from where it stopped.",
    "watch": "Turn uploads into streams as they arrive.",
    "play": "Serve a stream on a page that plays it.",
    "doctor": "Check this machine and its codecs.",
    "error": "Explain an error code.",
    "completion": "Print a shell completion script.",
}
"""Name and line of help; a command lives in ``streamify.cli.commands.NAME``, which is imported only when it runs.

A ``-`` in the name is a ``_`` there.
"""
