"""The page: a row for each file, kept from run to run, so that some of them can be made anew."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from clips.corpus import CASES, CORPUS
from sources.corpus import REFUSED, SEEN
from sources.rights import RIGHTS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sources-tried.md"
HEAD = """# Sources tried

Made by `make sources-table`; tests compare its rows. Each file is put through `streamify transcode` with one small
rung, and the stream is judged by others: pictures and lengths by ffprobe, pictures and their order by FFmpeg's own
decoding of source and stream, tones by their frequency, counts by what the file was made from. `verify --source`
finds no fault in any of them.

*kept*: as it is. *converted*: something is changed or left out, and the report names it as the table does.
*refused*: exit code 3, 4 or 7, with the [code](errors.md) of the reason.

"""
COLUMNS = (
    "| file | what it is | result | what is changed, left out or missing; why refused | pictures | seconds | sounds |\n"
    "|---|---|---|---|---|---|---|\n"
)
TITLES = {
    "corpus": "## Corpus\n\nReal clips, and some derived from them.\n\n",
    "cases": "## Cases\n\nSmall inputs after public bug reports of other tools.\n\n",
}  # fmt: skip


def names(kind: str) -> list[str]:
    """Return the names of all files of the corpus or the cases."""
    return sorted({*SEEN, *REFUSED} if kind == "corpus" else RIGHTS)


def folder(kind: str) -> Path:
    """Return where they are."""
    return CORPUS if kind == "corpus" else CASES


def read_rows() -> dict[str, tuple[str, ...]]:
    """Return the cells of each row by the file's name."""
    if not PAGE.exists():
        return {}
    rows = (line for line in PAGE.read_text().splitlines() if line.startswith("| `"))
    cells = [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]) for row in rows]
    return {row[0].strip("`"): row[1:] for row in cells}


def write(rows: dict[str, tuple[str, ...]]) -> None:
    """Write the page."""
    text = HEAD
    for kind, title in TITLES.items():
        lines = [f"| `{name}` | {' | '.join(rows[name])} |\n" for name in names(kind) if name in rows]
        found = [rows[name][1] for name in names(kind) if name in rows]
        counts = ", ".join(f"{found.count(one)} {one}" for one in ("kept", "converted", "refused"))
        text += f"{title}{len(found)} files: {counts}.\n\n{COLUMNS}{''.join(lines)}\n"
    PAGE.write_text(text.rstrip() + "\n")


def described(kind: str) -> dict[str, str]:
    """Return what each file is, as the folders' own lists say."""
    base = folder(kind)
    if kind == "corpus":
        with (base / "MANIFEST.tsv").open() as file:
            said = {row["path"]: row["why"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    else:
        said = {}
        for line in (base / "README.md").read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) > 4:
                said |= {name.strip(): re.sub(r" \([^)]*#\d+[^)]*\)", "", cells[2]) for name in cells[1].split(",")}
    return {name: said[name].replace("|", "\\|") for name in names(kind) if name in said}


def judged_cells(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Return what of a row's cells, the name and the description left out, a test compares.

    All but the words of notes, which change often: of a refusal its code.
    """
    outcome, why, *counts = cells
    return (outcome, why.partition(":")[0] if outcome == "refused" else "", *counts)
