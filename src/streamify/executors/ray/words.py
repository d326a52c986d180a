"""What errors of Ray say, shortened for messages of one line."""

from __future__ import annotations

import re

import grpc

from streamify.errors import StreamifyError


def one_line(error: BaseException) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, grpc.Call):
        text = f"{error.code().name}: {error.details()}"
    else:
        text = error.message if isinstance(error, StreamifyError) else str(error)
    return " ".join(text.split())[:200]


def out_of_memory(error: BaseException) -> str:
    """Return what Ray says of a worker that it ended for want of memory."""
    found = re.search(r"IP: ([^,]+),.*? was ([\d.]+ ?\w+) used / ([\d.]+ ?\w+) limit", str(error), re.DOTALL)
    node = f"node {found[1]} had run out: {found[2]} of {found[3]} were used" if found else "its node had run out"
    return f"Ray ended the worker, because the memory of {node}"
