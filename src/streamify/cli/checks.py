"""What `doctor` looks at. Each check gives lines; none raises."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streamify.dest.layout import DOCTOR
from streamify.errors import StreamifyError
from streamify.model.location import Location
from streamify.model.text import size
from streamify.storage.locate import reach_storage

GIB = 1 << 30
NEEDED_MEMORY = GIB
"""Below this, four rungs of a 1080p source do not fit one worker (measured: 0.72-0.83 GiB)."""


@dataclass(frozen=True)
class Check:
    """One line of the doctor."""

    name: str
    status: Literal["ok", "warn", "fail"]
    text: str


def checks(dest: Location | None, stack: str | None = None) -> Iterator[Check]:
    """Look at everything; `stack` is the name of one on AWS."""
    yield from _versions()
    yield from _codecs()
    yield from _machine()
    yield from _folder("temporary", Path(tempfile.gettempdir()))
    if dest is not None:
        yield from _object_store("dest", dest) if dest.remote else _folder("dest", dest.path)
    if stack is not None:
        from streamify.backends.aws.stack_checks import check_stack

        yield from (Check(*found) for found in check_stack(stack))


def _versions() -> Iterator[Check]:
    from streamify._version import __version__

    yield Check("streamify", "ok", __version__)
    yield Check("python", "ok", f"{platform.python_version()}, {sys.executable}")
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    tested = platform.system() == "Linux" and platform.machine() == "x86_64"
    yield Check("system", "ok" if tested else "warn", system if tested else f"{system}: only Linux x86-64 is tested")


def _codecs() -> Iterator[Check]:
    try:
        from streamify.media.build import codec_build, encoders
    except ImportError as error:
        yield Check(
            "codecs", "fail", f"PyAV cannot be loaded: {error}; reinstall with: pip install --force-reinstall av"
        )
        return
    yield Check("codecs", "ok", codec_build())
    for name, there in encoders().items():
        text = "there" if there else "missing; install the wheel of av from PyPI"
        yield Check(f"encoder {name}", "ok" if there else "fail", text)


def _machine() -> Iterator[Check]:
    from streamify.machine.cpu import cpu_facts
    from streamify.machine.resources import read_machine

    model, flags = cpu_facts()
    yield Check("cpu", "ok", f"{model}; {' '.join(flags) or 'no known vector extensions'}")
    machine = read_machine()
    quota = "no quota" if machine.cpu_quota is None else f"a quota of {machine.cpu_quota:g}"
    yield Check("cores", "ok", f"{machine.affinity} usable of {os.cpu_count()}, {quota}")
    enough = machine.free_memory >= NEEDED_MEMORY
    text = f"{size(machine.free_memory)} free"
    yield Check("memory", "ok" if enough else "warn", text if enough else f"{text}: little for a ladder up to 1080p")


def _folder(name: str, folder: Path) -> Iterator[Check]:
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".tmp-streamify-") as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
        facts = os.statvfs(there)
    except OSError as error:
        yield Check(name, "fail", f"cannot write in {there}: {error.strerror or error}")
        return
    free = facts.f_bavail * facts.f_frsize
    where = str(folder) if there == folder else f"{folder} (to be made in {there})"
    yield Check(name, "ok" if free >= GIB else "warn", f"{where}: writable, {size(free)} free")


def _object_store(name: str, dest: Location) -> Iterator[Check]:
    key = f"{DOCTOR}{uuid.uuid4().hex}"
    try:
        storage = reach_storage(dest)
        storage.names()
        storage.put_new(key, b"doctor")
        storage.delete(key)
    except StreamifyError as error:
        yield Check(name, "fail", str(error))
    else:
        yield Check(name, "ok", f"{dest}: can be listed, written and cleared")
