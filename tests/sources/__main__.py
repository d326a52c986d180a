"""`python -m sources [PATTERN ...]`: put the files through that match, judge them, and write their rows."""

from __future__ import annotations

import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path

from sources.judging import judged
from sources.page import described, names, read_rows, write


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(patterns: list[str]) -> int:
    """Return how many files are not as they must be."""
    wrong = 0
    for kind in ("corpus", "cases"):
        said = described(kind)
        for name in names(kind):
            if patterns and not any(fnmatch(name, one) for one in patterns):
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    row = judged(kind, name, Path(folder))
                except AssertionError as error:
                    wrong += 1
                    say(f"WRONG {name}: {error}")
                    write({other: cells for other, cells in read_rows().items() if other != name})
                    continue
            write(read_rows() | {name: (said[name], *row.cells())})
            say(f"{row.outcome:10} {name}")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
