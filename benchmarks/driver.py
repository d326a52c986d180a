"""``python -m benchmarks.driver FILE ARGUMENT...``: the command line of streamify, which leaves what the driver used.

A process's own peak (VmHWM) is gone with the process, and the usage that a parent is told mixes it with the workers'.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from streamify.cli.group import run


def main() -> int:
    """Run the command line; write peak memory, bytes, and CPU time, seconds, to FILE as JSON."""
    code = run(sys.argv[2:])
    from streamify.machine.usage import peak_bytes

    Path(sys.argv[1]).write_text(json.dumps({"peak": peak_bytes(), "cpu": time.process_time()}))
    return code


if __name__ == "__main__":
    sys.exit(main())
