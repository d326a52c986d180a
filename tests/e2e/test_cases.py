"""Small inputs after public bug reports: each becomes the stream that is right for it, or is refused with a reason.

`sources/rights.py` says what is right, and by whom it is judged.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from selection import sample
from sources.judging import judged
from sources.page import judged_cells, read_rows
from sources.rights import RIGHTS
from stores import split
from streamify.errors import SourceError

pytestmark = pytest.mark.cases


ROWS = read_rows()
SAMPLE = (
    "paff_field.ts",
    "drop1.mp4",
    "ffmpeg_mpeg4.avi",
    "cut_f.ts",
    "mj.avi",
    "cutoff_3000.mkv",
    "audio_joins_later.ts",
)


def test_every_case_is_known(cases: Path) -> None:
    assert {path.name for path in cases.iterdir()} - {"README.md"} == set(RIGHTS)
    assert sorted(set(RIGHTS) - set(ROWS)) == [], "make sources-table"


@pytest.mark.parametrize("name", sample(sorted(set(RIGHTS) & set(ROWS)), *SAMPLE))
def test_the_stream_is_right_and_its_row_says_so(name: str, tmp_path: Path) -> None:
    row = judged("cases", name, tmp_path)
    assert judged_cells(ROWS[name][1:]) == judged_cells(row.cells()), "make sources-table"


@pytest.mark.parametrize("name", [name for name, right in RIGHTS.items() if right.incomplete])
def test_strict_refuses_a_source_with_a_gap(name: str, cases: Path) -> None:
    with pytest.raises(SourceError) as caught:
        split(cases / name, strict=True)
    assert caught.value.code == "source-incomplete"
    assert "no pictures for" in caught.value.message


def test_strict_refuses_a_source_with_pictures_that_no_decoder_shows(cases: Path) -> None:
    with pytest.raises(SourceError) as caught:
        split(cases / "pid_change.ts", strict=True)
    assert caught.value.code == "source-incomplete"
    assert "1 picture whose packets come long after their time" in caught.value.message
