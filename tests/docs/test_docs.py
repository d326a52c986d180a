"""What README and docs say is true: commands run, links lead somewhere, tables are those of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from pydantic import BaseModel

from clips.make import ClipSpec, make_clip
from streamify import __version__
from streamify.media import testcard
from streamify.media.source.opening import DEMUXERS
from streamify.model.report import Certificate, Report, TrackReport, TrackSegments
from streamify.model.source import VideoFacts
from streamify.planning.ladder import LADDERS, choose_ladder
from streamify.settings.read import from_arguments

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INSTALL = "\npip install ."
"""Ends the one block that is not run: `make test` installs the checkout itself."""


def _tracked() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in names if (ROOT / name).is_file()]


PAGES = [path for path in _tracked() if path.suffix == ".md" and not path.is_symlink()]


def _blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Yield language and text of each fenced block, in order."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def _environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "COLUMNS": "200"}


def _checkout(folder: Path) -> None:
    """Make `folder` a checkout whose .venv is the environment that runs the tests, so that `make` installs nothing."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    (folder / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if not path.name.startswith(".made"):
            (folder / ".venv" / path.name).symlink_to(path)
    (folder / ".venv" / ".made").touch()


def _masked(text: str, *, numbers: bool) -> str:
    """Return `text` without what differs from run to run, machine to machine, preset to preset, clip to clip."""
    text = re.sub(r"-[0-9a-f]{8}\b", "-ID", text)
    text = re.sub(r"avc1\.\w+", "avc1.PROFILE", text)
    text = re.sub(r"[\d.]+ (kB|MB|[kM]bit/s|dB)\b", "N units", text)
    if numbers:
        text = re.sub(r"\d+", "N", text)
    return re.sub(r"[ \t]+", " ", text)


@pytest.mark.parametrize(
    ("page", "seconds"),
    [
        pytest.param(ROOT / "README.md", 3, id="README-with-a-short-clip"),
        pytest.param(ROOT / "README.md", 20, marks=pytest.mark.long, id="README"),
        pytest.param(DOCS / "tutorial" / "first-stream.md", 20, marks=pytest.mark.long, id="first-stream"),
    ],
)
def test_commands_and_snippets_run_and_say_what_the_page_shows(
    page: Path, seconds: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page's clip has 20 s; with a shorter one, numbers are not compared.

    Of a page that is run with both, the long one goes as far as there are numbers of it.
    """
    _checkout(tmp_path)
    if page.stem == "README":  # its clip is large; what is tested is the text, not x264
        monkeypatch.setenv("STREAMIFY_PRESET", "ultrafast")
    if seconds < 20:
        testcard.main([str(tmp_path / "demo" / "clip.mp4"), "--seconds", str(seconds), "--rate", "12"])
    said, blocks = "", list(_blocks(page))
    if page.stem == "README" and seconds == 20:
        told = [number for number, (one, then) in enumerate(pairwise(blocks)) if (one[0], then[0]) == ("sh", "text")]
        assert told
        blocks = blocks[: told[-1] + 2]
    for language, text in blocks:
        if language == "sh" and not text.rstrip().endswith(INSTALL):
            if "video.mp4" in text:  # the reader's own
                make_clip(ClipSpec(seconds=Fraction(2)), tmp_path).path.rename(tmp_path / "video.mp4")
            said = _run(["bash", "-euo", "pipefail", "-c", text], tmp_path)
        elif language == "python":
            _run([sys.executable, "-"], tmp_path, text)  # from a pipe: no main module that could be imported
            said = ""
        elif language == "text" and said:
            rest = _masked(said, numbers=seconds < 20)
            for line in _masked(text, numbers=seconds < 20).splitlines():
                if line.strip() not in ("", "..."):
                    assert line in rest, f"{page.name} shows {line!r}, which is not (or not there) in:\n{said}"
                    rest = rest[rest.index(line) + len(line) :]
            said = ""


def _run(command: list[str], folder: Path, given: str = "") -> str:
    done = subprocess.run(command, cwd=folder, env=_environment(), input=given, capture_output=True, text=True)
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_is_one_screen_of_install_demo_and_own_video() -> None:
    shell = [text.strip() for language, text in _blocks(ROOT / "README.md") if language == "sh"]
    assert shell[0].endswith(INSTALL)
    assert shell[1:3] == ["make demo", "streamify transcode video.mp4 stream/"]


def test_the_snippet_of_the_readme_is_short() -> None:
    snippets = [text for language, text in _blocks(ROOT / "README.md") if language == "python"]
    assert len(snippets) == 1
    assert len([line for line in snippets[0].splitlines() if line.strip()]) <= 6


def test_python_blocks_of_all_pages_are_python() -> None:
    for page in PAGES:
        for language, text in _blocks(page):
            if language == "python":
                compile(text, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, file, anchor in _links(page):
        assert file.exists(), f"{page.name} links to {target}"
        assert ROOT in (file, *file.parents), f"{page.name} links out of the repository: {target}"
        if anchor:
            assert anchor in set(_anchors(file)), f"{page.name} links to {target}: there is no such heading"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in seen:
            seen.add(page)
            waiting += [file for _, file, _ in _links(page) if file.suffix == ".md"]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in seen] == []


def _links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield the relative links of a page: as written, the file, the anchor."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            yield target, (page.parent / name).resolve() if name else page, anchor


def _anchors(page: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        text = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        yield text.replace(" ", "-")


def test_no_file_names_a_place_of_one_machine() -> None:
    # Spelt so that this file does not match itself.
    places = re.compile(r"/(?:work|farm|root)/\w|https?://[^/\s]*(?:pypi|pythonh|npmj|\bdeb)[^/\s]*/")
    found = []
    for path in _tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in places.finditer(text)]
    assert not found


def test_constraints_are_exact_versions() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert next(line for line in lines if line.startswith("av==")) in (ROOT / "pyproject.toml").read_text()


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", LADDERS)
def test_the_table_of_a_ladder_is_that_of_the_code(name: str) -> None:
    text = (DOCS / "reference" / "ladders.md").read_text()
    part = text.partition(f"\n### {name}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \|$", part, re.MULTILINE)
    assert rows == [(rung.name, str(rung.short_side), str(rung.maxrate // 1000)) for rung in LADDERS[name]]


def test_all_ladders_are_documented() -> None:
    part = (DOCS / "reference" / "ladders.md").read_text().partition("## Named ladders")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (\w+)$", part, re.MULTILINE)) == set(LADDERS)


def test_the_examples_of_auto_are_what_auto_gives() -> None:
    part = (DOCS / "reference" / "ladders.md").read_text().partition("\n## auto\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| ([\w ]+) \|$", part, re.MULTILINE)
    assert len(rows) >= 5
    for side, names in rows:
        rungs, _ = choose_ladder(_video(int(side)), "auto")
        assert [rung.name for rung in rungs] == names.split()


def test_the_ladder_file_of_the_reference_is_valid(tmp_path: Path) -> None:
    example = next(text for language, text in _blocks(DOCS / "reference" / "ladders.md") if language == "yaml")
    file = tmp_path / "my.yaml"
    file.write_text(example)
    ladder = from_arguments({"ladder": str(file)}).ladder
    assert [rung if isinstance(rung, str) else rung.name for rung in ladder] == ["1080p", "540p"]


def _video(side: int) -> VideoFacts:
    return VideoFacts(
        stream=0, codec="h264", width=side * 16 // 9, height=side, sample_aspect=Fraction(1), pixel_format="yuv420p",
        time_base=Fraction(1, 25), frames=25, first=0, end=25, rate=Fraction(25), average_rate=Fraction(25),
    )  # fmt: skip


@pytest.mark.parametrize("model", [Report, TrackReport, TrackSegments, Certificate])
def test_every_field_of_the_report_is_explained(model: type[BaseModel]) -> None:
    text = (DOCS / "reference" / "output.md").read_text().partition("## report.json")[2]
    names = {field.alias or name for name, field in model.model_fields.items()}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_all_accepted_containers_are_listed() -> None:
    text = (DOCS / "reference" / "sources.md").read_text().partition("## Containers")[2].partition("\n## ")[0]
    rows = "".join(line for line in text.splitlines() if line.startswith("| "))
    listed = {name for group in re.findall(r"`([^`]+)`", rows) for name in group.split(",")}
    assert listed == set(DEMUXERS.split(","))


def test_every_refusal_of_a_source_is_listed() -> None:
    errors = (DOCS / "reference" / "errors.md").read_text()
    codes = re.findall(r"^### (\S+)$", errors.partition("(exit code 3)")[2].partition("\n## ")[0], re.MULTILINE)
    page = (DOCS / "reference" / "sources.md").read_text()
    assert len(codes) > 5
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_decision_records_have_a_status_and_stand_in_the_index() -> None:
    folder = DOCS / "decisions"
    index = (folder / "README.md").read_text()
    records = sorted(folder.glob("[0-9]*.md"))
    assert records
    for number, record in enumerate(records, start=1):
        head = record.read_text().splitlines()
        assert record.name.startswith(f"{number:04d}-")
        assert head[0].startswith(f"# {number:04d}: ")
        assert re.match(r"Status: (proposed|accepted|rejected|replaced by \d{4})", head[2]), record.name
        assert f"({record.name})" in index
