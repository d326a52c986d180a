"""Damaged bytes of every container: a stream, or an error that is no bug; no crash, no hang, memory within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.run import fuzz, wrong


def judge(seeds: range, folder: Path, workers: int, given: list[Path] | None = None) -> None:
    ended = fuzz(seeds, folder, workers, given or [])
    found = {
        name: f"{one.code}: {one.cause}\n{one.log}" for name, one in ended.items() if one is not None and wrong(one)
    }
    assert found == {}
    assert len(ended) == len(seeds)
    streams = sum(one is None for one in ended.values())
    assert len(seeds) // 5 < streams < len(seeds)  # else the mutants are all too tame, or too wild


def test_some_mutants(tmp_path: Path) -> None:
    judge(range(12), tmp_path, 2)


@pytest.mark.long
def test_three_hundred_mutants(tmp_path: Path) -> None:
    """Two thousand, and any others: ``python tests/fuzz/run.py``."""
    judge(range(12, 312), tmp_path, 2)


@pytest.mark.long
def test_mutants_of_files_that_nobody_here_made(corpus: Path, cases: Path, tmp_path: Path) -> None:
    files = [path for folder in (corpus, cases) for path in sorted(folder.glob("*.*")) if path.stat().st_size < 300_000]
    judge(range(len(files) * 3), tmp_path, 2, [path for path in files if path.suffix not in (".md", ".tsv")])
